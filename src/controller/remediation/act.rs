//! act *(writes)*: at most one accepted write to AWS, after its intent is durable.

use std::time::Duration;

use jiff::Timestamp;
use kube::ResourceExt;

use super::{Error, Pass, observe::Observed};
use crate::{
    controller::flights::Flight,
    decide::{self, Request},
    domain::{AnswerKind, Progress},
};

/// How old an intent may be when its request is sent. Whatever was sent has arrived, or never will, this and the request's whole
/// timeout after `lastWriteAt`.
pub(in crate::controller) const LONGEST_HESITATION: Duration = Duration::from_secs(3);

/// How old a sighting may be when somebody is stopped, or an Update is tried on a running notebook. A stop takes a minute, so that
/// it was not its owner who stopped it meanwhile.
const FRESH: Duration = Duration::from_secs(10);

impl Pass<'_> {
    /// Sends a request whose intent was just made durable, and what follows from its refusal. `before` is the progress before that
    /// intent.
    pub(super) async fn act(
        &mut self,
        flight: &Flight,
        request: Request,
        before: Progress,
        observed: &Observed,
    ) -> Result<(), Error> {
        let (mut request, mut before) = (request, before);
        loop {
            let Some(answer) = self.send(flight, request, observed).await else {
                // Nothing left this process: it is as if it had not been intended. Above all, what its owner does now is not our doing.
                self.write(before).await?;
                return Ok(());
            };
            let now = decide::whole_microseconds(Timestamp::now());
            let reaction = decide::answered(
                &self.record,
                &before,
                (request, answer),
                &observed.sighting,
                now,
            );
            self.now = now;
            before = self.record.progress.clone();
            if !self.write(reaction.progress).await? {
                return Ok(());
            }
            match reaction.request {
                Some(next) => request = next,
                None => return Ok(()),
            }
        }
    }

    /// `None`: it was not sent, and never will be.
    async fn send(
        &mut self,
        flight: &Flight,
        request: Request,
        observed: &Observed,
    ) -> Option<AnswerKind> {
        let name = self.resource.name_any();
        let call = request.call();
        if let Err(fenced) = self
            .context
            .fence
            .allows(self.context.options.write_timeout)
            .await
        {
            tracing::warn!(record = name, %call, "not sent: {fenced}");
            return None;
        }
        // The clock that runs on while this process does not.
        let intended = self.record.progress.last_write_at?;
        let hesitated = Duration::try_from(Timestamp::now().duration_since(intended));
        if !hesitated.is_ok_and(|hesitated| hesitated <= LONGEST_HESITATION) {
            tracing::warn!(record = name, %call, "not sent: too much time has passed since it was intended; looking again");
            return None;
        }
        if matches!(request, Request::Probe | Request::Stop) && observed.asked_at.elapsed() > FRESH
        {
            tracing::info!(record = name, %call, "not sent: the notebook was seen too long ago; looking again");
            return None;
        }
        let notebook = &self.record.intent.notebook;
        let answer = flight.writer.send(call, &notebook.name).await;
        // AWS says nothing when it accepts.
        let words = if answer.words.is_empty() {
            format!("{call}: accepted")
        } else {
            answer.words.clone()
        };
        tracing::info!(
            record = name,
            account = %notebook.account,
            region = %notebook.region,
            notebook = notebook.name,
            ?request,
            answer = %answer.kind,
            "{words}"
        );
        // For people; it becomes durable with whatever follows from the answer.
        let last_error = &mut self.record.progress.last_error;
        match (request, answer.kind) {
            (_, AnswerKind::Accepted) => *last_error = None,
            // That is what a probe is for.
            (Request::Probe, AnswerKind::WrongStatus) => {}
            _ => *last_error = Some(answer.words),
        }
        Some(answer.kind)
    }
}
