//! What the operator remembers of a policy between two passes. All of it can be lost: a restart begins with a full scan.

use std::time::Duration;

use tokio::time::Instant;

use super::schedule::Schedule;
use crate::{
    api::NotebookRootAccessPolicyStatus, decide::Baseline, inventory::Subscription,
    observability::PolicyFacts,
};

/// What is remembered of one policy.
#[derive(Debug, Default)]
pub(super) struct Memory {
    /// Whose answers it is interested in.
    pub(super) subscription: Subscription,
    /// When it scans.
    pub(super) schedule: Schedule,
    /// The status that was last written, newer than what the watch has told of.
    pub(super) status: Option<NotebookRootAccessPolicyStatus>,
    /// The verdicts of the last pass; `None`: not known.
    pub(super) baseline: Option<Baseline>,
    /// What the metrics show.
    pub(super) facts: Option<PolicyFacts>,
    /// The resource as it was at the last pass, and when the next one is due: a watch that tells of our own status
    /// asks for nothing.
    pub(super) settled: Option<Settled>,
}

/// A pass that needs no other until something changes or its time comes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Settled {
    /// The resource's generation.
    pub(super) generation: Option<i64>,
    /// Its `scan-now` annotation.
    pub(super) scan_now: Option<String>,
    /// When the next pass is due; `None`: when something changes.
    pub(super) next: Option<Instant>,
}

impl Settled {
    /// How long until the next pass is due, if nothing changed; `None`: it is due.
    pub(super) fn rest(&self, generation: Option<i64>, scan_now: Option<&str>) -> Option<Rest> {
        if self.generation != generation || self.scan_now.as_deref() != scan_now {
            return None;
        }
        match self.next {
            None => Some(Rest::UntilChange),
            Some(next) => next
                .checked_duration_since(Instant::now())
                .filter(|rest| !rest.is_zero())
                .map(Rest::For),
        }
    }
}

/// Until when a policy needs no pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rest {
    /// Until it changes.
    UntilChange,
    /// For this long.
    For(Duration),
}
