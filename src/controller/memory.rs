//! What the operator remembers of a policy between two passes. All of it can be lost: a restart begins with a full scan.

use super::schedule::Schedule;
use crate::{
    api::{NotebookRootAccessPolicy, NotebookRootAccessPolicyStatus},
    decide::{Baseline, Judged, Position},
    domain::Flights,
    inventory::Subscription,
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
    /// What the verdicts in `status` are about; `None`: not known.
    pub(super) judged: Option<Judged>,
    /// The verdicts of the last pass; `None`: not known.
    pub(super) baseline: Option<Baseline>,
    /// What was under way at the last pass, and held up; `None`: not known.
    pub(super) flights: Option<Flights>,
    /// The position of the candidate at which the claims of the last pass ended for want of time; `None`: everything was tried.
    pub(super) claims_ended_at: Option<Position>,
    /// What the metrics show.
    pub(super) facts: Option<PolicyFacts>,
}

impl Memory {
    /// After a restart, what was published is what is known.
    pub(super) fn recall(&mut self, resource: &NotebookRootAccessPolicy) {
        if self.status.is_none() {
            self.status.clone_from(&resource.status);
            self.baseline = Baseline::from_status(resource.status.as_ref());
        }
    }
}
