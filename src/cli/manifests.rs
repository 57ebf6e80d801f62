//! Reads and checks the manifests of a command line. Every subcommand checks and reports them
//! alike.

mod files;

use std::{
    io::{self, Write},
    path::PathBuf,
};

use clap::builder::styling::{AnsiColor, Style};
use jiff::Timestamp;
use serde::Serialize;

use self::files::ManifestFile;
use crate::{
    domain::Policy,
    offline::{FieldPath, Found, Manifests, Position, Problem, Severity, Source, Unsupported},
    report::{masked, visible},
};

/// The longest line that is shown, in bytes. In a longer line the marked column is hard to find.
const LONGEST_LINE: usize = 200;

/// The policies and problems of the manifests.
#[derive(Debug, Default)]
pub(super) struct Examined {
    /// Number of files read.
    pub(super) files: usize,
    /// The policies, including those that would be rejected.
    pub(super) policies: Vec<InFile>,
    /// Number of skipped objects of other kinds.
    pub(super) skipped: usize,
    /// Problems, file by file.
    pub(super) problems: Vec<Located>,
    /// Unreadable files.
    pub(super) unread: Vec<Unread>,
}

/// A policy and the file that it is in.
#[derive(Debug)]
pub(super) struct InFile {
    pub(super) file: String,
    /// Start of the policy.
    pub(super) position: Position,
    /// Position of its name, or where a missing name belongs.
    pub(super) named: Position,
    /// The policy as the operator reads it. `None` if the problems include an error of it.
    pub(super) policy: Option<Policy>,
}

/// A file that could not be read.
#[derive(Debug, Serialize)]
pub(super) struct Unread {
    pub(super) file: String,
    pub(super) error: String,
}

/// A problem and the file that it is in.
#[derive(Debug, Serialize)]
pub(super) struct Located {
    pub(super) file: String,
    #[serde(flatten)]
    pub(super) problem: Problem,
    /// The line of the text.
    #[serde(skip)]
    pub(super) line: Option<String>,
}

/// Reads and checks the manifests at `paths`. `now` only decides which exemptions have expired. `-`
/// is standard input. Folders are searched at any depth.
pub(super) fn examine(paths: &[PathBuf], now: Timestamp) -> Result<Examined, Unsupported> {
    let manifests = Manifests::new()?;
    let mut examined = Examined::default();
    for path in paths {
        let before = examined.weight();
        for file in files::manifest_files(path) {
            match file {
                Ok(file) => examined.add(&manifests, file, now),
                Err(unread) => examined.unread.push(unread),
            }
        }
        if examined.weight() == before {
            let nothing = "contains no NotebookRootAccessPolicy";
            let problem = whole_file(Severity::Warning, Source::Advice, nothing);
            let file = path.display().to_string();
            examined.problems.push(Located::new(file, None, problem));
        }
    }
    Ok(examined)
}

impl Examined {
    fn add(&mut self, manifests: &Manifests, file: ManifestFile, now: Timestamp) {
        let ManifestFile { name, bytes } = file;
        self.files += 1;
        let Ok(text) = String::from_utf8(bytes) else {
            let message = "this is not UTF-8 text: save it as UTF-8";
            let problem = whole_file(Severity::Error, Source::Reader, message);
            self.problems.push(Located::new(name, None, problem));
            return;
        };
        let checked = manifests.check(&text, now);
        self.skipped += checked.skipped;
        let policies = checked.policies.into_iter().map(|found| {
            let Found {
                position,
                named,
                policy,
            } = found;
            InFile {
                file: name.clone(),
                position,
                named,
                policy,
            }
        });
        self.policies.extend(policies);
        let lines: Vec<&str> = text.lines().collect();
        let problems = checked.problems.into_iter().map(|problem| {
            let line = lines.get(problem.position.line.saturating_sub(1)).copied();
            Located::new(name.clone(), line, problem)
        });
        self.problems.extend(problems);
    }

    /// Number of policies, problems and unreadable files.
    fn weight(&self) -> usize {
        self.policies.len() + self.problems.len() + self.unread.len()
    }

    pub(super) fn errors(&self) -> usize {
        self.count(Severity::Error)
    }

    pub(super) fn warnings(&self) -> usize {
        self.count(Severity::Warning)
    }

    fn count(&self, severity: Severity) -> usize {
        self.problems
            .iter()
            .filter(|it| it.problem.severity == severity)
            .count()
    }

    /// Writes the problems as text for people.
    pub(super) fn text(&self, output: &mut impl Write) -> io::Result<()> {
        for located in &self.problems {
            located.text(output)?;
        }
        for Unread { file, error } in &self.unread {
            let (file, error) = (visible(file), visible(error));
            writeln!(
                output,
                "{file}: {}: cannot be read: {error}",
                painted(Severity::Error)
            )?;
        }
        Ok(())
    }
}

impl InFile {
    /// Returns the start of the policy as file and line.
    pub(super) fn location(&self) -> String {
        format!("{}:{}", shown(&self.file), self.position.line)
    }
}

impl Located {
    pub(super) fn new(file: String, line: Option<&str>, problem: Problem) -> Self {
        Self {
            file,
            problem,
            line: line.map(ToOwned::to_owned),
        }
    }

    fn text(&self, output: &mut impl Write) -> io::Result<()> {
        let Self { file, problem, .. } = self;
        let position = problem.position;
        let bold = Style::new().bold();
        write!(
            output,
            "{bold}{}:{}:{}:{bold:#} {}: ",
            visible(file),
            position.line,
            position.column,
            painted(problem.severity)
        )?;
        if problem.path != FieldPath::default() {
            let path = problem.path.to_string();
            write!(output, "{bold}{}{bold:#}: ", visible(&path))?;
        }
        writeln!(output, "{}", visible(&problem.message))?;
        let Some(line) = self
            .line
            .as_deref()
            .filter(|line| line.len() <= LONGEST_LINE)
        else {
            return Ok(());
        };
        let dim = Style::new().dimmed();
        // A tab would shift the mark.
        let line = line.replace('\t', " ");
        let line = masked(&line);
        writeln!(output, "{dim}{:>5} |{dim:#} {line}", position.line)?;
        writeln!(
            output,
            "{dim}      |{dim:#} {:>column$}",
            "^",
            column = position.column
        )
    }
}

/// Returns a file's name for use in a sentence.
pub(super) fn shown(file: &str) -> &str {
    if file == files::STDIN {
        "standard input"
    } else {
        file
    }
}

fn painted(severity: Severity) -> String {
    let color = match severity {
        Severity::Error => AnsiColor::Red,
        Severity::Warning => AnsiColor::Yellow,
    };
    let style = color.on_default().bold();
    format!("{style}{}{style:#}", severity.as_str())
}

fn whole_file(severity: Severity, source: Source, message: &str) -> Problem {
    Problem {
        severity,
        source,
        position: Position::START,
        policy: None,
        path: FieldPath::default(),
        message: message.to_owned(),
    }
}
