//! Tells people and metrics what changed. Best effort: the record is what counts.

use k8s_openapi::api::core::v1::ObjectReference;
use kube::{Resource, ResourceExt};

use super::Pass;
use crate::{
    decide,
    domain::{Progress, RecordState},
    kubernetes::{Announcement, Severity},
};

impl Pass<'_> {
    /// Tells of a change of state, once it is durable.
    pub(super) async fn tell(&self, before: &Progress) {
        let (intent, progress) = (&self.record.intent, &self.record.progress);
        let state = progress.state;
        if before.state == state
            && !(state == RecordState::Pending && before.last_write_at.is_none())
        {
            return;
        }
        let status = self.resource.status.as_ref();
        let message = status
            .and_then(|status| status.message.clone())
            .unwrap_or_default();
        let reason = status
            .and_then(|status| status.reason.clone())
            .unwrap_or_default();
        let record = self.resource.name_any();
        tracing::info!(
            record,
            policy = %intent.policy,
            account = %intent.notebook.account,
            region = %intent.notebook.region,
            notebook = intent.notebook.name,
            %state,
            reason,
            "{message}"
        );
        if state.is_finished() {
            self.context
                .metrics
                .remediated(&intent.policy, state, decide::downtime(progress));
        }
        let severity = match state {
            RecordState::NeedsAttention | RecordState::Failed => Severity::Warning,
            _ => Severity::Normal,
        };
        let announcement = Announcement {
            severity,
            reason: state.as_str(),
            action: "Remediate",
            note: message.clone(),
        };
        let announcer = &self.context.announcer;
        announcer
            .announce(&self.resource.object_ref(&()), announcement)
            .await;
        if severity == Severity::Warning
            && let Some(policy) = self.policy()
        {
            let reason = match state {
                RecordState::Failed => "RemediationFailed",
                _ => "NotebookNeedsAttention",
            };
            let note = format!(
                "{}/{} (nbr/{record}): {message}",
                intent.notebook.target(),
                intent.notebook.name
            );
            let announcement = Announcement {
                severity,
                reason,
                action: "Remediate",
                note,
            };
            announcer.announce(&policy, announcement).await;
        }
    }

    /// The policy that the record was made for.
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
