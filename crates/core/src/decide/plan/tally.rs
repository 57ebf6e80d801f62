//! What all the records add up to, for one policy's plan.

use std::collections::{BTreeSet, HashMap};

use jiff::Timestamp;

use super::super::{Budget, PartialRecord};
use crate::domain::{
    AccountId, EndReason, Flights, Mode, NotebookArn, Policy, PolicyName, Record, RecordName,
    RecordState, Region, Target, TargetRegion,
};

use super::is_remediating;

/// Updates of stopped notebooks that are under way at the same time per account and region. They take no slot of any budget;
/// this only keeps the operator from flooding a quota that nobody published.
pub const MOST_UPDATES: u32 = 10;

/// Updates of stopped notebooks that are under way at the same time over all accounts and regions, of every policy. The limit bounds the
/// load on the API server, on AWS and on the operator in a large fleet. A notebook that needs attention does not count: five accounts
/// and regions where updates hang would otherwise hold up all others (promise P8).
pub const MOST_UPDATES_OVER_ALL: u32 = 50;

/// The records that there are, as far as budgets and locks go.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    policy: Option<PolicyName>,
    /// Notebooks that are down for this policy, or may be, whatever their state.
    down: u32,
    /// Those of them that the operator stopped and that need attention.
    down_and_need_attention: u32,
    /// Updates of stopped notebooks under way, of every policy, those that need attention aside.
    updates: u32,
    remediating: u32,
    failed: u32,
    attention: BTreeSet<String>,
    targets: HashMap<(AccountId, Region), TargetTally>,
    notebooks: HashMap<NotebookArn, Known>,
    /// Records that cannot be understood, by name, with what is wrong with each.
    invalid: HashMap<String, String>,
}

/// The records of one account and region.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct TargetTally {
    /// Notebooks that are down for this policy, those that need attention included.
    pub(super) down: u32,
    /// The same for every policy.
    pub(super) down_for_any: u32,
    /// Updates of stopped notebooks under way, of every policy.
    pub(super) updates: u32,
    /// Failed records of this policy that nobody acknowledged.
    pub(super) failed: u32,
    /// Whether a restarted notebook came back, of whichever policy: the canary.
    pub(super) proven: bool,
    /// When a record last ended because AWS gave no clear answer, of whichever policy.
    pub(super) timed_out: Option<Timestamp>,
}

/// What is known of a notebook's record.
#[derive(Clone, Debug)]
pub(super) struct Known {
    pub(super) name: RecordName,
    pub(super) policy: PolicyName,
    pub(super) state: RecordState,
    pub(super) was_running: bool,
    pub(super) recurrence: u32,
    pub(super) timed_out: Option<Timestamp>,
}

impl Tally {
    /// Adds up all records, for one policy.
    #[must_use]
    pub fn of<'r>(policy: &PolicyName, records: impl IntoIterator<Item = &'r Record>) -> Self {
        let mut tally = Self {
            policy: Some(policy.clone()),
            ..Self::default()
        };
        for record in records {
            tally.add(record);
        }
        tally
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
        target.proven |= record.shows_a_return();
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

    /// Adds a record that cannot be understood: its notebook counts as down if it may be, and as this policy's if it may be.
    pub fn add_partial(&mut self, record: &PartialRecord) {
        let is_own = record.policy.is_none() || record.policy == self.policy;
        if record.may_be_down {
            self.down += u32::from(is_own);
            if is_own {
                // Nothing brings its notebook back but a person.
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

    /// What is wrong with a record, if it cannot be understood.
    pub(super) fn invalid(&self, name: &RecordName) -> Option<&str> {
        self.invalid.get(name.as_str()).map(String::as_str)
    }

    /// Takes it as known that a restarted notebook came back in an account and region.
    pub fn prove(&mut self, account: &AccountId, region: &Region) {
        let key = (account.clone(), region.clone());
        self.targets.entry(key).or_default().proven = true;
    }

    /// Whether a restarted notebook came back in an account and region.
    #[cfg(test)]
    pub(super) fn is_proven(&self, account: &AccountId, region: &Region) -> bool {
        self.target(account, region).proven
    }

    /// How many slots of `maxConcurrent` are taken. A notebook that needs attention gives its slot back, so that it holds up its own place
    /// only; but never so many that `maxConcurrent + maxFailures − 1` could be down (promise P6).
    pub(super) fn slots_taken(&self, policy: &Policy) -> u32 {
        let most = policy.remediation.max_failures.saturating_sub(1);
        self.down - self.down_and_need_attention.min(most)
    }

    /// Updates of stopped notebooks that count for the limit over all.
    pub(super) fn updates(&self) -> u32 {
        self.updates
    }

    /// The brake: so many notebooks are down and need attention, anywhere, that no running notebook is stopped for the policy.
    pub(super) fn brakes(&self, policy: &Policy) -> bool {
        self.down_and_need_attention >= policy.remediation.max_failures
    }

    /// What is under way for the policy. When a window opens is not of the records.
    pub(super) fn flights(&self, policy: &Policy) -> Flights {
        Flights {
            remediating: self.remediating,
            needs_attention: self.attention.iter().cloned().collect(),
            failed: self.failed,
            braked: policy.mode == Mode::Enforce && self.brakes(policy),
            halted: self.halted(policy),
            window_opens: None,
            rested_at: None,
        }
    }

    pub(super) fn target(&self, account: &AccountId, region: &Region) -> TargetTally {
        let key = (account.clone(), region.clone());
        self.targets.get(&key).copied().unwrap_or_default()
    }

    pub(super) fn notebook(&self, arn: &NotebookArn) -> Option<&Known> {
        self.notebooks.get(arn)
    }

    /// Where so many failed that nothing new is begun.
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

    /// Judges a Stop that is about to be sent for a record of this tally. `own` is that record, as it was counted: it takes a slot, even if
    /// it needs attention.
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
