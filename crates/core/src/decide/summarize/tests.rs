#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod lists;
mod messages;
mod remediations;
mod suspended;

use std::sync::Arc;

use jiff::SignedDuration;
use serde_json::{Value, json};

use super::{
    kstatus::{Seen, seen, sound},
    *,
};
use crate::{
    decide::{
        evaluate,
        fixtures::{ACCOUNT, REGION, notebook, now, policy, scanned, snapshot, unread},
    },
    domain::{Notebook, RootAccess, Snapshot, TargetState},
};

const OTHER: &str = "444455556666";

fn pass(previous: Option<&Status>) -> Pass<'_> {
    Pass {
        generation: 3,
        previous,
        now: now(),
    }
}

/// Returns the status of a suspended policy without remediations.
fn suspended(pass: Pass<'_>) -> Status {
    super::suspended(
        &policy(json!({})),
        &RemediationCounts::default(),
        None,
        pass,
    )
}

fn summarized(
    patch: Value,
    snapshots: &[Arc<Snapshot>],
    progress: Progress,
    pass: Pass<'_>,
) -> Status {
    let policy = policy(patch);
    summarize(
        &policy,
        &evaluate(&policy, snapshots, now()),
        progress,
        pass,
    )
}

fn after_scan(snapshots: &[Arc<Snapshot>]) -> Status {
    summarized(
        json!({}),
        snapshots,
        Progress::Scanned { at: now() },
        pass(None),
    )
}

fn during_first_scan(unread: usize, snapshots: &[Arc<Snapshot>]) -> Status {
    summarized(
        json!({}),
        snapshots,
        Progress::FirstScan { unread },
        pass(None),
    )
}

fn compliant(name: &str) -> Notebook {
    notebook(name, "InService", RootAccess::Disabled)
}

fn violation(name: &str) -> Notebook {
    notebook(name, "InService", RootAccess::Enabled)
}

fn other(state: TargetState) -> Arc<Snapshot> {
    snapshot(OTHER, REGION, state, vec![])
}

/// Returns Ready, Reconciling, Stalled and Compliant, each as status and reason.
fn conditions(status: &Status) -> [String; 4] {
    sound(3, status).map(|condition| format!("{}/{}", condition.status, condition.reason))
}

fn message(status: &Status, kind: &str) -> String {
    status
        .conditions
        .iter()
        .find(|condition| condition.type_ == kind)
        .unwrap()
        .message
        .clone()
}

/// A situation: its name, status, conditions, and kstatus.
type Row = (&'static str, Status, [&'static str; 4], Seen);

fn check(rows: Vec<Row>) {
    for (name, status, expected, expected_seen) in rows {
        assert_eq!(conditions(&status), expected, "{name}");
        assert_eq!(seen(3, &status), expected_seen, "{name}");
        assert_eq!(
            seen(4, &status),
            Seen::InProgress,
            "{name}: the spec has changed since"
        );
    }
}

const IDLE: &str = "False/AsExpected";

#[test]
fn conditions_during_the_first_scan() {
    use TargetState::{AccessDenied, Unreachable};
    let first_scan = |compliant| ["Unknown/FirstScan", "True/FirstScan", IDLE, compliant];
    let clean = || scanned(vec![compliant("a")]);
    check(vec![
        (
            "nothing read",
            during_first_scan(1, &[other(Unreachable)]),
            first_scan("Unknown/NotScanned"),
            Seen::InProgress,
        ),
        (
            "some read",
            during_first_scan(1, &[clean(), other(Unreachable)]),
            first_scan("Unknown/IncompleteScan"),
            Seen::InProgress,
        ),
        (
            "a violation seen",
            during_first_scan(1, &[scanned(vec![violation("a")]), other(Unreachable)]),
            first_scan("False/RootAccessEnabled"),
            Seen::InProgress,
        ),
        (
            "so far all denied",
            during_first_scan(
                1,
                &[
                    other(AccessDenied),
                    snapshot(ACCOUNT, REGION, Unreachable, vec![]),
                ],
            ),
            first_scan("Unknown/NotScanned"),
            Seen::InProgress,
        ),
        (
            "no target known yet",
            during_first_scan(1, &[]),
            first_scan("Unknown/NotScanned"),
            Seen::InProgress,
        ),
    ]);
}

#[test]
fn conditions_after_a_scan_that_read_everything() {
    use TargetState::RegionDisabled;
    let exemption = json!({"exemptions": [{"reason": "why", "names": ["a"]}]});
    let exempt = summarized(
        exemption,
        &[scanned(vec![violation("a")])],
        Progress::Scanned { at: now() },
        pass(None),
    );
    let read = |compliant| ["True/Scanned", IDLE, IDLE, compliant];
    check(vec![
        (
            "clean",
            after_scan(&[scanned(vec![compliant("a")])]),
            read("True/AllCompliant"),
            Seen::Current,
        ),
        (
            "empty",
            after_scan(&[scanned(vec![])]),
            read("True/AllCompliant"),
            Seen::Current,
        ),
        ("exempt", exempt, read("True/AllCompliant"), Seen::Current),
        (
            "violation",
            after_scan(&[scanned(vec![compliant("a"), violation("b")])]),
            read("False/RootAccessEnabled"),
            Seen::Current,
        ),
        (
            "unknown notebook",
            after_scan(&[scanned(vec![
                compliant("a"),
                unread("b", TargetState::Throttled),
            ])]),
            read("Unknown/IncompleteScan"),
            Seen::Current,
        ),
        (
            "unknown notebook and violation",
            after_scan(&[scanned(vec![
                violation("a"),
                unread("b", TargetState::Throttled),
            ])]),
            read("False/RootAccessEnabled"),
            Seen::Current,
        ),
        (
            "one region disabled",
            after_scan(&[scanned(vec![compliant("a")]), other(RegionDisabled)]),
            read("True/AllCompliant"),
            Seen::Current,
        ),
        (
            "every region disabled",
            after_scan(&[other(RegionDisabled)]),
            read("Unknown/NotScanned"),
            Seen::Current,
        ),
    ]);
}

#[test]
fn conditions_after_a_scan_that_did_not() {
    use TargetState::{AccessDenied, InvalidCredentials, RegionDisabled, Throttled, Unreachable};
    let unresolved = snapshot(OTHER, "*", AccessDenied, vec![]);
    let here = |state, notebooks| snapshot(ACCOUNT, REGION, state, notebooks);
    let partial = |compliant| ["True/PartialScan", IDLE, IDLE, compliant];
    let denied = |compliant| {
        [
            "False/EveryTargetDenied",
            IDLE,
            "True/EveryTargetDenied",
            compliant,
        ]
    };
    let none = |compliant| ["False/NoTargetRead", IDLE, IDLE, compliant];
    let clean = || scanned(vec![compliant("a")]);
    check(vec![
        (
            "partial",
            after_scan(&[clean(), other(AccessDenied)]),
            partial("Unknown/IncompleteScan"),
            Seen::Current,
        ),
        (
            "* unresolved",
            after_scan(&[clean(), unresolved.clone()]),
            partial("Unknown/IncompleteScan"),
            Seen::Current,
        ),
        (
            "partial with a violation",
            after_scan(&[scanned(vec![violation("a")]), other(Unreachable)]),
            partial("False/RootAccessEnabled"),
            Seen::Current,
        ),
        (
            "every target denied",
            after_scan(&[here(InvalidCredentials, vec![]), other(AccessDenied)]),
            denied("Unknown/NotScanned"),
            Seen::Failed,
        ),
        (
            "every target denied, notebooks remembered",
            after_scan(&[here(AccessDenied, vec![unread("a", AccessDenied)])]),
            denied("Unknown/IncompleteScan"),
            Seen::Failed,
        ),
        (
            "every enabled target denied",
            after_scan(&[here(RegionDisabled, vec![]), other(AccessDenied)]),
            denied("Unknown/NotScanned"),
            Seen::Failed,
        ),
        (
            "only *, denied",
            after_scan(&[unresolved]),
            denied("Unknown/NotScanned"),
            Seen::Failed,
        ),
        (
            "none reachable",
            after_scan(&[here(Unreachable, vec![]), other(Throttled)]),
            none("Unknown/NotScanned"),
            Seen::InProgress,
        ),
        (
            "denied or not reachable",
            after_scan(&[here(Unreachable, vec![]), other(AccessDenied)]),
            none("Unknown/NotScanned"),
            Seen::InProgress,
        ),
        (
            "throttled, all that was read is compliant",
            after_scan(&[here(
                Throttled,
                vec![compliant("a"), unread("b", Throttled)],
            )]),
            none("Unknown/IncompleteScan"),
            Seen::InProgress,
        ),
        (
            "throttled with a violation",
            after_scan(&[here(Throttled, vec![violation("a")])]),
            none("False/RootAccessEnabled"),
            Seen::InProgress,
        ),
    ]);
}

#[test]
fn conditions_without_a_scan() {
    let found = after_scan(&[scanned(vec![compliant("a"), violation("b")])]);
    let clean = after_scan(&[scanned(vec![compliant("a")])]);
    let stalled = after_scan(&[other(TargetState::AccessDenied)]);
    let wrong = invalid("spec.regions[0]: it is wrong", pass(Some(&found)));
    let paused = suspended(pass(Some(&wrong)));
    let suspend = |compliant| {
        [
            "True/Suspended",
            "False/Suspended",
            "False/Suspended",
            compliant,
        ]
    };
    let refuse = [
        "False/InvalidSpec",
        "False/InvalidSpec",
        "True/InvalidSpec",
        "Unknown/NotScanned",
    ];
    check(vec![
        (
            "suspended at once",
            suspended(pass(None)),
            suspend("Unknown/NotScanned"),
            Seen::Current,
        ),
        (
            "suspended",
            suspended(pass(Some(&found))),
            suspend("False/RootAccessEnabled"),
            Seen::Current,
        ),
        (
            "suspended clean",
            suspended(pass(Some(&clean))),
            suspend("True/AllCompliant"),
            Seen::Current,
        ),
        (
            "suspended stalled",
            suspended(pass(Some(&stalled))),
            suspend("Unknown/NotScanned"),
            Seen::Current,
        ),
        (
            "suspended after invalid",
            paused.clone(),
            suspend("Unknown/NotScanned"),
            Seen::Current,
        ),
        (
            "invalid at once",
            invalid("x", pass(None)),
            refuse,
            Seen::Failed,
        ),
        ("invalid", wrong.clone(), refuse, Seen::Failed),
    ]);
    assert_eq!(message(&wrong, "Ready"), "spec.regions[0]: it is wrong");
    assert_eq!(message(&wrong, "Stalled"), "spec.regions[0]: it is wrong");
    assert_eq!(
        message(&paused, "Compliant"),
        "there was no scan since the spec became valid"
    );
    assert_eq!(
        suspended(pass(Some(&paused))),
        paused,
        "another pass changes nothing"
    );
    for kept in [&wrong, &paused, &suspended(pass(Some(&found)))] {
        assert_eq!(
            (
                &kept.summary,
                &kept.findings,
                &kept.targets,
                &kept.last_scan_time
            ),
            (
                &found.summary,
                &found.findings,
                &found.targets,
                &found.last_scan_time
            )
        );
    }
    assert_eq!(suspended(pass(None)).summary, None);
}

#[test]
fn the_scan_time_is_that_of_the_scan() {
    let first = during_first_scan(1, &[]);
    assert_eq!(first.last_scan_time, None);
    let at = now() - SignedDuration::from_mins(3);
    let scanned = summarized(json!({}), &[], Progress::Scanned { at }, pass(Some(&first)));
    assert_eq!(
        scanned.last_scan_time,
        Some(Time("2026-06-01T11:57:00Z".parse().unwrap()))
    );
    let again = summarized(
        json!({}),
        &[],
        Progress::FirstScan { unread: 1 },
        pass(Some(&scanned)),
    );
    assert_eq!(
        again.last_scan_time, scanned.last_scan_time,
        "targets were added: the last whole scan was then"
    );
}
