//! `make bench`, second part: measures the speed and the resources of `sudoless scan` for a
//! thousand notebooks.
//!
//! The whole process is measured, from its start to the first byte of its report. The lower bound
//! is the same as the operator's: the bare SDK sends the same requests, and is ready before its
//! clock starts. The report is larger than a pipe's buffer, and is read only after memory and
//! processor time were measured. At that time the process is blocked, and holds all the memory that
//! it ever needs.
//!
//! Exits with 1 if a goal is missed.

use std::{
    io::Read,
    process::{Child, ChildStdout, Command, ExitCode, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

use clap::Args;
use sagemaker_simulator::{Options, Simulator};
use serde_json::Value;
use tokio::runtime::Runtime;

use crate::{
    bare::{self, Bound},
    case::{Case, Size},
    usage::Usage,
};

/// Goal of issue 6.
const START_UP: Duration = Duration::from_millis(50);
const RATIO: f64 = 1.3;
const PEAK: u64 = 24 * 1024 * 1024;

/// Measure `sudoless scan` against a simulated AWS
#[derive(Debug, Args)]
pub struct Arguments {
    /// Number of scans. Figures are their medians
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    repeat: u32,

    /// Fraction of the thousand notebooks, to test the benchmark itself
    #[arg(long, default_value_t = 1.0)]
    scale: f64,

    /// Delay of the simulator's answers, in milliseconds
    #[arg(long, default_value_t = 20)]
    latency: u64,
}

struct Measured {
    bound: Bound,
    /// Time from the start of the process to its first request.
    start_up: Duration,
    /// Time from the start of the process to the first byte of its report.
    wall: Duration,
    requests: u64,
    usage: Usage,
}

/// A running scan, killed on drop.
struct Scan(Child);

/// Measures the scans.
pub fn run(arguments: &Arguments, runtime: &Runtime) -> ExitCode {
    let size = Case::Small.size(arguments.scale);
    let latency = Duration::from_millis(arguments.latency);
    let measured: Vec<Measured> = (1..=arguments.repeat)
        .map(|repetition| {
            eprintln!("==> {size}: {repetition} of {}", arguments.repeat);
            let measured = runtime.block_on(measure(&size, latency));
            eprintln!(
                "    {:.2?}, bare SDK {:.2?}; first request after {:.1?}; CPU {:.2?}; peak {} KiB",
                measured.wall,
                measured.bound.wall,
                measured.start_up,
                measured.usage.cpu,
                measured.usage.peak / 1024
            );
            measured
        })
        .collect();
    report(&size, latency, &measured)
}

async fn measure(size: &Size, latency: Duration) -> Measured {
    let options = || Options {
        latency,
        ..Options::default()
    };
    let simulator = Simulator::start(size.fleet(), options()).unwrap();
    let bound = bare::bound(size, &simulator).await;
    drop(simulator);
    let simulator = Arc::new(Simulator::start(size.fleet(), options()).unwrap());
    let size = size.clone();
    let scanned = tokio::task::spawn_blocking(move || scan(&size, &simulator, bound.enabled)).await;
    let (start_up, wall, usage, requests) = scanned.unwrap();
    Measured {
        bound,
        start_up,
        wall,
        requests,
        usage,
    }
}

fn scan(
    size: &Size,
    simulator: &Arc<Simulator>,
    enabled: usize,
) -> (Duration, Duration, Usage, u64) {
    let account = size.fleet().accounts[0].id.clone();
    let regions = size.region_names().join(",");
    let mut command = Command::new(env!("CARGO_BIN_EXE_sudoless"));
    command
        .args(["scan", "--account", &account, "--role", "sudoless"])
        .args(["--region", &regions, "-o", "json"])
        .envs(simulator.env())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit());
    let started = Instant::now();
    let mut child = command.spawn().unwrap();
    let mut stdout = child.stdout.take().unwrap();
    let mut scan = Scan(child);
    let asked = {
        let simulator = Arc::clone(simulator);
        std::thread::spawn(move || first_request(&simulator, started))
    };
    let mut report = vec![0];
    stdout.read_exact(&mut report).unwrap();
    let wall = started.elapsed();
    let usage = Usage::of(&scan.0.id().to_string());
    finish(&mut scan, stdout, report, size, enabled);
    let requests = simulator.counters().total();
    (asked.join().unwrap(), wall, usage, requests)
}

/// Checks that the report is correct, and larger than a pipe's buffer. Otherwise the process was
/// not blocked during its measurement.
fn finish(
    scan: &mut Scan,
    mut stdout: ChildStdout,
    mut text: Vec<u8>,
    size: &Size,
    enabled: usize,
) {
    stdout.read_to_end(&mut text).unwrap();
    assert!(text.len() > 2 * 64 * 1024, "{} bytes", text.len());
    let report: Value = serde_json::from_slice(&text).unwrap();
    assert_eq!(report["complete"], true);
    assert_eq!(report["summary"]["notebooks"], size.notebooks);
    assert_eq!(report["summary"]["nonCompliant"], enabled);
    assert_eq!(scan.0.wait().unwrap().code(), Some(3));
}

/// Returns the time of the first request, polled often enough for a precision of a millisecond.
fn first_request(simulator: &Simulator, started: Instant) -> Duration {
    while simulator.counters().in_flight.is_empty() {
        assert!(
            started.elapsed() < Duration::from_mins(1),
            "nothing is asked"
        );
        std::thread::sleep(Duration::from_micros(200));
    }
    started.elapsed()
}

impl Drop for Scan {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn report(size: &Size, latency: Duration, all: &[Measured]) -> ExitCode {
    let ratio = median(all, |measured| {
        measured.wall.as_secs_f64() / measured.bound.wall.as_secs_f64()
    });
    let seconds =
        |figure: fn(&Measured) -> Duration| median(all, |measured| figure(measured).as_secs_f64());
    let start_up = seconds(|measured| measured.start_up);
    let peak = all
        .iter()
        .map(|measured| measured.usage.peak)
        .max()
        .unwrap();
    println!(
        "From the start of the process to the first byte of its report; AWS answers after {latency:?}; medians of {}, memory at its \
         highest:\n\n\
         | scan | wall | bare SDK | ratio | first request | requests | CPU | CPU, bare SDK | peak memory | bare SDK |\n\
         |---|---|---|---|---|---|---|---|---|---|\n\
         | {size} | {:.2} s | {:.2} s | {ratio:.2} | {:.0} ms | {} | {:.2} s | {:.2} s | {:.1} MiB | {:.1} MiB |\n",
        all.len(),
        seconds(|measured| measured.wall),
        seconds(|measured| measured.bound.wall),
        start_up * 1e3,
        all[0].requests,
        seconds(|measured| measured.usage.cpu),
        seconds(|measured| measured.bound.usage.cpu),
        mebibytes(peak),
        mebibytes(
            all.iter()
                .map(|measured| measured.bound.usage.peak)
                .max()
                .unwrap()
        ),
    );
    println!("| goal | measured | |\n|---|---|---|");
    let goals = [
        (
            format!("{size}: first request within {} ms", START_UP.as_millis()),
            format!("{:.0} ms", start_up * 1e3),
            start_up <= START_UP.as_secs_f64(),
        ),
        (
            format!("{size}: at most {RATIO} times the bare SDK"),
            format!("{ratio:.2}"),
            ratio <= RATIO,
        ),
        (
            format!("{size}: at most {:.0} MiB", mebibytes(PEAK)),
            format!("{:.1} MiB", mebibytes(peak)),
            peak <= PEAK,
        ),
    ];
    for (goal, measured, met) in &goals {
        let met = if *met { "met" } else { "**not met**" };
        println!("| {goal} | {measured} | {met} |");
    }
    if goals.iter().all(|(_, _, met)| *met) {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn median(all: &[Measured], figure: impl Fn(&Measured) -> f64) -> f64 {
    let mut figures: Vec<f64> = all.iter().map(figure).collect();
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}

#[expect(clippy::cast_precision_loss, reason = "memory of one process")]
fn mebibytes(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1024 * 1024)
}
