//! What users write and read: the custom resources of the group `sudoless.dev`, as data and schema.
//!
//! There is no behaviour here. The API server enforces what a schema or a CEL rule can express (`schema`);
//! everything else, and everything once more for objects that were stored before a rule existed, is
//! checked where a resource is validated. Nothing but `spec.mode` has a default in the schema (its column in
//! `kubectl get` would be blank without one); the other defaults are in [`defaults`] and are applied by the reader.

pub mod condition;
pub mod defaults;
pub mod policy;
pub mod policy_status;
pub mod remediation;
mod schema;

pub use condition::{ConditionReason, ConditionType};
pub use policy::{
    AccountSpec, Exemption, Mode, NotebookRootAccessPolicy, NotebookRootAccessPolicySpec,
    RemediationSpec, Selector, Timeouts, WhenRunning, Window,
};
pub use policy_status::{
    Finding, NextStep, NotebookRootAccessPolicyStatus, RootAccess, Summary, TargetState,
    TargetStatus, Verdict,
};
pub use remediation::{
    NotebookRemediation, NotebookRemediationSpec, NotebookRemediationStatus, RemediatedNotebook,
    RemediationAccess, RemediationState, RemediationStep, RemediationTimeouts,
};

/// The finalizer of a record that is under way: deleting it brings the notebook back first.
pub const RESTORE_FINALIZER: &str = "sudoless.dev/restore";

/// The label of a record that names the Lease of the operator that made it: with several operators, whose it is.
pub const OPERATOR_LABEL: &str = "sudoless.dev/operator";

/// The annotation that asks for a full scan at once, past every cache: any value that differs from the last one.
pub const SCAN_NOW_ANNOTATION: &str = "sudoless.dev/scan-now";

/// The value in `regions` that stands for every region enabled for the account, alone in its list.
pub const EVERY_REGION: &str = "*";
