//! A validated policy.

use std::{collections::BTreeSet, fmt, sync::Arc, time::Duration};

use jiff::{Timestamp, tz::TimeZone};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use strum::{Display, IntoStaticStr};

use super::{Access, AccountId, Matcher, Region};

/// The name of a `NotebookRootAccessPolicy`, unique in the cluster.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PolicyName(Arc<str>);

/// A `NotebookRootAccessPolicy` after validation.
#[derive(Clone, Debug)]
pub struct Policy {
    /// The policy's name.
    pub name: PolicyName,
    /// The reaction to violations.
    pub mode: Mode,
    /// True if the policy is suspended: no scan, and nothing new begins.
    pub suspended: bool,
    /// The interval between reads of the policy's targets.
    pub scan_interval: Duration,
    /// The accounts that the policy covers, each once.
    pub accounts: Vec<Account>,
    /// The notebooks that the policy covers.
    pub selector: Matcher,
    /// The notebooks that are left alone.
    pub exemptions: Vec<Exemption>,
    /// The rules for disabling root access.
    pub remediation: Remediation,
    /// Settings that are valid but probably unintended.
    pub warnings: Vec<Warning>,
}

/// A setting that is valid but probably unintended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// The field, such as `spec.exemptions[0]`.
    pub path: String,
    /// The rest of the sentence after the path, with the remedy.
    pub sentence: String,
}

impl Warning {
    /// Creates a warning about the field at `path`.
    pub fn new(path: impl Into<String>, sentence: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            sentence: sentence.into(),
        }
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {}", self.path, self.sentence)
    }
}

/// The reaction to notebooks that give their users root.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    Hash,
    Serialize,
    Deserialize,
    JsonSchema,
    Display,
    IntoStaticStr,
)]
pub enum Mode {
    /// Reports only. Nothing in AWS is changed.
    #[default]
    Audit,
    /// Reports, and disables root access.
    Enforce,
}

/// An account that a policy covers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// The account's id.
    pub id: AccountId,
    /// The role for access to the account.
    pub access: Access,
    /// The regions to scan.
    pub regions: Regions,
}

/// The regions of an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Regions {
    /// Every region that is enabled for the account.
    Enabled,
    /// These regions.
    Named(BTreeSet<Region>),
}

/// An exemption of notebooks from a policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exemption {
    /// The reason, in the platform team's words.
    pub reason: String,
    /// The exempt notebooks.
    pub matcher: Matcher,
    /// The expiry. `None`: the exemption never expires.
    pub expires_at: Option<Timestamp>,
}

/// The rules for disabling root access.
#[derive(Clone, Debug)]
pub struct Remediation {
    /// The handling of a running notebook.
    pub when_running: WhenRunning,
    /// The maximum number of restarts in progress for the policy.
    pub max_concurrent: u32,
    /// The maximum number of restarts in progress for the policy, per account and region.
    pub max_concurrent_per_region: u32,
    /// The number of failures in an account and region that halts remediation there. The same
    /// number of notebooks that are down and need attention halts the restarts of the whole policy.
    pub max_failures: u32,
    /// The minimum time from a notebook's stop to its update. Zero: stopped notebooks are updated
    /// at once.
    pub rest_after_stop: Duration,
    /// The times when notebooks may be stopped. Empty: any time.
    pub windows: Vec<Window>,
    /// The timeout of each step.
    pub timeouts: Timeouts,
}

/// The handling of a running notebook.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub enum WhenRunning {
    /// Stops the notebook, updates it and starts it again.
    #[default]
    Restart,
    /// Updates the notebook after its owner has stopped it.
    Wait,
}

/// A period when notebooks may be stopped.
#[derive(Clone, Debug)]
pub struct Window {
    /// The opening times, by the clock of `time_zone`.
    pub schedule: croner::Cron,
    /// The meaning of a time that the clock shows twice.
    pub repeated_time: RepeatedTime,
    /// The time that the window stays open.
    pub duration: Duration,
    /// The time zone of the schedule's clock.
    pub time_zone: TimeZone,
}

/// The meaning of a time that the clock shows twice, when it is put back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RepeatedTime {
    /// The first occurrence only: the schedule names hours and minutes.
    First,
    /// Both occurrences: the schedule repeats by hour or minute, as `*` and `*/15` do.
    Both,
}

/// The timeout of each step of a remediation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// The timeout until the notebook is Stopped.
    pub stop: Duration,
    /// The timeout until root access is Disabled.
    pub update: Duration,
    /// The timeout until the notebook is InService.
    pub start: Duration,
}

impl PolicyName {
    /// Returns the name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&str> for PolicyName {
    /// Takes the name unchecked, because the API server has validated it.
    fn from(name: &str) -> Self {
        Self(name.into())
    }
}

impl fmt::Display for PolicyName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(&self.0)
    }
}

impl Mode {
    /// Returns the mode in the spelling of the spec and the metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

impl Policy {
    /// Returns true if the policy names an account and region. A policy over every enabled region
    /// names every region of the account.
    #[must_use]
    pub fn names(&self, account: &AccountId, region: &Region) -> bool {
        self.accounts.iter().any(|each| {
            each.id == *account
                && match &each.regions {
                    Regions::Enabled => true,
                    Regions::Named(regions) => regions.contains(region),
                }
        })
    }

    /// Returns the access to an account, if the policy names the account.
    #[must_use]
    pub fn access(&self, account: &AccountId) -> Option<&Access> {
        let named = self.accounts.iter().find(|each| each.id == *account);
        named.map(|named| &named.access)
    }

    /// Returns true if the policy uses the notebooks' tags.
    #[must_use]
    pub fn speaks_of_tags(&self) -> bool {
        self.selector.speaks_of_tags()
            || self
                .exemptions
                .iter()
                .any(|exemption| exemption.matcher.speaks_of_tags())
    }
}

impl Exemption {
    /// Returns true if the exemption holds at an instant. It does not hold any more at the instant
    /// of its expiry.
    #[must_use]
    pub fn holds_at(&self, now: Timestamp) -> bool {
        self.expires_at.is_none_or(|expiry| now < expiry)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn an_exemption_ends_at_its_expiry() {
        let at = |seconds| Timestamp::from_second(seconds).unwrap();
        let exemption = |expires_at| Exemption {
            reason: "why".to_owned(),
            matcher: Matcher::default(),
            expires_at,
        };
        assert!(exemption(None).holds_at(Timestamp::MAX));
        let expiring = exemption(Some(at(10)));
        assert_eq!(
            [9, 10, 11].map(|now| expiring.holds_at(at(now))),
            [true, false, false]
        );
    }
}
