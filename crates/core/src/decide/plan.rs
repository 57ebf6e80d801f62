//! plan *(pure)*: the next step for each notebook that violates a policy.
//!
//! Stopped notebooks come first, because their updates interrupt nobody; then running notebooks, as far as windows and budgets allow.
//! Whatever is unclear waits, with a reason. A plan relies on the records that the watch has told of, which may be old; each claim is
//! judged again, by the same [`admit`], with fresh data.

mod admit;
mod blockers;
#[cfg(test)]
mod tests;
mod usage;

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
};

use jiff::Timestamp;

pub use self::{
    admit::{Blocked, Evaluate, admit},
    blockers::blockers,
    usage::{MOST_UPDATES, MOST_UPDATES_OVER_ALL, Usage},
};
use super::{Policies, windows};
use crate::domain::{
    AccountId, Evaluation, Finding, Flights, Mode, Next, Notebook, NotebookArn, Policy, Record,
    RecordState, Region, TargetRegion, Verdict, WaitReason,
};

/// A notebook that violates the policy, with its place.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// Its account.
    pub account: AccountId,
    /// Its region.
    pub region: Region,
    /// The notebook as it was last read.
    pub notebook: Arc<Notebook>,
}

/// The position of a candidate in the order of a plan: stopped notebooks before running ones, then by account, region and name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    is_running: bool,
    account: AccountId,
    region: Region,
    name: String,
}

/// The next step for each notebook that violates a policy, in the order in which the claims are tried.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// One for each violation in a named region.
    pub steps: Vec<PlannedStep>,
    /// True if the policy is in mode `Audit` or suspended: nothing is executed.
    is_preview: bool,
}

/// The next step for one notebook.
#[derive(Clone, Debug)]
pub struct PlannedStep {
    /// The notebook.
    pub candidate: Candidate,
    /// Its step.
    pub step: Step,
}

/// A step of a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// A record is made for the notebook. In a preview, mode `Enforce` would make one.
    Claim,
    /// The notebook waits, for this reason.
    Blocked(Blocked),
}

/// The result of a plan's execution: the records that there are now, and the claims that were not made.
#[derive(Clone, Debug, Default)]
pub struct Executed {
    usage: Usage,
    blocked: HashMap<NotebookArn, Blocked>,
}

/// The circumstances of a plan. All are as of `now`.
#[derive(Clone, Copy, Debug)]
pub struct Circumstances<'a> {
    /// The policy that is planned.
    pub policy: &'a Policy,
    /// All policies.
    pub policies: &'a Policies,
    /// The time of the plan.
    pub now: Timestamp,
}

/// Plans a pass over a policy.
///
/// The order begins after the candidate at which the last pass ended, if any: candidates that take all the time of a pass are not the first
/// ones of the next pass too. Stopped notebooks still come before running ones.
#[must_use]
pub fn plan(
    circumstances: Circumstances<'_>,
    evaluation: &Evaluation,
    usage: &Usage,
    resume_after: Option<&Position>,
) -> Plan {
    let mut candidates: Vec<Candidate> = candidates(evaluation).collect();
    candidates.sort_by_cached_key(Candidate::position);
    if let Some(last) = resume_after {
        rotate(&mut candidates, last);
    }
    take_turns(&mut candidates, usage);
    let steps = candidates.into_iter().map(|candidate| PlannedStep {
        step: match circumstances.judge(&candidate, usage) {
            Ok(()) => Step::Claim,
            Err(blocked) => Step::Blocked(blocked),
        },
        candidate,
    });
    Plan {
        steps: steps.collect(),
        is_preview: circumstances.policy.mode == Mode::Audit || circumstances.policy.suspended,
    }
}

/// Begins the order after a candidate, among those that run or among those that do not.
fn rotate(candidates: &mut [Candidate], last: &Position) {
    let first_running = candidates.partition_point(|each| !each.notebook.is_running());
    let (stopped, running) = candidates.split_at_mut(first_running);
    let kind = if last.is_running { running } else { stopped };
    kind.rotate_left(kind.partition_point(|each| each.position() <= *last));
}

/// Moves accounts and regions that did not answer behind the others, and so each of their notebooks (promise P8). Where nothing timed out,
/// the order stays.
fn take_turns(candidates: &mut [Candidate], usage: &Usage) {
    candidates.sort_by_cached_key(|candidate| {
        let target = usage.target(&candidate.account, &candidate.region);
        let known = usage.notebook(&candidate.notebook.summary.arn);
        let timed_out = known.and_then(|known| known.timed_out);
        (candidate.notebook.is_running(), target.timed_out, timed_out)
    });
}

/// Returns the evaluation after a plan was executed: each violation says its next step, or why it waits.
#[must_use]
pub fn conclude(
    circumstances: Circumstances<'_>,
    mut evaluation: Evaluation,
    executed: Executed,
) -> Evaluation {
    let Executed { usage, mut blocked } = executed;
    // The records that were made block others, which a plan before them could not know.
    for planned in plan(circumstances, &evaluation, &usage, None).steps {
        if let Step::Blocked(reason) = planned.step {
            blocked.insert(planned.candidate.notebook.summary.arn.clone(), reason);
        }
    }
    let waits_for_window = blocked
        .values()
        .any(|wait| wait.next == Next::Wait(WaitReason::Window));
    let rested_at = blocked.values().filter_map(|wait| wait.until).min();
    for finding in &mut evaluation.findings {
        if let Some(wait) = blocked.remove(&finding.notebook.summary.arn) {
            wait.apply(finding);
        }
    }
    count_not_restartable(&mut evaluation);
    evaluation.flights = Flights {
        window_opens: waits_for_window
            .then(|| circumstances.window_opens())
            .flatten(),
        rested_at,
        ..usage.flights(circumstances.policy)
    };
    evaluation
}

/// Takes the next candidate to claim from a queue. Candidates that are not eligible now keep their places; candidates that are not admitted any
/// more are dropped.
pub fn take_next(
    queue: &mut VecDeque<Candidate>,
    is_eligible: impl Fn(&Candidate) -> bool,
    is_admitted: impl Fn(&Candidate) -> bool,
) -> Option<Candidate> {
    let mut index = 0;
    loop {
        index += queue.iter().skip(index).position(&is_eligible)?;
        let candidate = queue.remove(index)?;
        if is_admitted(&candidate) {
            return Some(candidate);
        }
    }
}

impl Plan {
    /// Returns the notebooks to claim, in order; none of a preview.
    pub fn into_claims(self) -> impl Iterator<Item = Candidate> {
        let is_preview = self.is_preview;
        self.steps
            .into_iter()
            .filter(move |planned| !is_preview && planned.step == Step::Claim)
            .map(|planned| planned.candidate)
    }
}

impl Executed {
    /// Returns the result of a plan of which nothing was executed yet.
    #[must_use]
    pub fn new(usage: Usage) -> Self {
        Self {
            usage,
            blocked: HashMap::new(),
        }
    }

    /// Adds a record that was made.
    pub fn add_claim(&mut self, record: &Record) {
        self.usage.add(record);
    }

    /// Adds a candidate for which no record was made, and the reason.
    pub fn add_blocked(&mut self, candidate: &Candidate, wait: Blocked) {
        self.blocked
            .insert(candidate.notebook.summary.arn.clone(), wait);
    }

    /// Returns true if the candidate may still be claimed, beside the records that were made so far.
    #[must_use]
    pub fn admits(&self, circumstances: Circumstances<'_>, candidate: &Candidate) -> bool {
        circumstances.judge(candidate, &self.usage).is_ok()
    }
}

impl Circumstances<'_> {
    fn judge(&self, candidate: &Candidate, usage: &Usage) -> Result<(), Blocked> {
        let evaluate = match self.policy.mode {
            Mode::Enforce => Evaluate::Live,
            Mode::Audit => Evaluate::DryRun,
        };
        admit(
            self.policy,
            (self.policies, usage),
            (&candidate.account, &candidate.region),
            &candidate.notebook,
            (self.now, evaluate),
        )
        .map(drop)
    }

    fn window_opens(&self) -> Option<Timestamp> {
        match windows::opening(&self.policy.remediation.windows, self.now) {
            windows::Opening::Closed { opens } => opens,
            // It closes too soon for a restart; the next opening is known once it has closed.
            windows::Opening::Open { until } => Some(until),
            windows::Opening::Always => None,
        }
    }
}

/// Counts, for each target, the notebooks that AWS would not start again.
fn count_not_restartable(evaluation: &mut Evaluation) {
    let waiting = evaluation
        .findings
        .iter()
        .filter(|finding| finding.next == Next::Wait(WaitReason::NotRestartable));
    for finding in waiting {
        // Both are sorted by account and region.
        let target = evaluation
            .targets
            .binary_search_by(|report| report.target.cmp(&finding.target));
        if let Some(report) = target.ok().and_then(|at| evaluation.targets.get_mut(at)) {
            report.not_restartable += 1;
        }
    }
}

impl Candidate {
    /// The position of the candidate in the queue.
    #[must_use]
    pub fn position(&self) -> Position {
        Position {
            is_running: self.notebook.is_running(),
            account: self.account.clone(),
            region: self.region.clone(),
            name: self.notebook.summary.name.clone(),
        }
    }
}

/// Returns the violations in named regions, in the order of the findings.
fn candidates(evaluation: &Evaluation) -> impl Iterator<Item = Candidate> {
    evaluation
        .findings
        .iter()
        .filter(|finding| finding.verdict == Verdict::NonCompliant)
        .filter_map(candidate)
}

fn candidate(finding: &Finding) -> Option<Candidate> {
    match &finding.target.region {
        TargetRegion::Unresolved => None,
        TargetRegion::Named(region) => Some(Candidate {
            account: finding.target.account.clone(),
            region: region.clone(),
            notebook: Arc::clone(&finding.notebook),
        }),
    }
}

/// What is under way for a policy that is not planned: a suspended one.
#[must_use]
pub fn flights<'r>(policy: &Policy, records: impl IntoIterator<Item = &'r Record>) -> Flights {
    Usage::of(&policy.name, records).flights(policy)
}

/// Whether a record is one that the policy's figures show as under way.
fn is_remediating(record: &Record) -> bool {
    use RecordState::{NeedsAttention, Unrecognized};
    !record.is_finished() && !matches!(record.progress.state, NeedsAttention | Unrecognized)
}
