//! `make bench-remediation`: how close to the ideal schedule a large fleet is fixed.
//!
//! A thousand notebooks in one account and region, half of them running, `maxConcurrent` 50. The simulator's stops, updates and
//! starts take the typical minutes of small instances, and its clock runs faster than the wall's; the operator's intervals are shorter by
//! the same factor. The ideal schedule has no pauses: the canary, then all running ones fifty at a time, each taking exactly a
//! stop, an update and a start; the stopped ones, ten at a time, go beside them.
//!
//! `--stopped --notebooks 10000 --targets 300` is the other case of `make bench-remediation`: stopped notebooks in 300 accounts and regions.
//! The ideal schedule updates fifty of them at a time.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs
)]

#[path = "../audit/operator.rs"]
mod operator;
#[path = "../../tests/support/served.rs"]
mod served;
#[path = "../audit/usage.rs"]
mod usage;

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use clap::Parser;
use sagemaker_simulator::{
    Account, Fleet, Notebook, Operation, Options, RootAccess, Simulator, Status, Timings,
};
use serde_json::json;

use crate::operator::Operator;

/// The first account; the others have the numbers that follow.
const ACCOUNT: u64 = 111_122_223_333;

/// The regions of each account.
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

/// The typical times of small instances: stop 1–2 min, update ½–1 min, start 2–4 min.
const STOP: Duration = Duration::from_secs(90);
const UPDATE: Duration = Duration::from_secs(45);
const START: Duration = Duration::from_mins(3);

/// Updates of stopped notebooks that the operator keeps under way at a time, per account and region and over all.
const UPDATES: (u32, u32) = (10, 50);

/// Between two looks at how many are down, and whether all is done.
const LOOK: Duration = Duration::from_millis(100);

/// Measure how close to the ideal schedule a large fleet is fixed
#[derive(Debug, Parser)]
struct Arguments {
    /// Notebooks, half of them running
    #[arg(long, default_value_t = 1000)]
    notebooks: u32,

    /// No notebook is running
    #[arg(long)]
    stopped: bool,

    /// Accounts and regions that the notebooks are spread over
    #[arg(long, default_value_t = 1)]
    targets: u32,

    /// How many running ones may be down at the same time
    #[arg(long, default_value_t = 50)]
    max_concurrent: u32,

    /// How much faster than the wall's the simulated clock runs
    #[arg(long, default_value_t = 20)]
    speed: u32,

    /// What `cargo bench` says to every benchmark
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() {
    let arguments = Arguments::parse();
    let cluster = served::start(local_cluster::Options::default());
    let options = Options {
        speed: f64::from(arguments.speed),
        latency: Duration::from_millis(20),
        request_log: 1,
        ..Options::default()
    };
    let simulator = Simulator::start(fleet(&arguments), options).unwrap();
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
    apply(&cluster, &arguments);
    let most = watch(&simulator, &arguments, begun);
    report(&arguments, begun.elapsed(), &most, &simulator);
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
    /// How many notebooks are running.
    fn running(&self) -> u32 {
        if self.stopped {
            0
        } else {
            self.notebooks.div_ceil(2)
        }
    }

    /// The accounts and regions that the notebooks are in.
    fn places(&self) -> impl Iterator<Item = (String, &'static str)> {
        let accounts = (ACCOUNT..).map(|account| account.to_string());
        accounts
            .flat_map(|account| REGIONS.map(|region| (account.clone(), region)))
            .take(self.targets as usize)
    }

    fn accounts(&self) -> BTreeSet<String> {
        self.places().map(|(account, _)| account).collect()
    }

    /// How many updates of stopped notebooks the operator keeps under way at a time.
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

/// How many notebooks were seen at the same time, at most.
#[derive(Default)]
struct Most {
    /// Down, the stopped ones aside.
    down: u32,
    /// In status `Updating`.
    updating: u32,
}

/// Waits until every notebook is as it should be; returns how many were under way at the same time.
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

/// Without any pause.
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
