//! What all the records add up to, for one policy's plan.

use std::collections::{BTreeSet, HashMap};

use crate::domain::{
    AccountId, Flights, NotebookArn, Policy, PolicyName, Record, RecordName, RecordState, Region,
    Target, TargetRegion,
};

use super::is_remediating;

/// Updates of stopped notebooks that are under way at the same time per account and region. They take no slot of any budget;
/// this only keeps the operator from flooding a quota that nobody published.
pub const MOST_UPDATES: u32 = 10;

/// The records that there are, as far as budgets and locks go.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    policy: Option<PolicyName>,
    /// Notebooks that are down for this policy, but for those that need attention: these gave the policy's slot back.
    down: u32,
    remediating: u32,
    attention: BTreeSet<String>,
    targets: HashMap<(AccountId, Region), TargetTally>,
    notebooks: HashMap<NotebookArn, Known>,
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
}

/// What is known of a notebook's record.
#[derive(Clone, Debug)]
pub(super) struct Known {
    pub(super) name: RecordName,
    pub(super) policy: PolicyName,
    pub(super) state: RecordState,
    pub(super) was_running: bool,
    pub(super) recurrence: u32,
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
        target.updates += u32::from(!intent.was_running && !record.is_finished());
        target.failed += u32::from(is_own && state == RecordState::Failed);
        target.proven |= record.shows_a_return();
        let needs_attention = state == RecordState::NeedsAttention;
        if is_own {
            self.down += u32::from(takes_a_slot && !needs_attention);
            self.remediating += u32::from(is_remediating(record));
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
            },
        );
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

    /// How many notebooks are down for the policy; those that need attention gave their slot back.
    pub(super) fn down(&self) -> u32 {
        self.down
    }

    /// What is under way for the policy. When a window opens is not of the records.
    pub(super) fn flights(&self, policy: &Policy) -> Flights {
        Flights {
            remediating: self.remediating,
            needs_attention: self.attention.iter().cloned().collect(),
            halted: self.halted(policy),
            window_opens: None,
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

    /// Whether more notebooks are down than the policy allows, over all or in an account and region.
    #[must_use]
    pub fn exceeds(&self, policy: &Policy, account: &AccountId, region: &Region) -> bool {
        let remediation = &policy.remediation;
        self.down > remediation.max_concurrent
            || self.target(account, region).down > remediation.max_concurrent_per_region
    }
}
