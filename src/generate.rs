//! generate *(pure)*: what has to stand in AWS around the operator, as text: IAM policies, an SCP, templates, a first policy.
//!
//! `config/iam/` is written from here (`scripts/generate.sh`), so that the files and what `sudoless generate` prints cannot
//! differ. What is printed is only text: nothing here can send a request.

mod cloudformation;
mod document;
mod input;
mod permissions;
mod policy;
mod template;
mod terraform;
mod trust;

pub use cloudformation::{member_role, notebook};
pub use document::{Document, Effect, PartitionName, Principal, Statement};
pub use input::{
    ClusterArn, InvalidInput, KubernetesName, OidcProvider, PrincipalPattern, RoleArn, Tag,
};
pub use permissions::{Permissions, RolePattern, member, operator, service_control_policy};
pub use policy::{Starter, starter};
pub use terraform::{File, many_accounts_module, member_role_module, notebook_module};
pub use trust::{ServiceAccount, irsa, member_trust, pod_identity};
