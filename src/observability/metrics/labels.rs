//! The closed sets that label values come from.

use std::fmt;

/// One of the operator's loops.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Controller {
    /// The one over `NotebookRootAccessPolicy`.
    Policy,
    /// The one over `NotebookRemediation`.
    Remediation,
}

/// How one pass of a controller ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ReconciliationResult {
    /// The status says what was found, targets that could not be read included.
    Success,
    /// The resource could not be understood; nothing happens until a person changes it.
    Invalid,
    /// The pass did not get to its end, and is tried again with back-off.
    Failed,
    /// The pass panicked, which is a bug, and is tried again with back-off.
    Panicked,
}

impl Controller {
    /// Every controller.
    pub const ALL: [Self; 2] = [Self::Policy, Self::Remediation];

    /// The controller as the metrics spell it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Policy => "policy",
            Self::Remediation => "remediation",
        }
    }
}

impl ReconciliationResult {
    /// Every result.
    pub const ALL: [Self; 4] = [Self::Success, Self::Invalid, Self::Failed, Self::Panicked];

    /// The result as the metrics spell it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Success => "Success",
            Self::Invalid => "Invalid",
            Self::Failed => "Failed",
            Self::Panicked => "Panicked",
        }
    }
}

macro_rules! as_text {
    ($($name:ident),+) => {$(
        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.pad(self.as_str())
            }
        }
    )+};
}

as_text!(Controller, ReconciliationResult);
