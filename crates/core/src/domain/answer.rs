//! How AWS answered a write.

use std::fmt;

/// A write to AWS: the only three that exist (promise P9).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Call {
    /// Stop a running notebook.
    Stop,
    /// Set its root access to Disabled, and nothing else.
    Update,
    /// Start a stopped notebook.
    Start,
}

/// How a write was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// What it means.
    pub kind: AnswerKind,
    /// AWS's words, fit to show: without request ids, secrets or times. Empty where it was accepted.
    pub words: String,
}

/// What the answer to a write means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AnswerKind {
    /// It was taken; what it asks for happens, or not, later.
    Accepted,
    /// Refused for good: the identity may not. Nothing happened.
    Denied,
    /// Refused: the notebook's status does not allow it. Nothing happened.
    WrongStatus,
    /// Refused: a quota is used up (`ResourceLimitExceeded`). Nothing happened.
    LimitExceeded,
    /// Refused: there is no such notebook. Nothing happened.
    NotFound,
    /// Throttled. Nothing is proven: look again.
    Throttled,
    /// No answer, a server's fault, an error that is not known, or one that was never sent. Nothing is proven: look again.
    Unclear,
}

impl Call {
    /// Every write.
    pub const ALL: [Self; 3] = [Self::Stop, Self::Update, Self::Start];
}

impl AnswerKind {
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

    /// The kind as the metrics spell it.
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

    /// Whether it is certain that nothing happened and nothing will.
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

impl fmt::Display for AnswerKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.as_str())
    }
}
