//! The command line: one file per subcommand. The only place that reads the environment.

pub mod crd;
pub mod generate;
pub mod run;

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
    Crd(crd::Arguments),
    Generate(generate::Arguments),
}

/// Runs what the command line asks for; an error is one line on stderr and exit code 1, or 2 where what was typed makes no sense.
#[must_use]
pub fn dispatch(arguments: Arguments) -> ExitCode {
    let result = match arguments.command {
        Command::Run(arguments) => run::run(*arguments).map_err(|error| (error.to_string(), 1)),
        Command::Crd(arguments) => {
            crd::run(&arguments, std::io::stdout().lock()).map_err(|error| (error.to_string(), 1))
        }
        Command::Generate(arguments) => generate::run(&arguments, std::io::stdout().lock())
            .map_err(|error| (error.to_string(), error.exit_code())),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err((error, code)) => {
            eprintln!("error: {error}");
            ExitCode::from(code)
        }
    }
}
