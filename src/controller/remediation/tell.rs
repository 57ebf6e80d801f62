//! Logs, events and metrics about changes of a record. All are best effort; the record is the
//! source of truth.

use k8s_openapi::api::core::v1::ObjectReference;
use kube::{Resource, ResourceExt};
use tracing::Instrument;

use super::Pass;
use crate::{
    decide::{self, Observation},
    domain::{NotebookStatus, RecordState, WriteOutcome},
    kubernetes::{NewEvent, Severity},
    observability::StartFailure,
};

impl Pass<'_> {
    /// Reports a change of state after it was stored. Events are sent concurrently with the pass,
    /// so that a notebook that is down does not wait for them.
    pub(super) fn tell(&self) {
        let (intent, progress) = (&self.record.intent, &self.record.progress);
        let state = progress.state;
        let status = self.resource.status.as_ref();
        let message = status
            .and_then(|status| status.message.clone())
            .unwrap_or_default();
        let reason = status
            .and_then(|status| status.reason.clone())
            .unwrap_or_default();
        tracing::info!(%state, reason, "{message}");
        if state.is_finished() {
            self.context
                .metrics
                .remediated(&intent.policy, state, decide::downtime(progress));
        }
        let events = self.events(&message);
        let event_recorder = self.context.event_recorder.clone();
        let sending = async move {
            for (about, announcement) in events {
                event_recorder.announce(&about, announcement).await;
            }
        };
        tokio::spawn(sending.in_current_span());
    }

    /// Counts a Start that AWS accepted and that ended in status Failed. Each Start is counted
    /// once.
    pub(super) fn count_failed_start(&self, observation: &Observation) {
        let is_failed = matches!(
            observation,
            Observation::Described {
                status: NotebookStatus::Failed,
                ..
            }
        );
        let (name, start) = (
            self.resource.name_any(),
            self.record.progress.start_attempts,
        );
        if is_failed
            && self.record.is_start_accepted()
            && self.context.target_clients.is_first_failure(&name, start)
        {
            self.context
                .metrics
                .start_failed(&self.record.intent.policy, StartFailure::Failed);
        }
    }

    /// Counts a Start that AWS refused.
    pub(super) fn count_refused_start(&self, answer: WriteOutcome) {
        let attempts = self.record.progress.start_attempts;
        if let Some(failure) = StartFailure::from_answer(answer, attempts) {
            self.context
                .metrics
                .start_failed(&self.record.intent.policy, failure);
        }
    }

    /// Returns an event on the record and, if the notebook needs attention or the remediation
    /// failed, an event on its policy.
    fn events(&self, message: &str) -> Vec<(ObjectReference, NewEvent)> {
        let (intent, state) = (&self.record.intent, self.record.progress.state);
        let (severity, on_policy) = match state {
            RecordState::NeedsAttention => (Severity::Warning, Some("NotebookNeedsAttention")),
            RecordState::Failed => (Severity::Warning, Some("RemediationFailed")),
            _ => (Severity::Normal, None),
        };
        let announcement = |reason, note| NewEvent {
            severity,
            reason,
            action: "Remediate",
            note,
        };
        let mut events = vec![(
            self.resource.object_ref(&()),
            announcement(state.as_str(), message.to_owned()),
        )];
        if let Some(reason) = on_policy
            && let Some(policy) = self.policy()
        {
            let (target, notebook) = (intent.notebook.target(), &intent.notebook.name);
            let note = format!(
                "{target}/{notebook} (nbr/{}): {message}",
                self.resource.name_any()
            );
            events.push((policy, announcement(reason, note)));
        }
        events
    }

    /// Returns a reference to the record's policy.
    fn policy(&self) -> Option<ObjectReference> {
        let owner = self.resource.owner_references().first()?;
        Some(ObjectReference {
            api_version: Some(owner.api_version.clone()),
            kind: Some(owner.kind.clone()),
            name: Some(owner.name.clone()),
            uid: Some(owner.uid.clone()),
            ..ObjectReference::default()
        })
    }
}
