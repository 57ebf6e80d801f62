//! `make bench`: how fast, and with how much, the operator tells the truth about large fleets.
//!
//! The operator's own release build stands between a real API server and the simulator, which answers 20 ms late. Each case is
//! measured from the moment at which a policy is applied until its status is complete, next to a lower bound of the same run:
//! a process that sends the same requests with the bare SDK and does nothing with the answers. Then comes an idle sweep: the
//! policy's interval is a minute, and the next scan is waited for with nothing changed.
//!
//! Exits with 1 if a goal is missed.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs
)]

mod bare;
mod case;
mod operator;
mod report;
mod run;
#[path = "../../tests/support/served.rs"]
mod served;
mod usage;

use std::{process::ExitCode, time::Duration};

use clap::Parser;
use tokio::signal::unix::{SignalKind, signal};

use crate::{
    bare::Work,
    case::Case,
    report::Report,
    run::{Bench, Then},
};

/// Measure scans of large fleets: the operator between a real API server and a simulated AWS
#[derive(Debug, Parser)]
struct Arguments {
    /// Which cases to measure, separated by commas
    #[arg(long, value_delimiter = ',', default_values = ["small", "large", "wide"])]
    cases: Vec<Case>,

    /// First scans of each case; figures are their medians. The idle sweep follows the last one
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    repeat: u32,

    /// A part of each case's size, to try the benchmark itself
    #[arg(long, default_value_t = 1.0)]
    scale: f64,

    /// How late the simulator answers, in milliseconds
    #[arg(long, default_value_t = 20)]
    latency: u64,

    /// Leave out the idle sweeps, each of which takes a minute
    #[arg(long)]
    no_idle: bool,

    /// What `cargo bench` says to every benchmark
    #[arg(long, hide = true)]
    bench: bool,

    /// Be the lower bound: send these requests, and print how long they took
    #[arg(long, hide = true)]
    bare: Option<String>,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    // As many threads as the operator has, so that the lower bound is in the same kind of process.
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    match &arguments.bare {
        Some(work) => runtime.block_on(bare::send(&Work::parse(work))),
        None => runtime.block_on(until_signal(measure(&arguments))),
    }
}

/// A signal ends the benchmark in order: the cluster and the operator end when they are dropped.
async fn until_signal(measuring: impl Future<Output = ExitCode>) -> ExitCode {
    let mut terminate = signal(SignalKind::terminate()).unwrap();
    tokio::select! {
        code = measuring => code,
        _ = tokio::signal::ctrl_c() => ExitCode::from(130),
        _ = terminate.recv() => ExitCode::from(143),
    }
}

async fn measure(arguments: &Arguments) -> ExitCode {
    let latency = Duration::from_millis(arguments.latency);
    let bench = Bench::start(latency).await;
    let mut report = Report::new(latency);
    for case in &arguments.cases {
        let size = case.size(arguments.scale);
        for repetition in 1..=arguments.repeat {
            let last = repetition == arguments.repeat;
            let (then, words) = if last && !arguments.no_idle {
                (Then::Sweep, ", then an idle sweep")
            } else {
                (Then::End, "")
            };
            eprintln!("==> {size}: {repetition} of {}{words}", arguments.repeat);
            let measured = bench.run(&size, then).await;
            eprintln!("    {measured}");
            report.add(*case, size.clone(), measured);
        }
    }
    println!("{report}");
    if report.missed() == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
