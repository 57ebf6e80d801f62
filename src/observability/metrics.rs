//! Metrics, by Prometheus's naming rules: prefix `sudoless_`, base units, counters end in `_total`.
//!
//! Labels are enums, or the configured names of policies, accounts and regions. No label is the
//! name of a notebook. `docs/metrics.md` lists every family, and a test compares the list.

mod facts;
mod family;
mod labels;
mod records;

use std::{fmt, time::Duration};

use prometheus::{
    HistogramOpts, HistogramVec, IntCounterVec, IntGaugeVec, Opts, Registry, TextEncoder,
};
use strum::VariantArray;

use self::{facts::FactsCollector, records::RecordsCollector};
pub use self::{
    facts::{ExemptionExpiry, PolicyFacts, TargetFacts},
    labels::{Controller, ReconciliationResult, StartFailure},
    records::RecordFacts,
};
use crate::{
    aws::{Operation, Outcome, RequestObserver},
    domain::{PolicyName, RecordState, TargetState},
};

/// In seconds. A scan takes from a few round trips to the deadline of its target.
const SCAN_BUCKETS: &[f64] = &[
    0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0,
];

/// In seconds. A pass takes milliseconds with warm caches, and minutes over a cold fleet.
const RECONCILIATION_BUCKETS: &[f64] = &[
    0.005, 0.025, 0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 1800.0,
];

/// In seconds. Stop, update and start of a small instance take about six minutes. A policy's
/// timeouts allow hours.
const DOWNTIME_BUCKETS: &[f64] = &[
    60.0, 120.0, 180.0, 240.0, 300.0, 360.0, 480.0, 600.0, 900.0, 1800.0, 3600.0, 7200.0, 21600.0,
];

/// End states of remediations.
const OUTCOMES: [RecordState; 3] = [
    RecordState::Succeeded,
    RecordState::Failed,
    RecordState::Cancelled,
];

/// Version and commit of the running build.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BuildInfo {
    /// Version of the package.
    pub version: &'static str,
    /// Commit of the build, or `unknown`.
    pub revision: &'static str,
}

/// Metrics of the operator. Clones share all state.
#[derive(Clone)]
pub struct Metrics {
    registry: Registry,
    facts: FactsCollector,
    scans: HistogramVec,
    aws_requests: IntCounterVec,
    aws_throttles: IntCounterVec,
    reconciliations: IntCounterVec,
    reconciliation_durations: HistogramVec,
    records: RecordsCollector,
    remediations: IntCounterVec,
    downtimes: HistogramVec,
    starts_failed: IntCounterVec,
}

impl BuildInfo {
    /// Returns this build's information: the package's version, and the revision from
    /// `SUDOLESS_REVISION` at compile time.
    #[must_use]
    pub fn current() -> Self {
        Self {
            version: env!("CARGO_PKG_VERSION"),
            revision: option_env!("SUDOLESS_REVISION").unwrap_or("unknown"),
        }
    }
}

impl Metrics {
    /// Creates the metrics in their own registry. Every series with bounded labels exists from the
    /// start, because a counter that appears with its first increment hides it from `rate()`.
    ///
    /// # Errors
    /// A metric name in this module is invalid or used twice.
    pub fn new(build: BuildInfo) -> Result<Self, prometheus::Error> {
        let metrics = Self {
            registry: Registry::new(),
            facts: FactsCollector::new()?,
            scans: scans()?,
            aws_requests: aws_requests()?,
            aws_throttles: aws_throttles()?,
            reconciliations: reconciliations()?,
            reconciliation_durations: reconciliation_durations()?,
            records: RecordsCollector::new()?,
            remediations: remediations()?,
            downtimes: downtimes()?,
            starts_failed: starts_failed()?,
        };
        let build_info = build_info()?;
        build_info
            .with_label_values(&[build.version, build.revision])
            .set(1);

        let registry = &metrics.registry;
        registry.register(Box::new(metrics.facts.clone()))?;
        registry.register(Box::new(metrics.scans.clone()))?;
        registry.register(Box::new(metrics.aws_requests.clone()))?;
        registry.register(Box::new(metrics.aws_throttles.clone()))?;
        registry.register(Box::new(metrics.reconciliations.clone()))?;
        registry.register(Box::new(metrics.reconciliation_durations.clone()))?;
        registry.register(Box::new(metrics.records.clone()))?;
        registry.register(Box::new(metrics.remediations.clone()))?;
        registry.register(Box::new(metrics.downtimes.clone()))?;
        registry.register(Box::new(metrics.starts_failed.clone()))?;
        registry.register(Box::new(build_info))?;
        #[cfg(target_os = "linux")]
        registry.register(Box::new(
            prometheus::process_collector::ProcessCollector::for_self(),
        ))?;

        metrics.create_series();
        Ok(metrics)
    }

    /// Replaces the facts of a policy's previous pass.
    ///
    /// Call it after every pass over a valid policy, a suspended one included. Repeat the facts
    /// that still hold, such as the time of the last scan and its targets. Call [`Self::forget`]
    /// for an invalid policy, because its notebooks are no longer judged.
    pub fn published(&self, policy: &PolicyName, facts: PolicyFacts) {
        // Created at once, because a counter that appears with its first increment hides it from
        // rate().
        for outcome in OUTCOMES {
            self.remediations
                .with_label_values(&[policy.as_str(), outcome.as_str()]);
        }
        self.downtimes.with_label_values(&[policy.as_str()]);
        for &failure in StartFailure::VARIANTS {
            self.starts_failed
                .with_label_values(&[policy.as_str(), failure.as_str()]);
        }
        self.facts.published(policy, facts);
    }

    /// Removes all series of a policy, except those of its records. These remain while the records
    /// exist.
    pub fn forget(&self, policy: &PolicyName) {
        self.facts.forget(policy);
        for outcome in OUTCOMES {
            // The series does not exist if the policy was never published.
            let _ = self
                .remediations
                .remove_label_values(&[policy.as_str(), outcome.as_str()]);
        }
        let _ = self.downtimes.remove_label_values(&[policy.as_str()]);
        for &failure in StartFailure::VARIANTS {
            let _ = self
                .starts_failed
                .remove_label_values(&[policy.as_str(), failure.as_str()]);
        }
    }

    /// Replaces the facts of a record. `None` removes them.
    pub fn record_changed(&self, record: &str, facts: Option<RecordFacts>) {
        self.records.changed(record, facts);
    }

    /// Counts a finished remediation, and records its notebook's downtime.
    pub fn remediated(&self, policy: &PolicyName, outcome: RecordState, down: Option<Duration>) {
        self.remediations
            .with_label_values(&[policy.as_str(), outcome.as_str()])
            .inc();
        if let Some(down) = down {
            self.downtimes
                .with_label_values(&[policy.as_str()])
                .observe(down.as_secs_f64());
        }
    }

    /// Counts a failed start of a policy's notebook.
    pub fn start_failed(&self, policy: &PolicyName, failure: StartFailure) {
        self.starts_failed
            .with_label_values(&[policy.as_str(), failure.as_str()])
            .inc();
    }

    /// Records the end of one scan of one target.
    pub fn scanned(&self, state: TargetState, took: Duration) {
        self.scans
            .with_label_values(&[state.as_str()])
            .observe(took.as_secs_f64());
    }

    /// Records the end of one pass of a controller.
    pub fn reconciled(&self, controller: Controller, result: ReconciliationResult, took: Duration) {
        self.reconciliations
            .with_label_values(&[controller.as_str(), result.as_str()])
            .inc();
        self.reconciliation_durations
            .with_label_values(&[controller.as_str()])
            .observe(took.as_secs_f64());
    }

    /// Renders the metrics in Prometheus's text format 0.0.4.
    ///
    /// Computes the series of all facts on each call. With tens of thousands of targets, call it
    /// where blocking is allowed.
    ///
    /// # Errors
    /// No known case: every family has a name and a series.
    pub fn render(&self) -> Result<String, prometheus::Error> {
        TextEncoder::new().encode_to_string(&self.registry.gather())
    }

    fn create_series(&self) {
        for &state in TargetState::VARIANTS {
            self.scans.with_label_values(&[state.as_str()]);
        }
        for &operation in Operation::VARIANTS {
            self.aws_throttles.with_label_values(&[operation.as_str()]);
            for &outcome in Outcome::VARIANTS {
                self.aws_requests
                    .with_label_values(&[operation.as_str(), outcome.as_str()]);
            }
        }
        for &controller in Controller::VARIANTS {
            self.reconciliation_durations
                .with_label_values(&[controller.as_str()]);
            for &result in ReconciliationResult::VARIANTS {
                self.reconciliations
                    .with_label_values(&[controller.as_str(), result.as_str()]);
            }
        }
    }
}

impl RequestObserver for Metrics {
    fn attempted(&self, operation: Operation, outcome: Outcome) {
        self.aws_requests
            .with_label_values(&[operation.as_str(), outcome.as_str()])
            .inc();
        if outcome == Outcome::Throttled {
            self.aws_throttles
                .with_label_values(&[operation.as_str()])
                .inc();
        }
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Metrics")
    }
}

fn scans() -> Result<HistogramVec, prometheus::Error> {
    HistogramVec::new(
        HistogramOpts::new(
            "sudoless_scan_duration_seconds",
            "Duration of scans of one account and region, by the state they ended in. A rise of \
             Scanned means more notebooks or more throttling. Alert on the other states with \
             sudoless_targets.",
        )
        .buckets(SCAN_BUCKETS.to_vec()),
        &["state"],
    )
}

fn aws_requests() -> Result<IntCounterVec, prometheus::Error> {
    IntCounterVec::new(
        Opts::new(
            "sudoless_aws_requests_total",
            "Attempts of AWS requests, retries included, by operation and outcome. Alert on a \
             sustained rate of AccessDenied, Unrecognized or InvalidCredentials: a role, its trust \
             policy or a service control policy changed. Alert on LimitExceeded: a quota keeps a \
             notebook from being started.",
        ),
        &["operation", "outcome"],
    )
}

fn aws_throttles() -> Result<IntCounterVec, prometheus::Error> {
    IntCounterVec::new(
        Opts::new(
            "sudoless_aws_throttles_total",
            "Attempts that AWS throttled. Bursts are retried. Alert when it rises for longer than \
             a scan interval: the operator, or other clients in the accounts, exceed the quota.",
        ),
        &["operation"],
    )
}

fn reconciliations() -> Result<IntCounterVec, prometheus::Error> {
    IntCounterVec::new(
        Opts::new(
            "sudoless_reconciliations_total",
            "Finished passes by controller and result. Alert on a sustained rate of Failed: the \
             API server rejects the operator's requests or cannot be reached. Alert on Panicked: a \
             bug in the operator. Invalid: a person must correct a resource.",
        ),
        &["controller", "result"],
    )
}

fn reconciliation_durations() -> Result<HistogramVec, prometheus::Error> {
    HistogramVec::new(
        HistogramOpts::new(
            "sudoless_reconciliation_duration_seconds",
            "Duration of passes, by controller. If it exceeds a policy's scan interval, the \
             policy's facts are older than they should be.",
        )
        .buckets(RECONCILIATION_BUCKETS.to_vec()),
        &["controller"],
    )
}

fn remediations() -> Result<IntCounterVec, prometheus::Error> {
    IntCounterVec::new(
        Opts::new(
            "sudoless_remediations_total",
            "Finished remediations by outcome. Alert on any increase of Failed: a notebook could \
             not be fixed, and is not retried until a person acknowledges it. Many Cancelled mean \
             that policies or owners change their minds.",
        ),
        &["policy", "outcome"],
    )
}

fn downtimes() -> Result<HistogramVec, prometheus::Error> {
    HistogramVec::new(
        HistogramOpts::new(
            "sudoless_remediation_downtime_seconds",
            "Downtime of notebooks, from the Stop request until seen running again. Six minutes \
             are typical. A rise means that AWS is slow or short of capacity.",
        )
        .buckets(DOWNTIME_BUCKETS.to_vec()),
        &["policy"],
    )
}

fn starts_failed() -> Result<IntCounterVec, prometheus::Error> {
    IntCounterVec::new(
        Opts::new(
            "sudoless_starts_failed_total",
            "Starts that AWS rejected (AccessDenied, LimitExceeded, or Rejected for another \
             reason), or accepted before the notebook ended in status Failed. Alert on any \
             increase: the stopped notebook stays down until a person removes the cause.",
        ),
        &["policy", "reason"],
    )
}

fn build_info() -> Result<IntGaugeVec, prometheus::Error> {
    IntGaugeVec::new(
        Opts::new(
            "sudoless_build_info",
            "Always 1. The labels describe the running build. Two versions for long mean a stuck \
             rollout.",
        ),
        &["version", "revision"],
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn metrics() -> Metrics {
        Metrics::new(BuildInfo::current()).unwrap()
    }

    fn assert_line(page: &str, line: &str) {
        assert!(
            page.lines().any(|each| each == line),
            "{line} is not in:\n{page}"
        );
    }

    #[test]
    fn bounded_series_are_there_from_the_start() {
        let page = metrics().render().unwrap();
        for &operation in Operation::VARIANTS {
            assert_line(
                &page,
                &format!("sudoless_aws_throttles_total{{operation=\"{operation}\"}} 0"),
            );
            for &outcome in Outcome::VARIANTS {
                assert_line(
                    &page,
                    &format!(
                        "sudoless_aws_requests_total{{operation=\"{operation}\",outcome=\"{outcome}\"}} 0"
                    ),
                );
            }
        }
        for &result in ReconciliationResult::VARIANTS {
            assert_line(
                &page,
                &format!(
                    "sudoless_reconciliations_total{{controller=\"policy\",result=\"{result}\"}} 0"
                ),
            );
        }
        for &state in TargetState::VARIANTS {
            assert_line(
                &page,
                &format!("sudoless_scan_duration_seconds_count{{state=\"{state}\"}} 0"),
            );
        }
    }

    #[test]
    fn a_throttled_attempt_is_a_request_and_a_throttle() {
        let metrics = metrics();
        let operation = Operation::DescribeNotebookInstance;
        metrics.attempted(operation, Outcome::Throttled);
        metrics.attempted(operation, Outcome::Throttled);
        metrics.attempted(operation, Outcome::Answered);
        let page = metrics.render().unwrap();
        for line in [
            "sudoless_aws_requests_total{operation=\"DescribeNotebookInstance\",outcome=\"Answered\"} 1",
            "sudoless_aws_requests_total{operation=\"DescribeNotebookInstance\",outcome=\"Throttled\"} 2",
            "sudoless_aws_throttles_total{operation=\"DescribeNotebookInstance\"} 2",
            "sudoless_aws_throttles_total{operation=\"ListNotebookInstances\"} 0",
        ] {
            assert_line(&page, line);
        }
    }

    #[test]
    fn passes_and_scans_are_counted_and_timed() {
        let metrics = metrics();
        metrics.reconciled(
            Controller::Policy,
            ReconciliationResult::Failed,
            Duration::from_millis(1500),
        );
        metrics.scanned(TargetState::Throttled, Duration::from_secs(40));
        let page = metrics.render().unwrap();
        for line in [
            "sudoless_reconciliations_total{controller=\"policy\",result=\"Failed\"} 1",
            "sudoless_reconciliation_duration_seconds_sum{controller=\"policy\"} 1.5",
            "sudoless_scan_duration_seconds_bucket{state=\"Throttled\",le=\"30\"} 0",
            "sudoless_scan_duration_seconds_bucket{state=\"Throttled\",le=\"60\"} 1",
            "sudoless_scan_duration_seconds_sum{state=\"Throttled\"} 40",
        ] {
            assert_line(&page, line);
        }
    }

    #[test]
    fn clones_share_and_instances_do_not() {
        let metrics = metrics();
        metrics
            .clone()
            .attempted(Operation::AssumeRole, Outcome::Answered);
        let line = "sudoless_aws_requests_total{operation=\"AssumeRole\",outcome=\"Answered\"} 1";
        assert_line(&metrics.render().unwrap(), line);
        assert!(!self::metrics().render().unwrap().contains(line));
    }
}
