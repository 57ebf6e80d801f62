//! The model and its formats, tested with handmade notebooks.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod restartable;

use std::fmt::Write as _;

use super::{
    Appearance, Colors, Format,
    build::total,
    model::{ApiVersion, BrokenOff, Counts, Kind, Notebook, Policy, Report, Summary, Target},
    remedy,
};
use crate::api::{Mode, NextStep, RootAccess, TargetState, Verdict};

const ACCOUNT: &str = "111122223333";
const REGION: &str = "eu-west-1";

/// Returns a notebook of a report, including its remedy.
fn notebook(name: &str, verdict: Verdict, status: &str) -> Notebook {
    let notebook = Notebook {
        account: ACCOUNT.to_owned(),
        region: REGION.to_owned(),
        name: name.to_owned(),
        arn: format!("arn:aws:sagemaker:{REGION}:{ACCOUNT}:notebook-instance/{name}"),
        verdict,
        status: status.to_owned(),
        root_access: match verdict {
            Verdict::Compliant => RootAccess::Disabled,
            Verdict::Unknown => RootAccess::Unknown,
            Verdict::NonCompliant | Verdict::Exempt => RootAccess::Enabled,
        },
        next: NextStep::None,
        reason: Some("Because".to_owned()),
        message: Some("of a reason".to_owned()),
        platform: Some("notebook-al2023-v1".to_owned()),
        lifecycle_config: None,
        why: remedy::why(verdict).map(str::to_owned),
        remedy: None,
    };
    let role = "sudoless".parse().unwrap();
    Notebook {
        remedy: remedy::for_notebook(&notebook, Some(&role), None),
        ..notebook
    }
}

fn target(region: &str, state: TargetState) -> Target {
    Target {
        account: ACCOUNT.to_owned(),
        region: region.to_owned(),
        role: None,
        state,
        message: Some("AWS said so".to_owned()),
        advice: remedy::for_target(state, region),
        counts: (state == TargetState::Scanned).then(Counts::default),
    }
}

fn policy(name: &str, targets: Vec<Target>, notebooks: Vec<Notebook>) -> Policy {
    Policy {
        name: name.to_owned(),
        source: Some("policy.yaml:1".to_owned()),
        mode: Mode::Audit,
        summary: Summary::default(),
        warnings: Vec::new(),
        targets,
        notebooks,
    }
}

fn report(policies: Vec<Policy>) -> Report {
    let summary = total(&policies);
    Report {
        api_version: ApiVersion::V1Alpha1,
        kind: Kind::ScanReport,
        version: "1.2.3".to_owned(),
        started_at: "2026-06-01T12:00:00Z".parse().unwrap(),
        finished_at: "2026-06-01T12:00:05Z".parse().unwrap(),
        complete: summary.unreadable_targets == 0 && summary.counts.unknown == 0,
        broken_off: None,
        summary,
        policies,
    }
}

fn table(report: &Report, width: Option<u16>, colors: Colors) -> String {
    report
        .render(Format::Table, Appearance { width, colors })
        .unwrap()
}

/// Returns the words of each command after `aws sagemaker`, without region and notebook name.
fn commands(notebook: &Notebook) -> Vec<String> {
    let named = format!(
        " --region {REGION} --notebook-instance-name {}",
        notebook.name
    );
    notebook
        .remedy
        .iter()
        .flat_map(|remedy| &remedy.steps)
        .filter_map(|step| step.command.as_deref())
        .map(|command| {
            let command = command.strip_prefix("aws sagemaker ").expect(command);
            assert!(command.contains(&named), "{command}");
            command.replace(&named, "")
        })
        .collect()
}

const LOOK: &str =
    "describe-notebook-instance --query '[NotebookInstanceStatus,RootAccess]' --output text";
const STOP: &str = "stop-notebook-instance";
const STOPPED: &str = "wait notebook-instance-stopped";
const UPDATE: &str = "update-notebook-instance --root-access Disabled";
const START: &str = "start-notebook-instance";
const RUNS: &str = "wait notebook-instance-in-service";

#[test]
fn each_status_has_its_commands_and_only_what_ran_is_started() {
    for (status, expected) in [
        ("Stopped", &[UPDATE, STOPPED, LOOK][..]),
        (
            "InService",
            &[STOP, STOPPED, UPDATE, STOPPED, LOOK, START, RUNS],
        ),
        (
            "Pending",
            &[RUNS, STOP, STOPPED, UPDATE, STOPPED, LOOK, START, RUNS],
        ),
        ("Stopping", &[STOPPED, UPDATE, STOPPED, LOOK]),
        ("Updating", &[STOPPED, UPDATE, STOPPED, LOOK]),
        ("Deleting", &[]),
        ("InMaintenance", &[LOOK]),
    ] {
        let found = notebook("churn", Verdict::NonCompliant, status);
        assert_eq!(commands(&found), expected, "{status}");
        let note = found.remedy.unwrap().note.unwrap();
        assert!(
            note.contains(ACCOUNT) && note.contains("role sudoless"),
            "{note}"
        );
    }
    let failed = commands(&notebook("churn", Verdict::NonCompliant, "Failed"));
    assert!(
        !failed
            .iter()
            .any(|command| command == START || command == STOP)
    );
    assert_eq!(failed[1..], [UPDATE, STOPPED, LOOK]);
}

#[test]
fn every_finding_says_why_and_what_to_do_and_nothing_else_does() {
    for verdict in [Verdict::NonCompliant, Verdict::Unknown] {
        let found = notebook("churn", verdict, "InService");
        assert!(found.why.is_some() && !found.remedy.unwrap().steps.is_empty());
    }
    for verdict in [Verdict::Compliant, Verdict::Exempt] {
        let found = notebook("churn", verdict, "InService");
        assert!(found.why.is_none() && found.remedy.is_none());
    }
    for state in [
        TargetState::AccessDenied,
        TargetState::InvalidCredentials,
        TargetState::Throttled,
        TargetState::Unreachable,
    ] {
        assert!(remedy::for_target(state, REGION).is_some());
    }
    let regions = remedy::for_target(TargetState::AccessDenied, "*").unwrap();
    assert!(regions.contains("account:ListRegions"), "{regions}");
}

/// Names come from AWS. A name that a shell would interpret is in no command.
#[test]
fn no_command_holds_a_name_that_is_none() {
    for name in [
        "$(reboot)",
        "a;b",
        "a b",
        "--region",
        "-f",
        "",
        "a\nb",
        "ä",
        &"a".repeat(64),
    ] {
        let found = notebook(name, Verdict::NonCompliant, "InService");
        assert!(commands(&found).is_empty(), "{name}");
        assert!(found.remedy.unwrap().note.is_some());
    }
    let longest = "a".repeat(63);
    assert_eq!(
        commands(&notebook(&longest, Verdict::NonCompliant, "Stopped")).len(),
        3
    );
}

#[test]
fn what_several_policies_cover_counts_once_and_with_its_worst_verdict() {
    let one = policy(
        "one",
        vec![
            target("eu-west-1", TargetState::Scanned),
            target("us-east-1", TargetState::Scanned),
            target("me-south-1", TargetState::RegionDisabled),
        ],
        vec![
            notebook("a", Verdict::Compliant, "InService"),
            notebook("b", Verdict::Exempt, "InService"),
            notebook("c", Verdict::Unknown, "InService"),
        ],
    );
    let other = policy(
        "other",
        vec![
            target("eu-west-1", TargetState::Scanned),
            target("us-east-1", TargetState::Throttled),
        ],
        vec![
            notebook("b", Verdict::NonCompliant, "InService"),
            notebook("c", Verdict::NonCompliant, "InService"),
            notebook("d", Verdict::Unknown, "InService"),
        ],
    );
    for policies in [vec![one.clone(), other.clone()], vec![other, one]] {
        let total = total(&policies);
        assert_eq!(
            (
                total.targets,
                total.unreadable_targets,
                total.disabled_targets
            ),
            (3, 1, 1)
        );
        let counts = total.counts;
        assert_eq!(
            [
                counts.notebooks,
                counts.compliant,
                counts.non_compliant,
                counts.exempt,
                counts.unknown
            ],
            [4, 1, 2, 0, 1]
        );
    }
}

pub(super) fn mixed() -> Report {
    report(vec![policy(
        "no-root",
        vec![
            target("us-east-1", TargetState::AccessDenied),
            target(REGION, TargetState::Scanned),
        ],
        vec![
            notebook("unclear", Verdict::Unknown, "InService"),
            notebook("churn", Verdict::NonCompliant, "InService"),
            notebook("legacy", Verdict::Exempt, "Stopped"),
            notebook("tame", Verdict::Compliant, "Stopped"),
        ],
    )])
}

#[test]
fn the_table_names_first_what_was_not_read_and_ends_with_totals() {
    let text = table(&mixed(), None, Colors::None);
    let place = |words: &str| {
        text.find(words)
            .unwrap_or_else(|| panic!("{words}: {text}"))
    };
    let order = [
        "NOT READ",
        "us-east-1",
        "AccessDenied: Allow the action",
        "VERDICT",
        "unclear",
        "NonCompliant",
        "Exempt",
        "HOW TO FIX IT BY HAND",
        "churn in 111122223333/eu-west-1, InService on notebook-al2023-v1:",
        "  aws sagemaker stop-notebook-instance",
        "4 notebooks: 1 gives its users root and should not, 1 unknown, 1 exempt, 1 compliant",
        "1 of 2 accounts and regions read; unread notebooks may give their users root",
    ];
    assert!(order.map(place).is_sorted(), "{text}");
    assert!(!text.contains("tame"), "{text}");
    assert!(!text.contains('\x1b'));
    assert!(!text.contains(" \n") && text.ends_with("root\n"), "{text}");
}

#[test]
fn the_table_fits_the_terminal_and_is_coloured_only_if_asked() {
    let mut report = mixed();
    report.policies[0].targets[0].message = Some("a long sentence of words ".repeat(20));
    for width in [80, 132] {
        let text = table(&report, Some(width), Colors::None);
        let rows = text.split("\nAccessDenied: ").next().unwrap();
        for line in rows.lines() {
            assert!(
                line.chars().count() <= usize::from(width),
                "{width}: {line}"
            );
        }
        assert!(rows.lines().count() > 3, "it is wrapped: {rows}");
        assert!(
            rows.contains("AccessDenied  111122223333  us-east-1  a long"),
            "{rows}"
        );
    }
    // On a narrow terminal a long text is below its row, and a short text beside it.
    let narrow = table(&report, Some(60), Colors::None);
    assert!(
        narrow.starts_with("NOT READ      ACCOUNT       REGION     WHY\n"),
        "{narrow}"
    );
    assert!(
        narrow.contains("\nAccessDenied  111122223333  us-east-1\n    a long sentence"),
        "{narrow}"
    );
    let plain = table(&mixed(), None, Colors::None);
    let colored = table(&mixed(), None, Colors::Ansi);
    assert!(colored.contains('\x1b'));
    let mut stripped = String::new();
    for (index, part) in colored.split('\x1b').enumerate() {
        let text = if index == 0 {
            part
        } else {
            part.split_once('m').unwrap().1
        };
        write!(stripped, "{text}").unwrap();
    }
    let without_blanks = |text: &str| text.replace(' ', "");
    assert_eq!(without_blanks(&stripped), without_blanks(&plain));
}

#[test]
fn no_text_of_others_acts_on_a_terminal() {
    let mut report = mixed();
    let evil = "\x1b]0;owned\x07\u{202e}\r\n=1+1";
    let policy = &mut report.policies[0];
    policy.name = evil.to_owned();
    policy.warnings.push(evil.to_owned());
    policy.source = Some(evil.to_owned());
    for target in &mut policy.targets {
        target.message = Some(evil.to_owned());
    }
    for notebook in &mut policy.notebooks {
        notebook.name = evil.to_owned();
        notebook.status = evil.to_owned();
        notebook.reason = Some(evil.to_owned());
        notebook.message = Some(evil.to_owned());
        notebook.lifecycle_config = Some(evil.to_owned());
    }
    report.policies.push(report.policies[0].clone());
    for format in [
        Format::Table,
        Format::Csv,
        Format::Sarif,
        Format::Ocsf,
        Format::Html,
    ] {
        let text = report.render(format, Appearance::default()).unwrap();
        let acts = |character: char| {
            character != '\n'
                && character != '\r'
                && (character.is_control() || character == '\u{202e}')
        };
        assert!(!text.contains(acts), "{text}");
        assert!(text.contains("\\u{1b}"), "{text}");
    }
}

#[test]
fn a_scan_that_was_broken_off_says_so_first() {
    for (why, words) in [
        (BrokenOff::Interrupted, "INCOMPLETE: interrupted."),
        (BrokenOff::TimedOut, "INCOMPLETE: timed out."),
    ] {
        let report = Report {
            broken_off: Some(why),
            complete: false,
            ..mixed()
        };
        assert!(table(&report, None, Colors::None).starts_with(words));
    }
}

#[test]
fn nothing_found_is_said() {
    let report = report(vec![policy(
        "no-root",
        vec![
            target(REGION, TargetState::Scanned),
            target("me-south-1", TargetState::RegionDisabled),
        ],
        vec![notebook("tame", Verdict::Compliant, "Stopped")],
    )]);
    assert_eq!(
        table(&report, None, Colors::None),
        "Not enabled, so without notebooks: 111122223333/me-south-1\n\
         \n\
         No findings.\n\
         \n\
         1 notebook: 0 give their users root and should not, 0 unknown, 0 exempt, 1 compliant; 0 have a lifecycle configuration\n\
         1 of 2 accounts and regions read, 1 not enabled\n"
    );
}
