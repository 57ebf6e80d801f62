//! The outputs of a report.

use std::{
    fs, io,
    path::{Path, PathBuf},
    str::FromStr,
};

use clap::ValueEnum as _;
use serde::Serialize;

use crate::{
    cli::terminal::{appearance, print, print_by},
    decide::named,
    report::{self, Appearance, Format, Notebook, Report, Target, visible},
};

/// A format and its destination.
#[derive(Clone, Debug)]
pub(super) struct Output {
    format: Format,
    /// `None` is standard output.
    file: Option<PathBuf>,
}

/// Error of writing the report.
#[derive(Debug, thiserror::Error)]
pub(super) enum WriteError {
    /// The report cannot be rendered in the format; a bug.
    #[error(transparent)]
    Render(#[from] report::Error),
    /// The schema has no JSON form; a bug.
    #[error("the schema has no JSON form: {0}")]
    Schema(#[from] serde_json::Error),
    /// A file is not writable.
    #[error("cannot write {0}: {1}")]
    File(String, #[source] io::Error),
    /// Standard output is not writable.
    #[error("cannot write to standard output: {0}")]
    Stdout(#[source] io::Error),
}

impl FromStr for Output {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (format, file) = match text.split_once('=') {
            None => (text, None),
            Some((_, "")) => return Err("write the file's name after the =".to_owned()),
            Some((format, file)) => (format, Some(PathBuf::from(file))),
        };
        let format = Format::from_str(format, false).map_err(|_| {
            let names: Vec<String> = Format::value_variants()
                .iter()
                .filter_map(clap::ValueEnum::to_possible_value)
                .map(|value| value.get_name().to_owned())
                .collect();
            format!("write one of {}, or FORMAT=FILE", names.join(", "))
        })?;
        Ok(Self { format, file })
    }
}

/// Returns the requested outputs, by default the table. Problems are found before the scan, not
/// after it.
pub(super) fn checked(outputs: &[Output]) -> Result<Vec<Output>, Vec<String>> {
    if outputs.is_empty() {
        return Ok(vec![Output {
            format: Format::Table,
            file: None,
        }]);
    }
    let mut problems = Vec::new();
    if outputs
        .iter()
        .filter(|output| output.file.is_none())
        .count()
        > 1
    {
        problems.push(
            "--output: only one format can go to standard output; write FORMAT=FILE for the others"
                .to_owned(),
        );
    }
    for file in outputs.iter().filter_map(|output| output.file.as_ref()) {
        let folder = match file.parent() {
            Some(folder) if folder != Path::new("") => folder,
            _ => Path::new("."),
        };
        if file.is_dir() {
            problems.push(format!("--output: {} is a folder", file.display()));
        } else if !folder.is_dir() {
            problems.push(format!("--output: there is no folder {}", folder.display()));
        }
    }
    if problems.is_empty() {
        Ok(outputs.to_vec())
    } else {
        Err(problems)
    }
}

/// Writes all outputs of the report. Files come first, because standard output may be closed.
pub(super) fn write(report: &Report, outputs: &[Output]) -> Result<(), WriteError> {
    for (output, file) in outputs
        .iter()
        .filter_map(|output| Some((output, output.file.as_ref()?)))
    {
        let text = report.render(output.format, Appearance::default())?;
        fs::write(file, text)
            .map_err(|error| WriteError::File(file.display().to_string(), error))?;
    }
    let shown = outputs.iter().find(|output| output.file.is_none());
    if let Some(output) = shown {
        let printed = if output.format == Format::Json {
            // Streamed, because the text of a large report takes as much memory as the report.
            print_by(|out| {
                serde_json::to_writer_pretty(&mut *out, report)?;
                out.write_all(b"\n")
            })
        } else {
            print(&report.render(output.format, appearance())?)
        };
        printed.map_err(WriteError::Stdout)?;
    }
    if shown.is_none_or(|output| output.format != Format::Table) {
        warn(report);
    }
    Ok(())
}

/// Returns a schema as it is published.
pub(super) fn schema_text(schema: &impl Serialize) -> Result<String, WriteError> {
    Ok(serde_json::to_string_pretty(schema)? + "\n")
}

/// Prints unreadable targets and notebooks on stderr, for people who look only there.
fn warn(report: &Report) {
    if report.complete {
        return;
    }
    let targets = report
        .policies
        .iter()
        .flat_map(|policy| &policy.targets)
        .filter(|target| target.is_unreadable())
        .map(unread_target);
    let notebooks = report
        .policies
        .iter()
        .flat_map(|policy| &policy.notebooks)
        .filter(|notebook| notebook.verdict == crate::api::Verdict::Unknown)
        .map(unread_notebook);
    let names: Vec<String> = targets.chain(notebooks).collect();
    let count = names.len();
    eprintln!(
        "warning: not everything could be read: {}",
        named(names, count)
    );
}

fn unread_target(target: &Target) -> String {
    format!("{}/{} ({:?})", target.account, target.region, target.state)
}

fn unread_notebook(notebook: &Notebook) -> String {
    let reason = notebook.reason.as_deref().unwrap_or_default();
    let (account, region) = (&notebook.account, &notebook.region);
    format!("{account}/{region}/{} ({reason})", visible(&notebook.name))
}
