//! `sudoless validate`: checks policies as the API server and the operator would, without either.

mod report;

use std::{
    io::{self, Write},
    path::PathBuf,
    process::ExitCode,
};

use clap::{Args, ValueEnum};
use jiff::Timestamp;

use super::manifests::examine;
use crate::offline::Unsupported;

/// Exit code for a policy with problems.
const FINDINGS: u8 = 3;

/// Check policies without a cluster, as the API server and the operator would
///
/// Schema, rules and messages are those of `sudoless crd`. Patterns, schedules and time zones are
/// parsed as in the operator. Objects of other kinds are skipped. Nothing is sent anywhere.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  sudoless validate -f policy.yaml
  sudoless validate -f policies/ --strict
  kustomize build overlays/prod | sudoless validate -f -
  sudoless validate -f policies/ -o github        # annotations in a pull request

Exit codes:
  0  every policy would be accepted
  1  a file could not be read
  2  wrong usage
  3  a policy would be rejected; with --strict, also if there are warnings")]
pub struct Arguments {
    /// File, folder, or - for standard input. Folders are searched for *.yaml, *.yml and *.json, at
    /// any depth
    #[arg(short, long = "filename", value_name = "PATH", required = true, num_args = 1..)]
    filenames: Vec<PathBuf>,

    /// Format of the problems
    #[arg(short, long, value_enum, default_value_t = Output::Text)]
    output: Output,

    /// Treat warnings as errors
    #[arg(long)]
    strict: bool,
}

/// Format of the problems.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Output {
    /// One paragraph per problem: file, line, column, and the text of the line
    Text,
    /// One JSON object
    Json,
    /// Workflow commands of GitHub Actions, which annotate the line in a pull request
    Github,
}

/// Error of `sudoless validate`.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The program's own definition is unusable; a bug.
    #[error("the program's own definition is unusable: {0}")]
    Definition(#[from] Unsupported),
    /// The output is closed or full.
    #[error("cannot write to the output: {0}")]
    Write(#[from] io::Error),
    /// The problems have no JSON form; a bug.
    #[error("cannot write the problems as JSON: {0}")]
    Serialize(#[from] serde_json::Error),
}

/// Checks the policies and writes their problems to `output`. Unreadable files come last.
pub fn run(
    arguments: &Arguments,
    now: Timestamp,
    mut output: impl Write,
) -> Result<ExitCode, Error> {
    let examined = examine(&arguments.filenames, now)?;
    match arguments.output {
        Output::Text => report::text(&examined, &mut output)?,
        Output::Json => report::json(&examined, &mut output)?,
        Output::Github => report::github(&examined, &mut output)?,
    }
    output.flush()?;
    let wrong = examined.errors() > 0 || (arguments.strict && examined.warnings() > 0);
    Ok(match (examined.unread.is_empty(), wrong) {
        (false, _) => ExitCode::FAILURE,
        (true, true) => ExitCode::from(FINDINGS),
        (true, false) => ExitCode::SUCCESS,
    })
}
