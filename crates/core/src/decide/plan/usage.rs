//! The totals over all records, for the plan of one policy.

use std::collections::{BTreeSet, HashMap};

use jiff::Timestamp;

use super::super::{Budget, PartialRecord};
use crate::domain::{
    AccountId, EndReason, Mode, NotebookArn, Policy, PolicyName, Record, RecordName, RecordState,
    Region, RemediationCounts, Target, TargetRegion,
};

use super::is_remediating;

/// The maximum number of concurrent updates of stopped notebooks per account and region. These
/// updates take no slot of a budget. The limit avoids flooding an unpublished quota.
pub const MOST_UPDATES: u32 = 10;

/// The maximum number of concurrent updates of stopped notebooks over all accounts, regions and
/// policies. The limit bounds the load on the API server, on AWS and on the operator in a large
/// fleet. A notebook that needs attention does not count. Otherwise five accounts and regions with
/// hanging updates would block all others (promise P8).
pub const MOST_UPDATES_OVER_ALL: u32 = 50;

/// The totals over all records that budgets and locks depend on.
#[derive(Clone, Debug, Default)]
pub struct Usage {
    policy: Option<PolicyName>,
    /// Notebooks that are down for this policy, or may be, in any state.
    down: u32,
    /// Of these, the notebooks that the operator stopped and that need attention.
    down_and_need_attention: u32,
    /// Updates of stopped notebooks in progress, of every policy, except those that need attention.
    updates: u32,
    remediating: u32,
    failed: u32,
    attention: BTreeSet<String>,
    targets: HashMap<(AccountId, Region), TargetUsage>,
    notebooks: HashMap<NotebookArn, Known>,
    /// Invalid records by name, each with its error.
    invalid: HashMap<String, String>,
}

/// The records of one account and region.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct TargetUsage {
    /// Notebooks that are down for this policy, including those that need attention.
    pub(super) down: u32,
    /// Notebooks that are down for any policy.
    pub(super) down_for_any: u32,
    /// Updates of stopped notebooks in progress, of every policy.
    pub(super) updates: u32,
    /// Failed records of this policy that are not acknowledged.
    pub(super) failed: u32,
    /// True if a restarted notebook of any policy came back: the canary's evidence.
    pub(super) canary_passed: bool,
    /// The time when a record of any policy last ended because AWS gave no clear response.
    pub(super) timed_out: Option<Timestamp>,
}

/// The known facts of a notebook's record.
#[derive(Clone, Debug)]
pub(super) struct Known {
    pub(super) name: RecordName,
    pub(super) policy: PolicyName,
    pub(super) state: RecordState,
    pub(super) was_running: bool,
    pub(super) recurrence: u32,
    pub(super) timed_out: Option<Timestamp>,
}

impl Usage {
    /// Tallies all records for one policy.
    #[must_use]
    pub fn of<'r>(policy: &PolicyName, records: impl IntoIterator<Item = &'r Record>) -> Self {
        let mut usage = Self {
            policy: Some(policy.clone()),
            ..Self::default()
        };
        for record in records {
            usage.add(record);
        }
        usage
    }

    /// Adds a record.
    pub fn add(&mut self, record: &Record) {
        let intent = &record.intent;
        let state = record.progress.state;
        let is_own = self.policy.as_ref() == Some(&intent.policy);
        let takes_a_slot = record.takes_a_slot();
        let key = (
            intent.notebook.account.clone(),
            intent.notebook.region.clone(),
        );
        let target = self.targets.entry(key).or_default();
        target.down_for_any += u32::from(takes_a_slot);
        target.down += u32::from(takes_a_slot && is_own);
        let needs_attention = state == RecordState::NeedsAttention;
        let updates = !intent.was_running && !record.is_finished();
        target.updates += u32::from(updates);
        self.updates += u32::from(updates && !needs_attention);
        target.failed += u32::from(is_own && state == RecordState::Failed);
        target.canary_passed |= record.shows_a_return();
        let timed_out = (record.progress.end == Some(EndReason::TimedOut))
            .then_some(record.progress.completed_at)
            .flatten();
        target.timed_out = target.timed_out.max(timed_out);
        if is_own {
            self.down += u32::from(takes_a_slot);
            self.down_and_need_attention += u32::from(record.is_down_and_needs_attention());
            self.remediating += u32::from(is_remediating(record));
            self.failed += u32::from(state == RecordState::Failed);
            if needs_attention {
                self.attention
                    .insert(RecordName::of(&intent.notebook).to_string());
            }
        }
        self.notebooks.insert(
            intent.notebook.arn.clone(),
            Known {
                name: RecordName::of(&intent.notebook),
                policy: intent.policy.clone(),
                state,
                was_running: intent.was_running,
                recurrence: intent.recurrence,
                timed_out,
            },
        );
    }

    /// Adds an invalid record. Its notebook counts as down if it may be down. It counts for this
    /// policy if it may belong to the policy.
    pub fn add_partial(&mut self, record: &PartialRecord) {
        let is_own = record.policy.is_none() || record.policy == self.policy;
        if record.may_be_down {
            self.down += u32::from(is_own);
            if is_own {
                // Only a person can bring the notebook back.
                self.attention.insert(record.name.clone());
            }
            if let Some(key) = &record.target {
                let target = self.targets.entry(key.clone()).or_default();
                target.down_for_any += 1;
                target.down += u32::from(is_own);
            }
        }
        self.invalid
            .insert(record.name.clone(), record.problem.clone());
    }

    /// Returns the error of a record, if it is invalid.
    pub(super) fn invalid(&self, name: &RecordName) -> Option<&str> {
        self.invalid.get(name.as_str()).map(String::as_str)
    }

    /// Records that a restarted notebook came back in an account and region.
    pub fn mark_canary_passed(&mut self, account: &AccountId, region: &Region) {
        let key = (account.clone(), region.clone());
        self.targets.entry(key).or_default().canary_passed = true;
    }

    /// Returns true if a restarted notebook came back in an account and region.
    #[cfg(test)]
    pub(super) fn is_canary_passed(&self, account: &AccountId, region: &Region) -> bool {
        self.target(account, region).canary_passed
    }

    /// Returns the number of occupied slots of `maxConcurrent`. A notebook that needs attention
    /// gives its slot back, so that it blocks only its own account and region. At most
    /// `maxFailures − 1` slots are given back, so that at most `maxConcurrent + maxFailures − 1`
    /// notebooks are down (promise P6).
    pub(super) fn slots_taken(&self, policy: &Policy) -> u32 {
        let most = policy.remediation.max_failures.saturating_sub(1);
        self.down - self.down_and_need_attention.min(most)
    }

    /// Returns the number of updates of stopped notebooks that count for the overall limit.
    pub(super) fn updates(&self) -> u32 {
        self.updates
    }

    /// Returns true if the brake holds. Too many notebooks are then down and need attention,
    /// anywhere, and no running notebook is stopped for the policy.
    pub(super) fn brakes(&self, policy: &Policy) -> bool {
        self.down_and_need_attention >= policy.remediation.max_failures
    }

    /// Summarizes the policy's remediations. Window and rest times do not come from records.
    pub(super) fn remediation_counts(&self, policy: &Policy) -> RemediationCounts {
        RemediationCounts {
            remediating: self.remediating,
            needs_attention: self.attention.iter().cloned().collect(),
            failed: self.failed,
            braked: policy.mode == Mode::Enforce && self.brakes(policy),
            halted: self.halted(policy),
            window_opens: None,
            rested_at: None,
        }
    }

    pub(super) fn target(&self, account: &AccountId, region: &Region) -> TargetUsage {
        let key = (account.clone(), region.clone());
        self.targets.get(&key).copied().unwrap_or_default()
    }

    pub(super) fn notebook(&self, arn: &NotebookArn) -> Option<&Known> {
        self.notebooks.get(arn)
    }

    /// Returns the accounts and regions where nothing new begins, because too many remediations
    /// failed.
    fn halted(&self, policy: &Policy) -> BTreeSet<Target> {
        self.targets
            .iter()
            .filter(|(_, target)| target.failed >= policy.remediation.max_failures)
            .map(|((account, region), _)| Target {
                account: account.clone(),
                region: TargetRegion::Named(region.clone()),
            })
            .collect()
    }

    /// Judges a Stop that is about to be sent for one of the counted records. `own` is that record
    /// as it was counted. It takes a slot even if it needs attention.
    #[must_use]
    pub fn budget(&self, policy: &Policy, own: &Record) -> Budget {
        let remediation = &policy.remediation;
        let notebook = &own.intent.notebook;
        let mut others = self.clone();
        // Another operator may have written the record since this one read it.
        let own_need = u32::from(own.is_down_and_needs_attention());
        others.down_and_need_attention = others.down_and_need_attention.saturating_sub(own_need);
        if others.brakes(policy) {
            Budget::Halted
        } else if others.slots_taken(policy) > remediation.max_concurrent
            || self.target(&notebook.account, &notebook.region).down
                > remediation.max_concurrent_per_region
        {
            Budget::Exceeded
        } else {
            Budget::Kept
        }
    }
}
