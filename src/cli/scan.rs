//! `sudoless scan`: reports what policies would find, without a cluster and without changes.
#![expect(
    clippy::doc_markdown,
    reason = "doc comments are help texts here, where backticks would be shown"
)]

mod input;
mod output;
mod waiting;

use std::{
    io,
    process::ExitCode,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use clap::{Args, ValueEnum};
use jiff::Timestamp;

use self::{
    input::Input,
    output::{Output, WriteError},
    waiting::{Signals, Watch, When},
};
use super::{
    reading::{Reading, duration},
    restarts::Restarts,
    terminal::print,
};
use crate::{
    aws::AwsReads,
    decide::counted,
    fleet::{Fleet, OnMissing},
    observability::{self, Color, LogFormat, LogLevels},
    offline::Unsupported,
    report::{BrokenOff, Report, schema},
    scan::{Progress, Scan, Subject},
};

/// Scan without a cluster: find the notebooks that give their users root, and change nothing
///
/// The scan uses the policies in -f, or --account, --role and --region, or else the caller's own
/// account and default region. Region, credentials (profile, SSO, environment, IRSA, instance role)
/// and AWS_ENDPOINT_URL come from the environment, as for the AWS SDKs. Selectors, exemptions and
/// verdicts are exactly those of the operator. Each scan reads everything again and changes nothing
/// in AWS. The permissions in config/iam/audit.json are enough.
///
/// Problems of policies in files are printed on stderr, as by `sudoless validate`. After an error
/// nothing is scanned.
///
/// Unreadable notebooks, accounts and regions are reported as unknown, never as compliant. The
/// report names them first, and the exit code is 4.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  sudoless scan
  sudoless scan --region '*'
  sudoless scan --account 111122223333 --role sudoless --region us-east-1,eu-west-1
  sudoless scan --account 111122223333=us-east-1 --account 444455556666=eu-west-1 --role sudoless
  sudoless scan -f policies/
  sudoless scan -f policy.yaml -o table -o json=report.json -o html=report.html
  sudoless scan -f policies/ -o sarif=sudoless.sarif
  kubectl get nrap -o yaml | sudoless scan -f -

Exit codes:
  0    no violations, and everything was read (or --fail-on never)
  1    an error: a file cannot be read or written, or no credentials tell the caller's account
  2    wrong usage: invalid flags, policies that would be rejected, or no policy in the files
  3    violations: notebooks give their users root and should not; everything was read
  4    incomplete: not everything could be read, and there may be more violations. This code
       precedes 3; with --fail-on violation, 3 precedes it
  130  interrupted by Ctrl-C (143: by SIGTERM); the findings so far were written")]
pub struct Arguments {
    #[command(flatten)]
    input: Input,

    #[command(flatten)]
    reporting: Reporting,

    #[command(flatten)]
    reading: Reading,

    #[command(flatten)]
    restarts: Restarts,

    /// Timeout of the whole scan. The findings so far are written, and the exit code is 4 [default:
    /// no limit]
    #[arg(long, value_name = "DURATION", value_parser = duration, help_heading = "Reading AWS")]
    timeout: Option<Duration>,

    /// Log level on stderr, optionally with levels for modules, such as error,sudoless::aws=debug
    #[arg(
        long,
        env = "SUDOLESS_LOG",
        default_value = "error",
        value_name = "LEVELS",
        help_heading = "Logging"
    )]
    log_level: LogLevels,
}

/// Flags of the report.
#[derive(Debug, Args)]
#[command(next_help_heading = "Report")]
struct Reporting {
    /// Format of the report: table, json, yaml, csv, sarif, ocsf, html or junit. FORMAT writes to
    /// standard output, FORMAT=FILE to a file. May be repeated [default: table]
    #[arg(short, long, value_name = "FORMAT[=FILE]")]
    output: Vec<Output>,

    /// Results that make the exit code other than 0
    #[arg(long, value_enum, value_name = "WHAT", default_value_t = FailOn::Unknown)]
    fail_on: FailOn,

    /// Progress on stderr: one updated line on a terminal, otherwise a new line every ten seconds
    /// [default: only on a terminal]
    #[arg(
        long,
        value_enum,
        value_name = "WHEN",
        num_args = 0..=1,
        require_equals = true,
        default_value_t = When::Auto,
        default_missing_value = "always",
        hide_default_value = true
    )]
    progress: When,

    /// Print the JSON schema of -o json, without a scan
    #[arg(long, exclusive = true)]
    schema: bool,
}

/// Results that make the exit code other than 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum FailOn {
    /// Violations (3) and unreadable notebooks, accounts or regions (4). With both the code is 3,
    /// so that a job can tolerate 4
    Violation,
    /// Violations (3) and unreadable notebooks, accounts or regions (4). With both the code is 4,
    /// because there may be more violations
    Unknown,
    /// Neither. Errors, wrong usage and signals still set the code
    Never,
}

/// Error of `sudoless scan`.
#[derive(Debug, thiserror::Error)]
enum Failure {
    /// Flags or policies are invalid. Each problem is one line.
    #[error("{}", .0.join("\nerror: "))]
    Usage(Vec<String>),
    /// The files have this many errors, which were already printed.
    #[error("nothing was scanned because of {}", counted(*.0, "error", "errors"))]
    Policies(usize),
    /// This many files are unreadable. They were already named.
    #[error("nothing was scanned because {} could not be read", counted(*.0, "file", "files"))]
    Unread(usize),
    /// The program's own definition is unusable; a bug.
    #[error("the program's own definition is unusable: {0}")]
    Definition(#[from] Unsupported),
    /// The account of the credentials is unknown.
    #[error(
        "cannot determine the account of the credentials ({0}): log in, or name accounts with --account or policies with -f"
    )]
    OwnAccount(String),
    /// The asynchronous runtime cannot start, or signals cannot be handled.
    #[error("cannot start the process: {0}")]
    Process(#[from] io::Error),
    /// Logging cannot start.
    #[error(transparent)]
    Telemetry(#[from] observability::TelemetryError),
    /// The report cannot be written.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// A signal came before anything was read.
    #[error("interrupted before anything was read")]
    Interrupted(u8),
}

/// Runs `sudoless scan`. The help text lists the exit codes.
#[must_use]
pub fn run(arguments: &Arguments) -> ExitCode {
    match try_run(arguments) {
        Ok(code) => ExitCode::from(code),
        Err(failure) => {
            eprintln!("error: {failure}");
            ExitCode::from(failure.code())
        }
    }
}

fn try_run(arguments: &Arguments) -> Result<u8, Failure> {
    if arguments.reporting.schema {
        print(&output::schema_text(&schema())?).map_err(WriteError::Stdout)?;
        return Ok(0);
    }
    let outputs = output::checked(&arguments.reporting.output).map_err(Failure::Usage)?;
    let named = arguments.input.in_files(Timestamp::now())?;
    observability::start(LogFormat::Text, Color::None, &arguments.log_level)?;
    // One worker is enough, because a scan mostly waits for AWS. Each further worker costs memory.
    // The worker also handles signals while this thread writes.
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()?;
    let result = runtime.block_on(scan(arguments, named, &outputs));
    runtime.shutdown_background();
    result
}

/// Scans and writes the report. Writing happens inside the runtime, so that a signal ends it even
/// if no process reads the output.
async fn scan(
    arguments: &Arguments,
    named: Option<Vec<Subject>>,
    outputs: &[Output],
) -> Result<u8, Failure> {
    let mut signals = Signals::listen()?;
    let progress = Arc::new(Progress::default());
    let (aws, subjects) = tokio::select! {
        ready = prepare(arguments, named, &progress) => ready?,
        code = signals.first() => return Err(Failure::Interrupted(code)),
    };
    // Each notebook is described only once.
    let options = arguments
        .reading
        .fleet(Duration::from_hours(24), OnMissing::Report);
    let fleet = Fleet::new(aws, options, Arc::clone(&progress) as _);
    let scan = Scan::new(fleet, arguments.restarts.retired_platforms.clone());
    let mut watch = Watch::new(arguments.reporting.progress, progress);
    let (mut signal, mut timed_out) = (None, false);
    let report = {
        let mut running = std::pin::pin!(scan.run(&subjects));
        let mut timeout = std::pin::pin!(arguments.out_of_time());
        loop {
            tokio::select! {
                report = &mut running => break report,
                code = signals.first(), if signal.is_none() => {
                    signal = Some(code);
                    watch.say("interrupted: the findings so far follow; a second signal ends the scan at once");
                    scan.break_off(BrokenOff::Interrupted);
                }
                () = &mut timeout, if !timed_out => {
                    timed_out = true;
                    scan.break_off(BrokenOff::TimedOut);
                }
                () = watch.tick() => {}
            }
        }
    };
    watch.clear();
    signals.writing.store(true, Ordering::Release);
    output::write(&report, outputs)?;
    Ok(signal.unwrap_or_else(|| arguments.reporting.fail_on.code(&report)))
}

/// Returns the AWS client and the policies to scan by.
async fn prepare(
    arguments: &Arguments,
    named: Option<Vec<Subject>>,
    progress: &Arc<Progress>,
) -> Result<(AwsReads, Vec<Subject>), Failure> {
    let options = arguments.reading.aws();
    let aws = AwsReads::from_environment(options, Arc::clone(progress) as _).await;
    let subjects = if let Some(subjects) = named {
        subjects
    } else {
        let patience = arguments.reading.silence();
        vec![arguments.input.by_flags(&aws, patience).await?]
    };
    Ok((aws, subjects))
}

impl Arguments {
    async fn out_of_time(&self) {
        match self.timeout {
            Some(timeout) => tokio::time::sleep(timeout).await,
            None => std::future::pending().await,
        }
    }
}

impl FailOn {
    /// Returns the exit code of a scan that was not interrupted.
    fn code(self, report: &Report) -> u8 {
        let (violations, unread) = (report.has_violations(), !report.complete);
        match (self, violations, unread) {
            (Self::Never, ..) | (_, false, false) => 0,
            (Self::Violation, true, _) | (Self::Unknown, true, false) => 3,
            (Self::Violation, false, true) | (Self::Unknown, _, true) => 4,
        }
    }
}

impl Failure {
    fn code(&self) -> u8 {
        match self {
            Self::Usage(_) | Self::Policies(_) => 2,
            Self::Interrupted(code) => *code,
            Self::Unread(_)
            | Self::Definition(_)
            | Self::OwnAccount(_)
            | Self::Process(_)
            | Self::Telemetry(_)
            | Self::Write(_) => 1,
        }
    }
}
