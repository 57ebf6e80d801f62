//! Properties of every policy and every fleet.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use jiff::SignedDuration;
use proptest::prelude::*;

use super::{kstatus::sound, *};
use crate::decide::{
    evaluate,
    fixtures::{
        arbitrary::{any_policy, any_snapshots},
        now,
    },
};

fn any_progress() -> impl Strategy<Value = Progress> {
    prop_oneof![
        2 => Just(Progress::Scanned { at: now() }),
        1 => (1..5_usize).prop_map(|unread| Progress::FirstScan { unread }),
    ]
}

fn pass(previous: Option<&Status>, minutes: i64) -> Pass<'_> {
    Pass {
        generation: 3,
        previous,
        now: now() + SignedDuration::from_mins(minutes),
    }
}

proptest! {
    /// Promise P1.
    #[test]
    fn only_what_was_read_in_full_is_compliant(
        policy in any_policy(),
        snapshots in any_snapshots(),
        progress in any_progress(),
    ) {
        let evaluation = evaluate(&policy, &snapshots, now());
        let status = summarize(&policy, &evaluation, progress, pass(None, 0));
        let [_, _, _, compliant] = sound(3, &status);
        let unknown = evaluation.findings.iter().any(|finding| finding.verdict == Verdict::Unknown);
        let unreadable = snapshots.iter().any(|snapshot| snapshot.state.is_unreadable());
        let unscanned = !snapshots.iter().any(|snapshot| snapshot.state == TargetState::Scanned);
        let unfinished = matches!(progress, Progress::FirstScan { .. });
        let violated = evaluation.findings.iter().any(|finding| finding.verdict == Verdict::NonCompliant);
        let expected = if violated {
            "False"
        } else if unknown || unreadable || unscanned || unfinished {
            "Unknown"
        } else {
            "True"
        };
        prop_assert_eq!(&compliant.status, expected);
    }

    /// Promise P1 while nothing is scanned: `Compliant` is never True with a violation by the
    /// present spec and the present time.
    #[test]
    fn a_suspended_policy_is_compliant_only_by_its_present_spec(
        scanned in any_policy(),
        edited in any_policy(),
        snapshots in any_snapshots(),
        (is_edited, is_restarted) in any::<(bool, bool)>(),
        minutes in 1..200_i64,
    ) {
        let first = summarize(
            &scanned,
            &evaluate(&scanned, &snapshots, now()),
            Progress::Scanned { at: now() },
            pass(None, 0),
        );
        let judged = Judged::new(&scanned, now());
        let edited = if is_edited { edited } else { scanned };
        let next = Pass { generation: 4, ..pass(Some(&first), minutes) };
        let known = (!is_restarted).then_some(&judged);
        let status = suspended(&edited, &RemediationCounts::default(), known, next);
        let [_, _, _, compliant] = sound(4, &status);
        if compliant.status == "True" {
            let truth = evaluate(&edited, &snapshots, next.now);
            let is_clean = truth
                .findings
                .iter()
                .all(|finding| matches!(finding.verdict, Verdict::Compliant | Verdict::Exempt));
            prop_assert!(is_clean, "{:?}", truth.findings);
            prop_assert!(!is_restarted);
        }
    }

    #[test]
    fn figures_add_up(policy in any_policy(), snapshots in any_snapshots(), progress in any_progress()) {
        let evaluation = evaluate(&policy, &snapshots, now());
        let status = summarize(&policy, &evaluation, progress, pass(None, 0));
        let summary = status.summary.unwrap();
        let judged = summary.compliant + summary.non_compliant + summary.exempt + summary.unknown;
        prop_assert_eq!(summary.notebooks, judged);
        prop_assert_eq!(summary.notebooks as usize, evaluation.findings.len());
        prop_assert_eq!(status.findings.len(), (judged - summary.compliant) as usize);
        prop_assert!(status.findings.iter().all(|finding| finding.verdict != Verdict::Compliant));
        prop_assert_eq!(status.targets.len(), snapshots.len());
        prop_assert_eq!(summary.targets as usize, snapshots.len());
        let unreadable = snapshots.iter().filter(|snapshot| snapshot.state.is_unreadable()).count();
        prop_assert_eq!(summary.unreadable_targets as usize, unreadable);
    }

    #[test]
    fn the_same_facts_give_the_same_bytes(
        policy in any_policy(),
        mut snapshots in any_snapshots(),
        progress in any_progress(),
    ) {
        let evaluation = evaluate(&policy, &snapshots, now());
        let first = summarize(&policy, &evaluation, progress, pass(None, 0));
        let bytes = serde_json::to_string(&first).unwrap();
        let stored: Status = serde_json::from_str(&bytes).unwrap();
        prop_assert_eq!(&stored, &first, "what is read back is what was written");
        snapshots.reverse();
        let evaluation = evaluate(&policy, &snapshots, now());
        let second = summarize(&policy, &evaluation, progress, pass(Some(&stored), 17));
        prop_assert_eq!(serde_json::to_string(&second).unwrap(), bytes);
    }

    #[test]
    fn transitions_move_with_the_status_only(
        policy in any_policy(),
        before in any_snapshots(),
        after in any_snapshots(),
        progress in any_progress(),
    ) {
        let scanned = Progress::Scanned { at: now() };
        let first = summarize(&policy, &evaluate(&policy, &before, now()), progress, pass(None, 0));
        let next = pass(Some(&first), 17);
        let second = summarize(&policy, &evaluate(&policy, &after, now()), scanned, next);
        for status in [second, suspended(&policy, &RemediationCounts::default(), None, next), invalid("it is wrong", next)] {
            for (old, new) in first.conditions.iter().zip(sound(3, &status)) {
                let expected = if old.status == new.status {
                    old.last_transition_time.0
                } else {
                    conditions::whole_seconds(next.now)
                };
                prop_assert_eq!(new.last_transition_time.0, expected, "{:?} {:?}", old, new);
            }
        }
    }
}
