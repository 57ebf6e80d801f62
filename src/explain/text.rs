//! The answer for people: the short answer, then each policy, then the records.

use comfy_table::{ColumnConstraint, ContentArrangement, Table, Width, presets::NOTHING};

use super::{
    Advice, Explanation, NotFound, Notebook, Outcome, Policy, RecordView, Relation, WindowView,
    times,
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
    page.notebook(&explanation.notebook, explanation);
    page.part();
    let outcome = explanation.answer.outcome;
    page.headline(outcome, &explanation.answer.summary);
    let (about, aside): (Vec<&Policy>, Vec<&Policy>) = explanation
        .policies
        .iter()
        .partition(|policy| policy.relation.covers() || policy.relation == Relation::Invalid);
    for policy in about {
        page.policy(policy, explanation);
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
            page.record(record, explanation);
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

    fn notebook(&mut self, notebook: &Notebook, explanation: &Explanation) {
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
            .map(|at| format!(", {}", times::distance(at, explanation.at)))
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

    fn policy(&mut self, policy: &Policy, explanation: &Explanation) {
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
                (Some(at), false) => format!(
                    "until {}, {}",
                    times::utc(at),
                    times::distance(at, explanation.at)
                ),
                (Some(at), true) => format!(
                    "EXPIRED at {}, {}",
                    times::utc(at),
                    times::distance(at, explanation.at)
                ),
            };
            self.row(
                "exemption",
                &format!("{}: {} ({until})", exemption.path, exemption.reason),
            );
        }
        if let Some(window) = &policy.window {
            self.row("window", &window_text(window, explanation));
        }
        for blocker in &policy.blockers {
            self.row(
                "waits for",
                &format!(
                    "nbr/{} of {}, policy {}: {}, since {} ({})",
                    blocker.record,
                    blocker.notebook,
                    blocker.policy,
                    blocker.state,
                    times::utc(blocker.since),
                    times::distance(blocker.since, explanation.at)
                ),
            );
        }
        self.advice(&policy.advice);
        for warning in &policy.warnings {
            self.row("warning", warning);
        }
        if let Some(at) = policy.last_scan {
            self.row(
                "last scan",
                &format!(
                    "{} ({})",
                    times::utc(at),
                    times::distance(at, explanation.at)
                ),
            );
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

    fn record(&mut self, record: &RecordView, explanation: &Explanation) {
        let state = record
            .state
            .map_or_else(|| "new".to_owned(), |state| format!("{state:?}"));
        let line = format!("nbr/{}: {state}", record.name);
        self.row("record", &line);
        let mut facts = vec![format!("for the policy {}", record.policy)];
        let at = |what: &str, at| {
            format!(
                "{what} {} ({})",
                times::utc(at),
                times::distance(at, explanation.at)
            )
        };
        facts.extend(record.created_at.map(|time| at("created", time)));
        facts.extend(record.step_since.map(|time| at("this step began", time)));
        facts.extend(
            record
                .step_deadline
                .map(|time| at("needs attention from", time)),
        );
        facts.extend(record.completed_at.map(|time| at("finished", time)));
        facts.push(
            if record.was_running {
                "the notebook was running before"
            } else {
                "the notebook was stopped before"
            }
            .to_owned(),
        );
        facts.extend(
            record
                .downtime
                .as_ref()
                .map(|down| format!("down for {down}")),
        );
        if record.recurrence > 0 {
            facts.push(format!(
                "root access was disabled {} before, and enabled again",
                match record.recurrence {
                    1 => "once".to_owned(),
                    times => format!("{times} times"),
                }
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

fn window_text(window: &WindowView, explanation: &Explanation) -> String {
    let closes = window.closes.map(|at| {
        format!(
            "a window is open until {}, {}",
            times::utc(at),
            times::distance(at, explanation.at)
        )
    });
    let opens = window.opens.map(|at| {
        let local = window.opens_local.as_ref();
        format!(
            "the next window opens {}{}, {}",
            local.map(|local| format!("{local}, ")).unwrap_or_default(),
            times::utc(at),
            times::distance(at, explanation.at)
        )
    });
    match (closes, opens) {
        (Some(closes), None) => closes,
        (Some(closes), Some(opens)) => {
            format!("{closes}, but closes too soon for a restart; {opens}")
        }
        (None, Some(opens)) => format!("no window is open; {opens}"),
        (None, None) => "no window is open, and no window opens in the next four years".to_owned(),
    }
}
