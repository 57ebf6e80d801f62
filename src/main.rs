//! The `sudoless` program.

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use sudoless::cli::crd;

/// Keeps root access off Amazon `SageMaker` notebook instances.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Print the custom resource definitions as YAML, for `kubectl apply`.
    Crd,
}

fn main() -> ExitCode {
    let Arguments {
        command: Command::Crd,
    } = Arguments::parse();
    match crd::run(std::io::stdout().lock()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
