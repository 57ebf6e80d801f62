#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use serde_json::json;

use super::*;
use crate::{
    decide::{
        Pass, Progress, evaluate,
        fixtures::{notebook, now, policy, scanned, unread},
        summarize,
    },
    domain::{Notebook, RootAccess, TargetState},
};

/// Returns a fleet of one notebook with a verdict. `None`: the notebook is absent.
fn fleet(verdict: Option<Verdict>) -> Evaluation {
    let policy = policy(json!({"exemptions": [{"reason": "why", "names": ["exempt"]}]}));
    let arn = notebook("churn", "InService", RootAccess::Enabled)
        .summary
        .arn;
    let same = |mut notebook: Notebook| {
        notebook.summary.arn = arn.clone();
        notebook
    };
    let notebooks = verdict.map(|verdict| {
        same(match verdict {
            Verdict::Compliant => notebook("churn", "InService", RootAccess::Disabled),
            Verdict::Exempt => notebook("exempt", "InService", RootAccess::Enabled),
            Verdict::Unknown => unread("churn", TargetState::Throttled),
            Verdict::NonCompliant => notebook("churn", "InService", RootAccess::Enabled),
        })
    });
    let evaluation = evaluate(&policy, &[scanned(notebooks.into_iter().collect())], now());
    assert_eq!(
        evaluation.findings.first().map(|finding| finding.verdict),
        verdict
    );
    evaluation
}

fn status(evaluation: &Evaluation) -> Status {
    let pass = Pass {
        generation: 1,
        previous: None,
        now: now(),
    };
    summarize(
        &policy(json!({})),
        evaluation,
        Progress::Scanned { at: now() },
        pass,
    )
}

#[test]
fn worse_is_a_violation_or_what_cannot_be_judged_any_more() {
    use Verdict::{Compliant, Exempt, NonCompliant, Unknown};
    let rows: [(Option<Verdict>, [bool; 5]); 5] = [
        // To: gone, Compliant, Exempt, Unknown, NonCompliant.
        (None, [false, false, false, true, true]),
        (Some(Compliant), [false, false, false, true, true]),
        (Some(Exempt), [false, false, false, true, true]),
        (Some(Unknown), [false, false, false, false, true]),
        (Some(NonCompliant), [false, false, false, false, false]),
    ];
    for (before, expected) in rows {
        for (after, expected) in [
            None,
            Some(Compliant),
            Some(Exempt),
            Some(Unknown),
            Some(NonCompliant),
        ]
        .into_iter()
        .zip(expected)
        {
            let (before, after) = (fleet(before), fleet(after));
            let remembered = Baseline::after(&before);
            assert_eq!(
                remembered.worsened(&after).count() == 1,
                expected,
                "{before:?} {after:?}"
            );
            let restarted = Baseline::from_status(Some(&status(&before))).unwrap();
            assert_eq!(restarted, remembered, "a restart forgets nothing");
        }
    }
}

#[test]
fn a_violation_that_could_not_be_read_for_a_while_is_no_news() {
    let (violation, unknown) = (
        fleet(Some(Verdict::NonCompliant)),
        fleet(Some(Verdict::Unknown)),
    );
    let unread = Baseline::after(&violation)
        .followed_by(&unknown)
        .followed_by(&unknown);
    assert_eq!(unread.worsened(&violation).count(), 0);
    // A notebook that was fixed in between, or was never judged, is news.
    let fixed = unread
        .followed_by(&fleet(Some(Verdict::Compliant)))
        .followed_by(&unknown);
    assert_eq!(fixed.worsened(&violation).count(), 1);
    assert_eq!(Baseline::after(&unknown).worsened(&violation).count(), 1);
}

#[test]
fn without_a_status_everything_is_new() {
    assert_eq!(Baseline::from_status(None), Some(Baseline::default()));
}

#[test]
fn a_status_that_lists_only_some_findings_tells_nothing() {
    let all = status(&fleet(Some(Verdict::NonCompliant)));
    assert!(Baseline::from_status(Some(&all)).is_some());
    let some = Status {
        findings_omitted: 1,
        ..all
    };
    assert_eq!(Baseline::from_status(Some(&some)), None);
}
