//! The command line: one file per subcommand. The only place that reads the environment.

pub mod crd;
mod reading;
pub mod run;
pub mod scan;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Keeps root access off Amazon SageMaker notebook instances.
#[derive(Debug, Parser)]
#[command(version, max_term_width = 120)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Run(Box<run::Arguments>),
    Scan(Box<scan::Arguments>),
    Crd(crd::Arguments),
}

/// Runs what the command line asks for. An error is one line on stderr and exit code 1, unless the subcommand has codes of its own.
#[must_use]
pub fn dispatch(arguments: Arguments) -> ExitCode {
    let result = match arguments.command {
        Command::Run(arguments) => run::run(*arguments).map_err(|error| error.to_string()),
        Command::Scan(arguments) => return scan::run(&arguments),
        Command::Crd(arguments) => {
            crd::run(&arguments, std::io::stdout().lock()).map_err(|error| error.to_string())
        }
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
