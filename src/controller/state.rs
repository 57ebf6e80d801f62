//! State of a policy kept between two passes. It can be lost at any time, because a restart begins
//! with a full scan.

use super::schedule::Schedule;
use crate::{
    api::{NotebookRootAccessPolicy, NotebookRootAccessPolicyStatus},
    decide::{Baseline, Judged, Position},
    domain::RemediationCounts,
    fleet::Subscription,
    observability::PolicyFacts,
};

/// State of one policy.
#[derive(Debug, Default)]
pub(super) struct PolicyState {
    /// Targets that the policy subscribes to.
    pub(super) subscription: Subscription,
    /// Times of the policy's scans.
    pub(super) schedule: Schedule,
    /// Status last written, newer than the one from the watch.
    pub(super) status: Option<NotebookRootAccessPolicyStatus>,
    /// Spec fields and time behind the verdicts in `status`, if known.
    pub(super) judged: Option<Judged>,
    /// Verdicts of the last pass, if known.
    pub(super) baseline: Option<Baseline>,
    /// Remediations in flight and halts of the last pass, if known.
    pub(super) remediations: Option<RemediationCounts>,
    /// Position of the candidate at which the last pass ran out of time for claims. `None` if it
    /// tried all candidates.
    pub(super) claims_ended_at: Option<Position>,
    /// Facts shown by the metrics.
    pub(super) facts: Option<PolicyFacts>,
}

impl PolicyState {
    /// Restores the state after a restart from the published status.
    pub(super) fn restore(&mut self, resource: &NotebookRootAccessPolicy) {
        if self.status.is_none() {
            self.status.clone_from(&resource.status);
            self.baseline = Baseline::from_status(resource.status.as_ref());
        }
    }
}
