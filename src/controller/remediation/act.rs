//! act *(writes)*: at most one accepted write to AWS, after its intent is durable.

use std::time::Duration;

use jiff::Timestamp;
use kube::ResourceExt;

use super::{Custody, Error, Pass, Stored, observe::Observed};
use crate::{
    controller::flights::Flight,
    decide::{self, Observation, Request},
    domain::{Progress, WriteOutcome},
};

/// How old an intent may be when its request is sent. Whatever was sent has arrived, or never will, this and the request's whole
/// timeout after `lastWriteAt`. An API server that takes seconds to store the intent must not keep a notebook down.
pub(in crate::controller) const LONGEST_HESITATION: Duration = Duration::from_secs(8);

/// The same of requests that take a running notebook down: its owner may stop it meanwhile.
const LONGEST_HESITATION_BEFORE_STOP: Duration = Duration::from_secs(3);

/// Logged when the API server does not store a whole record.
pub(super) const OLDER_DEFINITION: &str = "the API server does not store every field of a record: the CustomResourceDefinition of NotebookRemediation is \
     older than this operator. No notebook is stopped; run `sudoless crd | kubectl apply --server-side -f -`";

/// How old an observation may be when a notebook is stopped, or an Update is tried on a running notebook. A stop takes a minute, so that
/// it was not its owner who stopped it meanwhile.
const FRESH: Duration = Duration::from_secs(10);

impl Pass<'_> {
    /// Sends a request whose intent was just made durable, and what follows from its refusal. `before` is the progress before that
    /// intent.
    pub(super) async fn act(
        &mut self,
        (request, stored): (Request, Stored),
        before: Progress,
        observed: &Observed,
    ) -> Result<(), Error> {
        let (mut request, mut stored, mut before) = (request, stored, before);
        loop {
            // A notebook is stopped only by a record that was read back as it was written.
            let is_stored = stored == Stored::AsSent
                && !self.context.flights.has_pruned(&self.resource.name_any());
            let is_durable = is_stored || !takes_down(request);
            let answer = if is_durable {
                self.send(request, observed).await
            } else {
                None
            };
            let Some(answer) = answer else {
                // Nothing left this process. Above all, what its owner does now is not the operator's doing.
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
                self.context.flights.denied(&self.resource.name_any());
                let mut progress = self.record.progress.clone();
                progress.take_back_sent(&before);
                self.write(progress).await?;
                return Ok(());
            }
            let again = self.look_again(&observed.flight, (request, answer)).await;
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

    /// Returns true if a request may be sent now: this process holds the lease, and the API server stores whole records of notebooks that
    /// are to be stopped.
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

    /// Returns true if the API server stores every field of a record. The definition in the cluster may be older than this operator: then a
    /// record could lose the reason of a rollback, or the time of a Start, while its notebook is down.
    async fn definition_is_current(&self) -> bool {
        let flights = &self.context.flights;
        if flights.every_field_is_stored() {
            return true;
        }
        match self
            .context
            .records
            .stores_every_field(&self.resource)
            .await
        {
            Ok(true) => {
                flights.stores_every_field();
                true
            }
            Ok(false) => {
                tracing::error!("{OLDER_DEFINITION}");
                false
            }
            Err(error) => {
                tracing::warn!(%error, "not stopped: the definition of records could not be checked; looking again");
                false
            }
        }
    }

    /// Describes the notebook again after a Stop that was refused for the status: AWS may have carried it out twice, and answered the
    /// second time.
    async fn look_again(
        &self,
        flight: &Flight,
        (request, answer): (Request, WriteOutcome),
    ) -> Option<Observation> {
        if request != Request::Stop || !answer.is_refusal() || answer == WriteOutcome::Denied {
            return None;
        }
        let notebook = &self.record.intent.notebook;
        let described = self.sight(flight).describe(&notebook.name).await;
        Some(match described {
            Ok(Some(seen)) => Observation::from(&seen.details),
            Ok(None) => Observation::Missing,
            Err(_) => Observation::Unreadable,
        })
    }

    /// `None`: it was not sent, and never will be.
    async fn send(&mut self, request: Request, observed: &Observed) -> Option<WriteOutcome> {
        let call = request.call();
        if !self.may_send(request).await {
            return None;
        }
        // The clock that runs on while this process does not.
        let intended = self.record.progress.last_write_at?;
        let hesitated = Duration::try_from(Timestamp::now().duration_since(intended));
        let longest = if takes_down(request) {
            LONGEST_HESITATION_BEFORE_STOP
        } else {
            LONGEST_HESITATION
        };
        if !hesitated.is_ok_and(|hesitated| hesitated <= longest) {
            tracing::warn!(%call, "not sent: too much time has passed since it was intended; looking again");
            return None;
        }
        if takes_down(request) && observed.asked_at.elapsed() > FRESH {
            tracing::info!(%call, "not sent: the notebook was seen too long ago; looking again");
            return None;
        }
        let notebook = &self.record.intent.notebook;
        let answer = observed.flight.writer.send(call, &notebook.name).await;
        // AWS says nothing when it accepts.
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
        // For people; it becomes durable with whatever follows from the answer.
        let last_error = &mut self.record.progress.last_error;
        match (request, answer.kind) {
            (_, WriteOutcome::Accepted) => *last_error = None,
            // That is what a probe is for.
            (Request::Probe, WriteOutcome::WrongStatus) => {}
            _ => *last_error = Some(answer.words),
        }
        Some(answer.kind)
    }
}

/// Returns true for the requests that are sent to a running notebook.
fn takes_down(request: Request) -> bool {
    matches!(request, Request::Probe | Request::Stop)
}
