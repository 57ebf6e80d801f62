//! A policy whose every word has been understood.

use std::{collections::BTreeSet, fmt, sync::Arc, time::Duration};

use jiff::{Timestamp, tz::TimeZone};

use super::{Access, AccountId, Matcher, Region};

/// The name of a `NotebookRootAccessPolicy`, unique in the cluster.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PolicyName(Arc<str>);

/// A `NotebookRootAccessPolicy` after validation.
#[derive(Clone, Debug)]
pub struct Policy {
    /// Its name.
    pub name: PolicyName,
    /// Whether notebooks are changed.
    pub mode: Mode,
    /// No scan, nothing new is begun.
    pub suspended: bool,
    /// How often its targets are read.
    pub scan_interval: Duration,
    /// Whom it covers, each account once.
    pub accounts: Vec<Account>,
    /// Which of their notebooks.
    pub selector: Matcher,
    /// Which of those are left alone.
    pub exemptions: Vec<Exemption>,
    /// How notebooks are fixed.
    pub remediation: Remediation,
    /// What is not wrong but probably not meant either.
    pub warnings: Vec<Warning>,
}

/// Something about a policy that is not wrong but probably not meant either.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// The field, such as `spec.exemptions[0]`.
    pub path: String,
    /// What follows the path in a sentence, and what to do.
    pub sentence: String,
}

impl Warning {
    /// Something about the field at `path`.
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

/// What a policy does about violations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Reports them.
    Audit,
    /// Fixes them.
    Enforce,
}

/// An account that a policy covers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// Its id.
    pub id: AccountId,
    /// How to reach it.
    pub access: Access,
    /// Where to look.
    pub regions: Regions,
}

/// The regions of an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Regions {
    /// Every region that is enabled for the account.
    Enabled,
    /// These.
    Named(BTreeSet<Region>),
}

/// A reason to leave notebooks alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exemption {
    /// Why, in the platform team's words.
    pub reason: String,
    /// Which notebooks.
    pub matcher: Matcher,
    /// Until when; `None`: for ever.
    pub expires_at: Option<Timestamp>,
}

/// How notebooks are fixed.
#[derive(Clone, Debug)]
pub struct Remediation {
    /// What happens to a notebook that is running.
    pub when_running: WhenRunning,
    /// Restarts in flight under the policy.
    pub max_concurrent: u32,
    /// Restarts in flight under the policy, per account and region.
    pub max_concurrent_per_region: u32,
    /// Failures per account and region at which no new remediation starts there.
    pub max_failures: u32,
    /// How long ago a stopped notebook must have come to Stopped before it is updated. Zero: its age does not matter.
    pub rest_after_stop: Duration,
    /// When notebooks may be stopped; empty: at any time.
    pub windows: Vec<Window>,
    /// How long each step may take.
    pub timeouts: Timeouts,
}

/// What happens to a notebook that is running.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhenRunning {
    /// It is stopped, updated and started.
    Restart,
    /// It is fixed when its owner stops it.
    Wait,
}

/// A time in which notebooks may be stopped.
#[derive(Clone, Debug)]
pub struct Window {
    /// When it opens, by the clock of `time_zone`. It is bound to UTC, which stands for that clock, because where a clock is set
    /// the library (cronexpr 1.7.0) loses the times that are skipped, doubles those that come twice, and where these are half an
    /// hour (Lord Howe) never returns. In UTC there is nothing of that.
    pub schedule: cronexpr::Crontab,
    /// What the schedule means by a time that the clock shows twice.
    pub repeated_time: RepeatedTime,
    /// How long it stays open.
    pub duration: Duration,
    /// Whose clock the schedule means.
    pub time_zone: TimeZone,
}

/// What a schedule means by a time that the clock shows twice, when it is put back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RepeatedTime {
    /// The first: it names hours and minutes.
    First,
    /// Both: it runs through the hours or minutes, as `*` and `*/15` do.
    Both,
}

/// How long each step of a remediation may take before a person is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// Until it is Stopped.
    pub stop: Duration,
    /// Until root access is Disabled.
    pub update: Duration,
    /// Until it is InService.
    pub start: Duration,
}

impl PolicyName {
    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&str> for PolicyName {
    /// The API server has judged it.
    fn from(name: &str) -> Self {
        Self(name.into())
    }
}

impl fmt::Display for PolicyName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(&self.0)
    }
}

impl Policy {
    /// Whether it names an account and region. One over every enabled region names each that a notebook can be in.
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

    /// Whether it can be judged only with the notebooks' tags at hand.
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
    /// Whether it holds at an instant. One that expires at an instant does not hold at it.
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
