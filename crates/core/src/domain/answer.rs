//! The responses of AWS to writes.

use strum::{Display, IntoStaticStr, VariantArray};

/// A write to AWS. No others exist (promise P9).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Display, VariantArray)]
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
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Display, IntoStaticStr, VariantArray,
)]
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
    /// proven, so the notebook must be described again.
    Unclear,
}

impl WriteOutcome {
    /// Returns the kind in the metrics' spelling.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.into()
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
