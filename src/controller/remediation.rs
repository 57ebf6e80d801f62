//! One pass over a remediation: observe → step → record → act → publish.

mod act;
mod observe;
mod tell;

pub(super) use self::act::LONGEST_HESITATION;

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use kube::{ResourceExt, runtime::controller::Action};
use tokio::time::Instant;
use tracing::{Span, field::Empty};

use super::{Context, GuardedRecord, backoff, panics::Panicked, schedule::until};
use crate::{
    api::{NotebookRemediation, NotebookRemediationStatus},
    decide::{self, Requeue},
    domain::{Progress, Record, RecordState},
    kubernetes::{Written, has_finalizer},
    observability::{Controller, ReconciliationResult},
};

/// Delay before an invalid record, or the deletion of an expired one, is checked again.
const SECOND_LOOK: Duration = Duration::from_mins(1);

/// Longest delay between reads of an unreadable notebook, in poll intervals.
const SLOWEST_POLL: u32 = 6;

/// Error of the step that failed.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    /// The record or the policies could not be read from the API server.
    #[error("the record or its policies could not be read: {0}")]
    Read(#[source] kube::Error),
    /// The record could not be written. No request was sent to AWS after the error.
    #[error("the record could not be written: {0}")]
    Write(#[source] kube::Error),
    /// A bug.
    #[error(transparent)]
    Panicked(#[from] Panicked),
}

/// Returns the span of a pass over a record. Each log line of the pass names the record, its policy
/// and its notebook.
pub(super) fn span(resource: &GuardedRecord) -> Span {
    // The span has the level `ERROR` so that warnings and errors have its fields, too.
    let span = tracing::error_span!(
        "remediation",
        record = resource.name_any(),
        policy = Empty,
        account = Empty,
        region = Empty,
        notebook = Empty
    );
    if let Ok(record) = &resource.0 {
        let (spec, notebook) = (&record.spec, &record.spec.notebook);
        span.record("policy", &*spec.policy)
            .record("account", &*notebook.account)
            .record("region", &*notebook.region)
            .record("notebook", &*notebook.name);
    }
    span
}

/// Runs one pass over a record and returns when the next pass is due.
pub(super) async fn reconcile(
    resource: Arc<GuardedRecord>,
    context: Arc<Context>,
) -> Result<Action, Error> {
    let started = Instant::now();
    let name = resource.name_any();
    let mut outcome = ReconciliationResult::Success;
    let result = run(&name, &context, &mut outcome).await;
    if result.is_err() {
        outcome = ReconciliationResult::Failed;
    }
    context
        .metrics
        .reconciled(Controller::Remediation, outcome, started.elapsed());
    let action = result?;
    context.failures.forget(&failure_key(&name));
    Ok(action)
}

/// Logs the error and schedules the next pass with a backoff.
#[expect(
    clippy::needless_pass_by_value,
    reason = "the controller calls it with an Arc"
)]
pub(super) fn after_error(
    record: Arc<GuardedRecord>,
    error: &Error,
    context: Arc<Context>,
) -> Action {
    let name = record.name_any();
    let (failures, wait) = backoff::next_wait(&context, &failure_key(&name));
    tracing::warn!(record = name, failures, %error, "the pass failed; retrying in {:.0?}", wait);
    Action::requeue(wait)
}

/// Returns the key of a record in the counts of failures. The prefix is needed because a policy may
/// have the same name as a record.
fn failure_key(record: &str) -> String {
    format!("nbr/{record}")
}

async fn run(
    name: &str,
    context: &Context,
    outcome: &mut ReconciliationResult,
) -> Result<Action, Error> {
    let now = decide::whole_microseconds(Timestamp::now());
    let Some(resource) = context.records.get(name).await.map_err(Error::Read)? else {
        context.target_clients.forget(name);
        return Ok(Action::await_change());
    };
    let record = match decide::read_record(&resource) {
        Ok(record) => record,
        Err(problem) => {
            tracing::warn!(%problem, "the record is invalid; its notebook is left alone");
            *outcome = ReconciliationResult::Invalid;
            return Ok(Action::requeue(SECOND_LOOK));
        }
    };
    if record.is_finished() {
        context.target_clients.forget(name);
        return finished(&resource, &record, context, now).await;
    }
    let custody = custody(&resource, &record, context, now).await?;
    if custody == Custody::Foreign {
        return Ok(Action::requeue(context.options.second_look()));
    }
    let mut pass = Pass {
        context,
        resource,
        record,
        custody,
        desired: None,
        now,
    };
    let requeue = pass.run().await?;
    let is_acting =
        custody == Custody::Own || context.target_clients.is_last_writer(&pass.resource);
    if !is_acting && requeue != Requeue::Never {
        // The record's own operator polls it. Several releases would multiply the requests to AWS.
        return Ok(Action::requeue(context.options.second_look()));
    }
    Ok(match requeue {
        Requeue::Never => {
            context.target_clients.forget(name);
            // One more pass sees the finished record and removes its finalizer, if that is still
            // there.
            Action::requeue(context.options.poll_interval)
        }
        Requeue::Soon => Action::requeue(context.options.poll_interval),
        Requeue::BackOff => {
            let polls = context.target_clients.unreadable(name).min(SLOWEST_POLL);
            Action::requeue(context.options.poll_interval * polls)
        }
    })
}

/// One pass over one record.
struct Pass<'a> {
    context: &'a Context,
    /// The resource as last read or written. The next write carries its resourceVersion.
    resource: NotebookRemediation,
    record: Record,
    custody: Custody,
    /// Desired state of the notebook in this pass; `None` if the notebook was not seen.
    desired: Option<decide::Desired>,
    now: Timestamp,
}

impl Pass<'_> {
    async fn run(&mut self) -> Result<Requeue, Error> {
        let observed = self.observe().await?;
        if observed.observation != decide::Observation::Unreadable {
            self.context
                .target_clients
                .readable(&self.resource.name_any());
        }
        self.count_failed_start(&observed.observation);
        let desired = self.desired.unwrap_or(decide::Desired::Unknown);
        let times = self.context.options.times();
        let mut decision = decide::step(
            &self.record,
            &observed.observation,
            desired,
            self.now,
            &times,
        );
        tracing::debug!(
            row = decision.row.number(),
            observation = ?observed.observation,
            ?desired,
            request = ?decision.request,
            "decided"
        );
        let mut progress = decision.progress;
        let before = self.record.progress.clone();
        if self.custody == Custody::Adopted {
            if decision.request.is_none() && progress == before {
                // No write is overdue. The record's own operator may be waiting, too.
                return Ok(decision.requeue);
            }
            if !self.is_abandoned() {
                return Ok(decision.requeue);
            }
        }
        if let Some(request) = decision.request {
            if !self.was_denied() && self.may_send(request).await {
                // The decision used the time before the notebook was read. Reading may have taken
                // long, so the record gets the time of sending.
                let sending_at = decide::whole_microseconds(Timestamp::now());
                progress.mark_sent(self.now, sending_at);
            } else {
                // The record must not say that a request was sent, because none will be.
                progress.take_back_sent(&before);
                decision.request = None;
            }
        }
        if let Some(words) = &observed.problem {
            progress.last_error = Some(words.clone());
        }
        if let Some(words) = &observed.failure_reason {
            progress.failure_reason = Some(words.clone());
        }
        let stored = self.write(progress).await?;
        if stored == Stored::Conflict {
            return Ok(Requeue::Soon);
        }
        if let Some(request) = decision.request {
            self.act((request, stored), before, &observed).await?;
        }
        Ok(if self.record.is_finished() {
            Requeue::Never
        } else {
            decision.requeue
        })
    }

    /// Returns true if the record still lacks a write that its own operator should have made by
    /// now. The record's own operator polls.
    fn is_abandoned(&self) -> bool {
        let target_clients = &self.context.target_clients;
        if target_clients.is_last_writer(&self.resource) {
            return true;
        }
        let patience = self.context.options.second_look();
        let overdue = target_clients.overdue_for(&self.resource);
        if overdue.is_zero() {
            tracing::info!(
                "the record's operator may be gone; adopting the record in {patience:.0?} unless it is written"
            );
        }
        overdue >= patience
    }

    /// Returns true if AWS recently denied this process a request for an adopted record. The record
    /// does not change because of the denial: another operator may have the permission.
    fn was_denied(&self) -> bool {
        let within = self.context.options.second_look();
        self.custody == Custody::Adopted
            && self
                .context
                .target_clients
                .was_denied(&self.resource.name_any(), within)
    }

    /// Stores the progress, and the status computed from it, unless the stored status is the same
    /// already.
    async fn write(&mut self, progress: Progress) -> Result<Stored, Error> {
        let is_first = self.resource.status.is_none();
        if progress.state == RecordState::Unrecognized {
            // The status was written by a later version and stays as it is.
            return Ok(Stored::AsSent);
        }
        let before = std::mem::replace(&mut self.record.progress, progress);
        let status = decide::report(
            &self.record,
            decide::ReportContext {
                desired: self.desired,
                generation: self.resource.metadata.generation,
                previous: self.resource.status.as_ref(),
                now: self.now,
            },
        );
        if self.resource.status.as_ref() == Some(&status) {
            return Ok(Stored::AsSent);
        }
        if self
            .context
            .target_clients
            .was_pruned(&self.resource, &status)
        {
            return Ok(Stored::Pruned);
        }
        let written = self
            .context
            .records
            .write_status(&self.resource, status.clone())
            .await
            .map_err(Error::Write)?;
        let Written::Done(resource) = written else {
            tracing::debug!("another writer changed the record; looking again");
            return Ok(Stored::Conflict);
        };
        self.resource = resource;
        self.context.target_clients.wrote(&self.resource);
        let stored = self.compare(status);
        if is_first || before.state != self.record.progress.state {
            self.tell();
        }
        if self.record.is_finished() {
            self.release_finalizer().await?;
        }
        Ok(stored)
    }

    /// Compares what the API server stored with what was sent.
    fn compare(&self, sent: NotebookRemediationStatus) -> Stored {
        if self.resource.status.as_ref() == Some(&sent) {
            return Stored::AsSent;
        }
        if self.context.target_clients.pruned(&self.resource, sent) {
            tracing::error!("{}", act::OLDER_DEFINITION);
        }
        Stored::Pruned
    }

    /// Removes the finalizer of a finished record, so that it can be deleted.
    async fn release_finalizer(&self) -> Result<(), Error> {
        if has_finalizer(&self.resource) {
            let removed = self.context.records.remove_finalizer(&self.resource).await;
            removed.map_err(Error::Write)?;
        }
        Ok(())
    }
}

/// Result of storing a status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stored {
    /// The status was stored as sent.
    AsSent,
    /// The status was stored in part, because the `CustomResourceDefinition` in the cluster is
    /// older than this operator.
    Pruned,
    /// The status was not stored, because another writer changed the record first. The pass ends.
    Conflict,
}

/// Handles a finished record (row 0): removes its finalizer, and deletes the record after the
/// retention.
async fn finished(
    resource: &NotebookRemediation,
    record: &Record,
    context: &Context,
    now: Timestamp,
) -> Result<Action, Error> {
    if has_finalizer(resource) {
        let removed = context.records.remove_finalizer(resource).await;
        removed.map_err(Error::Write)?;
        return Ok(Action::requeue(context.options.poll_interval));
    }
    let Some(expiry) = decide::expiry(record, context.options.record_retention) else {
        return Ok(Action::await_change());
    };
    if now < expiry {
        return Ok(Action::requeue(until(expiry, now)));
    }
    tracing::info!("the record's retention expired; deleting the record");
    let deleted = context.records.delete(resource).await;
    deleted.map_err(Error::Write)?;
    Ok(Action::requeue(SECOND_LOOK))
}

/// The operator that is responsible for a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Custody {
    /// This operator. It is responsible for the record's policy, or it created the record.
    Own,
    /// This operator, until another operator writes the record. The record's own operator may be
    /// gone.
    Adopted,
    /// Another operator.
    Foreign,
}

/// Returns the operator that is responsible for a record. Several operators may divide the policies
/// by label selectors.
///
/// A record belongs to the operator of its policy and to the operator that created the record.
/// Every operator may adopt the record in two cases: its policy is gone, or nobody wrote the record
/// for longer than a lease lasts and a write takes. In the second case the record's operator may
/// have been removed, or may have got another label selector or release name. An operator that
/// adopted a record keeps it until another operator writes the record.
///
/// A second operator does no harm. Only one operator can write a version of the record, and only a
/// request whose intent was stored is sent.
async fn custody(
    resource: &NotebookRemediation,
    record: &Record,
    context: &Context,
    now: Timestamp,
) -> Result<Custody, Error> {
    if context.looks_after(&record.intent.policy) || context.records.are_ours(resource) {
        return Ok(Custody::Own);
    }
    let touches = touches(resource, record);
    if context.target_clients.is_last_writer(resource)
        || decide::is_abandoned(&touches, context.options.abandoned_after(), now)
    {
        tracing::debug!("untouched for long: the record's operator may be gone");
        return Ok(Custody::Adopted);
    }
    let policies = context.recent_policies().await.map_err(Error::Read)?;
    let policy = &record.intent.policy;
    let is_gone = !policies.owners.contains_key(policy) && !policies.policies.is_unreadable(policy);
    Ok(if is_gone {
        Custody::Adopted
    } else {
        Custody::Foreign
    })
}

/// Returns the times of all writes of the record, from its status and from the managed fields that
/// the API server keeps for each writer.
fn touches(resource: &NotebookRemediation, record: &Record) -> Vec<Timestamp> {
    let progress = &record.progress;
    let written = resource
        .managed_fields()
        .iter()
        .filter_map(|entry| entry.time.as_ref())
        .map(|time| time.0);
    [
        Some(record.created_at),
        progress.step_since,
        progress.last_write_at,
    ]
    .into_iter()
    .flatten()
    .chain(written)
    .collect()
}
