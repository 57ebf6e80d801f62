//! plan *(pure)*: which notebooks are claimed next, and why the others are not.
//!
//! Stopped notebooks come first, because they cost nobody anything; then running ones, as far as windows and budgets allow.
//! Whatever is unclear waits, with a reason. The planner goes by what is known in the cluster, which may be old; each claim is judged
//! once more, by the same [`admit`], with what was read just then.

mod admit;
mod blockers;
mod tally;
#[cfg(test)]
mod tests;

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
};

use jiff::Timestamp;

pub use self::{
    admit::{Horizon, Wait, admit},
    blockers::blockers,
    tally::{MOST_UPDATES, MOST_UPDATES_OVER_ALL, Tally},
};
use super::{PartialRecord, Policies, windows};
use crate::domain::{
    AccountId, Evaluation, Finding, Flights, Mode, Next, Notebook, Policy, Record, RecordState,
    Region, TargetRegion, Verdict, WaitReason,
};

/// A notebook that a record may be made for.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// Its account.
    pub account: AccountId,
    /// Its region.
    pub region: Region,
    /// As it was last read.
    pub notebook: Arc<Notebook>,
    /// Which finding it is.
    finding: usize,
}

/// The position of a candidate in the queue: stopped notebooks before running ones, then by account, region and name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    is_running: bool,
    account: AccountId,
    region: Region,
    name: String,
}

/// Decides one claim after the other.
pub struct Planner<'a> {
    policy: &'a Policy,
    policies: &'a Policies,
    tally: Tally,
    now: Timestamp,
    queue: VecDeque<Candidate>,
    refused: HashMap<usize, Wait>,
}

impl<'a> Planner<'a> {
    /// A planner for the findings of a policy; `records` are all there are, of every policy.
    #[must_use]
    pub fn new<'r>(
        policy: &'a Policy,
        evaluation: &Evaluation,
        policies: &'a Policies,
        records: impl IntoIterator<Item = &'r Record>,
        now: Timestamp,
    ) -> Self {
        let tally = Tally::of(&policy.name, records);
        let mut queue: Vec<Candidate> = candidates(evaluation).collect();
        queue.sort_by_cached_key(Candidate::position);
        if policy.mode == Mode::Audit || policy.suspended {
            queue.clear();
        }
        let mut planner = Self {
            policy,
            policies,
            tally,
            now,
            queue: queue.into(),
            refused: HashMap::new(),
        };
        planner.take_turns();
        planner
    }

    /// An account and region that does not answer takes its turn after the others, and so does each of its notebooks (promise P8). Where
    /// nothing timed out, the order stays.
    fn take_turns(&mut self) {
        let tally = &self.tally;
        self.queue
            .make_contiguous()
            .sort_by_cached_key(|candidate| {
                let target = tally.target(&candidate.account, &candidate.region);
                let known = tally.notebook(&candidate.notebook.summary.arn);
                let timed_out = known.and_then(|known| known.timed_out);
                (candidate.notebook.is_running(), target.timed_out, timed_out)
            });
    }

    /// The same, with the records that cannot be understood.
    #[must_use]
    pub fn with_invalid(mut self, records: &[PartialRecord]) -> Self {
        for record in records {
            self.tally.add_partial(record);
        }
        self
    }

    /// The same, rotated: the queue begins after the candidate at which the last pass ended, so that candidates which take all the time of
    /// a pass are not the first ones of the next pass too. Stopped notebooks still come before running ones.
    #[must_use]
    pub fn beginning_after(mut self, last: Option<&Position>) -> Self {
        let Some(last) = last else {
            return self;
        };
        let queue = self.queue.make_contiguous();
        queue.sort_by_cached_key(Candidate::position);
        let first_running = queue.partition_point(|each| !each.notebook.is_running());
        let (begin, end) = if last.is_running {
            (first_running, queue.len())
        } else {
            (0, first_running)
        };
        if let Some(kind) = queue.get_mut(begin..end) {
            kind.rotate_left(kind.partition_point(|each| each.position() <= *last));
        }
        self.take_turns();
        self
    }

    /// The next notebook to claim; those that must wait are passed over.
    pub fn next_candidate(&mut self) -> Option<Candidate> {
        self.next_candidate_where(|_| true)
    }

    /// The next notebook to claim of those that are eligible; the others keep their places in the queue.
    pub fn next_candidate_where(
        &mut self,
        is_eligible: impl Fn(&Candidate) -> bool,
    ) -> Option<Candidate> {
        let mut index = 0;
        loop {
            let is_next = self.queue.iter().skip(index).position(&is_eligible)?;
            index += is_next;
            let candidate = self.queue.remove(index)?;
            if self.judge(&candidate, Horizon::Now).is_ok() {
                return Some(candidate);
            }
        }
    }

    /// A record was made for a candidate.
    pub fn claimed(&mut self, record: &Record) {
        self.tally.add(record);
    }

    /// No record was made for a candidate, for this reason.
    pub fn refused(&mut self, candidate: &Candidate, wait: Wait) {
        self.refused.insert(candidate.finding, wait);
    }

    /// Writes into the evaluation what is done about each finding, or why nothing is, and what is under way.
    pub fn conclude(self, evaluation: &mut Evaluation) {
        let horizon = match self.policy.mode {
            Mode::Enforce => Horizon::Now,
            Mode::Audit => Horizon::Preview,
        };
        let mut waits_for_window = false;
        let mut rested_at: Option<Timestamp> = None;
        for candidate in candidates(evaluation).collect::<Vec<_>>() {
            let refusal = self.refused.get(&candidate.finding);
            let wait = match self.judge(&candidate, horizon) {
                Err(wait) => Some(wait),
                Ok(()) => refusal.cloned(),
            };
            if let Some(finding) = evaluation.findings.get_mut(candidate.finding)
                && let Some(wait) = wait
            {
                waits_for_window |= wait.next == Next::Wait(WaitReason::Window);
                rested_at = rested_at.into_iter().chain(wait.until).min();
                wait.apply(finding);
            }
        }
        count_not_restartable(evaluation);
        evaluation.flights = Flights {
            window_opens: waits_for_window.then(|| self.window_opens()).flatten(),
            rested_at,
            ..self.tally.flights(self.policy)
        };
    }

    fn judge(&self, candidate: &Candidate, horizon: Horizon) -> Result<(), Wait> {
        let place = (&candidate.account, &candidate.region);
        admit(
            self.policy,
            (self.policies, &self.tally),
            place,
            &candidate.notebook,
            (self.now, horizon),
        )
        .map(drop)
    }

    fn window_opens(&self) -> Option<Timestamp> {
        match windows::opening(&self.policy.remediation.windows, self.now) {
            windows::Opening::Closed { opens } => opens,
            // It closes too soon for a restart; when it has closed, it can be told when the next one opens.
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

/// Findings that something is to be done about, in the order of the findings.
fn candidates(evaluation: &Evaluation) -> impl Iterator<Item = Candidate> {
    evaluation
        .findings
        .iter()
        .enumerate()
        .filter(|(_, finding)| finding.verdict == Verdict::NonCompliant)
        .filter_map(|(index, finding)| candidate(index, finding))
}

fn candidate(index: usize, finding: &Finding) -> Option<Candidate> {
    match &finding.target.region {
        TargetRegion::Unresolved => None,
        TargetRegion::Named(region) => Some(Candidate {
            account: finding.target.account.clone(),
            region: region.clone(),
            notebook: Arc::clone(&finding.notebook),
            finding: index,
        }),
    }
}

/// What is under way for a policy that is not planned: a suspended one.
#[must_use]
pub fn flights<'r>(policy: &Policy, records: impl IntoIterator<Item = &'r Record>) -> Flights {
    Tally::of(&policy.name, records).flights(policy)
}

/// Whether a record is one that the policy's figures show as under way.
fn is_remediating(record: &Record) -> bool {
    use RecordState::{NeedsAttention, Unrecognized};
    !record.is_finished() && !matches!(record.progress.state, NeedsAttention | Unrecognized)
}
