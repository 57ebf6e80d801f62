//! plan *(pure)*: computes the next step for each notebook that violates a policy.
//!
//! Stopped notebooks come first, because their updates interrupt nobody. Running notebooks follow,
//! as far as windows and budgets allow. Notebooks with unclear facts wait, with a reason. A plan
//! uses the records seen by the watch, which may be old. Each claim is therefore judged again with
//! fresh data, by the same [`admit`].

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
    AccountId, Evaluation, Finding, Mode, Next, Notebook, NotebookArn, Policy, Record, RecordState,
    Region, RemediationCounts, TargetRegion, Verdict, WaitReason,
};

/// A notebook that violates the policy, with its account and region.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// Account of the notebook.
    pub account: AccountId,
    /// Region of the notebook.
    pub region: Region,
    /// The notebook as it was last read.
    pub notebook: Arc<Notebook>,
}

/// Position of a candidate in the order of a plan: stopped notebooks before running notebooks, then
/// by account, region and name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    is_running: bool,
    account: AccountId,
    region: Region,
    name: String,
}

/// The next step for each notebook that violates a policy, in the order in which claims are tried.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// One step for each violation in a named region.
    pub steps: Vec<PlannedStep>,
    /// True if the policy is in mode `Audit` or suspended, so that no step is executed.
    is_preview: bool,
}

/// The next step for one notebook.
#[derive(Clone, Debug)]
pub struct PlannedStep {
    /// The notebook.
    pub candidate: Candidate,
    /// Step for the notebook.
    pub step: Step,
}

/// A step of a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// A record is created for the notebook. In a preview, mode `Enforce` would create it.
    Claim,
    /// The notebook waits for the given reason.
    Blocked(Blocked),
}

/// Result of a plan's execution: the records after it, and the claims that were not made.
#[derive(Clone, Debug, Default)]
pub struct Executed {
    usage: Usage,
    blocked: HashMap<NotebookArn, Blocked>,
}

/// Circumstances of a plan, all as of `now`.
#[derive(Clone, Copy, Debug)]
pub struct Circumstances<'a> {
    /// Policy that the plan is for.
    pub policy: &'a Policy,
    /// All policies.
    pub policies: &'a Policies,
    /// Time of the plan.
    pub now: Timestamp,
}

/// Plans a pass over a policy.
///
/// The order begins after `resume_after`, the candidate at which the last pass ended. Slow
/// candidates that used up the time of a pass are thus not the first of the next pass. Stopped
/// notebooks still come before running notebooks.
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

/// Begins the order after a candidate, among the running notebooks or among the others.
fn rotate(candidates: &mut [Candidate], last: &Position) {
    let first_running = candidates.partition_point(|each| !each.notebook.is_running());
    let (stopped, running) = candidates.split_at_mut(first_running);
    let kind = if last.is_running { running } else { stopped };
    kind.rotate_left(kind.partition_point(|each| each.position() <= *last));
}

/// Moves accounts and regions that timed out behind the others, and likewise each notebook within
/// them (promise P8). Other candidates keep their order.
fn take_turns(candidates: &mut [Candidate], usage: &Usage) {
    candidates.sort_by_cached_key(|candidate| {
        let target = usage.target(&candidate.account, &candidate.region);
        let known = usage.notebook(&candidate.notebook.summary.arn);
        let timed_out = known.and_then(|known| known.timed_out);
        (candidate.notebook.is_running(), target.timed_out, timed_out)
    });
}

/// Returns the evaluation after a plan was executed. Each violation has its next step, or the
/// reason why the notebook waits.
#[must_use]
pub fn conclude(
    circumstances: Circumstances<'_>,
    mut evaluation: Evaluation,
    executed: Executed,
) -> Evaluation {
    let Executed { usage, mut blocked } = executed;
    // The created records block other claims, which the plan could not know before.
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
    evaluation.remediations = RemediationCounts {
        window_opens: waits_for_window
            .then(|| circumstances.window_opens())
            .flatten(),
        rested_at,
        ..usage.remediation_counts(circumstances.policy)
    };
    evaluation
}

/// Takes the next candidate to claim from a queue. Candidates that are not eligible now keep their
/// places. Candidates that are no longer admitted are dropped.
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
    /// Returns the notebooks to claim, in order. A preview has none.
    pub fn into_claims(self) -> impl Iterator<Item = Candidate> {
        let is_preview = self.is_preview;
        self.steps
            .into_iter()
            .filter(move |planned| !is_preview && planned.step == Step::Claim)
            .map(|planned| planned.candidate)
    }
}

impl Executed {
    /// Returns the result of a plan before any step was executed.
    #[must_use]
    pub fn new(usage: Usage) -> Self {
        Self {
            usage,
            blocked: HashMap::new(),
        }
    }

    /// Adds a created record.
    pub fn add_claim(&mut self, record: &Record) {
        self.usage.add(record);
    }

    /// Adds a candidate without a record, and the reason.
    pub fn add_blocked(&mut self, candidate: &Candidate, wait: Blocked) {
        self.blocked
            .insert(candidate.notebook.summary.arn.clone(), wait);
    }

    /// Returns true if the candidate may still be claimed, given the records that were created so
    /// far.
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
            // The window closes too soon for a restart. The next opening is known once the window
            // has closed.
            windows::Opening::Open { until } => Some(until),
            windows::Opening::Always => None,
        }
    }
}

/// Counts the notebooks of each target that AWS would not start again.
fn count_not_restartable(evaluation: &mut Evaluation) {
    let waiting = evaluation
        .findings
        .iter()
        .filter(|finding| finding.next == Next::Wait(WaitReason::NotRestartable));
    for finding in waiting {
        // Findings and targets are sorted by account and region.
        let target = evaluation
            .targets
            .binary_search_by(|report| report.target.cmp(&finding.target));
        if let Some(report) = target.ok().and_then(|at| evaluation.targets.get_mut(at)) {
            report.not_restartable += 1;
        }
    }
}

impl Candidate {
    /// Returns the position of the candidate in the queue.
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

/// Summarizes the remediations of a policy that is not planned because it is suspended.
#[must_use]
pub fn remediation_counts<'r>(
    policy: &Policy,
    records: impl IntoIterator<Item = &'r Record>,
) -> RemediationCounts {
    Usage::of(&policy.name, records).remediation_counts(policy)
}

/// Returns true if the policy's figures count the record as under remediation.
fn is_remediating(record: &Record) -> bool {
    use RecordState::{NeedsAttention, Unrecognized};
    !record.is_finished() && !matches!(record.progress.state, NeedsAttention | Unrecognized)
}
