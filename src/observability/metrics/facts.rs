//! Gauges with the facts of the last pass over each policy.
//!
//! The series are computed for each scrape, from facts of some eighty bytes per target. Live gauges
//! of a fleet would take many times that, and each would have to be removed when its target goes.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use jiff::Timestamp;
use prometheus::{
    core::{Collector, Desc},
    proto::MetricFamily,
};
use strum::VariantArray;

use super::family::{Family, seconds};

use crate::domain::{
    Evaluation, Mode, Next, Policy, PolicyName, Target, TargetReport, TargetState, Verdict,
    WaitReason,
};

/// Facts of the last pass over a policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyFacts {
    /// Mode of the policy.
    pub mode: Mode,
    /// True if the policy is suspended.
    pub suspended: bool,
    /// Scan interval of the policy.
    pub scan_interval: Duration,
    /// Time of the last scan of the policy's targets, or `None` before the first.
    pub last_scan: Option<Timestamp>,
    /// Targets of the policy, each account and region once.
    pub targets: Vec<TargetFacts>,
    /// Number of waiting notebooks by reason, in the order of [`WaitReason::VARIANTS`].
    pub waiting: [u32; WaitReason::VARIANTS.len()],
    /// Number of accounts and regions that are halted because too many remediations failed there.
    pub halted: u32,
    /// True if the policy is halted because too many notebooks are down and need attention.
    pub braked: bool,
    /// Expiries of the exemptions that expire.
    pub expiries: Vec<ExemptionExpiry>,
}

/// Expiry of one of a policy's exemptions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExemptionExpiry {
    /// Index in `spec.exemptions`, from 0.
    pub place: String,
    /// Time of the expiry, possibly in the past.
    pub at: Timestamp,
}

/// Facts of the last pass about one of the policy's targets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TargetFacts {
    /// Account and region.
    pub target: Arc<Target>,
    /// Result of reading the target.
    pub state: TargetState,
    /// Number of notebooks in the policy's scope by verdict, in the order of [`Verdict::VARIANTS`].
    pub verdicts: [u32; 4],
    /// Number of these notebooks with a lifecycle configuration.
    pub lifecycle_configs: u32,
    /// Number of these notebooks that run, violate the policy, and would not be started again by
    /// AWS.
    pub not_restartable: u32,
    /// Start of the last successful scan, or `None` before the first.
    pub last_success: Option<Timestamp>,
    /// `LastModifiedTime` of the non-compliant notebook unchanged for longest: a lower bound on how
    /// long its users have had root.
    pub oldest_violation: Option<Timestamp>,
}

/// Collector that computes the series from the facts last published for each policy. Clones share
/// them.
#[derive(Clone)]
pub(super) struct FactsCollector {
    descriptions: Vec<Desc>,
    policies: Arc<Mutex<BTreeMap<PolicyName, Arc<PolicyFacts>>>>,
}

type Published = Vec<(PolicyName, Arc<PolicyFacts>)>;

const NOTEBOOKS: Family<4> = Family {
    name: "sudoless_notebooks",
    help: "Notebooks in a policy's scope by verdict, as of the last pass. NonCompliant above 0: \
           users have root against the policy. Unknown above 0: root access is not known. Alert on \
           both. Accounts and regions without notebooks have no series.",
    labels: ["policy", "account", "region", "verdict"],
};

const LIFECYCLE_CONFIGS: Family<3> = Family {
    name: "sudoless_notebooks_with_lifecycle_config",
    help: "Notebooks in a policy's scope with a lifecycle configuration. Its scripts run as root \
           whatever RootAccess says. A rise means more residual root to review.",
    labels: ["policy", "account", "region"],
};

const NOT_RESTARTABLE: Family<3> = Family {
    name: "sudoless_notebooks_not_restartable",
    help: "Running NonCompliant notebooks that are not restarted, because AWS would not start them \
           again: their platform is retired or unknown, or an accelerator is attached. Above 0: \
           users keep root until the owners migrate these notebooks.",
    labels: ["policy", "account", "region"],
};

const TARGETS: Family<2> = Family {
    name: "sudoless_targets",
    help: "Accounts and regions of a policy by the state of their last scan. Alert on every state \
           but Scanned and RegionDisabled: notebooks there were not read, and no verdict covers \
           them.",
    labels: ["policy", "state"],
};

const LAST_SUCCESS: Family<3> = Family {
    name: "sudoless_target_last_success_timestamp_seconds",
    help: "Start of the last successful scan of an account and region under a policy's identity. \
           Alert when it is several scan intervals ago. A target that was never read has no series \
           here, and is counted in sudoless_targets.",
    labels: ["policy", "account", "region"],
};

const OLDEST_VIOLATION: Family<3> = Family {
    name: "sudoless_oldest_violation_timestamp_seconds",
    help: "LastModifiedTime of the NonCompliant notebook unchanged for longest: its users have had \
           root at least since then. No series without a violation. A time long ago means that the \
           violation is not handled.",
    labels: ["policy", "account", "region"],
};

const LAST_SCAN: Family<1> = Family {
    name: "sudoless_policy_last_scan_timestamp_seconds",
    help: "Time of the last full or partial scan of a policy's targets. Alert when it is several \
           scan intervals ago and the policy is not suspended: its status is stale. No series \
           before the first scan.",
    labels: ["policy"],
};

const SCAN_INTERVAL: Family<1> = Family {
    name: "sudoless_policy_scan_interval_seconds",
    help: "Scan interval of a policy: the measure for the age of its facts.",
    labels: ["policy"],
};

const POLICY_INFO: Family<3> = Family {
    name: "sudoless_policy_info",
    help: "Always 1. The labels describe the policy. Alert on suspended=\"true\" for longer than a \
           maintenance takes: nothing is scanned.",
    labels: ["policy", "mode", "suspended"],
};

const WAITING: Family<2> = Family {
    name: "sudoless_notebooks_waiting",
    help: "Violations that are not fixed now, by reason, as of the last pass. Window, Budget and \
           Canary end by themselves. Alert on Failed, Halted, Recurring and PolicyConflict for \
           longer than a day: a person has to decide.",
    labels: ["policy", "reason"],
};

const HALTED: Family<1> = Family {
    name: "sudoless_halted_targets",
    help: "Accounts and regions where a policy starts no remediations, because maxFailures \
           remediations failed there. Alert above 0: look at the failed records, and delete each \
           one when its cause is fixed.",
    labels: ["policy"],
};

const BRAKED: Family<1> = Family {
    name: "sudoless_policy_halted",
    help: "1 while no running notebook of a policy is stopped, because maxFailures of its notebooks are down and need attention; else 0. \
           Alert on 1 at once: notebooks are down, and a person must find the common cause.",
    labels: ["policy"],
};

const EXPIRIES: Family<2> = Family {
    name: "sudoless_exemption_expiry_timestamp_seconds",
    help: "Expiry of a policy's exemption, possibly in the past. The label is its index in \
           spec.exemptions, from 0. Exemptions without expiry have no series. Alert some days \
           before: after it, the notebooks are judged like all others, and fixed in Enforce.",
    labels: ["policy", "exemption"],
};

impl TargetFacts {
    /// Returns the facts in a pass's report of a target.
    #[must_use]
    pub fn of(report: &TargetReport) -> Self {
        Self {
            target: Arc::clone(&report.target),
            state: report.state,
            verdicts: report.verdicts,
            lifecycle_configs: report.lifecycle_configs,
            not_restartable: report.not_restartable,
            last_success: report.last_success,
            oldest_violation: report.oldest_violation,
        }
    }

    fn has_notebooks(&self) -> bool {
        self.verdicts.iter().any(|count| *count > 0)
    }
}

impl PolicyFacts {
    /// Counts the waiting findings of a pass by reason, in the order of [`WaitReason::VARIANTS`].
    #[must_use]
    pub fn waiting_in(evaluation: &Evaluation) -> [u32; WaitReason::VARIANTS.len()] {
        let mut waiting = [0; WaitReason::VARIANTS.len()];
        for finding in &evaluation.findings {
            if let Next::Wait(reason) = finding.next {
                for (each, count) in WaitReason::VARIANTS.iter().copied().zip(&mut waiting) {
                    *count += u32::from(each == reason);
                }
            }
        }
        waiting
    }
}

impl ExemptionExpiry {
    /// Returns the expiries of a policy's exemptions.
    #[must_use]
    pub fn all(policy: &Policy) -> Vec<Self> {
        let exemptions = policy.exemptions.iter().enumerate();
        exemptions
            .filter_map(|(place, exemption)| {
                let at = exemption.expires_at?;
                let place = place.to_string();
                Some(Self { place, at })
            })
            .collect()
    }
}

impl FactsCollector {
    pub(super) fn new() -> Result<Self, prometheus::Error> {
        Ok(Self {
            descriptions: vec![
                NOTEBOOKS.describe()?,
                LIFECYCLE_CONFIGS.describe()?,
                NOT_RESTARTABLE.describe()?,
                TARGETS.describe()?,
                LAST_SUCCESS.describe()?,
                OLDEST_VIOLATION.describe()?,
                LAST_SCAN.describe()?,
                SCAN_INTERVAL.describe()?,
                POLICY_INFO.describe()?,
                WAITING.describe()?,
                HALTED.describe()?,
                BRAKED.describe()?,
                EXPIRIES.describe()?,
            ],
            policies: Arc::default(),
        })
    }

    pub(super) fn published(&self, policy: &PolicyName, facts: PolicyFacts) {
        let facts = Arc::new(facts);
        self.lock(|policies| policies.insert(policy.clone(), facts));
    }

    pub(super) fn forget(&self, policy: &PolicyName) {
        self.lock(|policies| policies.remove(policy));
    }

    /// Returns the published facts. The series are computed after the lock is released.
    fn current(&self) -> Published {
        self.lock(|policies| {
            policies
                .iter()
                .map(|(name, facts)| (name.clone(), Arc::clone(facts)))
                .collect()
        })
    }

    fn lock<T>(&self, access: impl FnOnce(&mut BTreeMap<PolicyName, Arc<PolicyFacts>>) -> T) -> T {
        // A panic leaves a whole map behind, because inserting and removing do not stop half-way.
        let mut policies = self.policies.lock().unwrap_or_else(PoisonError::into_inner);
        access(&mut policies)
    }
}

impl Collector for FactsCollector {
    fn desc(&self) -> Vec<&Desc> {
        self.descriptions.iter().collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let published = self.current();
        vec![
            NOTEBOOKS.collect(each_target(&published).flat_map(notebooks)),
            LIFECYCLE_CONFIGS.collect(each_target(&published).filter_map(lifecycle_configs)),
            NOT_RESTARTABLE.collect(each_target(&published).filter_map(not_restartable)),
            TARGETS.collect(published.iter().flat_map(targets)),
            LAST_SUCCESS.collect(each_target(&published).filter_map(last_success)),
            OLDEST_VIOLATION.collect(each_target(&published).filter_map(oldest_violation)),
            LAST_SCAN.collect(published.iter().filter_map(last_scan)),
            SCAN_INTERVAL.collect(published.iter().map(scan_interval)),
            POLICY_INFO.collect(published.iter().map(policy_info)),
            WAITING.collect(published.iter().flat_map(waiting)),
            HALTED.collect(published.iter().map(halted)),
            BRAKED.collect(published.iter().map(braked)),
            EXPIRIES.collect(published.iter().flat_map(expiries)),
        ]
    }
}

fn each_target(published: &Published) -> impl Iterator<Item = (&PolicyName, &TargetFacts)> {
    published
        .iter()
        .flat_map(|(policy, facts)| facts.targets.iter().map(move |target| (policy, target)))
}

/// Returns the series of all four verdicts for a target with notebooks, so that no series appears
/// later. Returns none for a target without notebooks.
fn notebooks<'a>(
    (policy, facts): (&'a PolicyName, &'a TargetFacts),
) -> impl Iterator<Item = ([&'a str; 4], f64)> {
    let [policy, account, region] = target_labels(policy, facts);
    Verdict::VARIANTS
        .iter()
        .copied()
        .zip(facts.verdicts)
        .filter(|_| facts.has_notebooks())
        .map(move |(verdict, count)| {
            (
                [policy, account, region, verdict.as_str()],
                f64::from(count),
            )
        })
}

fn lifecycle_configs<'a>(
    (policy, facts): (&'a PolicyName, &'a TargetFacts),
) -> Option<([&'a str; 3], f64)> {
    facts.has_notebooks().then(|| {
        (
            target_labels(policy, facts),
            f64::from(facts.lifecycle_configs),
        )
    })
}

fn not_restartable<'a>(
    (policy, facts): (&'a PolicyName, &'a TargetFacts),
) -> Option<([&'a str; 3], f64)> {
    facts.has_notebooks().then(|| {
        (
            target_labels(policy, facts),
            f64::from(facts.not_restartable),
        )
    })
}

fn targets(
    (policy, facts): &(PolicyName, Arc<PolicyFacts>),
) -> impl Iterator<Item = ([&str; 2], f64)> {
    TargetState::VARIANTS.iter().copied().map(|state| {
        let in_state = facts.targets.iter().filter(|facts| facts.state == state);
        // Counted in f64, which is exact far beyond any fleet, because no lossless conversion from
        // usize exists.
        let count = in_state.fold(0.0, |count, _| count + 1.0);
        ([policy.as_str(), state.as_str()], count)
    })
}

fn last_success<'a>(
    (policy, facts): (&'a PolicyName, &'a TargetFacts),
) -> Option<([&'a str; 3], f64)> {
    let instant = facts.last_success?;
    Some((target_labels(policy, facts), seconds(instant)))
}

fn oldest_violation<'a>(
    (policy, facts): (&'a PolicyName, &'a TargetFacts),
) -> Option<([&'a str; 3], f64)> {
    let instant = facts.oldest_violation?;
    Some((target_labels(policy, facts), seconds(instant)))
}

fn last_scan((policy, facts): &(PolicyName, Arc<PolicyFacts>)) -> Option<([&str; 1], f64)> {
    Some(([policy.as_str()], seconds(facts.last_scan?)))
}

fn scan_interval((policy, facts): &(PolicyName, Arc<PolicyFacts>)) -> ([&str; 1], f64) {
    ([policy.as_str()], facts.scan_interval.as_secs_f64())
}

fn policy_info((policy, facts): &(PolicyName, Arc<PolicyFacts>)) -> ([&str; 3], f64) {
    let mode = facts.mode.as_str();
    let suspended = if facts.suspended { "true" } else { "false" };
    ([policy.as_str(), mode, suspended], 1.0)
}

fn waiting(
    (policy, facts): &(PolicyName, Arc<PolicyFacts>),
) -> impl Iterator<Item = ([&str; 2], f64)> {
    WaitReason::VARIANTS
        .iter()
        .copied()
        .zip(facts.waiting)
        .map(|(reason, count)| ([policy.as_str(), reason.as_str()], f64::from(count)))
}

fn halted((policy, facts): &(PolicyName, Arc<PolicyFacts>)) -> ([&str; 1], f64) {
    ([policy.as_str()], f64::from(facts.halted))
}

fn braked((policy, facts): &(PolicyName, Arc<PolicyFacts>)) -> ([&str; 1], f64) {
    ([policy.as_str()], f64::from(u8::from(facts.braked)))
}

fn expiries(
    (policy, facts): &(PolicyName, Arc<PolicyFacts>),
) -> impl Iterator<Item = ([&str; 2], f64)> {
    let expiries = facts.expiries.iter();
    expiries.map(|expiry| ([policy.as_str(), &*expiry.place], seconds(expiry.at)))
}

fn target_labels<'a>(policy: &'a PolicyName, facts: &'a TargetFacts) -> [&'a str; 3] {
    [
        policy.as_str(),
        facts.target.account.as_str(),
        facts.target.region.as_str(),
    ]
}
