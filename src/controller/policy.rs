//! One pass over a policy: validate → observe → evaluate → plan → claim → summarize → publish.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use kube::{Resource, ResourceExt, runtime::controller::Action};
use tokio::time::Instant;
use tracing::Span;

use super::{
    Context, Guarded,
    announce::{announcements, halts},
    claim,
    panics::Panicked,
    schedule::{Schedule, until},
    state::PolicyState,
};
use crate::{
    api::{
        ConditionType, NotebookRootAccessPolicy, NotebookRootAccessPolicyStatus as Status,
        SCAN_NOW_ANNOTATION,
    },
    decide::{self, Baseline, Circumstances, Judged, Pass, Progress},
    domain::{Evaluation, Policy, PolicyName, RemediationCounts},
    fleet::{Observation, Subscription},
    kubernetes::{self, Subject},
    observability::{Controller, ExemptionExpiry, PolicyFacts, ReconciliationResult, TargetFacts},
};

/// Wait for answers of a pass. The pass then publishes the known results, and the next follows
/// soon.
const OBSERVE_TIMEOUT: Duration = Duration::from_secs(5);

/// Shortest time between two passes.
const SHORTEST_REST: Duration = Duration::from_millis(250);

/// Wait before a resource that does not decode is read again. If only its status did not decode,
/// then writing the status has fixed it, without a change of the spec that would trigger a pass.
const SECOND_LOOK: Duration = Duration::from_secs(10);

/// Step of the pass that failed.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    /// The policies could not be listed.
    #[error("the policies could not be listed: {0}")]
    Plan(#[source] kube::Error),
    /// Notebooks could not be claimed. The findings are still published.
    #[error("notebooks could not be claimed: {0}")]
    Claim(#[from] claim::Error),
    /// The status could not be written.
    #[error("the status could not be published: {0}")]
    Publish(#[source] kube::Error),
    /// The pass panicked, which is a bug.
    #[error(transparent)]
    Panicked(#[from] Panicked),
}

/// Returns the span of a pass over a policy. Every log line of the pass names the policy.
pub(super) fn span(resource: &Guarded) -> Span {
    // At the highest level, so that warnings have its fields as well.
    tracing::error_span!("policy", policy = resource.name_any())
}

/// Runs one pass, and returns when the next is due.
pub(super) async fn reconcile(
    resource: Arc<Guarded>,
    context: Arc<Context>,
) -> Result<Action, Error> {
    let started = Instant::now();
    let subject = Subject::of(&*resource);
    let name = PolicyName::from(subject.name.as_str());
    let state = context.policy_state(&name, &subject.uid);
    let mut state = state.lock().await;
    let mut pass = PolicyPass {
        context: &context,
        subject,
        name,
        generation: resource.meta().generation.unwrap_or_default(),
        invalid: false,
    };
    let result = pass.run(&resource, &mut state).await;
    let outcome = match &result {
        Ok(_) if pass.invalid => ReconciliationResult::Invalid,
        Ok(_) => ReconciliationResult::Success,
        Err(_) => ReconciliationResult::Failed,
    };
    context
        .metrics
        .reconciled(Controller::Policy, outcome, started.elapsed());
    let next = result?;
    context.failures.forget(&pass.subject.name);
    Ok(next.map_or_else(Action::await_change, Action::requeue))
}

struct PolicyPass<'a> {
    context: &'a Context,
    subject: Subject,
    name: PolicyName,
    generation: i64,
    /// True if the resource is invalid.
    invalid: bool,
}

impl PolicyPass<'_> {
    /// Returns the time until the next pass, or `None` to wait for a change.
    async fn run(
        &mut self,
        resource: &Guarded,
        state: &mut PolicyState,
    ) -> Result<Option<Duration>, Error> {
        let resource = match &resource.0 {
            Ok(resource) => resource,
            Err(undecodable) => {
                let problem = format!("the resource does not decode: {}", undecodable.error);
                // The watch's status did not decode either, so the status last written is used.
                let written = state.status.clone();
                self.publish_invalid(state, written.as_ref(), &problem)
                    .await?;
                return Ok(Some(SECOND_LOOK));
            }
        };
        state.restore(resource);
        let policy = match decide::validate(resource) {
            Ok(policy) => policy,
            Err(errors) => {
                let problems: Vec<String> = errors.iter().map(ToString::to_string).collect();
                let current = resource.status.as_ref();
                self.publish_invalid(state, current, &problems.join("; "))
                    .await?;
                return Ok(None);
            }
        };
        if policy.suspended {
            let current = resource.status.as_ref();
            return self.publish_suspended(state, current, &policy).await;
        }
        let scan_now = resource
            .annotations()
            .get(SCAN_NOW_ANNOTATION)
            .map(String::as_str);
        let freshness = state
            .schedule
            .freshness(&policy, scan_now, Timestamp::now());
        let observing = self.context.fleet.observe(
            &policy,
            &mut state.subscription,
            freshness,
            OBSERVE_TIMEOUT,
        );
        let Some(observation) = self.context.shutdown.run_until_cancelled(observing).await else {
            return Ok(None);
        };
        let now = Timestamp::now();
        if !observation.unfinished {
            state.schedule.finished(observation.oldest, now);
        }
        let progress = progress(&observation, state, now);
        let found = decide::evaluate(&policy, &observation.snapshots, now);
        let (evaluation, claimed) = self.remediate(&policy, state, found, now).await?;
        let status = decide::summarize(&policy, &evaluation, progress, self.pass(state, now));
        self.publish(state, resource.status.as_ref(), status)
            .await?;
        state.judged = Some(Judged::new(&policy, now));
        self.announce(resource, state, &evaluation, progress).await;
        self.show(state, &policy, &evaluation);
        let next = next_pass(&policy, state, &observation, &evaluation, now);
        Ok(Some(match claimed? {
            claim::Progress::Complete => next,
            claim::Progress::ReadFailed => next.min(claim::OPEN_FOR),
            claim::Progress::Partial(_) => SHORTEST_REST,
        }))
    }

    /// Plans, and executes the plan. Returns the findings with their next steps, and the progress
    /// of the claims or their error.
    async fn remediate(
        &self,
        policy: &Policy,
        state: &mut PolicyState,
        found: Evaluation,
        now: Timestamp,
    ) -> Result<(Evaluation, Result<claim::Progress, claim::Error>), Error> {
        let listed = self.context.recent_policies().await.map_err(Error::Plan)?;
        let circumstances = Circumstances {
            policy,
            policies: &listed.policies,
            now,
        };
        let usage = self.context.store.usage(&policy.name);
        let resume_after = state.claims_ended_at.as_ref();
        let plan = decide::plan(circumstances, &found, &usage, resume_after);
        let execution = claim::execute(self.context, circumstances, plan, usage).await;
        state.claims_ended_at = match &execution.ended {
            Ok(claim::Progress::Partial(last)) => last.clone(),
            _ => None,
        };
        let evaluation = decide::conclude(circumstances, found, execution.executed);
        Ok((evaluation, execution.ended))
    }

    fn pass<'m>(&self, state: &'m PolicyState, now: Timestamp) -> Pass<'m> {
        Pass {
            generation: self.generation,
            previous: state.status.as_ref(),
            now,
        }
    }

    async fn publish_invalid(
        &mut self,
        state: &mut PolicyState,
        current: Option<&Status>,
        problem: &str,
    ) -> Result<(), Error> {
        self.invalid = true;
        let status = decide::invalid(problem, self.pass(state, Timestamp::now()));
        if state.status.as_ref() != Some(&status) {
            tracing::warn!(problem, "the policy is invalid");
        }
        self.publish(state, current, status).await?;
        // The previous spec's state does not apply to the invalid one.
        state.subscription = Subscription::default();
        state.schedule = Schedule::default();
        state.judged = None;
        state.facts = None;
        self.context.metrics.forget(&self.name);
        Ok(())
    }

    async fn publish_suspended(
        &self,
        state: &mut PolicyState,
        current: Option<&Status>,
        policy: &Policy,
    ) -> Result<Option<Duration>, Error> {
        state.schedule.suspend();
        let records = self.context.store.all();
        let remediations = decide::remediation_counts(policy, records.iter().map(Arc::as_ref));
        let now = Timestamp::now();
        let judged = state.judged.as_ref();
        let status = decide::suspended(policy, &remediations, judged, self.pass(state, now));
        self.publish(state, current, status).await?;
        let mut facts = state
            .facts
            .take()
            .unwrap_or_else(|| facts(policy, state, &Evaluation::default()));
        (facts.suspended, facts.mode) = (true, policy.mode);
        (facts.halted, facts.braked) = (count_halted(&remediations), remediations.braked);
        facts.expiries = ExemptionExpiry::all(policy);
        self.context
            .show(&self.name, &self.subject.uid, facts.clone());
        state.facts = Some(facts);
        let expiry = decide::next_expiry(policy, now);
        Ok(expiry.map(|expiry| until(expiry, now).max(SHORTEST_REST)))
    }

    /// Publishes a status. `current` is the status at the API server, as far as the watch has seen.
    /// Changes by other writers are undone.
    async fn publish(
        &self,
        state: &mut PolicyState,
        current: Option<&Status>,
        status: Status,
    ) -> Result<(), Error> {
        let written = kubernetes::publish(
            &self.context.clients.requests,
            &self.subject,
            current,
            &status,
        )
        .await
        .map_err(Error::Publish)?;
        if written && reasons(state.status.as_ref()) != reasons(Some(&status)) {
            let summary = status.summary.unwrap_or_default();
            let [ready, compliant] = reasons(Some(&status));
            let (notebooks, violations, unknown) =
                (summary.notebooks, summary.non_compliant, summary.unknown);
            tracing::info!(
                ready,
                compliant,
                notebooks,
                violations,
                unknown,
                "status changed"
            );
        }
        state.status = Some(status);
        Ok(())
    }

    async fn announce(
        &self,
        resource: &NotebookRootAccessPolicy,
        state: &mut PolicyState,
        evaluation: &Evaluation,
        progress: Progress,
    ) {
        if matches!(progress, Progress::FirstScan { .. }) {
            return;
        }
        if let Some(baseline) = &state.baseline {
            let reference = resource.object_ref(&());
            for announcement in announcements(baseline, evaluation) {
                tracing::info!(reason = announcement.reason, "{}", announcement.note);
                self.context
                    .event_recorder
                    .announce(&reference, announcement)
                    .await;
            }
        }
        if let Some(before) = &state.remediations {
            let reference = resource.object_ref(&());
            for announcement in halts(before, &evaluation.remediations) {
                tracing::warn!(reason = announcement.reason, "{}", announcement.note);
                self.context
                    .event_recorder
                    .announce(&reference, announcement)
                    .await;
            }
        }
        state.remediations = Some(evaluation.remediations.clone());
        state.baseline = Some(state.baseline.take().map_or_else(
            || Baseline::after(evaluation),
            |baseline| baseline.followed_by(evaluation),
        ));
    }

    fn show(&self, state: &mut PolicyState, policy: &Policy, evaluation: &Evaluation) {
        let facts = facts(policy, state, evaluation);
        self.context
            .show(&self.name, &self.subject.uid, facts.clone());
        state.facts = Some(facts);
    }
}

/// Returns the reasons of the conditions Ready and Compliant.
fn reasons(status: Option<&Status>) -> [&str; 2] {
    [ConditionType::Ready, ConditionType::Compliant].map(|kind| {
        let conditions = status.into_iter().flat_map(|status| &status.conditions);
        conditions
            .filter(|condition| condition.type_ == kind.as_str())
            .map(|condition| condition.reason.as_str())
            .next()
            .unwrap_or_default()
    })
}

fn progress(observation: &Observation, state: &PolicyState, now: Timestamp) -> Progress {
    if observation.unread > 0 {
        return Progress::FirstScan {
            unread: observation.unread,
        };
    }
    let oldest = || {
        observation
            .snapshots
            .iter()
            .map(|snapshot| snapshot.started_at)
            .min()
    };
    Progress::Scanned {
        at: state.schedule.last_scan().or_else(oldest).unwrap_or(now),
    }
}

fn facts(policy: &Policy, state: &PolicyState, evaluation: &Evaluation) -> PolicyFacts {
    PolicyFacts {
        mode: policy.mode,
        suspended: policy.suspended,
        scan_interval: policy.scan_interval,
        last_scan: state.schedule.last_scan(),
        targets: evaluation.targets.iter().map(TargetFacts::of).collect(),
        waiting: PolicyFacts::waiting_in(evaluation),
        halted: count_halted(&evaluation.remediations),
        braked: evaluation.remediations.braked,
        expiries: ExemptionExpiry::all(policy),
    }
}

fn count_halted(remediations: &RemediationCounts) -> u32 {
    u32::try_from(remediations.halted.len()).unwrap_or(u32::MAX)
}

/// Returns the time until the next scan, retry, expiry of an exemption, window or end of a rest,
/// whichever comes first.
fn next_pass(
    policy: &Policy,
    state: &PolicyState,
    observation: &Observation,
    evaluation: &Evaluation,
    now: Timestamp,
) -> Duration {
    if observation.unfinished {
        return SHORTEST_REST;
    }
    let scan = state
        .schedule
        .due(policy)
        .map_or(Duration::ZERO, |due| until(due, now));
    let retry = observation
        .retry_at
        .map(|retry_at| retry_at.saturating_duration_since(Instant::now()));
    // The results of targets that were late, or requested by another policy, are shown when they
    // arrive.
    let answers = observation.in_flight.then_some(OBSERVE_TIMEOUT);
    let expiry = evaluation.next_expiry.map(|expiry| until(expiry, now));
    let remediations = &evaluation.remediations;
    let window = remediations.window_opens.map(|opens| until(opens, now));
    let rested = remediations.rested_at.map(|rested| until(rested, now));
    [Some(scan), retry, answers, expiry, window, rested]
        .into_iter()
        .flatten()
        .min()
        .unwrap_or(scan)
        .max(SHORTEST_REST)
}
