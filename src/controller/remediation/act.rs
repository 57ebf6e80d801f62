//! act *(writes)*: sends a request to AWS after its intent is durable. AWS accepts at most one
//! request per pass.

use std::time::Duration;

use jiff::Timestamp;
use kube::ResourceExt;

use super::{Custody, Error, Pass, Stored, observe::Observed};
use crate::{
    controller::target_clients::TargetClient,
    decide::{self, Observation, Request},
    domain::{Progress, WriteOutcome},
};

/// Maximum age of an intent when its request is sent. A request has arrived or will never arrive
/// once this age and the request's timeout have passed since `lastWriteAt`. The maximum is seconds
/// long so that a slow API server does not keep a notebook down.
pub(in crate::controller) const LONGEST_HESITATION: Duration = Duration::from_secs(8);

/// Maximum age of the intent of a Stop or a probe. It is shorter because the owner may stop the
/// notebook meanwhile.
const LONGEST_HESITATION_BEFORE_STOP: Duration = Duration::from_secs(3);

/// Log message for an API server that does not store a whole record.
pub(super) const OLDER_DEFINITION: &str = "the API server does not store every field of a record: the CustomResourceDefinition of NotebookRemediation is \
     older than this operator. No notebook is stopped; run `sudoless crd | kubectl apply --server-side -f -`";

/// Maximum age of an observation when a notebook is stopped or probed. A Stop takes about a minute,
/// so the owner cannot have stopped the notebook within this time.
const FRESH: Duration = Duration::from_secs(10);

impl Pass<'_> {
    /// Sends a request whose intent was just stored, and handles AWS's answer. `before` is the
    /// progress before that intent.
    pub(super) async fn act(
        &mut self,
        (request, stored): (Request, Stored),
        before: Progress,
        observed: &Observed,
    ) -> Result<(), Error> {
        let (mut request, mut stored, mut before) = (request, stored, before);
        loop {
            // A notebook is stopped only if the API server stored the record as it was sent.
            let is_stored = stored == Stored::AsSent
                && !self
                    .context
                    .target_clients
                    .has_pruned(&self.resource.name_any());
            let is_durable = is_stored || !takes_down(request);
            let answer = if is_durable {
                self.send(request, observed).await
            } else {
                None
            };
            let Some(answer) = answer else {
                // No request was sent. The record must say so, because a Stop by the notebook's
                // owner is not the operator's.
                let mut progress = self.record.progress.clone();
                progress.take_back_sent(&before);
                self.write(progress).await?;
                return Ok(());
            };
            if self.custody == Custody::Adopted && answer == WriteOutcome::Denied {
                tracing::warn!(
                    "{} is denied for an adopted record; leaving it to an operator with the permission",
                    request.call()
                );
                self.context
                    .target_clients
                    .denied(&self.resource.name_any());
                let mut progress = self.record.progress.clone();
                progress.take_back_sent(&before);
                self.write(progress).await?;
                return Ok(());
            }
            let again = self.look_again(&observed.client, (request, answer)).await;
            let now = decide::whole_microseconds(Timestamp::now());
            let reaction = decide::on_response(
                &self.record,
                &before,
                (request, answer),
                again.as_ref().unwrap_or(&observed.observation),
                now,
            );
            self.now = now;
            before = self.record.progress.clone();
            stored = self.write(reaction.progress).await?;
            match reaction.request {
                Some(next) if stored != Stored::Conflict => request = next,
                _ => return Ok(()),
            }
        }
    }

    /// Returns true if a request may be sent now. This process must hold the lease. Before a Stop
    /// or a probe, the API server must also store whole records.
    pub(super) async fn may_send(&self, request: Request) -> bool {
        if takes_down(request) && !self.definition_is_current().await {
            return false;
        }
        let timeout = self.context.options.write_timeout;
        match self.context.fence.allows(timeout).await {
            Ok(()) => true,
            Err(fenced) => {
                let call = request.call();
                tracing::warn!(%call, "not sent: {fenced}");
                false
            }
        }
    }

    /// Returns true if the API server stores every field of a record. The definition in the cluster
    /// may be older than this operator. A record could then lose the reason of a rollback, or the
    /// time of a Start, while its notebook is down.
    async fn definition_is_current(&self) -> bool {
        let target_clients = &self.context.target_clients;
        if target_clients.every_field_is_stored() {
            return true;
        }
        match self
            .context
            .records
            .stores_every_field(&self.resource)
            .await
        {
            Ok(true) => {
                target_clients.stores_every_field();
                true
            }
            Ok(false) => {
                tracing::error!("{OLDER_DEFINITION}");
                false
            }
            Err(error) => {
                tracing::warn!(%error, "not stopped: the definition of records could not be checked; retrying");
                false
            }
        }
    }

    /// Describes the notebook again after AWS refused a Stop because of the notebook's status. AWS
    /// may have received the Stop twice, and refused only the second.
    async fn look_again(
        &self,
        client: &TargetClient,
        (request, answer): (Request, WriteOutcome),
    ) -> Option<Observation> {
        if request != Request::Stop || !answer.is_refusal() || answer == WriteOutcome::Denied {
            return None;
        }
        let notebook = &self.record.intent.notebook;
        let described = self.sight(client).describe(&notebook.name).await;
        Some(match described {
            Ok(Some(seen)) => Observation::from(&seen.details),
            Ok(None) => Observation::Missing,
            Err(_) => Observation::Unreadable,
        })
    }

    /// Sends a request and returns AWS's answer. Returns `None` if the request was not sent and
    /// never will be.
    async fn send(&mut self, request: Request, observed: &Observed) -> Option<WriteOutcome> {
        let call = request.call();
        if !self.may_send(request).await {
            return None;
        }
        // The wall clock also advances while this process is suspended.
        let intended = self.record.progress.last_write_at?;
        let hesitated = Duration::try_from(Timestamp::now().duration_since(intended));
        let longest = if takes_down(request) {
            LONGEST_HESITATION_BEFORE_STOP
        } else {
            LONGEST_HESITATION
        };
        if !hesitated.is_ok_and(|hesitated| hesitated <= longest) {
            tracing::warn!(%call, "not sent: the intent is too old; retrying");
            return None;
        }
        if takes_down(request) && observed.asked_at.elapsed() > FRESH {
            tracing::info!(%call, "not sent: the observation of the notebook is too old; retrying");
            return None;
        }
        let notebook = &self.record.intent.notebook;
        let answer = observed.client.writer.send(call, &notebook.name).await;
        // An accepted request has an empty answer.
        let words = if answer.words.is_empty() {
            format!("{call}: accepted")
        } else {
            answer.words.clone()
        };
        tracing::info!(
            ?request,
            answer = %answer.kind,
            "{words}"
        );
        if request == Request::Start {
            self.count_refused_start(answer.kind);
        }
        // The error is for people. It is stored with the reaction to the answer.
        let last_error = &mut self.record.progress.last_error;
        match (request, answer.kind) {
            (_, WriteOutcome::Accepted) => *last_error = None,
            // A probe expects this answer.
            (Request::Probe, WriteOutcome::WrongStatus) => {}
            _ => *last_error = Some(answer.words),
        }
        Some(answer.kind)
    }
}

/// Returns true if the request is sent to a running notebook.
fn takes_down(request: Request) -> bool {
    matches!(request, Request::Probe | Request::Stop)
}
