//! `sagemaker-simulator`: the simulator as a program, for demos, benchmarks and other languages.

use std::{
    io::{self, Write as _},
    os::unix::fs::FileTypeExt as _,
    path::PathBuf,
    process::ExitCode,
    time::Duration,
};

use clap::Parser;
use jiff::SignedDuration;
use sagemaker_simulator::{Fault, Fleet, FleetError, Generate, Options, Simulator, StartError};
use tokio::signal::unix::{SignalKind, signal};

/// Simulate a stateful AWS (notebook instances, STS, account:ListRegions) on 127.0.0.1
///
/// Prints one line with the environment to export, endpoint included, and serves until SIGTERM or
/// Ctrl-C.
#[derive(Debug, Parser)]
#[command(version, after_long_help = ADMIN)]
struct Arguments {
    /// Fleet file, YAML or JSON: accounts, notebooks, faults, timings
    #[arg(
        long,
        value_name = "FILE",
        conflicts_with = "generate",
        required_unless_present = "generate"
    )]
    fleet: Option<PathBuf>,
    /// Generated fleet, every part optional:
    /// accounts=2,regions=3,notebooks=100,enabled=0.3,stopped=0.2,lifecycle=0.2,absent=0,retired=0.2,accelerators=0.05,seed=1
    ///
    /// Notebooks are distributed in turn to the regions of all accounts. The other shares are from
    /// 0 to 1.
    #[arg(long, value_name = "SIZES")]
    generate: Option<Generate>,
    /// Port on 127.0.0.1, or 0 for any free port
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// Delay added to every answer, such as 20ms
    #[arg(long, default_value = "0s", value_parser = duration)]
    latency: Duration,
    /// Divisor of the durations of all transitions (stop 1s, update 500ms, start 2s unless the
    /// fleet sets others)
    #[arg(long, default_value_t = 1.0)]
    speed: f64,
    /// Longest lifetime of issued credentials, such as 2s
    #[arg(long, value_parser = duration)]
    session_lifetime: Option<Duration>,
    /// Initial fault, as JSON: '{"on": {"region": "eu-west-1"}, "effect": {"throttle": {"rate": 10,
    /// "burst": 20}}}'
    #[arg(long, value_name = "JSON", value_parser = fault)]
    fault: Vec<Fault>,
    /// Number of serving threads
    #[arg(long, default_value_t = 1)]
    threads: usize,
    /// Stop when the parent process ends, or when standard input is a pipe and is closed
    #[arg(long)]
    exit_with_parent: bool,
}

const ADMIN: &str = "\
Admin interface, JSON in the form of the fleet file, under <url>/_admin:
  GET DELETE       /counters                    requests by account, region, operation, outcome; concurrency
  GET DELETE       /writes                      every Stop, Start, Update, Delete, Create in order, with its body
  GET              /requests                    the last requests
  GET POST DELETE  /faults                      list, set one, clear all
  DELETE           /faults/{id}                 remove one
  GET PUT          /notebooks                   list, add or replace one
  GET PATCH DELETE /notebooks/{account}/{region}/{name}
  POST             /notebooks/{account}/{region}/{name}/{stop|start|resize|enable-root|delete}   an owner's act
  POST             /notebooks/{account}/{region}/{name}/restart   stop, resize, start with waits, as Terraform does
  PUT              /accounts                    add one, or replace its roles and regions
  PUT              /timings                     times of transition
  DELETE           /sessions                    expire all credentials that were handed out
  GET              /credentials                 as a container's credentials agent";

/// Reason why the program ends with an error.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    Fleet(#[from] FleetError),
    #[error(transparent)]
    Start(#[from] StartError),
    #[error(transparent)]
    Io(#[from] io::Error),
}

fn duration(text: &str) -> Result<Duration, String> {
    let parsed = text
        .parse::<SignedDuration>()
        .map_err(|error| error.to_string())?;
    Duration::try_from(parsed).map_err(|error| error.to_string())
}

fn fault(text: &str) -> Result<Fault, serde_json::Error> {
    serde_json::from_str(text)
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run(Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("sagemaker-simulator: {failure}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> Result<(), Failure> {
    // Registered before anything takes long, so that no signal is missed.
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let parent = std::os::unix::process::parent_id();
    let mut fleet = match (&arguments.fleet, &arguments.generate) {
        (Some(path), _) => Fleet::load(path)?,
        (None, Some(generate)) => generate.fleet(),
        (None, None) => Fleet::new(),
    };
    fleet.faults.extend(arguments.fault);
    let options = Options {
        port: arguments.port,
        latency: arguments.latency,
        speed: arguments.speed,
        session_lifetime: arguments.session_lifetime,
        threads: arguments.threads,
        ..Options::default()
    };
    let simulator = Simulator::start(fleet, options)?;
    let env = simulator.env();
    let env: Vec<String> = env
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    writeln!(io::stdout(), "export {}", env.join(" "))?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
        () = parent_gone(parent), if arguments.exit_with_parent => {}
        () = input_closed(), if arguments.exit_with_parent && input_is_pipe() => {}
    }
    drop(simulator);
    // The program exits here, because on return the runtime would wait for the thread that reads
    // standard input.
    std::process::exit(0);
}

/// Returns when the parent process has ended and another process has adopted this one.
async fn parent_gone(parent: u32) {
    let mut tick = tokio::time::interval(Duration::from_millis(200));
    while std::os::unix::process::parent_id() == parent {
        tick.tick().await;
    }
}

fn input_is_pipe() -> bool {
    std::fs::metadata("/dev/stdin").is_ok_and(|input| input.file_type().is_fifo())
}

/// Returns when standard input ends or fails.
async fn input_closed() {
    let drain = || io::copy(&mut io::stdin().lock(), &mut io::sink());
    // Both failures mean that there is nothing more to wait for.
    let _ = tokio::task::spawn_blocking(drain).await;
}
