//! `make bench` measures the operator's speed and resources on the first scan of large fleets.
//!
//! The operator's release build runs between a real API server and the simulator, which delays its
//! answers by 20 ms. Each case is measured from the creation of a policy until its status is
//! complete. The lower bound of the same run is a process that sends the same requests with the
//! bare SDK and ignores the answers. An idle sweep follows: the policy's interval is a minute, and
//! the benchmark waits for the next scan, with nothing changed.
//!
//! Exits with 1 if a goal is missed.

mod report;
mod run;

use std::{process::ExitCode, time::Duration};

use clap::Args;
use tokio::signal::unix::{SignalKind, signal};

use crate::case::Case;
use report::Report;
use run::{Bench, Then};

/// Measure scans of large fleets: the operator between a real API server and a simulated AWS
#[derive(Debug, Args)]
pub struct Arguments {
    /// Cases to measure, separated by commas
    #[arg(long, value_delimiter = ',', default_values = ["small", "large", "wide"])]
    cases: Vec<Case>,

    /// Number of first scans of each case. Figures are their medians. The idle sweep follows the
    /// last scan
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    repeat: u32,

    /// Fraction of each case's size, to test the benchmark itself
    #[arg(long, default_value_t = 1.0)]
    scale: f64,

    /// Delay of the simulator's answers, in milliseconds
    #[arg(long, default_value_t = 20)]
    latency: u64,

    /// Skip the idle sweeps, each of which takes a minute
    #[arg(long)]
    no_idle: bool,
}

/// Measures all cases. Returns early at a signal, so that the cluster and the operator are dropped
/// and end.
pub async fn run(arguments: &Arguments) -> ExitCode {
    let mut terminate = signal(SignalKind::terminate()).unwrap();
    tokio::select! {
        code = measure(arguments) => code,
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
