//! The number of notebooks that are down at the same time (promise P6).

use RecordState::{Failed, NeedsAttention, Pending, Starting, Stopping, Succeeded, Updating};

use strum::VariantArray;

use super::*;
use crate::{
    decide::{Budget, PartialRecord},
    domain::NotebookRef,
};

fn budget(policy: u32, region: u32) -> Policy {
    enforcing(&json!({"remediation": {"maxConcurrent": policy, "maxConcurrentPerRegion": region}}))
}

fn running(
    place: (&'static str, &'static str),
    names: &[&str],
) -> ((&'static str, &'static str), Vec<Notebook>) {
    let notebooks = names.iter().map(|name| notebook(place, name, "InService"));
    (place, notebooks.collect())
}

/// Returns records that prove each place by a restarted notebook.
fn proven() -> Vec<Record> {
    [HERE, THERE, ELSEWHERE]
        .map(|place| restart(place, "canary", Succeeded))
        .into()
}

fn with(records: impl IntoIterator<Item = Record>) -> Vec<Record> {
    proven().into_iter().chain(records).collect()
}

#[test]
fn the_policy_and_the_region_have_budgets() {
    let fleet = [
        running(HERE, &["a", "b", "c"]),
        running(THERE, &["d", "e"]),
        running(ELSEWHERE, &["f"]),
    ];
    for (policy, region, expected) in [
        (1, 1, &["a"][..]),
        (2, 1, &["a", "d"]),
        (100, 1, &["a", "d", "f"]),
        (100, 2, &["a", "b", "d", "e", "f"]),
        (4, 2, &["a", "b", "d", "e"]),
        (2, 100, &["a", "b"]),
        (100, 100, &["a", "b", "c", "d", "e", "f"]),
    ] {
        assert_eq!(
            claimed(&budget(policy, region), &fleet, &proven()),
            expected,
            "{policy} {region}"
        );
    }
}

/// A record takes a slot from its creation until its notebook is verified running.
#[test]
fn what_is_under_way_takes_a_slot() {
    let fleet = [running(HERE, &["a"])];
    for &state in RecordState::VARIANTS {
        let records = with([restart(HERE, "x", state)]);
        let is_free = state.is_finished();
        assert_eq!(
            claimed(&budget(100, 1), &fleet, &records).len(),
            usize::from(is_free),
            "{state}"
        );
        // A notebook that needs attention gives back the policy's slot, but not the slot of its
        // account and region.
        let elsewhere = with([restart(THERE, "x", state)]);
        let is_free = is_free || state == NeedsAttention;
        assert_eq!(
            claimed(&budget(1, 100), &fleet, &elsewhere).len(),
            usize::from(is_free),
            "{state}"
        );
    }
    // Notebooks that their owner had stopped anyway take no slot, nor do those of another policy.
    let records = with([
        update(HERE, "x", Pending),
        of("other", restart(HERE, "y", Starting)),
    ]);
    assert_eq!(claimed(&budget(1, 1), &fleet, &records), ["a"]);
}

/// A record that never stopped its notebook keeps its slot in every state, because it may stop the
/// notebook once AWS recovers (promise P6).
#[test]
fn attention_before_a_stop_gives_no_slot_back() {
    let fleet = [running(HERE, &["a"])];
    let mut waits = restart(THERE, "x", NeedsAttention);
    waits.progress.stop_requested_at = None;
    assert!(claimed(&budget(1, 100), &fleet, &with([waits])).is_empty());
}

/// At most `maxConcurrent + maxFailures − 1` notebooks are down. With `maxFailures` of them in need
/// of attention, no other is stopped (promise P6).
#[test]
fn so_many_that_need_attention_are_a_brake() {
    let fleet = [running(HERE, &["a", "b"]), running(ELSEWHERE, &["c"])];
    let stuck = |count: usize| {
        with(
            ["x", "y", "z"][..count]
                .iter()
                .enumerate()
                .map(|(index, name)| {
                    restart([HERE, THERE, ELSEWHERE][index], name, NeedsAttention)
                }),
        )
    };
    for (most_failures, needing, expected) in [
        (1, 0, &["a"][..]),
        (1, 1, &[]),
        (2, 1, &["a"]),
        (2, 2, &[]),
        (3, 2, &["a"]),
        (3, 3, &[]),
    ] {
        let policy = enforcing(&json!({"remediation": {
            "maxConcurrent": 1, "maxConcurrentPerRegion": 100, "maxFailures": most_failures,
        }}));
        let records = stuck(needing);
        assert_eq!(
            claimed(&policy, &fleet, &records),
            expected,
            "{most_failures} {needing}"
        );
        if needing >= usize::try_from(most_failures).unwrap() {
            let usage = Usage::of(&policy.name, &records);
            let place = (&ACCOUNT.parse().unwrap(), &HERE.1.parse().unwrap());
            let churn = notebook(HERE, "churn", "InService");
            let policies = policies(&[&policy]);
            for evaluate in [Evaluate::Live, Evaluate::DryRun] {
                let wait = admit(
                    &policy,
                    (&policies, &usage),
                    place,
                    &churn,
                    (now(), evaluate),
                )
                .unwrap_err();
                assert_eq!(wait.reason, "Halted");
                assert!(wait.message.contains("down and need attention"), "{wait:?}");
            }
            // A stopped notebook is updated all the same.
            let stopped = notebook(HERE, "churn", "Stopped");
            let admitted = admit(
                &policy,
                (&policies, &usage),
                place,
                &stopped,
                (now(), Evaluate::Live),
            );
            assert!(admitted.is_ok());
        }
    }
}

/// An unreadable notebook may be down, and may belong to any policy.
#[test]
fn a_record_that_is_not_understood_takes_a_slot() {
    let policy = budget(1, 1);
    let policies = policies(&[&policy]);
    let here = HERE.1.parse().unwrap();
    let account = ACCOUNT.parse().unwrap();
    let judged = |partial: serde_json::Value, region, name| {
        let mut usage = Usage::of(&policy.name, &proven());
        usage.add_partial(&PartialRecord::new(
            "x-1",
            &partial,
            "it is of a later version".to_owned(),
        ));
        let churn = notebook(HERE, name, "InService");
        admit(
            &policy,
            (&policies, &usage),
            (&account, region),
            &churn,
            (now(), Evaluate::Live),
        )
        .map_or_else(|wait| wait.reason, |_| "admitted")
    };
    let spec = |policy: &str, running: bool, region: &str| json!({"spec": {"policy": policy, "wasRunning": running, "notebook": {"account": ACCOUNT, "region": region}}});
    for (partial, expected) in [
        (json!(null), "Budget"),
        (spec("no-root", true, REGION), "Budget"),
        (spec("no-root", false, REGION), "admitted"),
        (spec("other", true, THERE.1), "admitted"),
    ] {
        assert_eq!(
            judged(partial.clone(), &here, "churn"),
            expected,
            "{partial}"
        );
    }
}

/// An invalid record blocks its own notebook and no other.
#[test]
fn a_record_that_is_not_understood_holds_its_notebook() {
    let policy = budget(2, 2);
    let policies = policies(&[&policy]);
    let (account, here) = (ACCOUNT.parse().unwrap(), HERE.1.parse().unwrap());
    let [churn, other] = ["churn", "other"].map(|name| notebook(HERE, name, "InService"));
    let name = RecordName::of(&NotebookRef::new(&account, &here, &churn.summary)).to_string();
    let mut usage = Usage::of(&policy.name, &proven());
    usage.add_partial(&PartialRecord::new(
        &name,
        &json!({"spec": {"wasRunning": true}}),
        "no account".to_owned(),
    ));
    let judged = |notebook: &Notebook| {
        admit(
            &policy,
            (&policies, &usage),
            (&account, &here),
            notebook,
            (now(), Evaluate::Live),
        )
    };
    let wait = judged(&churn).unwrap_err();
    assert_eq!(wait.reason, "RecordInvalid");
    assert!(
        wait.message.contains(&name) && wait.message.contains("no account"),
        "{wait:?}"
    );
    assert!(judged(&other).is_ok());
}

/// If the notebook that needed attention moves on, one more notebook is down than the policy
/// allows, until one finishes.
#[test]
fn more_may_be_down_than_the_budget() {
    let policy = budget(1, 1);
    let fleet = [running(HERE, &["a", "b"]), running(THERE, &["c"])];
    let records = with([restart(THERE, "x", NeedsAttention)]);
    assert_eq!(claimed(&policy, &fleet, &records), ["a"]);
    let records = with([restart(THERE, "x", Starting), restart(HERE, "a", Stopping)]);
    assert!(claimed(&policy, &fleet, &records).is_empty());
}

#[test]
fn stopped_notebooks_take_no_slot() {
    let stopped = ["a", "b", "c"].map(|name| notebook(HERE, name, "Stopped"));
    let fleet = [(HERE, stopped.into())];
    let records = [
        restart(HERE, "x", Pending),
        restart(THERE, "y", NeedsAttention),
    ];
    assert_eq!(claimed(&budget(1, 1), &fleet, &records), ["a", "b", "c"]);
}

/// The limit applies in an account and region, to all policies together.
#[test]
fn ten_stopped_notebooks_are_updated_at_a_time() {
    let fleet = |place| {
        let names = (10..30).map(|number| notebook(place, &format!("n{number}"), "Stopped"));
        (place, names.collect::<Vec<_>>())
    };
    let policy = enforcing(&json!({}));
    let both = [fleet(HERE), fleet(THERE)];
    let names = claimed(&policy, &both, &[]);
    assert_eq!(names.len(), 20);
    assert_eq!(names[9..11], ["n19", "n10"]);

    let most = usize::try_from(MOST_UPDATES).unwrap();
    for under_way in [0, 1, 9, 10, 11] {
        let records: Vec<Record> = (0..under_way)
            .map(|number| {
                let policy = if number % 2 == 0 { "no-root" } else { "other" };
                of(policy, update(HERE, &format!("x{number}"), NeedsAttention))
            })
            .collect();
        let left = most.saturating_sub(under_way);
        assert_eq!(
            claimed(&policy, &[fleet(HERE)], &records).len(),
            left,
            "{under_way}"
        );
    }
    // Finished records do not count.
    let finished = (0..20).map(|number| update(HERE, &format!("x{number}"), Succeeded));
    assert_eq!(
        claimed(&policy, &[fleet(HERE)], &finished.collect::<Vec<_>>()).len(),
        most
    );
}

/// The limit applies over all accounts, regions and policies. Records that need attention block
/// their own account and region only.
#[test]
fn fifty_stopped_notebooks_are_updated_at_a_time_over_all() {
    let policy = enforcing(&json!({}));
    let asleep = [
        (HERE, vec![notebook(HERE, "a", "Stopped")]),
        (THERE, vec![notebook(THERE, "b", "Stopped")]),
    ];
    let regions = [
        "eu-north-1",
        "eu-south-1",
        "eu-west-2",
        "sa-east-1",
        "ca-west-1",
    ];
    let updates = |count: usize, state: RecordState| -> Vec<Record> {
        (0..count)
            .map(|number| {
                let place = (ELSEWHERE.0, regions[number / 10]);
                let policy = if number % 2 == 0 { "no-root" } else { "other" };
                of(policy, update(place, &format!("x{number}"), state))
            })
            .collect()
    };
    for (count, state, expected) in [
        (48, Updating, &["a", "b"][..]),
        (49, Updating, &["a"]),
        (50, Updating, &[]),
        (50, NeedsAttention, &["a", "b"]),
        (50, Succeeded, &["a", "b"]),
    ] {
        assert_eq!(
            claimed(&policy, &asleep, &updates(count, state)),
            expected,
            "{count} {state}"
        );
    }
    // Restarts have budgets of their own.
    let restarts: Vec<Record> = updates(50, Updating)
        .into_iter()
        .map(|mut record| {
            record.intent.was_running = true;
            of("other", record)
        })
        .collect();
    assert_eq!(claimed(&policy, &asleep, &restarts), ["a", "b"]);
    let fleet = [running(HERE, &["c"])];
    assert_eq!(claimed(&policy, &fleet, &updates(50, Updating)), ["c"]);
}

#[test]
fn one_must_come_back_before_a_second_is_down() {
    let policy = enforcing(&generous());
    let fleet = [running(HERE, &["a", "b"]), running(THERE, &["c", "d"])];
    let of_other = |place, state| of("other", restart(place, "x", state));
    for (what, records, expected) in [
        ("none yet", vec![], &["a", "c"][..]),
        ("own under way", vec![restart(HERE, "x", Pending)], &["c"]),
        (
            "another policy's under way",
            vec![of_other(HERE, Stopping)],
            &["c"],
        ),
        (
            "one that needs attention",
            vec![restart(HERE, "x", NeedsAttention)],
            &["c"],
        ),
        (
            "another policy's needs attention",
            vec![of_other(THERE, NeedsAttention)],
            &["a"],
        ),
        (
            "proven",
            vec![restart(HERE, "x", Succeeded)],
            &["a", "b", "c"],
        ),
        (
            "proven by another policy",
            vec![of_other(THERE, Succeeded)],
            &["a", "c", "d"],
        ),
        ("failed", vec![restart(HERE, "x", Failed)], &["a", "c"]),
        (
            "cancelled",
            vec![restart(HERE, "x", RecordState::Cancelled)],
            &["a", "c"],
        ),
        (
            "an update proves nothing",
            vec![update(HERE, "x", Succeeded)],
            &["a", "c"],
        ),
        (
            "an update is no restart",
            vec![update(HERE, "x", Pending)],
            &["a", "c"],
        ),
        (
            "canary_passed, one under way",
            vec![restart(HERE, "x", Succeeded), restart(HERE, "y", Pending)],
            &["a", "b", "c"],
        ),
    ] {
        assert_eq!(claimed(&policy, &fleet, &records), expected, "{what}");
    }
}

/// The evidence outlives its record.
#[test]
fn a_region_can_be_taken_as_proven() {
    let policy = enforcing(&generous());
    let [here, there] = [HERE, THERE].map(|(_, region)| region.parse().unwrap());
    let account = ACCOUNT.parse().unwrap();
    let mut usage = Usage::of(&policy.name, &[restart(HERE, "x", Pending)]);
    assert!(!usage.is_canary_passed(&account, &here));
    let policies = policies(&[&policy]);
    let admitted = |usage: &Usage| {
        let churn = notebook(HERE, "churn", "InService");
        admit(
            &policy,
            (&policies, usage),
            (&account, &here),
            &churn,
            (now(), Evaluate::Live),
        )
        .map(drop)
    };
    assert_eq!(admitted(&usage).unwrap_err().reason, "Canary");
    usage.mark_canary_passed(&account, &here);
    assert!(usage.is_canary_passed(&account, &here));
    assert!(!usage.is_canary_passed(&account, &there));
    assert_eq!(admitted(&usage), Ok(()));
}

/// Judges the budget as a record's pass does before a Stop.
#[test]
fn a_budget_is_exceeded_by_one_more_than_it_allows() {
    let exceeds = |policy: &Policy, records: &[Record]| {
        Usage::of(&policy.name, records).budget(policy, &records[0]) != Budget::Kept
    };
    let two_here = [restart(HERE, "a", Pending), restart(HERE, "b", Stopping)];
    let one_each = [restart(HERE, "a", Pending), restart(THERE, "b", Stopping)];
    let waits = [
        restart(HERE, "a", Pending),
        restart(THERE, "b", NeedsAttention),
    ];
    let waits_here = [
        restart(HERE, "a", Pending),
        restart(HERE, "b", NeedsAttention),
    ];
    let others = [
        restart(HERE, "a", Pending),
        of("other", restart(HERE, "b", Pending)),
    ];
    let updates = [restart(HERE, "a", Pending), update(HERE, "b", Pending)];
    for (policy, region, records, expected) in [
        (1, 1, &two_here[..1], false),
        (2, 2, &two_here[..], false),
        (1, 2, &two_here, true),
        (2, 1, &two_here, true),
        (2, 1, &one_each, false),
        (1, 1, &one_each, true),
        (1, 1, &waits, false),
        (1, 1, &waits_here, true),
        (1, 2, &waits_here, false),
        (1, 1, &others, false),
        (1, 1, &updates, false),
    ] {
        assert_eq!(
            exceeds(&budget(policy, region), records),
            expected,
            "{policy} {region} {records:?}"
        );
    }
}

/// A Stop that is sent again, from `NeedsAttention`. The record's own slot counts. The brake counts
/// the other records only.
#[test]
fn a_stop_again_takes_the_slot_that_was_given_back() {
    let stuck = |place, name| restart(place, name, NeedsAttention);
    let under_way = restart(THERE, "b", Stopping);
    for (policy, records, expected) in [
        (budget(1, 9), vec![stuck(HERE, "a")], Budget::Kept),
        (
            budget(1, 9),
            vec![stuck(HERE, "a"), under_way.clone()],
            Budget::Exceeded,
        ),
        (
            budget(2, 9),
            vec![stuck(HERE, "a"), under_way],
            Budget::Kept,
        ),
        // With maxFailures 2, one other record gives its slot back.
        (
            budget(1, 9),
            vec![stuck(HERE, "a"), stuck(THERE, "b")],
            Budget::Kept,
        ),
        (
            budget(9, 9),
            vec![stuck(HERE, "a"), stuck(THERE, "b"), stuck(ELSEWHERE, "c")],
            Budget::Halted,
        ),
    ] {
        let usage = Usage::of(&policy.name, &records);
        assert_eq!(usage.budget(&policy, &records[0]), expected, "{records:?}");
    }
}

/// A halt counts the policy's own failures in the account and region that are not acknowledged.
#[test]
fn failures_halt_an_account_and_region() {
    let policy = enforcing(&json!({"remediation": {"maxFailures": 2}}));
    let fleet = [
        (
            HERE,
            vec![
                notebook(HERE, "a", "InService"),
                notebook(HERE, "b", "Stopped"),
            ],
        ),
        (THERE, vec![notebook(THERE, "c", "Stopped")]),
    ];
    let failed = |place, name| restart(place, name, Failed);
    let all = ["b", "c", "a"];
    for (what, records, expected) in [
        ("one", vec![failed(HERE, "x")], &all[..]),
        (
            "two",
            vec![failed(HERE, "x"), update(HERE, "y", Failed)],
            &["c"],
        ),
        (
            "one each",
            vec![failed(HERE, "x"), failed(THERE, "y")],
            &all,
        ),
        (
            "another policy's",
            vec![failed(HERE, "x"), of("other", failed(HERE, "y"))],
            &all,
        ),
        (
            "others",
            vec![
                failed(HERE, "x"),
                restart(HERE, "y", RecordState::Cancelled),
            ],
            &all,
        ),
    ] {
        assert_eq!(claimed(&policy, &fleet, &records), expected, "{what}");
    }
}
