//! Warnings about settings that are valid but probably unintended.

use super::*;

fn warnings(exemption: &Value, snapshots: &[Arc<Snapshot>]) -> Vec<String> {
    evaluate(
        &policy(json!({"exemptions": [exemption]})),
        snapshots,
        now(),
    )
    .warnings
}

#[test]
fn of_an_exemption_that_expired() {
    let exemption =
        json!({"reason": "why", "names": ["churn"], "expiresAt": "2026-01-01T00:00:00Z"});
    assert_eq!(
        warnings(&exemption, &[]),
        [
            "spec.exemptions[0] expired at 2026-01-01T00:00:00Z: remove it or give it a new expiresAt"
        ]
    );
}

#[test]
fn of_an_exemption_that_matches_nothing() {
    let churn = || notebook("churn", "InService", RootAccess::Disabled);
    let exemption =
        |name: &str| json!({"reason": "why", "names": [name], "expiresAt": "2027-01-01T00:00:00Z"});
    let nothing = ["spec.exemptions[0] matches no notebook"];
    assert_eq!(
        warnings(&exemption("x"), &[scanned(vec![churn()])]),
        nothing
    );
    assert_eq!(
        warnings(&exemption("churn"), &[scanned(vec![churn()])]),
        [] as [&str; 0]
    );
    let partly = [
        scanned(vec![churn()]),
        snapshot(ACCOUNT, "us-east-1", TargetState::Throttled, vec![]),
    ];
    assert_eq!(
        warnings(&exemption("x"), &partly),
        [] as [&str; 0],
        "it may match what was not read"
    );
    let disabled = [
        scanned(vec![churn()]),
        snapshot(ACCOUNT, "us-east-1", TargetState::RegionDisabled, vec![]),
    ];
    assert_eq!(warnings(&exemption("x"), &disabled), nothing);
    let by_tags = json!({"reason": "why", "tags": {"team": "a"}});
    assert_eq!(
        warnings(&by_tags, &[scanned(vec![churn()])]),
        [] as [&str; 0],
        "its tags were not read"
    );
    let untagged = Notebook {
        tags: Some(Ok(Tags::new())),
        ..churn()
    };
    assert_eq!(warnings(&by_tags, &[scanned(vec![untagged])]), nothing);
}

#[test]
fn of_the_policy_come_first() {
    let exemption = json!({"reason": "why", "regions": ["us-east-1"]});
    assert_eq!(
        warnings(&exemption, &[scanned(vec![])]),
        [
            "spec.exemptions[0].regions names us-east-1, which no account has",
            "spec.exemptions[0] matches no notebook"
        ]
    );
}
