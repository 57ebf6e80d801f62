//! `make bench` and `make bench-remediation`: how fast, and with how much, sudoless goes over large
//! fleets.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs
)]

mod audit;
mod bare;
mod case;
mod operator;
mod remediation;
mod scan;
mod usage;

use std::{path::PathBuf, process::ExitCode};

use clap::{Parser, Subcommand};

use bare::Work;

/// Measure sudoless over large fleets, against a simulated AWS
#[derive(Debug, Parser)]
struct Arguments {
    #[command(subcommand)]
    benchmark: Benchmark,

    /// What `cargo bench` says to every benchmark
    #[arg(long, hide = true, global = true)]
    bench: bool,
}

#[derive(Debug, Subcommand)]
enum Benchmark {
    Audit(audit::Arguments),
    Remediation(remediation::Arguments),
    Scan(scan::Arguments),
    /// Be the lower bound: send these requests, and print how long they took
    #[command(hide = true)]
    Bare {
        work: PathBuf,
    },
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    // As many threads as the operator has, so that the lower bound is in the same kind of process.
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    match &arguments.benchmark {
        Benchmark::Audit(arguments) => runtime.block_on(audit::run(arguments)),
        Benchmark::Remediation(arguments) => {
            remediation::run(arguments);
            ExitCode::SUCCESS
        }
        Benchmark::Scan(arguments) => scan::run(arguments, &runtime),
        Benchmark::Bare { work } => runtime.block_on(bare::send(&Work::read(work))),
    }
}
