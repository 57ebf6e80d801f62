//! What was found, and how it is printed.

use std::io::{self, Write};

use clap::builder::styling::{AnsiColor, Style};
use serde::Serialize;

use crate::offline::{FieldPath, Problem, Severity};

/// A line that is longer is not shown: nobody finds the place in it.
const LONGEST_LINE: usize = 200;

/// What was found in all files.
#[derive(Debug, Default)]
pub(super) struct Report {
    pub(super) files: usize,
    pub(super) policies: usize,
    pub(super) skipped: usize,
    pub(super) unread: Vec<Unread>,
    problems: Vec<Located>,
}

/// A file that could not be read.
#[derive(Debug, Serialize)]
pub(super) struct Unread {
    pub(super) file: String,
    pub(super) error: String,
}

/// A problem and the file that it is in.
#[derive(Debug, Serialize)]
struct Located {
    file: String,
    #[serde(flatten)]
    problem: Problem,
    /// The line of the text that it is in.
    #[serde(skip)]
    line: Option<String>,
}

/// The whole as JSON.
#[derive(Serialize)]
struct Summary<'a> {
    files: usize,
    policies: usize,
    skipped: usize,
    errors: usize,
    warnings: usize,
    problems: &'a [Located],
    unread: &'a [Unread],
}

impl Report {
    /// Adds what was found in a file. Without its text no line is shown.
    pub(super) fn add(&mut self, file: &str, text: Option<&str>, problems: Vec<Problem>) {
        let lines: Vec<&str> = text.map(|text| text.lines().collect()).unwrap_or_default();
        self.problems.extend(problems.into_iter().map(|problem| {
            let line = lines.get(problem.position.line.saturating_sub(1)).copied();
            Located {
                file: file.to_owned(),
                line: line.map(ToOwned::to_owned),
                problem,
            }
        }));
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

    pub(super) fn text(&self, output: &mut impl Write) -> io::Result<()> {
        for located in &self.problems {
            located.text(output)?;
        }
        for Unread { file, error } in &self.unread {
            writeln!(
                output,
                "{file}: {}: cannot be read: {error}",
                painted(Severity::Error)
            )?;
        }
        let looked = format!(
            "{} in {}",
            counted(self.policies, "policy", "policies"),
            counted(self.files, "file", "files")
        );
        let found = match (self.errors(), self.warnings()) {
            (0, 0) => "nothing is wrong".to_owned(),
            (errors, warnings) => format!(
                "{}, {}",
                counted(errors, "error", "errors"),
                counted(warnings, "warning", "warnings")
            ),
        };
        write!(output, "{looked}: {found}")?;
        if self.skipped > 0 {
            let skipped = counted(
                self.skipped,
                "object of another kind",
                "objects of other kinds",
            );
            write!(output, "; {skipped} skipped")?;
        }
        if !self.unread.is_empty() {
            write!(
                output,
                "; {} not read",
                counted(self.unread.len(), "file", "files")
            )?;
        }
        writeln!(output)
    }

    pub(super) fn json(&self, output: &mut impl Write) -> Result<(), serde_json::Error> {
        let summary = Summary {
            files: self.files,
            policies: self.policies,
            skipped: self.skipped,
            errors: self.errors(),
            warnings: self.warnings(),
            problems: &self.problems,
            unread: &self.unread,
        };
        serde_json::to_writer_pretty(&mut *output, &summary)?;
        writeln!(output).map_err(serde_json::Error::io)
    }

    /// Source: "Workflow commands" in the documentation of GitHub Actions.
    pub(super) fn github(&self, output: &mut impl Write) -> io::Result<()> {
        for Located { file, problem, .. } in &self.problems {
            writeln!(
                output,
                "::{} file={},line={},col={},title={}::{}",
                problem.severity.as_str(),
                property(file),
                problem.position.line,
                problem.position.column,
                property(&title(problem)),
                data(&problem.message),
            )?;
        }
        for Unread { file, error } in &self.unread {
            writeln!(
                output,
                "::error file={}::cannot be read: {}",
                property(file),
                data(error)
            )?;
        }
        Ok(())
    }
}

impl Located {
    fn text(&self, output: &mut impl Write) -> io::Result<()> {
        let Self { file, problem, .. } = self;
        let position = problem.position;
        let bold = Style::new().bold();
        write!(
            output,
            "{bold}{file}:{}:{}:{bold:#} {}: ",
            position.line,
            position.column,
            painted(problem.severity)
        )?;
        if problem.path != FieldPath::default() {
            write!(output, "{bold}{}{bold:#}: ", problem.path)?;
        }
        writeln!(output, "{}", printable(&problem.message))?;
        let Some(line) = self
            .line
            .as_deref()
            .filter(|line| line.len() <= LONGEST_LINE)
        else {
            return Ok(());
        };
        let dim = Style::new().dimmed();
        // A tab would move the mark.
        let line = printable(&line.replace('\t', " "));
        writeln!(output, "{dim}{:>5} |{dim:#} {line}", position.line)?;
        writeln!(
            output,
            "{dim}      |{dim:#} {:>column$}",
            "^",
            column = position.column
        )
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

/// A file may hold anything; nothing in it must steer a terminal.
fn printable(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { '\u{fffd}' } else { c })
        .collect()
}

fn title(problem: &Problem) -> String {
    match &problem.policy {
        Some(policy) => format!("{policy}: {}", problem.path),
        None => problem.path.to_string(),
    }
}

fn data(text: &str) -> String {
    text.replace('%', "%25")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

fn counted(count: usize, one: &str, several: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { several })
}
