//! Output formats of `sudoless validate`.

use std::io::{self, Write};

use serde::Serialize;

use super::super::manifests::{Examined, Located, Unread};
use crate::{decide::counted, offline::Problem};

/// The JSON output.
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

/// Writes text for people: each problem, then totals.
pub(super) fn text(examined: &Examined, output: &mut impl Write) -> io::Result<()> {
    examined.text(output)?;
    let looked = format!(
        "{} in {}",
        counted(examined.policies.len(), "policy", "policies"),
        counted(examined.files, "file", "files")
    );
    let found = match (examined.errors(), examined.warnings()) {
        (0, 0) => "no problems".to_owned(),
        (errors, warnings) => format!(
            "{}, {}",
            counted(errors, "error", "errors"),
            counted(warnings, "warning", "warnings")
        ),
    };
    write!(output, "{looked}: {found}")?;
    if examined.skipped > 0 {
        let skipped = counted(
            examined.skipped,
            "object of another kind",
            "objects of other kinds",
        );
        write!(output, "; {skipped} skipped")?;
    }
    if !examined.unread.is_empty() {
        write!(
            output,
            "; {} not read",
            counted(examined.unread.len(), "file", "files")
        )?;
    }
    writeln!(output)
}

/// Writes one JSON object.
pub(super) fn json(examined: &Examined, output: &mut impl Write) -> Result<(), serde_json::Error> {
    let summary = Summary {
        files: examined.files,
        policies: examined.policies.len(),
        skipped: examined.skipped,
        errors: examined.errors(),
        warnings: examined.warnings(),
        problems: &examined.problems,
        unread: &examined.unread,
    };
    serde_json::to_writer_pretty(&mut *output, &summary)?;
    writeln!(output).map_err(serde_json::Error::io)
}

/// Writes GitHub workflow commands, which annotate pull requests.
///
/// Source: "Workflow commands" in the documentation of GitHub Actions.
pub(super) fn github(examined: &Examined, output: &mut impl Write) -> io::Result<()> {
    for Located { file, problem, .. } in &examined.problems {
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
    for Unread { file, error } in &examined.unread {
        writeln!(
            output,
            "::error file={}::cannot be read: {}",
            property(file),
            data(error)
        )?;
    }
    Ok(())
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
