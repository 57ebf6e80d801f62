//! One measurement: the lower bound, a first scan, an idle sweep.

use std::{
    fmt,
    time::{Duration, Instant},
};

use kube::{
    Api, Client, Config, ResourceExt,
    api::{DeleteParams, Patch, PatchParams},
    config::{KubeConfigOptions, Kubeconfig},
    runtime::{conditions::is_deleted, wait::await_condition},
};
use local_cluster::LocalCluster;
use sagemaker_simulator::{Operation, Options, Simulator};
use serde_json::json;
use sudoless::api::{NotebookRootAccessPolicy, NotebookRootAccessPolicyStatus as Status};

use crate::{
    bare::{self, Bound},
    case::Size,
    operator::{self, Operator},
    usage::Usage,
};

/// Scan interval of the policies: the shortest that the API accepts.
const INTERVAL: Duration = Duration::from_mins(1);

/// Timeout of the largest case on a busy machine.
const DEADLINE: Duration = Duration::from_mins(10);

/// Interval of the checks that the sweep has begun.
const LOOK: Duration = Duration::from_millis(5);

const POLICY: &str = "bench";

/// State shared by all measurements.
pub struct Bench {
    cluster: LocalCluster,
    policies: Api<NotebookRootAccessPolicy>,
    latency: Duration,
}

/// Requests to AWS, as counted by the simulator.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Requests {
    pub assume_role: u64,
    pub list: u64,
    pub describe: u64,
    pub other: u64,
}

/// A first scan or an idle sweep.
#[derive(Clone, Copy, Debug)]
pub struct Scan {
    pub wall: Duration,
    pub cpu: Duration,
    pub requests: Requests,
}

/// Step after a first scan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Then {
    /// An idle sweep.
    Sweep,
    /// Nothing.
    End,
}

pub struct Measured {
    pub bound: Bound,
    pub first: Scan,
    pub idle: Option<Scan>,
    /// Memory before the policy was created.
    pub before: Usage,
    /// Memory after all measurements, including a page of metrics for each scan.
    pub after: Usage,
    /// Size of the page of metrics, in bytes.
    pub metrics: usize,
}

impl Bench {
    pub async fn start(latency: Duration) -> Self {
        let cluster = operator::cluster();
        let kubeconfig = Kubeconfig::read_from(cluster.kubeconfig_path()).unwrap();
        let config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default())
            .await
            .unwrap();
        Self {
            policies: Api::all(Client::try_from(config).unwrap()),
            cluster,
            latency,
        }
    }

    pub async fn run(&self, size: &Size, then: Then) -> Measured {
        let options = Options {
            latency: self.latency,
            request_log: 1,
            ..Options::default()
        };
        let simulator = Simulator::start(size.fleet(), options).unwrap();
        let operator = Operator::start(&self.cluster, &simulator);

        let bound = bare::bound(size, &simulator).await;
        let wanted = Requests::counted(&simulator);
        assert_eq!(
            bound.notebooks, size.notebooks,
            "the bound read another fleet"
        );

        let before = operator.usage();
        simulator.reset_counters();
        let begun = Instant::now();
        self.apply(size).await;
        let complete = |status: &Status| is_complete(status, size, bound.enabled);
        let status = self.until(complete).await;
        let first = Scan {
            wall: begun.elapsed(),
            cpu: operator.usage().cpu.saturating_sub(before.cpu),
            requests: Requests::counted(&simulator),
        };
        assert_eq!(first.requests, wanted, "the bound is one of other requests");
        let metrics = operator.scrape();
        let idle = match then {
            Then::Sweep => Some(self.sweep(&status, &simulator, &operator).await),
            Then::End => None,
        };
        let after = operator.usage();
        self.delete().await;
        Measured {
            bound,
            first,
            idle,
            before,
            after,
            metrics,
        }
    }

    /// Waits for the next due scan, with nothing changed, and for the status with its results.
    async fn sweep(&self, status: &Status, simulator: &Simulator, operator: &Operator) -> Scan {
        simulator.reset_counters();
        let before = operator.usage();
        let asleep = Instant::now();
        while simulator.requests().is_empty() {
            assert!(asleep.elapsed() < 2 * INTERVAL, "no scan is due");
            tokio::time::sleep(LOOK).await;
        }
        let begun = Instant::now();
        let scanned = self
            .until(|now| now.last_scan_time != status.last_scan_time)
            .await;
        let scan = Scan {
            wall: begun.elapsed(),
            cpu: operator.usage().cpu.saturating_sub(before.cpu),
            requests: Requests::counted(simulator),
        };
        let unchanged = Status {
            last_scan_time: status.last_scan_time.clone(),
            ..scanned
        };
        assert_eq!(&unchanged, status, "an idle sweep moves lastScanTime only");
        operator.scrape();
        scan
    }

    async fn apply(&self, size: &Size) {
        let policy = json!({
            "apiVersion": "sudoless.dev/v1alpha1",
            "kind": "NotebookRootAccessPolicy",
            "metadata": {"name": POLICY},
            "spec": size.spec(INTERVAL),
        });
        let parameters = PatchParams::apply("bench").force();
        self.policies
            .patch(POLICY, &parameters, &Patch::Apply(policy))
            .await
            .unwrap();
    }

    async fn until(&self, wanted: impl Fn(&Status) -> bool) -> Status {
        let seen = |policy: Option<&NotebookRootAccessPolicy>| {
            policy
                .and_then(|policy| policy.status.as_ref())
                .is_some_and(&wanted)
        };
        let condition = await_condition(self.policies.clone(), POLICY, seen);
        if let Ok(found) = tokio::time::timeout(DEADLINE, condition).await {
            return found.unwrap().unwrap().status.unwrap();
        }
        let status = self.policies.get(POLICY).await.unwrap().status;
        let status = status.unwrap_or_default();
        panic!(
            "not within {DEADLINE:?}: {:?} {:#?}",
            status.summary, status.conditions
        )
    }

    async fn delete(&self) {
        let policy = self.policies.get(POLICY).await.unwrap();
        let uid = policy.uid().unwrap();
        let deleted = await_condition(self.policies.clone(), POLICY, is_deleted(&uid));
        self.policies
            .delete(POLICY, &DeleteParams::default())
            .await
            .unwrap();
        tokio::time::timeout(DEADLINE, deleted)
            .await
            .unwrap()
            .unwrap();
    }
}

/// Returns true if Ready is known, the scan has a time, and every figure is correct.
fn is_complete(status: &Status, size: &Size, enabled: usize) -> bool {
    let ready = status
        .conditions
        .iter()
        .any(|condition| condition.type_ == "Ready" && condition.status != "Unknown");
    let Some(summary) = status.summary else {
        return false;
    };
    ready
        && status.last_scan_time.is_some()
        && (summary.notebooks, summary.non_compliant, summary.unknown)
            == (count(size.notebooks), count(enabled), 0)
        && (summary.targets, summary.unreadable_targets) == (count(size.targets()), 0)
}

fn count(size: usize) -> u32 {
    size.try_into().unwrap()
}

impl Requests {
    fn counted(simulator: &Simulator) -> Self {
        let counters = simulator.counters();
        let (assume_role, list, describe) = (
            counters.of(Operation::AssumeRole),
            counters.of(Operation::ListNotebookInstances),
            counters.of(Operation::DescribeNotebookInstance),
        );
        Self {
            assume_role,
            list,
            describe,
            other: counters.total() - assume_role - list - describe,
        }
    }
}

impl Measured {
    pub fn ratio(&self) -> f64 {
        self.first.wall.as_secs_f64() / self.bound.wall.as_secs_f64()
    }
}

impl fmt::Display for Measured {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "{:.2?}, bare SDK {:.2?} (of that Describes {:.2?}): {:.2}; CPU {:.2?} and {:.2?}; {} KiB ({} allocated) \
             before, {} KiB ({} allocated) after, peak {} KiB, bare SDK {} KiB; {} KiB of metrics",
            self.first.wall,
            self.bound.wall,
            self.bound.describing,
            self.ratio(),
            self.first.cpu,
            self.bound.usage.cpu,
            self.before.resident / 1024,
            self.before.allocated / 1024,
            self.after.resident / 1024,
            self.after.allocated / 1024,
            self.after.peak / 1024,
            self.bound.usage.peak / 1024,
            self.metrics / 1024,
        )
    }
}
