//! Remediations in progress, and remediations that need a person, in conditions and figures.

use super::*;
use crate::domain::TargetState::AccessDenied;

fn with(
    remediations: RemediationCounts,
    snapshots: &[Arc<Snapshot>],
    progress: Progress,
) -> Status {
    let policy = policy(json!({"mode": "Enforce"}));
    let mut evaluation = evaluate(&policy, snapshots, now());
    evaluation.remediations = remediations;
    let status = summarize(&policy, &evaluation, progress, pass(None));
    sound(3, &status);
    status
}

fn under_way(remediating: u32, needs_attention: &[&str]) -> RemediationCounts {
    RemediationCounts {
        remediating,
        needs_attention: needs_attention.iter().map(ToString::to_string).collect(),
        ..RemediationCounts::default()
    }
}

/// Returns the status of the same policy, suspended.
fn suspended(pass: Pass<'_>, remediations: &RemediationCounts) -> Status {
    let policy = policy(json!({"mode": "Enforce", "suspend": true}));
    super::super::suspended(&policy, remediations, None, pass)
}

fn after_scan() -> Progress {
    Progress::Scanned { at: now() }
}

#[test]
fn what_is_under_way_is_reconciling_and_ready() {
    let status = with(under_way(2, &[]), &[scanned(vec![])], after_scan());
    assert_eq!(
        conditions(&status)[..3],
        ["True/Scanned", "True/Remediating", "False/AsExpected"]
    );
    assert_eq!(seen(3, &status), Seen::InProgress);
    let summary = status.summary.unwrap();
    assert_eq!((summary.remediating, summary.needs_attention), (2, 0));
}

/// A need for attention makes the policy Stalled and never Ready, because a person must act.
#[test]
fn what_needs_attention_stalls() {
    let denied = snapshot(ACCOUNT, REGION, AccessDenied, vec![]);
    for (snapshots, progress) in [
        (vec![scanned(vec![])], after_scan()),
        (vec![denied], after_scan()),
        (vec![], Progress::FirstScan { unread: 1 }),
    ] {
        let status = with(under_way(2, &["churn-1"]), &snapshots, progress);
        assert_eq!(
            conditions(&status)[..3],
            [
                "False/NeedsAttention",
                "False/AsExpected",
                "True/NeedsAttention"
            ]
        );
        assert_eq!(seen(3, &status), Seen::Failed);
        assert_eq!(status.summary.unwrap().needs_attention, 1);
        let message = &status.conditions[2].message;
        assert!(
            message.starts_with("1 remediation needs a person: kubectl describe nbr churn-1; "),
            "{message}"
        );
    }
}

/// A halt needs a person: the contract's "a person must act".
#[test]
fn where_nothing_new_is_begun_is_said() {
    let halted = || RemediationCounts {
        halted: [crate::decide::fixtures::target(ACCOUNT, REGION)].into(),
        failed: 2,
        ..RemediationCounts::default()
    };
    let status = with(halted(), &[scanned(vec![])], after_scan());
    assert_eq!(
        conditions(&status)[..3],
        ["False/Halted", "False/AsExpected", "True/Halted"]
    );
    let message = "1 account and region read; nothing new begins in 111122223333/eu-west-1 because too many remediations failed there: \
         kubectl get nbr --field-selector status.state=Failed lists them, deleting them resumes remediation";
    assert_eq!(status.conditions[0].message, message);
    assert_eq!(status.conditions[2].message, message);
    assert_eq!(status.summary.unwrap().failed, 2);
    // A need for attention comes first. Remediations in progress show in the figures only.
    let remediations = RemediationCounts {
        needs_attention: vec!["churn-1".to_owned()],
        remediating: 1,
        ..halted()
    };
    let status = with(remediations, &[scanned(vec![])], after_scan());
    assert_eq!(
        conditions(&status)[..3],
        [
            "False/NeedsAttention",
            "False/AsExpected",
            "True/NeedsAttention"
        ]
    );
    assert!(status.conditions[2].message.ends_with(message));
    assert_eq!(status.summary.unwrap().remediating, 1);
    // In Audit nothing begins anywhere.
    let policy = policy(json!({}));
    let mut evaluation = evaluate(&policy, &[scanned(vec![])], now());
    evaluation.remediations = halted();
    let status = summarize(&policy, &evaluation, after_scan(), pass(None));
    assert_eq!(conditions(&status)[0], "True/Scanned");
}

/// The brake comes before everything else, because it blocks the whole policy.
#[test]
fn the_brake_is_said_first() {
    let remediations = || RemediationCounts {
        needs_attention: vec!["churn-1".to_owned(), "etl-2".to_owned()],
        braked: true,
        ..under_way(1, &[])
    };
    let status = with(remediations(), &[scanned(vec![])], after_scan());
    assert_eq!(
        conditions(&status)[..3],
        ["False/Halted", "False/AsExpected", "True/Halted"]
    );
    assert_eq!(seen(3, &status), Seen::Failed);
    let message = "no running notebook of this policy is stopped, because maxFailures (2) notebooks are down and need attention; \
         remediations continue when fewer of them are down; 2 remediations need a person: kubectl describe nbr churn-1 etl-2; 1 account \
         and region read";
    assert_eq!(status.conditions[0].message, message);
    assert_eq!(status.conditions[2].message, message);
    // A suspended policy stops no notebook in any case.
    let suspended = suspended(pass(Some(&status)), &remediations());
    assert_eq!(conditions(&suspended)[0], "False/NeedsAttention");
}

#[test]
fn suspended_policies_show_what_is_still_finished() {
    let before = with(
        RemediationCounts::default(),
        &[scanned(vec![])],
        after_scan(),
    );
    let finishing = suspended(pass(Some(&before)), &under_way(1, &[]));
    sound(3, &finishing);
    assert_eq!(
        conditions(&finishing)[..3],
        ["True/Suspended", "True/Remediating", "False/Suspended"]
    );
    assert_eq!(finishing.summary.unwrap().remediating, 1);
    let stalled = suspended(pass(Some(&finishing)), &under_way(0, &["churn-1"]));
    sound(3, &stalled);
    assert_eq!(
        conditions(&stalled)[..3],
        [
            "False/NeedsAttention",
            "False/Suspended",
            "True/NeedsAttention"
        ]
    );
    let over = suspended(pass(Some(&stalled)), &RemediationCounts::default());
    assert_eq!(
        conditions(&over)[..3],
        ["True/Suspended", "False/Suspended", "False/Suspended"]
    );
    let summary = over.summary.unwrap();
    assert_eq!((summary.needs_attention, summary.failed), (0, 0));
    let failed = RemediationCounts {
        failed: 3,
        ..RemediationCounts::default()
    };
    let failed = suspended(pass(Some(&over)), &failed);
    assert_eq!(failed.summary.unwrap().failed, 3);
}
