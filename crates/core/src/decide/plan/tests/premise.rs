//! The premise of a claim, which is judged again.

use RecordState::{Cancelled, Succeeded};

use super::*;

#[test]
fn a_claim_counts_how_often_it_was_fixed() {
    for (state, recurrence, expected) in [
        (Succeeded, 0, 1),
        (Succeeded, 1, 2),
        (Cancelled, 0, 0),
        (Cancelled, 2, 2),
    ] {
        let churn = notebook(HERE, "churn", "InService");
        let mut predecessor = record(HERE, &churn, state);
        predecessor.intent.recurrence = recurrence;
        let policy = enforcing(&json!({}));
        let evaluation = found(
            &policy,
            &[(HERE, vec![notebook(HERE, "churn", "InService")])],
        );
        let claims = claims(&policy, &evaluation, &policies(&[&policy]), &[predecessor]);
        assert_eq!(claims.len(), 1);
        assert_eq!(
            claims[0].intent.recurrence, expected,
            "{state} {recurrence}"
        );
    }
}

/// The fresh read of a claim may differ from the finding.
#[test]
fn the_premise_must_still_hold() {
    let by_tags = json!({"selector": {"tags": {"team": "a"}}});
    let tagged = |pairs| Notebook {
        tags: Some(Ok(fixtures::tags(pairs))),
        ..notebook(HERE, "churn", "Stopped")
    };
    let unread = Notebook {
        tags: Some(Err(fixtures::failure(TargetState::Throttled))),
        ..tagged(&[])
    };
    let churn = |root_access| notebook_in(HERE, "churn", "Stopped", root_access);
    let undescribed = Notebook {
        details: Err(fixtures::failure(TargetState::Throttled)),
        ..churn(RootAccess::Enabled)
    };
    for (place, patch, notebook, expected) in [
        (HERE, json!({}), churn(RootAccess::Enabled), None),
        (
            HERE,
            json!({}),
            churn(RootAccess::Disabled),
            Some((Next::None, "RootAccessDisabled")),
        ),
        (
            HERE,
            json!({}),
            churn(RootAccess::Unknown),
            Some((Next::None, "RootAccessUnknown")),
        ),
        (
            HERE,
            json!({}),
            undescribed,
            Some((Next::None, "RootAccessUnknown")),
        ),
        (HERE, by_tags.clone(), tagged(&[("team", "a")]), None),
        (
            HERE,
            by_tags.clone(),
            tagged(&[("team", "b")]),
            Some((Next::None, "NotCovered")),
        ),
        (
            HERE,
            by_tags,
            unread,
            Some((Next::Wait(WaitReason::ReadFailed), "ReadFailed")),
        ),
        (
            ("777788889999", REGION),
            json!({}),
            churn(RootAccess::Enabled),
            Some((Next::None, "NotCovered")),
        ),
        (
            (ACCOUNT, "ap-south-1"),
            json!({}),
            churn(RootAccess::Enabled),
            Some((Next::None, "NotCovered")),
        ),
    ] {
        let policy = enforcing(&patch);
        let admitted = admit(
            &policy,
            (&policies(&[&policy]), &Usage::of(&policy.name, &[])),
            (&place.0.parse().unwrap(), &place.1.parse().unwrap()),
            &notebook,
            (now(), Evaluate::Live),
        );
        let wait = admitted.err().map(|wait| (wait.next, wait.reason));
        assert_eq!(wait, expected, "{place:?} {patch} {notebook:?}");
    }
}
