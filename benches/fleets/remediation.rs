//! `make bench-remediation` compares the remediation of a large fleet with the ideal schedule.
//!
//! The fleet has a thousand notebooks in one account and region, half of them running, and
//! `maxConcurrent` is 50. The simulator's stops, updates and starts take the typical minutes of
//! small instances. Its clock runs faster than the wall clock, and the operator's intervals are
//! shorter by the same factor. The ideal schedule has no pauses. First comes the canary, then all
//! running notebooks, fifty at a time, each for exactly a stop, an update and a start. Stopped
//! notebooks are updated at the same time, ten at once.
//!
//! `--stopped --notebooks 10000 --targets 300` is the other case of `make bench-remediation`:
//! stopped notebooks in 300 accounts and regions. Its ideal schedule updates fifty of them at a
//! time.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use clap::Args;
use sagemaker_simulator::{
    Account, Fleet, Notebook, Operation, Options, RootAccess, Simulator, Status, Timings,
};
use serde_json::json;

use crate::operator::{self, Operator};

/// The first account. The others have the next numbers.
const ACCOUNT: u64 = 111_122_223_333;

/// Regions of each account.
const REGIONS: [&str; 10] = [
    "eu-west-1",
    "ap-northeast-1",
    "ap-south-1",
    "ap-southeast-1",
    "ca-central-1",
    "eu-central-1",
    "eu-north-1",
    "us-east-1",
    "us-east-2",
    "us-west-2",
];

/// Typical durations of small instances: stop 1–2 min, update ½–1 min, start 2–4 min.
const STOP: Duration = Duration::from_secs(90);
const UPDATE: Duration = Duration::from_secs(45);
const START: Duration = Duration::from_mins(3);

/// The operator's concurrent updates of stopped notebooks, per account and region and over all.
const UPDATES: (u32, u32) = (10, 50);

/// Interval of the checks of notebooks that are down and of the end.
const LOOK: Duration = Duration::from_millis(100);

/// Compare the remediation of a large fleet with the ideal schedule
#[derive(Debug, Args)]
pub struct Arguments {
    /// Number of notebooks, half of them running
    #[arg(long, default_value_t = 1000)]
    notebooks: u32,

    /// Start with all notebooks stopped
    #[arg(long)]
    stopped: bool,

    /// Number of accounts and regions with notebooks
    #[arg(long, default_value_t = 1)]
    targets: u32,

    /// Running notebooks that may be down at the same time
    #[arg(long, default_value_t = 50)]
    max_concurrent: u32,

    /// Factor by which the simulated clock is faster than the wall clock
    #[arg(long, default_value_t = 20)]
    speed: u32,
}

/// Remediates the fleet and prints the figures.
pub fn run(arguments: &Arguments) {
    let cluster = operator::cluster();
    let options = Options {
        speed: f64::from(arguments.speed),
        latency: Duration::from_millis(20),
        request_log: 1,
        ..Options::default()
    };
    let simulator = Simulator::start(fleet(arguments), options).unwrap();
    let faster = |duration: Duration| format!("{}ms", (duration / arguments.speed).as_millis());
    let times = [
        Duration::from_secs(10),
        Duration::from_mins(1),
        Duration::from_mins(2),
    ]
    .map(faster);
    let flags = [
        "--poll-interval",
        &times[0],
        "--resend-after",
        &times[1],
        "--settle",
        &times[2],
    ];
    let operator = Operator::start_with(&cluster, &simulator, &flags);
    let begun = Instant::now();
    apply(&cluster, arguments);
    let most = watch(&simulator, arguments, begun);
    report(arguments, begun.elapsed(), &most, &simulator);
    println!("operator: {:?}", operator.usage());
}

fn fleet(arguments: &Arguments) -> Fleet {
    let timings = Timings {
        stop: STOP,
        update: UPDATE,
        start: START,
        ..Timings::default()
    };
    let places: Vec<_> = arguments.places().collect();
    let notebooks = (0..arguments.notebooks).zip(places.iter().cycle());
    let notebooks = notebooks.map(|(number, (account, region))| {
        let status = if number < arguments.running() {
            Status::InService
        } else {
            Status::Stopped
        };
        Notebook::new(account, region, &format!("notebook-{number}")).status(status)
    });
    let mut fleet = Fleet::new().notebooks(notebooks).timings(timings);
    for account in arguments.accounts() {
        fleet = fleet.account(Account::new(&account).role("sudoless").regions(REGIONS));
    }
    fleet
}

impl Arguments {
    /// Returns the number of running notebooks.
    fn running(&self) -> u32 {
        if self.stopped {
            0
        } else {
            self.notebooks.div_ceil(2)
        }
    }

    /// Returns the accounts and regions of the notebooks.
    fn places(&self) -> impl Iterator<Item = (String, &'static str)> {
        let accounts = (ACCOUNT..).map(|account| account.to_string());
        accounts
            .flat_map(|account| REGIONS.map(|region| (account.clone(), region)))
            .take(self.targets as usize)
    }

    fn accounts(&self) -> BTreeSet<String> {
        self.places().map(|(account, _)| account).collect()
    }

    /// Returns the operator's limit on concurrent updates of stopped notebooks.
    fn updates(&self) -> u32 {
        let (per_target, over_all) = UPDATES;
        over_all.min(per_target * self.targets)
    }
}

fn apply(cluster: &local_cluster::LocalCluster, arguments: &Arguments) {
    let regions: BTreeSet<_> = arguments.places().map(|(_, region)| region).collect();
    let accounts: Vec<_> = arguments
        .accounts()
        .iter()
        .map(|account| json!({"id": account, "role": "sudoless"}))
        .collect();
    let policy = json!({
        "apiVersion": "sudoless.dev/v1alpha1",
        "kind": "NotebookRootAccessPolicy",
        "metadata": {"name": "bench"},
        "spec": {
            "mode": "Enforce",
            "scanInterval": "1m",
            "accounts": accounts,
            "regions": regions,
            "remediation": {
                "maxConcurrent": arguments.max_concurrent,
                "maxConcurrentPerRegion": arguments.max_concurrent,
            },
        },
    });
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), policy.to_string()).unwrap();
    let path = file.path().to_str().unwrap();
    cluster.run_kubectl(["apply", "-f", path]).unwrap();
}

/// Largest numbers of notebooks in a condition at the same time.
#[derive(Default)]
struct Most {
    /// Notebooks that are down, without those that were stopped anyway.
    down: u32,
    /// Notebooks in status `Updating`.
    updating: u32,
}

/// Waits until every notebook is remediated. Returns the largest numbers of notebooks in progress
/// at the same time.
fn watch(simulator: &Simulator, arguments: &Arguments, begun: Instant) -> Most {
    let deadline = 5 * ideal(arguments);
    let mut most = Most::default();
    let mut told = Instant::now();
    loop {
        let notebooks = simulator.notebooks();
        let fixed = notebooks
            .iter()
            .filter(|notebook| notebook.root_access == RootAccess::Disabled)
            .count();
        let count = |status: Status| {
            let of_status = notebooks
                .iter()
                .filter(|notebook| notebook.status == status);
            u32::try_from(of_status.count()).unwrap()
        };
        let down = arguments.running() - count(Status::InService);
        most.down = most.down.max(down);
        most.updating = most.updating.max(count(Status::Updating));
        if fixed == notebooks.len() && down == 0 {
            return most;
        }
        if told.elapsed() > Duration::from_secs(10) {
            told = Instant::now();
            eprintln!(
                "{:.0?}: {fixed} of {} fixed, {down} down",
                begun.elapsed(),
                notebooks.len()
            );
        }
        assert!(
            begun.elapsed() < deadline,
            "it takes five times as long as it should"
        );
        std::thread::sleep(LOOK);
    }
}

/// Returns the duration of the schedule without pauses.
fn ideal(arguments: &Arguments) -> Duration {
    let running = arguments.running();
    let rounds = running.min(1) + running.saturating_sub(1).div_ceil(arguments.max_concurrent);
    let restarts = (STOP + UPDATE + START) * rounds;
    let updates = UPDATE * (arguments.notebooks - running).div_ceil(arguments.updates());
    restarts.max(updates) / arguments.speed
}

fn report(arguments: &Arguments, took: Duration, most: &Most, simulator: &Simulator) {
    let ideal = ideal(arguments);
    let counters = simulator.counters();
    println!(
        "{} notebooks in {} accounts and regions, {} of them running, maxConcurrent {}, clock {} times as fast",
        arguments.notebooks,
        arguments.targets,
        arguments.running(),
        arguments.max_concurrent,
        arguments.speed
    );
    println!(
        "took {took:.1?}, ideal {ideal:.1?}: {:.2} times; at most {} down, {} updating",
        took.as_secs_f64() / ideal.as_secs_f64(),
        most.down,
        most.updating
    );
    for operation in [
        Operation::ListNotebookInstances,
        Operation::DescribeNotebookInstance,
        Operation::StopNotebookInstance,
        Operation::UpdateNotebookInstance,
        Operation::StartNotebookInstance,
    ] {
        println!("{operation:?}: {}", counters.of(operation));
    }
}
