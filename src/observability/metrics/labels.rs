//! The closed sets that label values come from.

use std::fmt;

use crate::domain::AnswerKind;

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

/// Why a notebook that the operator stopped does not start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StartFailure {
    /// The role may not start it.
    AccessDenied,
    /// A quota is used up.
    LimitExceeded,
    /// AWS refused two Starts in a row, or more, of a notebook that is down: its platform may be retired.
    Rejected,
    /// AWS accepted the Start, and the notebook ended in status Failed: capacity, network, key or lifecycle script.
    Failed,
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

impl StartFailure {
    /// Every failure.
    pub const ALL: [Self; 4] = [
        Self::AccessDenied,
        Self::LimitExceeded,
        Self::Rejected,
        Self::Failed,
    ];

    /// The failure that the answer to a Start is, if it is one. A single refusal for the status is none: its owner may have started the
    /// notebook just before.
    #[must_use]
    pub fn from_answer(answer: AnswerKind, attempts: u32) -> Option<Self> {
        match answer {
            AnswerKind::Denied => Some(Self::AccessDenied),
            AnswerKind::LimitExceeded => Some(Self::LimitExceeded),
            AnswerKind::WrongStatus if attempts > 1 => Some(Self::Rejected),
            AnswerKind::WrongStatus
            | AnswerKind::Accepted
            | AnswerKind::NotFound
            | AnswerKind::Throttled
            | AnswerKind::Unclear => None,
        }
    }

    /// The failure as the metrics spell it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AccessDenied => "AccessDenied",
            Self::LimitExceeded => "LimitExceeded",
            Self::Rejected => "Rejected",
            Self::Failed => "Failed",
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

as_text!(Controller, ReconciliationResult, StartFailure);
