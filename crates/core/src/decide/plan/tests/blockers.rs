//! The causes of a reason: without the cause, the notebook would not wait for the reason.

use RecordState::{Failed, NeedsAttention, Starting, Stopping, Succeeded, Updating};

use super::*;

/// Returns the reason why `churn` waits.
fn reason(policy: &Policy, churn: &Notebook, records: &[Record]) -> Option<WaitReason> {
    let place = (&HERE.0.parse().unwrap(), &HERE.1.parse().unwrap());
    let usage = Usage::of(&policy.name, records);
    let admitted = admit(
        policy,
        (&policies(&[policy]), &usage),
        place,
        churn,
        (now(), Evaluate::Live),
    );
    match admitted.err()?.next {
        Next::Wait(reason) => Some(reason),
        _ => None,
    }
}

fn check(
    policy: &Policy,
    status: &str,
    records: Vec<Record>,
    expected: WaitReason,
    names: &[&str],
) {
    let churn = notebook(HERE, "churn", status);
    assert_eq!(reason(policy, &churn, &records), Some(expected));
    let place = (&HERE.0.parse().unwrap(), &HERE.1.parse().unwrap());
    let about = (&churn.summary.arn, churn.is_running());
    let found: Vec<Record> = blockers(policy, expected, place, about, &records)
        .into_iter()
        .cloned()
        .collect();
    let found_names: Vec<&str> = found
        .iter()
        .map(|record| record.intent.notebook.name.as_str())
        .collect();
    assert_eq!(found_names, names, "{expected:?}");
    let rest: Vec<Record> = records
        .into_iter()
        .filter(|record| !found.contains(record))
        .collect();
    assert_ne!(
        reason(policy, &churn, &rest),
        Some(expected),
        "{expected:?}"
    );
}

#[test]
#[expect(clippy::too_many_lines, reason = "it is a table")]
fn the_records_that_it_waits_for_are_named() {
    let one = enforcing(&json!({}));
    let three =
        enforcing(&json!({"remediation": {"maxConcurrent": 3, "maxConcurrentPerRegion": 1}}));
    let proven = || restart(HERE, "proven", Succeeded);
    let foreign = || of("other", restart(THERE, "foreign", Stopping));
    check(
        &one,
        "InService",
        vec![
            proven(),
            foreign(),
            restart(THERE, "a", Stopping),
            restart(THERE, "stuck", NeedsAttention),
            update(HERE, "stopped", Updating),
        ],
        WaitReason::Budget,
        &["a"],
    );
    check(
        &three,
        "InService",
        vec![
            proven(),
            restart(THERE, "a", Stopping),
            restart(HERE, "stuck", NeedsAttention),
        ],
        WaitReason::Budget,
        &["stuck"],
    );
    let updates: Vec<String> = (0..MOST_UPDATES)
        .map(|number| format!("u{number}"))
        .collect();
    check(
        &one,
        "Stopped",
        updates
            .iter()
            .map(|name| of("other", update(HERE, name, Updating)))
            .chain([restart(HERE, "a", Stopping), update(THERE, "b", Updating)])
            .collect(),
        WaitReason::Budget,
        &updates.iter().map(String::as_str).collect::<Vec<_>>(),
    );
    let updates: Vec<String> = (0..MOST_UPDATES_OVER_ALL)
        .map(|number| format!("u{number}"))
        .collect();
    check(
        &one,
        "Stopped",
        updates
            .iter()
            .map(|name| of("other", update(THERE, name, Updating)))
            .chain([
                restart(HERE, "a", Stopping),
                update(ELSEWHERE, "stuck", NeedsAttention),
            ])
            .collect(),
        WaitReason::Budget,
        &updates.iter().map(String::as_str).collect::<Vec<_>>(),
    );
    check(
        &three,
        "InService",
        vec![
            restart(THERE, "a", Stopping),
            of("other", restart(HERE, "canary", Starting)),
        ],
        WaitReason::Canary,
        &["canary"],
    );
    check(
        &one,
        "InService",
        vec![
            restart(HERE, "a", Failed),
            restart(THERE, "b", Failed),
            of("other", restart(HERE, "c", Failed)),
            update(HERE, "d", Failed),
            proven(),
        ],
        WaitReason::Halted,
        &["a", "d"],
    );
    check(
        &enforcing(&generous()),
        "InService",
        vec![restart(HERE, "churn", Failed), restart(HERE, "a", Failed)],
        WaitReason::Failed,
        &["churn"],
    );
    let mut third = restart(HERE, "churn", Succeeded);
    third.intent.recurrence = 2;
    check(
        &one,
        "InService",
        vec![third, proven()],
        WaitReason::Recurring,
        &["churn"],
    );
    check(
        &one,
        "InService",
        vec![of("other", restart(HERE, "churn", Stopping)), foreign()],
        WaitReason::OtherPolicy,
        &["churn"],
    );
}

#[test]
fn nobody_is_named_where_no_record_is_in_the_way() {
    let policy = enforcing(&json!({}));
    let churn = notebook(HERE, "churn", "Failed");
    let place = (&HERE.0.parse().unwrap(), &HERE.1.parse().unwrap());
    let about = (&churn.summary.arn, churn.is_running());
    let records = [restart(HERE, "a", Stopping), restart(HERE, "b", Failed)];
    for reason in [
        WaitReason::Failed,
        WaitReason::Running,
        WaitReason::TransitionalStatus,
        WaitReason::Window,
        WaitReason::PolicyConflict,
        WaitReason::ReadFailed,
    ] {
        let found = blockers(&policy, reason, place, about, &records);
        assert!(found.is_empty(), "{reason:?}: {found:?}");
    }
}
