//! The `sudoless` program.

use std::process::ExitCode;

use sudoless::cli;

fn main() -> ExitCode {
    cli::dispatch(cli::arguments())
}
