//! The verdict of a suspended policy on a spec, or a time, that no scan has judged (promise P1).

use super::*;

const KEPT: &str = "True/AllCompliant";
const NOT_SCANNED: &str = "Unknown/NotScanned";

fn exempting(until: &str) -> Value {
    json!({"exemptions": [{"reason": "why", "names": ["a"], "expiresAt": until}]})
}

/// Returns a scan of generation 3, at `now`, of one notebook. The notebook gives its users root if
/// `root`.
fn after_scan_of(spec: Value, root: bool) -> (Status, Judged) {
    let notebook = if root { violation("a") } else { compliant("a") };
    let snapshots = [scanned(vec![notebook])];
    let judged = Judged::new(&policy(spec.clone()), now());
    let progress = Progress::Scanned { at: now() };
    (summarized(spec, &snapshots, progress, pass(None)), judged)
}

/// Returns the same policy, suspended by generation 4 with this spec, this many minutes later.
fn suspended_later(spec: Value, judged: Option<&Judged>, before: &Status, minutes: i64) -> Status {
    let later = Pass {
        generation: 4,
        previous: Some(before),
        now: now() + SignedDuration::from_mins(minutes),
    };
    super::super::suspended(&policy(spec), &RemediationCounts::default(), judged, later)
}

fn compliance(status: &Status) -> String {
    let [_, _, _, compliant] = sound(4, status);
    format!("{}/{}", compliant.status, compliant.reason)
}

#[test]
fn suspended_policy_keeps_the_verdict_of_an_unchanged_scope() {
    let (clean, judged) = after_scan_of(json!({}), false);
    for same in [
        json!({"suspend": true}),
        json!({"suspend": true, "mode": "Enforce", "scanInterval": "1h", "remediation": {"maxFailures": 7}}),
    ] {
        let status = suspended_later(same, Some(&judged), &clean, 1);
        assert_eq!(compliance(&status), KEPT);
    }
    let (found, judged) = after_scan_of(json!({}), true);
    let status = suspended_later(json!({"suspend": true}), Some(&judged), &found, 1);
    assert_eq!(compliance(&status), "False/RootAccessEnabled");
    assert_eq!(message(&status, "Compliant"), message(&found, "Compliant"));
}

/// One edit suspends the policy and changes the notebooks that it covers.
#[test]
fn suspended_policy_says_unknown_of_a_scope_that_was_never_scanned() {
    let (clean, judged) = after_scan_of(exempting("2026-07-01T00:00:00Z"), false);
    for changed in [
        json!({"suspend": true}),
        json!({"suspend": true, "regions": [REGION, "us-east-1"]}),
        json!({"suspend": true, "accounts": [{"id": ACCOUNT}, {"id": OTHER}]}),
        json!({"suspend": true, "accounts": [{"id": ACCOUNT, "role": "sudoless"}]}),
        json!({"suspend": true, "selector": {"names": ["*"]}}),
        exempting("2026-07-02T00:00:00Z"),
    ] {
        let status = suspended_later(changed.clone(), Some(&judged), &clean, 1);
        assert_eq!(compliance(&status), NOT_SCANNED, "{changed}");
        assert!(
            message(&status, "Compliant").starts_with("the spec changed since the last scan, "),
            "{status:?}"
        );
        assert_eq!(status.summary, clean.summary, "the results stay");
    }
    let same = exempting("2026-07-01T00:00:00Z");
    let status = suspended_later(same, Some(&judged), &clean, 1);
    assert_eq!(compliance(&status), KEPT);
}

/// After a restart the subject of the last scan is unknown.
#[test]
fn suspended_policy_says_unknown_of_a_later_generation_after_a_restart() {
    let (clean, _) = after_scan_of(json!({}), false);
    let status = suspended_later(json!({"suspend": true}), None, &clean, 1);
    assert_eq!(compliance(&status), NOT_SCANNED);
    // A verdict on this generation stays.
    let (_, judged) = after_scan_of(json!({}), false);
    let kept = suspended_later(json!({"suspend": true}), Some(&judged), &clean, 1);
    let again = suspended_later(json!({"suspend": true}), None, &kept, 2);
    assert_eq!(compliance(&again), KEPT);
}

#[test]
fn suspended_policy_says_unknown_once_an_exemption_expired() {
    let spec = || exempting("2026-06-01T12:30:00Z");
    let (clean, judged) = after_scan_of(spec(), true);
    assert_eq!(clean.summary.unwrap().exempt, 1);
    // After a restart, the time of the last scan is the time of the comparison with expiries.
    let kept = suspended_later(spec(), Some(&judged), &clean, 29);
    assert_eq!(compliance(&kept), KEPT);
    for judged in [Some(&judged), None] {
        assert_eq!(
            compliance(&suspended_later(spec(), judged, &kept, 29)),
            KEPT
        );
        let expired = suspended_later(spec(), judged, &kept, 30);
        assert_eq!(compliance(&expired), NOT_SCANNED);
        assert!(
            message(&expired, "Compliant")
                .starts_with("an exemption expired since the last scan, "),
            "{expired:?}"
        );
        let later = suspended_later(spec(), judged, &expired, 31);
        assert_eq!(later, expired, "another pass changes nothing");
    }
    // No notebook needed this exemption.
    let unused = || {
        let mut spec = spec();
        spec["exemptions"][0]["names"] = json!(["x"]);
        spec
    };
    let (clean, judged) = after_scan_of(unused(), false);
    let status = suspended_later(unused(), Some(&judged), &clean, 31);
    assert_eq!(compliance(&status), KEPT);
    // A violation stays a violation.
    let (found, judged) = after_scan_of(unused(), true);
    let status = suspended_later(unused(), Some(&judged), &found, 31);
    assert_eq!(compliance(&status), "False/RootAccessEnabled");
}
