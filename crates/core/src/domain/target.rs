//! What is read as one: the notebooks of an account in a region, under one identity.

use std::{fmt, sync::Arc};

use jiff::Timestamp;

use super::{AccountId, ExternalId, Notebook, Region, RoleName};

/// How the operator reaches an account.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Access {
    /// The role to assume; `None`: the operator's own identity, whose account must be the target's.
    pub role: Option<RoleName>,
    /// Sent with `AssumeRole`.
    pub external_id: Option<ExternalId>,
}

/// An account and region as a policy's status names it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Target {
    /// The account.
    pub account: AccountId,
    /// The region.
    pub region: TargetRegion,
}

/// A target's region.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TargetRegion {
    /// `"*"` that could not be resolved.
    Unresolved,
    /// A region.
    Named(Region),
}

/// What the inventory caches by. The same account and region under another identity is another target, because
/// what one identity may read says nothing about another.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TargetKey {
    /// The account.
    pub account: AccountId,
    /// The region.
    pub region: Region,
    /// The identity.
    pub access: Access,
}

/// How the last attempt to read a target ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TargetState {
    /// Read.
    Scanned,
    /// `AssumeRole`, List or Describe was refused.
    AccessDenied,
    /// The region is not enabled for the account.
    RegionDisabled,
    /// Throttled past what patience rides out.
    Throttled,
    /// No answer, a server's fault, or an error that is not known.
    Unreachable,
    /// The operator's credentials are missing, wrong, expired, or of another account.
    InvalidCredentials,
}

/// Why something could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadFailure {
    /// What it means for the target. Never `Scanned`.
    pub state: TargetState,
    /// What to show: the operation, AWS's code and its message, without request ids, secrets or times, so that the
    /// same failure always reads the same.
    pub message: String,
}

/// The notebooks of a target, as of one attempt to read it.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// Whose.
    pub target: Target,
    /// When the attempt began.
    pub started_at: Timestamp,
    /// How it ended.
    pub state: TargetState,
    /// Why it could not be read, or not in full.
    pub message: Option<String>,
    /// State and message for a policy that speaks of tags, where reading those makes a difference. What somebody else's
    /// policy wants to know must not make a target unreadable.
    pub with_tags: Option<(TargetState, Option<String>)>,
    /// Sorted by name. Of a target that could not be listed: those last seen, each of them unread.
    pub notebooks: Vec<Arc<Notebook>>,
    /// When the last attempt began that read all of it.
    pub last_success: Option<Timestamp>,
}

impl TargetState {
    /// Every state.
    pub const ALL: [Self; 6] = [
        Self::Scanned,
        Self::AccessDenied,
        Self::RegionDisabled,
        Self::Throttled,
        Self::Unreachable,
        Self::InvalidCredentials,
    ];

    /// The state as the status and the metrics spell it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Scanned => "Scanned",
            Self::AccessDenied => "AccessDenied",
            Self::RegionDisabled => "RegionDisabled",
            Self::Throttled => "Throttled",
            Self::Unreachable => "Unreachable",
            Self::InvalidCredentials => "InvalidCredentials",
        }
    }

    /// Whether notebooks may be there that nobody saw. A region that is not enabled has none (promise P1); the inventory shows a region
    /// that `ListRegions` lists as enabled never as `RegionDisabled`.
    #[must_use]
    pub fn is_unreadable(self) -> bool {
        !matches!(self, Self::Scanned | Self::RegionDisabled)
    }

    /// Whether it stays so until a person changes something, in AWS or in the policy.
    #[must_use]
    pub fn is_refused(self) -> bool {
        matches!(self, Self::AccessDenied | Self::InvalidCredentials)
    }
}

impl TargetRegion {
    /// The region's code, or `*`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Unresolved => "*",
            Self::Named(region) => region.as_str(),
        }
    }
}

impl TargetKey {
    /// The target as the status names it.
    #[must_use]
    pub fn target(&self) -> Target {
        Target {
            account: self.account.clone(),
            region: TargetRegion::Named(self.region.clone()),
        }
    }
}

impl fmt::Display for TargetState {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.as_str())
    }
}

impl fmt::Display for TargetRegion {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.as_str())
    }
}

impl fmt::Display for Target {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}", self.account, self.region)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Promise P1: of all that is not read, only a region that is not enabled holds no notebooks for sure.
    #[test]
    fn what_was_not_read_may_hold_notebooks() {
        let readable: Vec<TargetState> = TargetState::ALL
            .into_iter()
            .filter(|state| !state.is_unreadable())
            .collect();
        assert_eq!(
            readable,
            [TargetState::Scanned, TargetState::RegionDisabled]
        );
        let refused: Vec<TargetState> = TargetState::ALL
            .into_iter()
            .filter(|state| state.is_refused())
            .collect();
        assert_eq!(
            refused,
            [TargetState::AccessDenied, TargetState::InvalidCredentials]
        );
    }
}
