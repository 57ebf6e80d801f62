#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

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
    domain::{Notebook, Snapshot, TargetState},
};

const OTHER: &str = "444455556666";

fn pass(previous: Option<&Status>) -> Pass<'_> {
    Pass {
        generation: 3,
        previous,
        now: now(),
    }
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

/// Ready, Reconciling, Stalled and Compliant, each as status and reason.
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

/// A situation: its name, the status, the conditions, and what kstatus makes of it.
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

const IDLE: &str = "False/Scanned";

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
fn messages_say_what_was_found() {
    use TargetState::{AccessDenied, RegionDisabled, Unreachable};
    let clean = after_scan(&[scanned(vec![compliant("a")])]);
    assert_eq!(message(&clean, "Ready"), "1 account and region read");
    assert_eq!(
        message(&clean, "Compliant"),
        "no notebook gives its users root: 1 compliant"
    );

    let disabled = snapshot(ACCOUNT, "us-east-1", RegionDisabled, vec![]);
    let both = after_scan(&[
        scanned(vec![violation("a"), violation("b")]),
        disabled,
        other(AccessDenied),
    ]);
    assert_eq!(
        message(&both, "Ready"),
        "1 of 3 accounts and regions read; not read: 444455556666/eu-west-1 (AccessDenied), 111122223333/us-east-1 \
         (RegionDisabled)"
    );
    assert_eq!(
        message(&both, "Compliant"),
        "2 notebooks give their users root: 111122223333/eu-west-1/a, 111122223333/eu-west-1/b; 1 account and region could \
         not be read"
    );

    let first = during_first_scan(
        2,
        &[
            scanned(vec![]),
            other(Unreachable),
            snapshot(OTHER, "us-east-1", Unreachable, vec![]),
        ],
    );
    assert_eq!(
        message(&first, "Ready"),
        "first scan: 1 of 3 accounts and regions read so far"
    );
    assert_eq!(message(&first, "Reconciling"), message(&first, "Ready"));
    assert_eq!(
        message(&first, "Compliant"),
        "2 accounts and regions have not been read yet"
    );

    let unknown = after_scan(&[scanned(vec![
        unread("a", AccessDenied),
        unread("b", AccessDenied),
    ])]);
    assert_eq!(
        message(&unknown, "Compliant"),
        "2 notebooks could not be judged"
    );
    let none = after_scan(&[other(RegionDisabled)]);
    assert_eq!(
        message(&none, "Compliant"),
        "no account and region has been read"
    );
}

#[test]
fn ready_tells_of_enforce_and_of_warnings() {
    let exemption = json!({"reason": "why", "names": ["x"]});
    let patch = json!({"mode": "Enforce", "exemptions": [exemption]});
    let status = summarized(
        patch,
        &[scanned(vec![])],
        Progress::Scanned { at: now() },
        pass(None),
    );
    assert_eq!(conditions(&status)[0], "True/Scanned");
    assert_eq!(
        message(&status, "Ready"),
        "1 account and region read; mode is Enforce, but this version of sudoless only audits: no notebook is changed, and \
         next says what would be done; warning: spec.exemptions[0] matches no notebook"
    );
}

#[test]
fn messages_are_bounded() {
    let long = "ü".repeat(5000);
    let status = invalid(&long, pass(None));
    assert_eq!(message(&status, "Ready"), format!("{}…", "ü".repeat(2048)));
    let names: Vec<Notebook> = (0..300)
        .map(|index| violation(&format!("{index:03}")))
        .collect();
    let many = message(&after_scan(&[scanned(names)]), "Compliant");
    assert!(
        many.ends_with("/003, 111122223333/eu-west-1/004 and 295 more"),
        "{many}"
    );
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

#[test]
fn a_hundred_findings_are_listed_in_order() {
    let fleet = |account: &str, region: &str, count: usize| {
        let notebooks = (0..count)
            .map(|index| violation(&format!("{index:03}")))
            .collect();
        snapshot(account, region, TargetState::Scanned, notebooks)
    };
    let snapshots = [
        fleet(OTHER, REGION, 150),
        fleet(ACCOUNT, "us-east-1", 60),
        fleet(ACCOUNT, REGION, 90),
        other(TargetState::Throttled),
    ];
    let status = after_scan(&snapshots[..3]);
    assert_eq!((status.findings.len(), status.findings_omitted), (100, 200));
    assert_eq!(status.summary.unwrap().non_compliant, 300);
    let listed: Vec<String> = status
        .findings
        .iter()
        .map(|finding| format!("{}/{}/{}", finding.account, finding.region, finding.name))
        .collect();
    let names = |region: &str, count| {
        (0..count)
            .map(|index| format!("{ACCOUNT}/{region}/{index:03}"))
            .collect::<Vec<_>>()
    };
    assert_eq!(listed, [names(REGION, 90), names("us-east-1", 10)].concat());
    assert_eq!(after_scan(&snapshots[..1]).findings_omitted, 50);
    assert_eq!(
        after_scan(&[fleet(ACCOUNT, REGION, 100)]).findings_omitted,
        0
    );
}

#[test]
fn a_hundred_targets_are_listed_worst_first() {
    let states = [
        TargetState::RegionDisabled,
        TargetState::Scanned,
        TargetState::Throttled,
        TargetState::Unreachable,
        TargetState::AccessDenied,
        TargetState::InvalidCredentials,
    ];
    let snapshots: Vec<_> = (0..150)
        .map(|index: usize| {
            let notebooks = (0..index % 5)
                .map(|name| violation(&name.to_string()))
                .collect();
            let account = format!("{index:012}");
            match states[index % states.len()] {
                TargetState::Scanned => snapshot(&account, REGION, TargetState::Scanned, notebooks),
                state => snapshot(&account, REGION, state, vec![]),
            }
        })
        .collect();
    let status = after_scan(&snapshots);
    assert_eq!((status.targets.len(), status.targets_omitted), (100, 50));
    let summary = status.summary.unwrap();
    assert_eq!((summary.targets, summary.unreadable_targets), (150, 100));
    let expected: Vec<api::TargetState> = [
        api::TargetState::InvalidCredentials,
        api::TargetState::AccessDenied,
        api::TargetState::Unreachable,
        api::TargetState::Throttled,
    ]
    .into_iter()
    .flat_map(|state| [state; 25])
    .collect();
    let listed: Vec<api::TargetState> = status.targets.iter().map(|target| target.state).collect();
    assert_eq!(listed, expected);
    assert!(
        status
            .targets
            .chunks(25)
            .all(|same| same.is_sorted_by_key(|target| target.account.clone()))
    );

    let readable: Vec<_> = snapshots
        .into_iter()
        .filter(|snapshot| !snapshot.state.is_unreadable())
        .collect();
    let status = after_scan(&readable);
    let violations: Vec<Option<u32>> = status
        .targets
        .iter()
        .map(|target| target.non_compliant)
        .collect();
    let per_count = |count| vec![Some(count); 5];
    let disabled = vec![None; 25];
    assert_eq!(
        violations,
        [
            per_count(4),
            per_count(3),
            per_count(2),
            per_count(1),
            per_count(0),
            disabled
        ]
        .concat()
    );
}

#[test]
fn targets_have_figures_only_where_something_is_known() {
    use TargetState::{AccessDenied, Throttled};
    let status = after_scan(&[
        snapshot(
            ACCOUNT,
            REGION,
            Throttled,
            vec![violation("a"), unread("b", Throttled)],
        ),
        snapshot(OTHER, "*", AccessDenied, vec![]),
        snapshot(OTHER, REGION, TargetState::Scanned, vec![]),
    ]);
    let shown: Vec<Value> = status
        .targets
        .iter()
        .map(|target| serde_json::to_value(target).unwrap())
        .collect();
    assert_eq!(
        shown,
        [
            json!({"account": OTHER, "region": "*", "state": "AccessDenied", "message": "ListNotebookInstances: AccessDenied"}),
            json!({
                "account": ACCOUNT, "region": REGION, "state": "Throttled", "notebooks": 2, "nonCompliant": 1,
                "message": "ListNotebookInstances: Throttled",
            }),
            json!({"account": OTHER, "region": REGION, "state": "Scanned", "notebooks": 0, "nonCompliant": 0}),
        ]
    );
}

#[test]
fn findings_are_shown_in_full() {
    let mut scripted = violation("churn");
    scripted.details.as_mut().unwrap().lifecycle_config = Some("setup".to_owned());
    let status = after_scan(&[scanned(vec![
        compliant("a"),
        scripted,
        unread("x", TargetState::AccessDenied),
    ])]);
    let shown: Vec<Value> = status
        .findings
        .iter()
        .map(|finding| serde_json::to_value(finding).unwrap())
        .collect();
    assert_eq!(
        shown,
        [
            json!({
                "account": ACCOUNT, "region": REGION, "name": "churn",
                "arn": "arn:aws:sagemaker:eu-west-1:111122223333:notebook-instance/churn",
                "verdict": "NonCompliant", "status": "InService", "rootAccess": "Enabled", "next": "Restart",
                "reason": "RootAccessEnabled",
                "message": "root access is enabled; the notebook is running and must be restarted to change it",
                "lifecycleConfig": "setup",
            }),
            json!({
                "account": ACCOUNT, "region": REGION, "name": "x",
                "arn": "arn:aws:sagemaker:eu-west-1:111122223333:notebook-instance/x",
                "verdict": "Unknown", "status": "InService", "rootAccess": "Unknown", "next": "None",
                "reason": "AccessDenied", "message": "DescribeNotebookInstance: AccessDenied",
            }),
        ]
    );
    assert_eq!(status.summary.unwrap().lifecycle_configs, 1);
}
