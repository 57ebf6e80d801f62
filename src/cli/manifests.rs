//! The manifests that a command line names, read and judged: in the same way, with the same words, for every subcommand.

mod files;

use std::{
    io::{self, Write},
    path::PathBuf,
};

use clap::builder::styling::{AnsiColor, Style};
use jiff::Timestamp;
use serde::Serialize;

use self::files::Source;
use crate::{
    domain::Policy,
    offline::{FieldPath, Found, Judge, Manifests, Position, Problem, Severity, Unsupported},
    report::{masked, visible},
};

/// A line that is longer is not shown: nobody finds the place in it.
const LONGEST_LINE: usize = 200;

/// What is in the manifests.
#[derive(Debug, Default)]
pub(super) struct Examined {
    /// How many files were read.
    pub(super) files: usize,
    /// The policies, those that would be refused among them.
    pub(super) policies: Vec<InFile>,
    /// How many objects of other kinds, which were not looked at.
    pub(super) skipped: usize,
    /// What is wrong, file by file.
    pub(super) problems: Vec<Located>,
    /// What could not be read.
    pub(super) unread: Vec<Unread>,
}

/// A policy and the file that it is in.
#[derive(Debug)]
pub(super) struct InFile {
    pub(super) file: String,
    /// Where it begins.
    pub(super) position: Position,
    /// Where its name is written, or would be.
    pub(super) named: Position,
    /// As the operator reads it; `None`: there is an error among the problems.
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
    /// The line of the text that it is in.
    #[serde(skip)]
    pub(super) line: Option<String>,
}

/// Reads and judges what is named, as of `now`, which only decides what has expired. `-` is standard input, of a folder every manifest
/// in it and below.
pub(super) fn examine(paths: &[PathBuf], now: Timestamp) -> Result<Examined, Unsupported> {
    let manifests = Manifests::new()?;
    let mut examined = Examined::default();
    for path in paths {
        let before = examined.weight();
        for source in files::sources(path) {
            match source {
                Ok(source) => examined.add(&manifests, source, now),
                Err(unread) => examined.unread.push(unread),
            }
        }
        if examined.weight() == before {
            let nothing = "there is no NotebookRootAccessPolicy in it";
            let problem = whole_file(Severity::Warning, Judge::Advice, nothing);
            let file = path.display().to_string();
            examined.problems.push(Located::new(file, None, problem));
        }
    }
    Ok(examined)
}

impl Examined {
    fn add(&mut self, manifests: &Manifests, source: Source, now: Timestamp) {
        let Source { name, bytes } = source;
        self.files += 1;
        let Ok(text) = String::from_utf8(bytes) else {
            let message = "this is no text in UTF-8: save it as UTF-8";
            let problem = whole_file(Severity::Error, Judge::Reader, message);
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

    /// How much there is to say of it.
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

    /// Writes what is wrong, for people.
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
    /// Where it begins, as file and line.
    pub(super) fn place(&self) -> String {
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
        // A tab would move the mark.
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

/// A file's name in a sentence.
pub(super) fn shown(file: &str) -> &str {
    if file == files::STDIN {
        "standard input"
    } else {
        file
    }
}

/// So many of something.
pub(super) fn counted(count: usize, one: &str, several: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { several })
}

fn painted(severity: Severity) -> String {
    let color = match severity {
        Severity::Error => AnsiColor::Red,
        Severity::Warning => AnsiColor::Yellow,
    };
    let style = color.on_default().bold();
    format!("{style}{}{style:#}", severity.as_str())
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
