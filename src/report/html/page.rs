//! The template's data: values of the model, and the texts around them.

use askama::Template;
use jiff::Timestamp;

use super::{SCRIPT, STYLE, content_security_policy};
use crate::{
    api::{TargetState, Verdict},
    report::{
        controls::{CONTROL, SETTING_URL, STANDARDS, Standard},
        model::{BrokenOff, Counts, Notebook, Policy, Report, Step, Summary, Target},
        untrusted::visible,
    },
};

/// The page. All texts went through [`visible`], and the template escapes them.
#[derive(Template)]
#[template(path = "page.html", config = "src/report/html/askama.toml")]
pub(super) struct Page<'a> {
    content_security_policy: String,
    style: &'static str,
    script: &'static str,
    control: &'static str,
    setting_url: &'static str,
    standards: &'static [Standard],
    version: &'a str,
    started: Time,
    finished: Time,
    complete: bool,
    broken_off: Option<&'static str>,
    summary: Summary,
    headline: String,
    totals: [Total; 5],
    /// True if rows name their policy.
    several: bool,
    policies: Vec<Section>,
    unread: Vec<Place>,
    unclear: Vec<Row>,
    notebooks: Vec<Row>,
    places: Vec<Place>,
    fixes: Vec<Fix>,
}

/// A time, for people and for programs.
struct Time {
    shown: String,
    exact: String,
}

/// A figure, and its part of the bar in thousandths.
struct Total {
    class: &'static str,
    /// The field of the summary.
    field: &'static str,
    label: &'static str,
    value: u32,
    from: u32,
    part: u32,
}

struct Section {
    name: String,
    source: Option<String>,
    mode: String,
    counts: Counts,
    warnings: Vec<String>,
}

/// A notebook in a table.
struct Row {
    policy: String,
    class: &'static str,
    verdict: String,
    /// Rank of the verdict, worst first.
    rank: u8,
    account: String,
    region: String,
    name: String,
    status: String,
    root_access: String,
    reason: String,
    message: String,
    platform: String,
    lifecycle_config: String,
    /// Number of the remedy on the page.
    fix: Option<usize>,
}

/// An account and region in a table.
struct Place {
    policy: String,
    account: String,
    region: String,
    role: String,
    class: &'static str,
    state: String,
    message: String,
    advice: String,
    counts: Option<Counts>,
}

struct Fix {
    number: usize,
    title: String,
    status: String,
    arn: String,
    why: String,
    steps: Vec<Step>,
    note: String,
}

impl<'a> Page<'a> {
    pub(super) fn of(report: &'a Report) -> Self {
        let mut page = Self {
            content_security_policy: content_security_policy(),
            style: STYLE,
            script: SCRIPT,
            control: CONTROL,
            setting_url: SETTING_URL,
            standards: &STANDARDS,
            version: &report.version,
            started: Time::of(report.started_at),
            finished: Time::of(report.finished_at),
            complete: report.complete,
            broken_off: report.broken_off.map(|why| match why {
                BrokenOff::Interrupted => {
                    "The scan was interrupted: these are the findings so far."
                }
                BrokenOff::TimedOut => "The scan timed out: these are the findings so far.",
            }),
            summary: report.summary,
            headline: headline(report.summary.counts),
            totals: totals(report.summary.counts),
            several: report.policies.len() > 1,
            policies: report.policies.iter().map(Section::of).collect(),
            unread: Vec::new(),
            unclear: Vec::new(),
            notebooks: Vec::new(),
            places: Vec::new(),
            fixes: Vec::new(),
        };
        for policy in &report.policies {
            page.add(policy);
        }
        // A stable sort: within each verdict the report's order stays.
        page.notebooks.sort_by_key(|row| row.rank);
        page
    }

    fn add(&mut self, policy: &Policy) {
        for target in &policy.targets {
            if target.is_unreadable() {
                self.unread.push(Place::of(policy, target));
            }
            self.places.push(Place::of(policy, target));
        }
        for notebook in &policy.notebooks {
            let fix = Fix::of(notebook, self.fixes.len() + 1);
            let number = fix.as_ref().map(|fix| fix.number);
            self.fixes.extend(fix);
            if notebook.verdict == Verdict::Unknown {
                self.unclear.push(Row::of(policy, notebook, number));
            }
            self.notebooks.push(Row::of(policy, notebook, number));
        }
    }

    /// Returns the number of accounts and regions that were read.
    fn read(&self) -> u32 {
        self.summary.targets - self.summary.unreadable_targets - self.summary.disabled_targets
    }
}

/// Returns the page's summary in one sentence.
fn headline(counts: Counts) -> String {
    match (counts.non_compliant, counts.notebooks) {
        (0, 0) => "No notebook instances were found.".to_owned(),
        (0, 1) => "The only notebook found is not a known violation.".to_owned(),
        (0, all) => {
            format!("None of {all} notebooks is known to give its users root against the policy.")
        }
        (1, 1) => "The only notebook found gives its users root and should not.".to_owned(),
        (1, all) => format!("1 of {all} notebooks gives its users root and should not."),
        (bad, all) => format!("{bad} of {all} notebooks give their users root and should not."),
    }
}

fn totals(counts: Counts) -> [Total; 5] {
    let mut from = 0;
    let all = counts.notebooks.max(1);
    [
        ("all", "notebooks", "Notebooks", counts.notebooks),
        (
            "bad",
            "nonCompliant",
            "Users have root and should not",
            counts.non_compliant,
        ),
        ("unknown", "unknown", "Unknown", counts.unknown),
        ("exempt", "exempt", "Exempt", counts.exempt),
        ("good", "compliant", "Compliant", counts.compliant),
    ]
    .map(|(class, field, label, value)| {
        let part = if field == "notebooks" {
            0
        } else {
            thousandths(value, all)
        };
        let total = Total {
            class,
            field,
            label,
            value,
            from,
            part,
        };
        from += part;
        total
    })
}

fn thousandths(part: u32, all: u32) -> u32 {
    let thousandths = u64::from(part) * 1000 / u64::from(all);
    u32::try_from(thousandths).unwrap_or(1000)
}

impl Time {
    fn of(time: Timestamp) -> Self {
        Self {
            shown: time.strftime("%Y-%m-%d %H:%M:%S UTC").to_string(),
            exact: time.to_string(),
        }
    }
}

impl Section {
    fn of(policy: &Policy) -> Self {
        Self {
            name: shown(&policy.name),
            source: policy.source.as_deref().map(shown),
            mode: format!("{:?}", policy.mode),
            counts: policy.summary.counts,
            warnings: policy
                .warnings
                .iter()
                .map(|warning| shown(warning))
                .collect(),
        }
    }
}

impl Row {
    fn of(policy: &Policy, notebook: &Notebook, fix: Option<usize>) -> Self {
        let (class, rank) = match notebook.verdict {
            Verdict::Unknown => ("unknown", 0),
            Verdict::NonCompliant => ("bad", 1),
            Verdict::Exempt => ("exempt", 2),
            Verdict::Compliant => ("good", 3),
        };
        Self {
            policy: shown(&policy.name),
            class,
            verdict: format!("{:?}", notebook.verdict),
            rank,
            account: shown(&notebook.account),
            region: shown(&notebook.region),
            name: shown(&notebook.name),
            status: shown(&notebook.status),
            root_access: format!("{:?}", notebook.root_access),
            reason: optional(notebook.reason.as_ref()),
            message: optional(notebook.message.as_ref()),
            platform: optional(notebook.platform.as_ref()),
            lifecycle_config: optional(notebook.lifecycle_config.as_ref()),
            fix,
        }
    }
}

impl Place {
    fn of(policy: &Policy, target: &Target) -> Self {
        Self {
            policy: shown(&policy.name),
            account: shown(&target.account),
            region: shown(&target.region),
            role: optional(target.role.as_ref()),
            class: match target.state {
                TargetState::Scanned => "plain",
                TargetState::RegionDisabled => "exempt",
                _ => "unknown",
            },
            state: format!("{:?}", target.state),
            message: optional(target.message.as_ref()),
            advice: optional(target.advice.as_ref()),
            counts: target.counts,
        }
    }
}

impl Fix {
    fn of(notebook: &Notebook, number: usize) -> Option<Self> {
        let remedy = notebook.remedy.as_ref()?;
        let (account, region) = (&notebook.account, &notebook.region);
        Some(Self {
            number,
            title: shown(&format!("{} in {account}/{region}", notebook.name)),
            status: shown(&notebook.status),
            arn: shown(&notebook.arn),
            why: optional(notebook.why.as_ref()),
            steps: remedy.steps.iter().map(step).collect(),
            note: optional(remedy.note.as_ref()),
        })
    }
}

fn step(step: &Step) -> Step {
    Step {
        what: shown(&step.what),
        command: step.command.as_deref().map(shown),
    }
}

fn shown(text: &str) -> String {
    visible(text).into_owned()
}

fn optional(text: Option<&String>) -> String {
    text.map(|text| shown(text)).unwrap_or_default()
}
