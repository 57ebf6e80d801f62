//! Enums of label values.

use strum::{Display, IntoStaticStr, VariantArray};

use crate::domain::WriteOutcome;

/// Controller of the operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Display, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "lowercase")]
pub enum Controller {
    /// Controller of `NotebookRootAccessPolicy`.
    Policy,
    /// Controller of `NotebookRemediation`.
    Remediation,
}

/// Result of one pass of a controller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Display, IntoStaticStr, VariantArray)]
pub enum ReconciliationResult {
    /// The status contains the pass's findings, unreadable targets included.
    Success,
    /// The resource is invalid. The controller waits until a person changes it.
    Invalid,
    /// The pass failed, and is retried with back-off.
    Failed,
    /// The pass panicked, which is a bug. The pass is retried with back-off.
    Panicked,
}

/// Reason why a stopped notebook does not start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Display, IntoStaticStr, VariantArray)]
pub enum StartFailure {
    /// The role lacks permission to start the notebook.
    AccessDenied,
    /// The start would exceed a quota.
    LimitExceeded,
    /// AWS rejected two or more Starts in a row of a notebook that is down. Its platform may be
    /// retired.
    Rejected,
    /// AWS accepted the Start, and the notebook's status became Failed: capacity, network, key or
    /// lifecycle script.
    Failed,
}

impl Controller {
    /// Returns the controller's label in the metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

impl ReconciliationResult {
    /// Returns the result's label in the metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

impl StartFailure {
    /// Returns the failure for an answer to a Start, if any. A single rejection for the status is
    /// no failure, because the owner may have started the notebook just before.
    #[must_use]
    pub fn from_answer(answer: WriteOutcome, attempts: u32) -> Option<Self> {
        match answer {
            WriteOutcome::Denied => Some(Self::AccessDenied),
            WriteOutcome::LimitExceeded => Some(Self::LimitExceeded),
            WriteOutcome::WrongStatus if attempts > 1 => Some(Self::Rejected),
            WriteOutcome::WrongStatus
            | WriteOutcome::Accepted
            | WriteOutcome::NotFound
            | WriteOutcome::Throttled
            | WriteOutcome::Unclear => None,
        }
    }

    /// Returns the failure's label in the metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}
