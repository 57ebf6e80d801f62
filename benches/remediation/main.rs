//! `make bench-remediation`: how close to the ideal schedule a large fleet is fixed.
//!
//! A thousand notebooks in one account and region, half of them running, `maxConcurrent` 50. The simulator's stops, updates and
//! starts take the typical minutes of small instances, and its clock runs faster than the wall's; the operator's intervals are shorter by
//! the same factor. The ideal schedule has no pauses: the canary, then all running ones fifty at a time, each taking exactly a
//! stop, an update and a start; the stopped ones, ten at a time, go beside them.
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

use std::time::{Duration, Instant};

use clap::Parser;
use sagemaker_simulator::{
    Account, Fleet, Notebook, Operation, Options, RootAccess, Simulator, Status, Timings,
};
use serde_json::json;

use crate::operator::Operator;

const ACCOUNT: &str = "111122223333";
const REGION: &str = "eu-west-1";

/// The typical times of small instances: stop 1–2 min, update ½–1 min, start 2–4 min.
const STOP: Duration = Duration::from_secs(90);
const UPDATE: Duration = Duration::from_secs(45);
const START: Duration = Duration::from_mins(3);

/// Updates of stopped notebooks that the operator keeps under way at a time.
const UPDATES: u32 = 10;

/// Between two looks at how many are down, and whether all is done.
const LOOK: Duration = Duration::from_millis(100);

/// Measure how close to the ideal schedule a large fleet is fixed
#[derive(Debug, Parser)]
struct Arguments {
    /// Notebooks, half of them running
    #[arg(long, default_value_t = 1000)]
    notebooks: u32,

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
    let most_down = watch(&simulator, &arguments, begun);
    report(&arguments, begun.elapsed(), most_down, &simulator);
    println!("operator: {:?}", operator.usage());
}

fn fleet(arguments: &Arguments) -> Fleet {
    let timings = Timings {
        stop: STOP,
        update: UPDATE,
        start: START,
        ..Timings::default()
    };
    let notebooks = (0..arguments.notebooks).map(|number| {
        let status = if number % 2 == 0 {
            Status::InService
        } else {
            Status::Stopped
        };
        Notebook::new(ACCOUNT, REGION, &format!("notebook-{number}")).status(status)
    });
    Fleet::new()
        .account(Account::new(ACCOUNT).role("sudoless").regions([REGION]))
        .notebooks(notebooks)
        .timings(timings)
}

fn apply(cluster: &local_cluster::LocalCluster, arguments: &Arguments) {
    let policy = json!({
        "apiVersion": "sudoless.dev/v1alpha1",
        "kind": "NotebookRootAccessPolicy",
        "metadata": {"name": "bench"},
        "spec": {
            "mode": "Enforce",
            "scanInterval": "1m",
            "accounts": [{"id": ACCOUNT, "role": "sudoless"}],
            "regions": [REGION],
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

/// Waits until every notebook is as it should be; returns how many were down at the same time at most, the stopped ones aside.
fn watch(simulator: &Simulator, arguments: &Arguments, begun: Instant) -> u32 {
    let stopped = arguments.notebooks / 2;
    let deadline = 5 * ideal(arguments);
    let mut most_down = 0;
    let mut told = Instant::now();
    loop {
        let notebooks = simulator.notebooks();
        let fixed = notebooks
            .iter()
            .filter(|notebook| notebook.root_access == RootAccess::Disabled)
            .count();
        let running = notebooks
            .iter()
            .filter(|notebook| notebook.status == Status::InService)
            .count();
        let down = arguments.notebooks - stopped - u32::try_from(running).unwrap();
        most_down = most_down.max(down);
        if fixed == notebooks.len() && down == 0 {
            return most_down;
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
    let running = arguments.notebooks.div_ceil(2);
    let rounds = 1 + running.saturating_sub(1).div_ceil(arguments.max_concurrent);
    let restarts = (STOP + UPDATE + START) * rounds;
    let updates = UPDATE * (arguments.notebooks / 2).div_ceil(UPDATES);
    restarts.max(updates) / arguments.speed
}

fn report(arguments: &Arguments, took: Duration, most_down: u32, simulator: &Simulator) {
    let ideal = ideal(arguments);
    let counters = simulator.counters();
    println!(
        "{} notebooks, half of them running, maxConcurrent {}, clock {} times as fast",
        arguments.notebooks, arguments.max_concurrent, arguments.speed
    );
    println!(
        "took {took:.1?}, ideal {ideal:.1?}: {:.2} times; at most {most_down} down",
        took.as_secs_f64() / ideal.as_secs_f64()
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
