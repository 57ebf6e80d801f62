//! The table for people: unreadable places first, then the findings and how to fix them. Totals
//! come last, where people look first.

use std::{collections::BTreeSet, fmt::Write as _};

use comfy_table::{
    Attribute, Cell, Color, ColumnConstraint, ContentArrangement, Table, presets::NOTHING,
};

use super::{
    model::{BrokenOff, Notebook, Policy, Report, Target},
    untrusted::visible,
};
use crate::{
    api::Verdict,
    decide::{counted, places},
};

/// Appearance of a report for people.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Appearance {
    /// Columns of the terminal. `None` is unlimited, with one line per row.
    pub width: Option<u16>,
    /// Colours of words.
    pub colors: Colors,
}

/// Colours of words.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Colors {
    /// Colours of ANSI terminals.
    Ansi,
    /// No colours.
    #[default]
    None,
}

/// Number of blanks between two columns.
const GAP: u16 = 2;

/// The least width of a column of text. A narrower column would have one word per line.
const LEAST_TEXT: u16 = 32;

/// Renders the report as a table.
pub(super) fn table(report: &Report, appearance: Appearance) -> String {
    let mut page = Page {
        appearance,
        text: String::new(),
    };
    page.broken_off(report);
    for policy in &report.policies {
        if report.policies.len() > 1 {
            page.heading(policy);
        }
        page.unread(policy);
        page.disabled(policy);
        page.findings(policy);
        page.warnings(policy);
    }
    page.remedies(report);
    page.totals(report);
    page.text
}

struct Page {
    appearance: Appearance,
    text: String,
}

impl Page {
    fn line(&mut self, line: &str) {
        self.text.push_str(line);
        self.text.push('\n');
    }

    /// Adds a blank line between two parts.
    fn part(&mut self) {
        if !self.text.is_empty() {
            self.text.push('\n');
        }
    }

    fn broken_off(&mut self, report: &Report) {
        let why = match report.broken_off {
            None => return,
            Some(BrokenOff::Interrupted) => "interrupted",
            Some(BrokenOff::TimedOut) => "timed out",
        };
        let line = format!("INCOMPLETE: {why}. These are the findings so far.");
        let line = self.colored(&line, "31;1");
        self.line(&line);
    }

    fn heading(&mut self, policy: &Policy) {
        self.part();
        let mut line = format!("POLICY {}", visible(&policy.name));
        if let Some(source) = &policy.source {
            // Writing to a String cannot fail, here and below.
            let _ = write!(line, " ({})", visible(source));
        }
        let line = self.colored(&line, "1");
        self.line(&line);
    }

    /// Lists unreadable accounts and regions, with advice.
    fn unread(&mut self, policy: &Policy) {
        let targets: Vec<&Target> = policy
            .targets
            .iter()
            .filter(|target| target.is_unreadable())
            .collect();
        if targets.is_empty() {
            return;
        }
        self.part();
        let mut rows = Vec::new();
        let mut advice = BTreeSet::new();
        for target in targets {
            let state = format!("{:?}", target.state);
            advice.extend(
                target
                    .advice
                    .as_deref()
                    .map(|advice| (state.clone(), advice)),
            );
            let cells = vec![
                self.marked(&state, Color::Yellow),
                cell(&target.account),
                cell(&target.region),
            ];
            let message = target.message.as_deref().unwrap_or_default();
            rows.push((cells, visible(message).into_owned()));
        }
        self.rows(&["NOT READ", "ACCOUNT", "REGION", "WHY"], rows);
        for (state, advice) in advice {
            self.line(&format!("{state}: {advice}"));
        }
    }

    fn disabled(&mut self, policy: &Policy) {
        let names: Vec<String> = policy
            .targets
            .iter()
            .filter(|target| !target.is_unreadable() && target.counts.is_none())
            .map(|target| format!("{}/{}", target.account, target.region))
            .collect();
        if !names.is_empty() {
            self.part();
            let names = names.join(", ");
            self.line(&format!("Not enabled, so without notebooks: {names}"));
        }
    }

    fn findings(&mut self, policy: &Policy) {
        let findings: Vec<&Notebook> = policy
            .notebooks
            .iter()
            .filter(|notebook| notebook.is_finding())
            .collect();
        self.part();
        if findings.is_empty() {
            // Unread notebooks are unknown.
            let read = policy.targets.iter().all(|target| !target.is_unreadable());
            self.line(if read {
                "No findings."
            } else {
                "No findings in what was read."
            });
            return;
        }
        let mut rows = Vec::new();
        let mut advice = BTreeSet::new();
        for notebook in findings {
            if notebook.verdict == Verdict::Unknown {
                let steps = notebook.remedy.iter().flat_map(|remedy| &remedy.steps);
                let reason = notebook.reason.as_deref().unwrap_or_default();
                advice.extend(steps.map(|step| (reason, step.what.as_str())));
            }
            let color = match notebook.verdict {
                Verdict::NonCompliant => Color::Red,
                Verdict::Unknown => Color::Yellow,
                Verdict::Exempt | Verdict::Compliant => Color::Cyan,
            };
            let cells = vec![
                self.marked(&format!("{:?}", notebook.verdict), color),
                cell(&format!("{:?}", notebook.next)),
                cell(&notebook.account),
                cell(&notebook.region),
                cell(&notebook.name),
                cell(&notebook.status),
            ];
            rows.push((cells, visible(&reason(notebook)).into_owned()));
        }
        let names = [
            "VERDICT", "NEXT", "ACCOUNT", "REGION", "NOTEBOOK", "STATUS", "REASON",
        ];
        self.rows(&names, rows);
        for (reason, advice) in advice {
            self.line(&format!("{}: {}", visible(reason), visible(advice)));
        }
    }

    fn warnings(&mut self, policy: &Policy) {
        if policy.warnings.is_empty() {
            return;
        }
        self.part();
        for warning in &policy.warnings {
            self.line(&format!("Warning: {}", visible(warning)));
        }
    }

    /// Lists the remedies, once per notebook, even if it violates several policies.
    fn remedies(&mut self, report: &Report) {
        let mut seen = BTreeSet::new();
        let mut explained = BTreeSet::new();
        let violations = report
            .policies
            .iter()
            .flat_map(|policy| &policy.notebooks)
            .filter(|notebook| notebook.verdict == Verdict::NonCompliant)
            .filter(|notebook| seen.insert(&notebook.arn));
        for notebook in violations {
            self.part();
            if let Some(why) = notebook.why.as_deref().filter(|why| explained.insert(*why)) {
                let heading = self.colored("WHY IT MATTERS, AND HOW TO FIX IT BY HAND", "1");
                self.line(&heading);
                self.line(why);
                self.part();
            }
            self.remedy(notebook);
        }
    }

    fn remedy(&mut self, notebook: &Notebook) {
        let Some(remedy) = &notebook.remedy else {
            return;
        };
        let platform = notebook
            .platform
            .as_ref()
            .map(|platform| format!(" on {}", visible(platform)))
            .unwrap_or_default();
        let line = format!(
            "{} in {}/{}, {}{}:",
            visible(&notebook.name),
            notebook.account,
            notebook.region,
            visible(&notebook.status),
            platform
        );
        let line = self.colored(&line, "1");
        self.line(&line);
        for step in &remedy.steps {
            self.line(&format!("  # {}", visible(&step.what)));
            if let Some(command) = &step.command {
                self.line(&format!("  {}", visible(command)));
            }
        }
        if let Some(note) = &remedy.note {
            self.line(&format!("  # {}", visible(note)));
        }
    }

    fn totals(&mut self, report: &Report) {
        self.part();
        let (summary, counts) = (report.summary, report.summary.counts);
        let mut line = format!(
            "{}: {} root and should not, {} unknown, {} exempt, {} compliant; {} a lifecycle configuration",
            counted(counts.notebooks, "notebook", "notebooks"),
            counted(counts.non_compliant, "gives its users", "give their users"),
            counts.unknown,
            counts.exempt,
            counts.compliant,
            counted(counts.lifecycle_configs, "has", "have"),
        );
        if counts.not_restartable > 0 {
            let _ = write!(
                line,
                "; {} cannot be restarted, because AWS would not start {} again",
                counts.not_restartable,
                match counts.not_restartable {
                    1 => "it",
                    _ => "them",
                }
            );
        }
        let code = match (counts.non_compliant, report.complete) {
            (0, true) => "32;1",
            (0, false) => "33;1",
            _ => "31;1",
        };
        let line = self.colored(&line, code);
        self.line(&line);
        let read = summary.targets - summary.unreadable_targets - summary.disabled_targets;
        let mut line = format!("{read} of {} read", places(summary.targets));
        if summary.disabled_targets > 0 {
            let _ = write!(line, ", {} not enabled", summary.disabled_targets);
        }
        if !report.complete {
            line.push_str("; unread notebooks may give their users root");
        }
        self.line(&line);
    }

    /// Writes a table whose last column is a text of any length. Only the last column is wrapped.
    /// If the terminal is too narrow for that, a text that does not fit beside its row is written
    /// below it.
    fn rows(&mut self, names: &[&str], rows: Vec<(Vec<Cell>, String)>) {
        let mut table = Table::new();
        table.load_style(NOTHING);
        match self.appearance.colors {
            Colors::Ansi => {
                table.enforce_styling();
                // Trailing blanks stay unstyled, because they are cut off.
                table.style_text_only();
            }
            Colors::None => drop(table.force_no_tty()),
        }
        table.set_header(names.iter().map(|name| self.header(name)));
        let last = names.len().saturating_sub(1);
        for (cells, text) in &rows {
            table.add_row(cells.iter().cloned().chain([Cell::new(text)]));
        }
        for (index, column) in table.column_iter_mut().enumerate() {
            column.set_padding((0, if index == last { 0 } else { GAP }));
            if index != last {
                column.set_constraint(ColumnConstraint::ContentWidth);
            }
        }
        table.set_content_arrangement(ContentArrangement::Disabled);
        let contents = table.column_max_content_widths();
        let fixed: u16 = contents.iter().take(last).fold(0, |sum: u16, width| {
            sum.saturating_add(*width).saturating_add(GAP)
        });
        match self.appearance.width {
            Some(width) if width < fixed.saturating_add(LEAST_TEXT) => {
                if let Some(column) = table.column_mut(last) {
                    column.set_constraint(ColumnConstraint::Hidden);
                }
                let heading = names.last().map(|name| (*name).to_owned());
                let texts = heading
                    .into_iter()
                    .chain(rows.into_iter().map(|(_, text)| text));
                let lines: Vec<String> = table.lines().collect();
                for (line, text) in lines.iter().zip(texts) {
                    if usize::from(fixed) + text.chars().count() <= usize::from(width) {
                        self.line(&format!("{line}{text}"));
                    } else {
                        self.line(line.trim_end());
                        self.line(&format!("    {text}"));
                    }
                }
                return;
            }
            Some(width) => {
                table
                    .set_content_arrangement(ContentArrangement::Dynamic)
                    .set_width(width);
            }
            None => {}
        }
        let lines: Vec<String> = table.lines().collect();
        for line in lines {
            self.line(line.trim_end());
        }
    }

    fn header(&self, name: &str) -> Cell {
        match self.appearance.colors {
            Colors::Ansi => Cell::new(name).add_attribute(Attribute::Bold),
            Colors::None => Cell::new(name),
        }
    }

    fn marked(&self, text: &str, color: Color) -> Cell {
        match self.appearance.colors {
            Colors::Ansi => cell(text).fg(color),
            Colors::None => cell(text),
        }
    }

    /// Returns a line in a colour, given as parameters of ANSI's SGR.
    fn colored(&self, line: &str, code: &str) -> String {
        match self.appearance.colors {
            Colors::Ansi => format!("\x1b[{code}m{line}\x1b[0m"),
            Colors::None => line.to_owned(),
        }
    }
}

fn cell(text: &str) -> Cell {
    Cell::new(visible(text))
}

/// Returns the reason, with the message if it says more than the verdict.
fn reason(notebook: &Notebook) -> String {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let (reason, message) = (text(&notebook.reason), text(&notebook.message));
    match notebook.verdict {
        Verdict::Exempt => format!("{reason} ({message})"),
        Verdict::Unknown => format!("{reason}: {message}"),
        Verdict::NonCompliant if notebook.is_not_restartable() => match &notebook.platform {
            Some(platform) => format!("{reason} ({platform})"),
            None => format!("{reason} (platform unknown)"),
        },
        Verdict::Compliant | Verdict::NonCompliant => reason,
    }
}
