//! The custom resources of the group `sudoless.dev`, as data and schema.
//!
//! This module has no behaviour. The API server enforces the rules that a schema or a CEL rule can
//! express (`schema`). Validation enforces the other rules. It also repeats the API server's rules,
//! because an object may have been stored before a rule existed.
//!
//! Only `spec.mode` has a default in the schema. Without that default, its column in `kubectl get`
//! would be blank. The other defaults are in [`defaults`], and the reader applies them.

pub mod condition;
pub mod defaults;
pub mod limits;
pub mod policy;
pub mod policy_status;
pub mod remediation;
mod schema;

pub use condition::{ConditionReason, ConditionType};
pub use policy::{
    AccountSpec, Exemption, NotebookRootAccessPolicy, NotebookRootAccessPolicySpec,
    RemediationSpec, Selector, Timeouts, Window,
};
pub use policy_status::{Finding, NotebookRootAccessPolicyStatus, Summary, TargetStatus};
pub use remediation::{
    NotebookRemediation, NotebookRemediationSpec, NotebookRemediationStatus, RemediatedNotebook,
    RemediationAccess, RemediationTimeouts,
};

// The enums of the fields.
pub use crate::domain::{
    Mode, NextStep, RecordState, RootAccess, Step, TargetState, Verdict, WhenRunning,
};

/// The finalizer of an unfinished record. When the record is deleted, the notebook is restored
/// first.
pub const RESTORE_FINALIZER: &str = "sudoless.dev/restore";

/// The label of a record that names the Lease of the operator that created the record. With several
/// operators, the label tells their records apart.
pub const OPERATOR_LABEL: &str = "sudoless.dev/operator";

/// The annotation that requests an immediate full scan, past every cache. Any new value requests a
/// scan.
pub const SCAN_NOW_ANNOTATION: &str = "sudoless.dev/scan-now";

/// The value in `regions` that means every region enabled for the account. It must be the only
/// item.
pub const EVERY_REGION: &str = "*";
