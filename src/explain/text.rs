//! The answer for people: the short answer, then each policy, then the records.

use comfy_table::{ColumnConstraint, ContentArrangement, Table, Width, presets::NOTHING};
use jiff::Timestamp;

use super::{
    Advice, Explanation, NotFound, Notebook, Outcome, PolicyView, RecordView, Relation, times,
};
use crate::report::{Appearance, Colors, visible};

/// Width of the label column, including blanks.
const LABELS: u16 = 13;

/// Number of blanks before and after a label.
const AROUND: u16 = 2;

/// The least width of a terminal. On narrower terminals lines are not wrapped.
const LEAST_WIDTH: u16 = 40;

/// Returns the explanation of a notebook as text.
#[must_use]
pub fn text(explanation: &Explanation, appearance: Appearance) -> String {
    let mut page = Page::new(appearance);
    let now = explanation.at;
    page.notebook(&explanation.notebook, now);
    page.part();
    let outcome = explanation.answer.outcome;
    page.headline(outcome, &explanation.answer.summary);
    let (about, aside): (Vec<&PolicyView>, Vec<&PolicyView>) = explanation
        .policies
        .iter()
        .partition(|policy| policy.relation.covers() || policy.relation == Relation::Invalid);
    for policy in about {
        page.policy(policy, now);
    }
    if !aside.is_empty() {
        page.part();
        page.heading("POLICIES THAT DO NOT COVER IT");
        for policy in aside {
            page.row(&policy.name, &policy.message);
        }
    }
    if !explanation.records.is_empty() {
        page.part();
        page.heading("RECORDS");
        for record in &explanation.records {
            page.record(record, now);
        }
    }
    page.text
}

/// Returns the answer for an unknown name as text.
#[must_use]
pub fn not_found_text(not_found: &NotFound, appearance: Appearance) -> String {
    let mut page = Page::new(appearance);
    let line = format!(
        "No policy lists a notebook {}, and no record names it.",
        not_found.name
    );
    page.paragraph(&page.colored(&line, "33;1"));
    page.row("searched", &not_found.looked_at);
    page.part();
    page.paragraph("Possible reasons:");
    for meaning in &not_found.may_mean {
        page.row("-", meaning);
    }
    page.part();
    if !not_found.similar.is_empty() {
        page.paragraph(&format!(
            "Did you mean {}?",
            visible(&not_found.similar.join(", "))
        ));
    }
    page.paragraph("With the ARN, or with --account and --region, the answer names the reason for each policy.");
    page.text
}

struct Page {
    appearance: Appearance,
    text: String,
}

impl Page {
    fn new(appearance: Appearance) -> Self {
        Self {
            appearance: Appearance {
                width: appearance.width.filter(|width| *width >= LEAST_WIDTH),
                ..appearance
            },
            text: String::new(),
        }
    }

    fn notebook(&mut self, notebook: &Notebook, now: Timestamp) {
        let name = visible(&notebook.name);
        let line = format!("{name} in {}/{}", notebook.account, notebook.region);
        self.heading(&line);
        if let Some(arn) = &notebook.arn {
            self.row("arn", arn);
        }
        let Some(seen) = &notebook.seen else {
            self.row("last seen", "no policy lists it");
            return;
        };
        let lifecycle = seen.lifecycle_config.as_ref().map(|name| {
            format!(", lifecycle configuration {name}, whose scripts run as root in any case")
        });
        let platform = seen
            .platform
            .as_ref()
            .map(|platform| format!(" on {platform}"));
        let when = seen
            .at
            .map(|at| format!(", {}", times::distance(at, now)))
            .unwrap_or_default();
        self.row(
            "last seen",
            &format!(
                "{}{}, root access {:?}{}; by the policy {}{when}",
                seen.status,
                platform.unwrap_or_default(),
                seen.root_access,
                lifecycle.unwrap_or_default(),
                seen.policy
            ),
        );
    }

    fn headline(&mut self, outcome: Outcome, summary: &str) {
        let code = match outcome {
            Outcome::BeingFixed | Outcome::Next => "36;1",
            Outcome::NeedsAttention => "31;1",
            Outcome::Waits | Outcome::Suspended | Outcome::OnlyAudited | Outcome::Unknown => "33;1",
            Outcome::NotCovered => "1",
            Outcome::Exempt | Outcome::Fixed | Outcome::Gone | Outcome::NotListed => "32;1",
        };
        let headline = self.colored(outcome.headline(), code);
        self.line(&headline);
        self.row("", summary);
    }

    fn policy(&mut self, policy: &PolicyView, now: Timestamp) {
        self.part();
        let mode = policy.mode.map(|mode| {
            format!(
                " ({mode:?}{})",
                if policy.suspended { ", suspended" } else { "" }
            )
        });
        let line = format!(
            "POLICY {}{}",
            visible(&policy.name),
            mode.unwrap_or_default()
        );
        self.heading(&line);
        if let Some(verdict) = policy.verdict {
            self.row("verdict", &format!("{verdict:?}"));
        }
        if let (Some(next), Some(reason)) = (policy.next, &policy.reason) {
            // The reason of an exempt notebook is the exemption's own. It is shown below.
            let shown = match &policy.exemption {
                Some(exemption) if exemption.reason == *reason => format!("{next:?}"),
                _ => format!("{next:?}, {reason}"),
            };
            self.row("next", &shown);
        }
        if !policy.message.is_empty() {
            self.row("why", &policy.message);
        }
        if let Some(exemption) = &policy.exemption {
            let until = match (exemption.expires_at, exemption.expired) {
                (None, _) => "for ever".to_owned(),
                (Some(at), false) => format!("until {}", times::when(at, now)),
                (Some(at), true) => format!("EXPIRED at {}", times::when(at, now)),
            };
            self.row(
                "exemption",
                &format!("{}: {} ({until})", exemption.path, exemption.reason),
            );
        }
        if let Some(window) = &policy.window {
            self.row("window", &window.sentence(now));
        }
        for blocker in &policy.blockers {
            let since = times::stamp(blocker.since, now);
            self.row(
                "waits for",
                &format!(
                    "nbr/{} of {}, policy {}: {}, since {since}",
                    blocker.record, blocker.notebook, blocker.policy, blocker.state
                ),
            );
        }
        self.advice(&policy.advice);
        for warning in &policy.warnings {
            self.row("warning", warning);
        }
        if let Some(at) = policy.last_scan {
            self.row("last scan", &times::stamp(at, now));
        }
    }

    fn advice(&mut self, advice: &[Advice]) {
        for advice in advice {
            match &advice.command {
                None => self.row("to do", &advice.what),
                Some(command) => {
                    self.row("to do", &format!("{}:", advice.what));
                    // Never wrapped, so that the command can be copied.
                    let indent = " ".repeat(usize::from(LABELS));
                    self.line(&format!("{indent}{}", visible(command)));
                }
            }
        }
    }

    fn record(&mut self, record: &RecordView, now: Timestamp) {
        let state = record
            .state
            .map_or_else(|| "new".to_owned(), |state| format!("{state:?}"));
        let line = format!("nbr/{}: {state}", record.name);
        self.row("record", &line);
        let mut facts = vec![format!("for the policy {}", record.policy)];
        let times = [
            ("created", record.created_at),
            ("this step began", record.step_since),
            ("needs attention from", record.step_deadline),
            ("finished", record.completed_at),
        ];
        facts.extend(times.into_iter().filter_map(|(what, at)| {
            let at = times::stamp(at?, now);
            Some(format!("{what} {at}"))
        }));
        let state = if record.was_running {
            "running"
        } else {
            "stopped"
        };
        facts.push(format!("the notebook was {state} before"));
        let downtime = record.downtime.as_ref();
        facts.extend(downtime.map(|down| format!("down for {down}")));
        if record.recurrence > 0 {
            let times = match record.recurrence {
                1 => "once".to_owned(),
                times => format!("{times} times"),
            };
            facts.push(format!(
                "root access was disabled {times} before, and enabled again"
            ));
        }
        if record.being_deleted {
            facts.push("being deleted".to_owned());
        }
        self.row("", &facts.join("; "));
        let said = [&record.message, &record.problem];
        for said in said.into_iter().flatten() {
            self.row("", said);
        }
    }

    fn line(&mut self, line: &str) {
        self.text.push_str(line.trim_end());
        self.text.push('\n');
    }

    /// Adds a blank line between two parts.
    fn part(&mut self) {
        self.text.push('\n');
    }

    fn heading(&mut self, line: &str) {
        let line = self.colored(line, "1");
        self.line(&line);
    }

    fn paragraph(&mut self, text: &str) {
        self.line(text);
    }

    /// Adds a label, with a text that is wrapped beside it.
    fn row(&mut self, label: &str, text: &str) {
        let (label, text) = (visible(label), visible(text));
        let room = usize::from(LABELS - 2 * AROUND);
        let label = if label.chars().count() > room {
            self.line(&format!("  {label}"));
            ""
        } else {
            &*label
        };
        let Some(width) = self.appearance.width else {
            self.line(&format!("  {label:room$}  {text}"));
            return;
        };
        let mut table = Table::new();
        table
            .load_style(NOTHING)
            .set_content_arrangement(ContentArrangement::Dynamic)
            .set_width(width)
            .force_no_tty();
        table.add_row([label, &*text]);
        if let Some(column) = table.column_mut(0) {
            column.set_padding((AROUND, AROUND));
            column.set_constraint(ColumnConstraint::Absolute(Width::Fixed(LABELS)));
        }
        if let Some(column) = table.column_mut(1) {
            column.set_padding((0, 0));
        }
        let lines: Vec<String> = table.lines().collect();
        for line in lines {
            self.line(&line);
        }
    }

    /// Returns the text in a colour, given as parameters of ANSI's SGR.
    fn colored(&self, text: &str, code: &str) -> String {
        match self.appearance.colors {
            Colors::Ansi => format!("\x1b[{code}m{text}\x1b[0m"),
            Colors::None => text.to_owned(),
        }
    }
}
