//! `sudoless validate`: what the API server and the operator would say about policies, without either of them.

mod files;
mod report;

use std::{
    io::{self, Write},
    path::PathBuf,
    process::ExitCode,
};

use clap::{Args, ValueEnum};
use jiff::Timestamp;

use self::{
    files::Source,
    report::{Report, Unread},
};
use crate::offline::{FieldPath, Judge, Manifests, Position, Problem, Severity, Unsupported};

/// The exit code where something is wrong with a policy.
const FINDINGS: u8 = 3;

/// Check policies without a cluster: what the API server would refuse and the operator could not work with
///
/// The schema, the rules and the sentences are those of `sudoless crd`; patterns, schedules and time zones are read as the
/// operator reads them. Objects of other kinds are skipped. Nothing is sent anywhere.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  sudoless validate -f policy.yaml
  sudoless validate -f policies/ --strict
  kustomize build overlays/prod | sudoless validate -f -
  sudoless validate -f policies/ -o github        # annotations in a pull request

Exit codes:
  0  every policy would be accepted
  1  a file could not be read
  2  the command line is wrong
  3  a policy would be refused; with --strict also: something is hardly meant")]
pub struct Arguments {
    /// A file, a folder or - for stdin; of a folder every *.yaml, *.yml and *.json in it and below
    #[arg(short, long = "filename", value_name = "PATH", required = true, num_args = 1..)]
    filenames: Vec<PathBuf>,

    /// How problems are printed
    #[arg(short, long, value_enum, default_value_t = Output::Text)]
    output: Output,

    /// Warnings count as errors do
    #[arg(long)]
    strict: bool,
}

/// How problems are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Output {
    /// One paragraph each: file, line, column, and the line itself
    Text,
    /// One JSON object
    Json,
    /// Workflow commands of GitHub Actions: they show beside the line in a pull request
    Github,
}

/// Why nothing could be checked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The program's own definition; a bug.
    #[error("the program's own definition cannot be used: {0}")]
    Definition(#[from] Unsupported),
    /// The output is closed or full.
    #[error("cannot write to the output: {0}")]
    Write(#[from] io::Error),
    /// No JSON can be made of the problems; a bug.
    #[error("cannot write the problems as JSON: {0}")]
    Serialize(#[from] serde_json::Error),
}

/// Checks, and writes what is wrong to `output`; what cannot be read is told at the end.
pub fn run(
    arguments: &Arguments,
    now: Timestamp,
    mut output: impl Write,
) -> Result<ExitCode, Error> {
    let manifests = Manifests::new()?;
    let mut report = Report::default();
    for path in &arguments.filenames {
        let before = report.policies;
        let mut problems = 0;
        for source in files::sources(path) {
            problems += examine(&manifests, source, now, &mut report);
        }
        if report.policies == before && problems == 0 {
            let name = path.display().to_string();
            report.add(&name, None, vec![nothing_there()]);
        }
    }
    match arguments.output {
        Output::Text => report.text(&mut output)?,
        Output::Json => report.json(&mut output)?,
        Output::Github => report.github(&mut output)?,
    }
    output.flush()?;
    let wrong = report.errors() > 0 || (arguments.strict && report.warnings() > 0);
    Ok(match (report.unread.is_empty(), wrong) {
        (false, _) => ExitCode::FAILURE,
        (true, true) => ExitCode::from(FINDINGS),
        (true, false) => ExitCode::SUCCESS,
    })
}

/// Examines one file. How many problems it has, one that cannot be read among them.
fn examine(
    manifests: &Manifests,
    source: Result<Source, Unread>,
    now: Timestamp,
    report: &mut Report,
) -> usize {
    let source = match source {
        Ok(source) => source,
        Err(unread) => {
            report.unread.push(unread);
            return 1;
        }
    };
    report.files += 1;
    let Ok(text) = String::from_utf8(source.bytes) else {
        let message = "this is no text in UTF-8: save it as UTF-8";
        report.add(
            &source.name,
            None,
            vec![whole_file(Severity::Error, Judge::Reader, message)],
        );
        return 1;
    };
    let checked = manifests.check(&text, now);
    report.policies += checked.policies;
    report.skipped += checked.skipped;
    let count = checked.problems.len();
    report.add(&source.name, Some(&text), checked.problems);
    count
}

fn nothing_there() -> Problem {
    whole_file(
        Severity::Warning,
        Judge::Advice,
        "there is no NotebookRootAccessPolicy in it",
    )
}

fn whole_file(severity: Severity, judge: Judge, message: &str) -> Problem {
    Problem {
        severity,
        judge,
        position: Position::START,
        policy: None,
        path: FieldPath::default(),
        message: message.to_owned(),
    }
}
