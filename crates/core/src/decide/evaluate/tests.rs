#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod oldest;
mod warnings;

use serde_json::{Value, json};
use strum::VariantArray;

use super::*;
use crate::{
    decide::fixtures::{
        ACCOUNT, REGION, failure, notebook, now, policy, scanned, snapshot, tags, unread,
    },
    domain::{Tags, TargetState, WaitReason},
};

const STATUSES: [&str; 9] = [
    "Pending",
    "InService",
    "Stopping",
    "Stopped",
    "Failed",
    "Deleting",
    "Updating",
    "InMaintenance",
    "Surprising",
];

/// Returns the policy's verdict, action and reason for a notebook. `None`: not covered.
fn judged(patch: Value, notebook: Notebook) -> Option<(Verdict, Next, Option<String>)> {
    let mut findings = evaluate(&policy(patch), &[scanned(vec![notebook])], now()).findings;
    assert!(findings.len() <= 1);
    findings
        .pop()
        .map(|finding| (finding.verdict, finding.next, finding.reason))
}

fn verdict(patch: &Value, notebook: Notebook) -> (Verdict, String) {
    let (verdict, _, reason) = judged(patch.clone(), notebook).unwrap();
    (verdict, reason.unwrap_or_default())
}

fn tagged(root_access: RootAccess, tags: Option<Result<Tags, TargetState>>) -> Notebook {
    Notebook {
        tags: tags.map(|tags| tags.map_err(failure)),
        ..notebook("churn", "InService", root_access)
    }
}

#[test]
fn root_access_status_and_when_running() {
    use Verdict::{Compliant, NonCompliant, Unknown};
    use WaitReason::{Failed, Running, TransitionalStatus};
    for status in STATUSES {
        for when_running in ["Restart", "Wait"] {
            let patch = json!({"remediation": {"whenRunning": when_running}});
            let judged = |root_access| {
                judged(patch.clone(), notebook("churn", status, root_access)).unwrap()
            };
            let next = match (status, when_running) {
                ("Stopped", _) => Next::Update,
                ("InService", "Restart") => Next::Restart,
                ("InService", _) => Next::Wait(Running),
                ("Failed", _) => Next::Wait(Failed),
                _ => Next::Wait(TransitionalStatus),
            };
            let reason = match next {
                Next::Wait(reason) => reason.as_str(),
                _ => "RootAccessEnabled",
            };
            assert_eq!(
                judged(RootAccess::Enabled),
                (NonCompliant, next, Some(reason.to_owned())),
                "{status}"
            );
            assert_eq!(
                judged(RootAccess::Disabled),
                (Compliant, Next::None, None),
                "{status}"
            );
            let unknown = (Unknown, Next::None, Some("RootAccessUnknown".to_owned()));
            assert_eq!(judged(RootAccess::Unknown), unknown, "{status}");
        }
    }
}

#[test]
fn what_could_not_be_described_is_unknown_for_its_reason() {
    for state in &TargetState::VARIANTS[1..] {
        let mut finding = evaluate(
            &policy(json!({})),
            &[scanned(vec![unread("churn", *state)])],
            now(),
        )
        .findings;
        let finding = finding.remove(0);
        assert_eq!(
            (finding.verdict, finding.next),
            (Verdict::Unknown, Next::None)
        );
        assert_eq!(finding.reason.as_deref(), Some(state.as_str()));
        assert_eq!(
            finding.message,
            Some(format!("DescribeNotebookInstance: {state}"))
        );
    }
}

#[test]
fn an_exemption_holds_until_it_expires() {
    use RootAccess::{Disabled, Enabled};
    use Verdict::{Compliant, Exempt, NonCompliant, Unknown};
    let cases: [(Option<&str>, RootAccess, Verdict); 9] = [
        (None, Enabled, Exempt),
        (None, Disabled, Exempt),
        (None, RootAccess::Unknown, Unknown),
        (Some("2026-06-01T12:00:00.500000001Z"), Enabled, Exempt),
        (Some("2026-06-01T12:00:00.5Z"), Enabled, NonCompliant),
        (Some("2026-06-01T12:00:00Z"), Enabled, NonCompliant),
        (Some("2026-06-01T12:00:00Z"), Disabled, Compliant),
        (Some("2026-06-01T12:00:00Z"), RootAccess::Unknown, Unknown),
        (Some("2027-06-01T12:00:00Z"), RootAccess::Unknown, Unknown),
    ];
    for (expires_at, root_access, expected) in cases {
        let mut exemption = json!({"reason": "why", "names": ["churn"]});
        if let Some(expires_at) = expires_at {
            exemption["expiresAt"] = json!(expires_at);
        }
        let patch = json!({"exemptions": [exemption]});
        let (verdict, reason) = verdict(&patch, notebook("churn", "InService", root_access));
        assert_eq!(verdict, expected, "{expires_at:?} {root_access}");
        assert_eq!(reason == "why", expected == Exempt);
    }
    let exempted = |expires_at: Value| {
        let exemption = json!({"reason": "why", "names": ["churn"], "expiresAt": expires_at});
        let policy = policy(json!({"exemptions": [exemption]}));
        let evaluation = evaluate(
            &policy,
            &[scanned(vec![notebook("churn", "InService", Enabled)])],
            now(),
        );
        evaluation.findings[0].message.clone().unwrap()
    };
    assert_eq!(
        exempted(json!("2027-01-31T00:00:00Z")),
        "exempt until 2027-01-31T00:00:00Z"
    );
    assert_eq!(exempted(Value::Null), "exempt with no expiry");
}

#[test]
fn an_exemption_must_match_in_all_that_it_gives() {
    for (matcher, exempt) in [
        (json!({"names": ["ch*"]}), true),
        (json!({"names": ["x", "ch*"]}), true),
        (json!({"names": ["x"]}), false),
        (json!({"accounts": [ACCOUNT]}), true),
        (json!({"accounts": ["444455556666"]}), false),
        (json!({"regions": [REGION]}), true),
        (json!({"regions": ["us-east-1"]}), false),
        (json!({"tags": {"team": "a"}}), true),
        (json!({"tags": {"team": "b"}}), false),
        (json!({"tags": {"team": "a", "stage": "x"}}), false),
        (
            json!({"names": ["churn"], "accounts": [ACCOUNT], "regions": [REGION], "tags": {"team": "a"}}),
            true,
        ),
        (
            json!({"names": ["churn"], "accounts": [ACCOUNT], "regions": ["us-east-1"]}),
            false,
        ),
        (json!({"names": ["x"], "tags": {"team": "a"}}), false),
    ] {
        let mut exemption = matcher.clone();
        exemption["reason"] = json!("why");
        let churn = tagged(RootAccess::Enabled, Some(Ok(tags(&[("team", "a")]))));
        let expected = if exempt {
            Verdict::Exempt
        } else {
            Verdict::NonCompliant
        };
        assert_eq!(
            verdict(&json!({"exemptions": [exemption]}), churn).0,
            expected,
            "{matcher}"
        );
    }
}

#[test]
fn an_exemption_by_tags_that_cannot_be_read_is_unknown_only_where_it_decides() {
    use RootAccess::{Disabled, Enabled};
    use Verdict::{Compliant, Exempt, NonCompliant, Unknown};
    let by_tags = json!({"reason": "why", "tags": {"team": "a"}});
    let expired =
        json!({"reason": "why", "tags": {"team": "a"}, "expiresAt": "2026-01-01T00:00:00Z"});
    let other_name = json!({"reason": "why", "tags": {"team": "a"}, "names": ["x"]});
    let by_name = json!({"reason": "by name", "names": ["churn"]});
    for (exemptions, root_access, expected, expected_reason) in [
        (json!([by_tags]), Enabled, Unknown, "TagsUnknown"),
        (json!([by_tags]), Disabled, Compliant, ""),
        (
            json!([by_tags]),
            RootAccess::Unknown,
            Unknown,
            "RootAccessUnknown",
        ),
        (json!([by_tags, by_name]), Enabled, Exempt, "by name"),
        (json!([by_name, by_tags]), Enabled, Exempt, "by name"),
        (json!([expired]), Enabled, NonCompliant, "RootAccessEnabled"),
        (json!([expired, by_tags]), Enabled, Unknown, "TagsUnknown"),
        (
            json!([other_name]),
            Enabled,
            NonCompliant,
            "RootAccessEnabled",
        ),
    ] {
        let patch = json!({"exemptions": exemptions, "selector": {"names": ["churn"]}});
        for unreadable in [
            None,
            Some(Err(TargetState::AccessDenied)),
            Some(Err(TargetState::Throttled)),
        ] {
            let stopped = Notebook {
                details: notebook("churn", "Stopped", root_access).details,
                ..tagged(root_access, unreadable.clone())
            };
            let (verdict, reason) = verdict(&patch, stopped);
            assert_eq!(
                (verdict, reason.as_str()),
                (expected, expected_reason),
                "{exemptions} {unreadable:?}"
            );
        }
    }
}

#[test]
fn the_first_exemption_that_holds_is_named() {
    let exemptions = json!([
        {"reason": "expired", "names": ["churn"], "expiresAt": "2026-01-01T00:00:00Z"},
        {"reason": "other", "names": ["x"]},
        {"reason": "first", "names": ["churn"]},
        {"reason": "second", "names": ["churn"]},
    ]);
    let judged = verdict(
        &json!({"exemptions": exemptions}),
        notebook("churn", "InService", RootAccess::Enabled),
    );
    assert_eq!(judged, (Verdict::Exempt, "first".to_owned()));
}

#[test]
fn the_selector_says_what_is_covered() {
    use RootAccess::{Disabled, Enabled};
    let ok = |pairs| Some(Ok(tags(pairs)));
    for (selector, tags, root_access, expected) in [
        (
            json!({"names": ["ch*"]}),
            None,
            Enabled,
            Some(Verdict::NonCompliant),
        ),
        (json!({"names": ["x"]}), None, Enabled, None),
        (json!({"names": ["x"]}), None, RootAccess::Unknown, None),
        (
            json!({"tags": {"team": "a"}}),
            ok(&[("team", "a")]),
            Enabled,
            Some(Verdict::NonCompliant),
        ),
        (
            json!({"tags": {"team": "a"}}),
            ok(&[("team", "a")]),
            Disabled,
            Some(Verdict::Compliant),
        ),
        (
            json!({"tags": {"team": "a"}}),
            ok(&[("team", "b")]),
            Enabled,
            None,
        ),
        (json!({"tags": {"team": "a"}}), ok(&[]), Enabled, None),
        // The coverage is unknown. The notebook is shown, and never as compliant.
        (
            json!({"tags": {"team": "a"}}),
            None,
            Enabled,
            Some(Verdict::Unknown),
        ),
        (
            json!({"tags": {"team": "a"}}),
            None,
            Disabled,
            Some(Verdict::Unknown),
        ),
        (
            json!({"tags": {"team": "a"}}),
            Some(Err(TargetState::AccessDenied)),
            Disabled,
            Some(Verdict::Unknown),
        ),
        (
            json!({"tags": {"team": "a"}, "names": ["x"]}),
            Some(Err(TargetState::AccessDenied)),
            Enabled,
            None,
        ),
    ] {
        let judged = judged(
            json!({"selector": selector}),
            tagged(root_access, tags.clone()),
        );
        assert_eq!(
            judged.as_ref().map(|(verdict, ..)| *verdict),
            expected,
            "{selector} {tags:?} {root_access}"
        );
        if let Some((Verdict::Unknown, next, reason)) = judged {
            assert_eq!((next, reason.as_deref()), (Next::None, Some("TagsUnknown")));
        }
    }
}

#[test]
fn a_selector_by_unread_tags_is_not_decided_by_an_exemption() {
    let patch = json!({"selector": {"tags": {"team": "a"}}, "exemptions": [{"reason": "why", "names": ["churn"]}]});
    assert_eq!(
        verdict(&patch, tagged(RootAccess::Enabled, None)).0,
        Verdict::Unknown
    );
}

#[test]
fn a_target_is_reported_as_it_was_read() {
    let lifecycle = |mut notebook: Notebook| {
        notebook.details.as_mut().unwrap().lifecycle_config = Some("setup".to_owned());
        notebook
    };
    let snapshots = [
        snapshot(
            "444455556666",
            REGION,
            TargetState::AccessDenied,
            vec![unread("gone", TargetState::AccessDenied)],
        ),
        scanned(vec![
            lifecycle(notebook("a", "InService", RootAccess::Disabled)),
            lifecycle(notebook("b", "InService", RootAccess::Enabled)),
            notebook("c", "Stopped", RootAccess::Enabled),
        ]),
        snapshot("444455556666", "*", TargetState::AccessDenied, vec![]),
    ];
    let evaluation = evaluate(&policy(json!({})), &snapshots, now());
    let reports: Vec<_> = evaluation
        .targets
        .iter()
        .map(|report| {
            (
                report.target.to_string(),
                report.state,
                report.notebooks,
                report.verdicts,
                report.lifecycle_configs,
            )
        })
        .collect();
    assert_eq!(
        reports,
        [
            (
                format!("{ACCOUNT}/{REGION}"),
                TargetState::Scanned,
                3,
                [1, 2, 0, 0],
                2
            ),
            (
                "444455556666/*".to_owned(),
                TargetState::AccessDenied,
                0,
                [0; 4],
                0
            ),
            (
                format!("444455556666/{REGION}"),
                TargetState::AccessDenied,
                1,
                [0, 0, 0, 1],
                0
            ),
        ]
    );
    assert_eq!(evaluation.targets[0].last_success, Some(now()));
    assert_eq!(
        evaluation.targets[1].message.as_deref(),
        Some("ListNotebookInstances: AccessDenied")
    );
}
