//! A scan without a cluster: policies → observe → evaluate → report, with the same inventory and the same decisions as the operator.
//!
//! It reads. What it is given to reach AWS with cannot write.

mod progress;

use std::sync::{Arc, OnceLock};

use futures::future::join_all;
use jiff::Timestamp;

pub use self::progress::Progress;
use crate::{
    decide::{self, Circumstances, Executed, Policies, Tally},
    domain::{Evaluation, Mode, Policy, RetiredPlatforms},
    inventory::{Demand, Inventory, Subscription},
    report::{BrokenOff, Judged, Report, Run},
};

/// Longer than any scan takes: each target has a deadline of its own.
const PATIENCE: std::time::Duration = std::time::Duration::from_hours(24 * 365);

/// A policy to scan by.
#[derive(Clone, Debug)]
pub struct Subject {
    /// Where it was read from, as file and line; `None`: it was made of flags.
    pub source: Option<String>,
    /// The policy.
    pub policy: Arc<Policy>,
}

/// A scan that is under way, for whoever may have to end it.
#[derive(Debug)]
pub struct Scan {
    inventory: Inventory,
    retired_platforms: RetiredPlatforms,
    broken_off: OnceLock<BrokenOff>,
}

impl Scan {
    /// A scan with an inventory of its own. Notebooks on `retired_platforms` are reported as not restartable.
    #[must_use]
    pub fn new(inventory: Inventory, retired_platforms: RetiredPlatforms) -> Self {
        Self {
            inventory,
            retired_platforms,
            broken_off: OnceLock::new(),
        }
    }

    /// Ends it before its time; [`Scan::run`] then returns at once with what was found so far. The first reason counts.
    pub fn break_off(&self, why: BrokenOff) {
        if self.broken_off.set(why).is_ok() {
            self.inventory.break_off();
        }
    }

    /// Reads everything that the policies name, past every cache, and judges it.
    pub async fn run(&self, subjects: &[Subject]) -> Report {
        let started_at = Timestamp::now();
        let demand = Demand {
            not_before: started_at,
            full: true,
        };
        // Those that speak of tags ask first, so that one reading serves the others too.
        let mut order: Vec<&Subject> = subjects.iter().collect();
        order.sort_by_key(|subject| !subject.policy.speaks_of_tags());
        let readings = order.into_iter().map(async |subject| {
            let mut subscription = Subscription::default();
            let observation = self
                .inventory
                .observe(&subject.policy, &mut subscription, demand, PATIENCE)
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

/// With what Enforce would do, as Audit shows it: without what depends on the moment, and by the exemptions of all the policies.
fn previewed(
    policy: &Policy,
    policies: &Policies,
    mut evaluation: Evaluation,
    now: Timestamp,
) -> Evaluation {
    if policy.suspended {
        evaluation.warnings.push(
            "spec.suspend is true: the operator does not scan by this policy; it was scanned all the same"
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
    let nothing = Executed::new(Tally::of(&preview.name, []));
    decide::conclude(circumstances, evaluation, nothing)
}
