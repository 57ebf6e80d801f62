//! The responses of AWS to writes.

use std::fmt;

/// A write to AWS. No others exist (promise P9).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Call {
    /// Stops a running notebook.
    Stop,
    /// Sets the notebook's `RootAccess` to `Disabled`, and changes nothing else.
    Update,
    /// Starts a stopped notebook.
    Start,
}

/// The response to a write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WriteResponse {
    /// The meaning of the response.
    pub kind: WriteOutcome,
    /// AWS's message, without request ids, secrets or times, so that it can be shown. Empty if AWS
    /// accepted the write.
    pub words: String,
}

/// The meaning of a response to a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum WriteOutcome {
    /// AWS accepted the request. The requested change may still fail later.
    Accepted,
    /// Rejected: the identity lacks permission. Nothing happened.
    Denied,
    /// Rejected: the notebook's status does not allow the request. Nothing happened.
    WrongStatus,
    /// Rejected: a quota is exhausted (`ResourceLimitExceeded`). Nothing happened.
    LimitExceeded,
    /// Rejected: the notebook does not exist. Nothing happened.
    NotFound,
    /// Throttled. The response proves nothing, so the notebook must be described again.
    Throttled,
    /// No response, a server error, an unknown error, or a request that was never sent. Nothing is
    /// canary_passed, so the notebook must be described again.
    Unclear,
}

impl Call {
    /// Every write.
    pub const ALL: [Self; 3] = [Self::Stop, Self::Update, Self::Start];
}

impl WriteOutcome {
    /// Every kind.
    pub const ALL: [Self; 7] = [
        Self::Accepted,
        Self::Denied,
        Self::WrongStatus,
        Self::LimitExceeded,
        Self::NotFound,
        Self::Throttled,
        Self::Unclear,
    ];

    /// Returns the kind in the metrics' spelling.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "Accepted",
            Self::Denied => "Denied",
            Self::WrongStatus => "WrongStatus",
            Self::LimitExceeded => "LimitExceeded",
            Self::NotFound => "NotFound",
            Self::Throttled => "Throttled",
            Self::Unclear => "Unclear",
        }
    }

    /// Returns true if the request certainly had no effect and will have none.
    #[must_use]
    pub fn is_refusal(self) -> bool {
        matches!(
            self,
            Self::Denied | Self::WrongStatus | Self::LimitExceeded | Self::NotFound
        )
    }
}

impl fmt::Display for Call {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(match self {
            Self::Stop => "Stop",
            Self::Update => "Update",
            Self::Start => "Start",
        })
    }
}

impl fmt::Display for WriteOutcome {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.as_str())
    }
}
