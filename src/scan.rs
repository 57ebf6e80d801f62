//! A scan without a cluster: policies → observe → evaluate → report, with the cache and the
//! decisions of the operator.
//!
//! A scan is read-only: its AWS client has no write operation.

mod progress;

use std::sync::{Arc, OnceLock};

use futures::future::join_all;
use jiff::Timestamp;

pub use self::progress::Progress;
use crate::{
    decide::{self, Circumstances, Executed, Policies, Usage},
    domain::{Evaluation, Mode, Policy, RetiredPlatforms},
    fleet::{Fleet, Freshness, Subscription},
    report::{BrokenOff, Judged, Report, Run},
};

/// Longer than any scan, because each target has its own deadline.
const PATIENCE: std::time::Duration = std::time::Duration::from_hours(24 * 365);

/// A policy to scan by.
#[derive(Clone, Debug)]
pub struct Subject {
    /// Source of the policy, as file and line. `None` if it was made from flags.
    pub source: Option<String>,
    /// The policy.
    pub policy: Arc<Policy>,
}

/// A scan, which can be ended early while it runs.
#[derive(Debug)]
pub struct Scan {
    fleet: Fleet,
    retired_platforms: RetiredPlatforms,
    broken_off: OnceLock<BrokenOff>,
}

impl Scan {
    /// Creates a scan with its own cache. Notebooks on `retired_platforms` are reported as not
    /// restartable.
    #[must_use]
    pub fn new(fleet: Fleet, retired_platforms: RetiredPlatforms) -> Self {
        Self {
            fleet,
            retired_platforms,
            broken_off: OnceLock::new(),
        }
    }

    /// Ends the scan early. [`Scan::run`] then returns at once with the findings so far. The first
    /// reason counts.
    pub fn break_off(&self, why: BrokenOff) {
        if self.broken_off.set(why).is_ok() {
            self.fleet.break_off();
        }
    }

    /// Reads all targets of the policies, past every cache, and judges their notebooks.
    pub async fn run(&self, subjects: &[Subject]) -> Report {
        let started_at = Timestamp::now();
        let freshness = Freshness {
            not_before: started_at,
            full: true,
        };
        // Policies that use tags ask first, so that one read serves the others too.
        let mut order: Vec<&Subject> = subjects.iter().collect();
        order.sort_by_key(|subject| !subject.policy.speaks_of_tags());
        let readings = order.into_iter().map(async |subject| {
            let mut subscription = Subscription::default();
            let observation = self
                .fleet
                .observe(&subject.policy, &mut subscription, freshness, PATIENCE)
                .await;
            (subject, observation.snapshots)
        });
        let observed = join_all(readings).await;
        let now = Timestamp::now();
        let policies = Policies {
            valid: subjects
                .iter()
                .map(|subject| Arc::clone(&subject.policy))
                .collect(),
            unreadable: Vec::new(),
            retired_platforms: self.retired_platforms.clone(),
        };
        let mut judged: Vec<(&Subject, Evaluation)> = observed
            .into_iter()
            .map(|(subject, snapshots)| {
                let evaluation = decide::evaluate(&subject.policy, &snapshots, now);
                (
                    subject,
                    previewed(&subject.policy, &policies, evaluation, now),
                )
            })
            .collect();
        judged.sort_by_key(|(subject, _)| {
            let place = subjects
                .iter()
                .position(|each| std::ptr::eq(each, *subject));
            place.unwrap_or_default()
        });
        let run = Run {
            started_at,
            finished_at: now,
            broken_off: self.broken_off.get().copied(),
        };
        let judged = judged.iter().map(|(subject, evaluation)| Judged {
            source: subject.source.as_deref(),
            policy: &subject.policy,
            evaluation,
            retired_platforms: &self.retired_platforms,
        });
        Report::new(run, judged)
    }
}

/// Adds what mode Enforce would do, as mode Audit shows it. Windows, budgets and the canary are
/// left out, and the exemptions of all policies apply.
fn previewed(
    policy: &Policy,
    policies: &Policies,
    mut evaluation: Evaluation,
    now: Timestamp,
) -> Evaluation {
    if policy.suspended {
        evaluation.warnings.push(
            "spec.suspend is true: the operator does not scan by this policy, but this scan did"
                .to_owned(),
        );
    }
    let preview = Policy {
        mode: Mode::Audit,
        ..policy.clone()
    };
    let circumstances = Circumstances {
        policy: &preview,
        policies,
        now,
    };
    let nothing = Executed::new(Usage::of(&preview.name, []));
    decide::conclude(circumstances, evaluation, nothing)
}
