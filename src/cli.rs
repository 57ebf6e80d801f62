//! The command line: one file per subcommand. The only place that reads the environment.

pub mod completions;
pub mod crd;
pub mod generate;
mod manifests;
pub mod manual;
mod reading;
pub mod run;
pub mod scan;
pub mod validate;

use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};
use jiff::Timestamp;

/// Keeps root access off Amazon SageMaker notebook instances.
#[derive(Debug, Parser)]
#[command(
    version,
    max_term_width = 120,
    after_help = "`sudoless <COMMAND> --help` has examples."
)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Run(Box<run::Arguments>),
    Scan(Box<scan::Arguments>),
    Crd(crd::Arguments),
    Validate(validate::Arguments),
    Generate(generate::Arguments),
    Completions(completions::Arguments),
    Manual(manual::Arguments),
}

/// Runs what the command line asks for. An error is one line on stderr and exit code 1, unless the subcommand has codes of its own.
#[must_use]
pub fn dispatch(arguments: Arguments) -> ExitCode {
    let succeeded = |()| ExitCode::SUCCESS;
    let result = match arguments.command {
        Command::Run(arguments) => run::run(*arguments)
            .map(succeeded)
            .map_err(|error| error.to_string()),
        Command::Scan(arguments) => return scan::run(&arguments),
        Command::Crd(arguments) => crd::run(&arguments, std::io::stdout().lock())
            .map(succeeded)
            .map_err(|error| error.to_string()),
        Command::Validate(arguments) => {
            validate::run(&arguments, Timestamp::now(), anstream::stdout().lock())
                .map_err(|error| error.to_string())
        }
        Command::Completions(arguments) => {
            completions::run(&arguments, Arguments::command(), std::io::stdout().lock())
                .map(succeeded)
                .map_err(|error| format!("cannot write the completions: {error}"))
        }
        Command::Manual(arguments) => {
            manual::run(&arguments, Arguments::command(), std::io::stdout().lock())
                .map(succeeded)
                .map_err(|error| format!("cannot write the manual: {error}"))
        }
        Command::Generate(arguments) => generate::run(&arguments, std::io::stdout().lock())
            .map(succeeded)
            .or_else(|error| {
                eprintln!("error: {error}");
                Ok(ExitCode::from(error.exit_code()))
            }),
    };
    result.unwrap_or_else(|error| {
        eprintln!("error: {error}");
        ExitCode::FAILURE
    })
}
