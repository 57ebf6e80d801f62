//! The `sudoless` program.

use std::process::ExitCode;

use clap::Parser;
use sudoless::cli;

fn main() -> ExitCode {
    cli::dispatch(cli::Arguments::parse())
}
