//! A notebook that was stopped minutes ago is left alone.

use jiff::SignedDuration;

use super::*;

/// Returns a stopped notebook that gives its users root, last modified this many seconds ago.
/// `None`: AWS does not report it.
fn stopped(name: &str, seconds: Option<i64>) -> Notebook {
    let mut notebook = notebook(HERE, name, "Stopped");
    let at = seconds.map(|seconds| now() - SignedDuration::from_secs(seconds));
    notebook.summary.last_modified = at;
    notebook.details.as_mut().unwrap().last_modified = at;
    notebook
}

fn resting(rest: &str) -> Policy {
    enforcing(&json!({"remediation": {"restAfterStop": rest, "whenRunning": "Wait"}}))
}

/// Returns the evaluation of a fleet after a pass.
fn concluded(policy: &Policy, fleet: Vec<Notebook>) -> Evaluation {
    let evaluation = found(policy, &[(HERE, fleet)]);
    concluded_with(policy, &policies(&[policy]), evaluation, &[])
}

#[test]
fn recently_stopped_notebook_waits_until_it_has_rested() {
    let policy = resting("5m");
    for (age, expected) in [
        (Some(0), vec![]),
        (Some(299), vec![]),
        (Some(300), vec!["a"]),
        (Some(9000), vec!["a"]),
        // A clock that is behind AWS's.
        (Some(-30), vec![]),
        // Fails closed.
        (None, vec![]),
    ] {
        let claims = claimed(&policy, &[(HERE, vec![stopped("a", age)])], &[]);
        assert_eq!(claims, expected, "{age:?}");
    }
    for age in [Some(0), None] {
        let claims = claimed(&resting("0s"), &[(HERE, vec![stopped("a", age)])], &[]);
        assert_eq!(claims, ["a"], "{age:?}");
    }
}

/// The newer reading of List and Describe counts.
#[test]
fn the_newest_reading_tells_the_age() {
    let policy = resting("5m");
    for (listed, described, expected) in [(301, 299, 0), (299, 301, 0), (301, 300, 1)] {
        let mut notebook = stopped("a", Some(listed));
        notebook.details.as_mut().unwrap().last_modified =
            Some(now() - SignedDuration::from_secs(described));
        let claims = claimed(&policy, &[(HERE, vec![notebook])], &[]);
        assert_eq!(claims.len(), expected, "{listed} {described}");
    }
}

#[test]
fn the_next_pass_comes_when_the_first_has_rested() {
    let fleet = || {
        vec![
            stopped("a", Some(60)),
            stopped("b", Some(200)),
            stopped("c", None),
            stopped("d", Some(9000)),
        ]
    };
    let evaluation = concluded(&resting("5m"), fleet());
    let said: Vec<_> = evaluation
        .findings
        .iter()
        .map(|finding| (finding.next, finding.reason.as_deref().unwrap()))
        .collect();
    let waits = (Next::Wait(WaitReason::RecentlyStopped), "RecentlyStopped");
    assert_eq!(
        said,
        [waits, waits, waits, (Next::Update, "RootAccessEnabled")]
    );
    assert_eq!(
        evaluation.findings[0].message.as_deref(),
        Some(
            "the notebook came to Stopped at 2026-06-01T11:59:00Z, and its owner or a tool may be about to start it; because of \
             restAfterStop, \
             root access is disabled after 2026-06-01T12:04:00Z if the notebook is still stopped"
        )
    );
    let unknown = evaluation.findings[2].message.as_deref().unwrap();
    assert!(unknown.starts_with("AWS does not report when"), "{unknown}");
    let rested_at = now() + SignedDuration::from_secs(100);
    assert_eq!(evaluation.remediations.rested_at, Some(rested_at));
    assert_eq!(
        concluded(&resting("5m"), vec![stopped("d", Some(9000))])
            .remediations
            .rested_at,
        None
    );
    // Audit's preview leaves out reasons of the moment.
    let audit = Policy {
        mode: Mode::Audit,
        ..resting("5m")
    };
    let preview = concluded(&audit, fleet());
    assert!(
        preview
            .findings
            .iter()
            .all(|finding| finding.next == Next::Update)
    );
    assert_eq!(preview.remediations.rested_at, None);
}

/// A claim reads the notebook again. It may have been restarted since the scan.
#[test]
fn what_a_claim_read_sets_the_next_pass() {
    let policy = resting("5m");
    let evaluation = found(&policy, &[(HERE, vec![stopped("a", Some(9000))])]);
    let policies = policies(&[&policy]);
    let circumstances = at_present(&policy, &policies);
    let mut queue = Queue::new(circumstances, &evaluation, &[], None);
    let candidate = queue.next().unwrap();
    let usage = Usage::of(&policy.name, []);
    let refused = admit(
        &policy,
        (&policies, &usage),
        (&candidate.account, &candidate.region),
        &stopped("a", Some(10)),
        (now(), Evaluate::Live),
    );
    queue.executed.add_blocked(&candidate, refused.unwrap_err());
    let evaluation = conclude(circumstances, evaluation, queue.executed);
    let rested_at = now() + SignedDuration::from_secs(290);
    assert_eq!(evaluation.remediations.rested_at, Some(rested_at));
}

/// Reasons that a person must act on come first.
#[test]
fn a_halt_is_said_before_a_rest() {
    let policy = resting("5m");
    let failed = [
        restart(HERE, "x", RecordState::Failed),
        restart(HERE, "y", RecordState::Failed),
    ];
    let evaluation = found(&policy, &[(HERE, vec![stopped("a", Some(1))])]);
    let evaluation = concluded_with(&policy, &policies(&[&policy]), evaluation, &failed);
    assert_eq!(evaluation.findings[0].reason.as_deref(), Some("Halted"));
}
