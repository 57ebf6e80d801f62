//! Targets: the notebooks of an account in a region, read under one identity.

use std::{fmt, sync::Arc};

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use strum::{Display, IntoStaticStr, VariantArray};

use super::{AccountId, ExternalId, Notebook, Region, RoleName};

/// The identity for access to an account.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Access {
    /// The role to assume. `None`: the operator's own identity, which must belong to the account.
    pub role: Option<RoleName>,
    /// The external id for `AssumeRole`.
    pub external_id: Option<ExternalId>,
}

/// An account and region, as a policy's status names them.
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
    /// A `"*"` that could not be resolved.
    Unresolved,
    /// A named region.
    Named(Region),
}

/// The key of the fleet's cache. The same account and region under another identity is another
/// target, because one identity's permissions say nothing about another's.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TargetKey {
    /// The account.
    pub account: AccountId,
    /// The region.
    pub region: Region,
    /// The identity.
    pub access: Access,
}

/// The result of reading one region of one account.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    JsonSchema,
    Display,
    IntoStaticStr,
    VariantArray,
)]
pub enum TargetState {
    /// The read succeeded.
    Scanned,
    /// AWS denied `AssumeRole`, List or Describe.
    AccessDenied,
    /// The region is not enabled for the account.
    RegionDisabled,
    /// AWS kept throttling the requests.
    Throttled,
    /// No usable response arrived within the deadline.
    Unreachable,
    /// The operator's identity is invalid there or belongs to another account.
    InvalidCredentials,
}

/// The reason of a failed read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadFailure {
    /// The resulting state of the target. Never `Scanned`.
    pub state: TargetState,
    /// The message to show: operation, AWS's code and AWS's message. It has no request ids, secrets
    /// or times, so that the same failure always has the same message.
    pub message: String,
}

/// The notebooks of a target, as of one attempt to read the target.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// The target.
    pub target: Target,
    /// The start time of the attempt.
    pub started_at: Timestamp,
    /// The result of the attempt.
    pub state: TargetState,
    /// The reason why the target was not read, or not fully.
    pub message: Option<String>,
    /// The state and message for policies that use tags, if reading the tags changes them. A target
    /// must not become unreadable for other policies because of tags that only one policy uses.
    pub with_tags: Option<(TargetState, Option<String>)>,
    /// The notebooks, sorted by name. If the target could not be listed, these are the notebooks
    /// last seen, each of them unread.
    pub notebooks: Vec<Arc<Notebook>>,
    /// The start time of the last attempt that read the whole target.
    pub last_success: Option<Timestamp>,
}

impl TargetState {
    /// Returns the state in the spelling of the status and the metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// Returns true if the target may have notebooks that were not read. A region that is not
    /// enabled has none (promise P1). The fleet never reports `RegionDisabled` for a region
    /// that `ListRegions` lists as enabled.
    #[must_use]
    pub fn is_unreadable(self) -> bool {
        !matches!(self, Self::Scanned | Self::RegionDisabled)
    }

    /// Returns true if the state lasts until a person changes something, in AWS or in the policy.
    #[must_use]
    pub fn is_refused(self) -> bool {
        matches!(self, Self::AccessDenied | Self::InvalidCredentials)
    }
}

impl TargetRegion {
    /// Returns the region's code, or `*`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Unresolved => "*",
            Self::Named(region) => region.as_str(),
        }
    }
}

impl TargetKey {
    /// Returns the target as the status names it.
    #[must_use]
    pub fn target(&self) -> Target {
        Target {
            account: self.account.clone(),
            region: TargetRegion::Named(self.region.clone()),
        }
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

    /// Promise P1: among unread targets, only a region that is not enabled certainly has no
    /// notebooks.
    #[test]
    fn what_was_not_read_may_hold_notebooks() {
        let readable: Vec<TargetState> = TargetState::VARIANTS
            .iter()
            .copied()
            .filter(|state| !state.is_unreadable())
            .collect();
        assert_eq!(
            readable,
            [TargetState::Scanned, TargetState::RegionDisabled]
        );
        let refused: Vec<TargetState> = TargetState::VARIANTS
            .iter()
            .copied()
            .filter(|state| state.is_refused())
            .collect();
        assert_eq!(
            refused,
            [TargetState::AccessDenied, TargetState::InvalidCredentials]
        );
    }
}
