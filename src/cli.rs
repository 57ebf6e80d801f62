//! The command line, with one file per subcommand. No other module reads the environment.

pub mod completions;
pub mod crd;
pub mod explain;
pub mod generate;
mod manifests;
pub mod manual;
mod plugin;
mod reading;
mod restarts;
pub mod run;
pub mod scan;
mod terminal;
pub mod validate;

use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};
use jiff::Timestamp;

/// Disables root access on Amazon SageMaker notebook instances.
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
    Explain(explain::Arguments),
    Crd(crd::Arguments),
    Validate(validate::Arguments),
    Generate(generate::Arguments),
    Completions(completions::Arguments),
    Manual(manual::Arguments),
}

/// Parses the command line. Invalid arguments and `--help` end the process.
///
/// If the program is called as `kubectl-sudoless`, a kubectl plugin, help texts say
/// `kubectl sudoless`.
#[must_use]
pub fn arguments() -> Arguments {
    let command = if plugin::is_called() {
        plugin::named(Arguments::command())
    } else {
        Arguments::command()
    };
    let matches = command.get_matches();
    Arguments::from_arg_matches(&matches).unwrap_or_else(|error| error.exit())
}

/// Runs the subcommand. An error is one line on stderr and exit code 1, unless the subcommand has
/// its own codes.
#[must_use]
pub fn dispatch(arguments: Arguments) -> ExitCode {
    let succeeded = |()| ExitCode::SUCCESS;
    let result = match arguments.command {
        Command::Run(arguments) => run::run(*arguments)
            .map(succeeded)
            .map_err(|error| error.to_string()),
        Command::Scan(arguments) => return scan::run(&arguments),
        Command::Explain(arguments) => return explain::run(&arguments),
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
