//! generate *(pure)*: the AWS resources that the operator needs, as text (IAM policies, SCP,
//! templates), and a starter policy.
//!
//! `scripts/generate.sh` writes `config/iam/` with this module, so that the files equal the output
//! of `sudoless generate`. This module only returns text and cannot send a request.

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
