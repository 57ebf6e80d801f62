//! What the conditions say of specs that are wrong, suspicious, or ahead of this version.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use crate::support::{
    small::{ACCOUNT, REGION, fleet, rooted, rootless, spec},
    stage::{Stage, condition},
};

#[tokio::test(flavor = "multi_thread")]
async fn what_no_schema_can_judge_stalls_until_it_is_corrected() {
    let stage = Stage::begin("invalid", fleet([rooted("a")]), &[]).await;
    let window = |schedule: &str, zone: &str| {
        let window = json!({"schedule": schedule, "duration": "1h", "timeZone": zone});
        json!({"remediation": {"windows": [window]}})
    };
    let cases = [
        (
            json!({"selector": {"names": ["ok-*", "team-["]}}),
            "spec.selector.names[1]",
        ),
        (
            json!({"exemptions": [{"reason": "why", "names": ["{a"]}]}),
            "spec.exemptions[0].names[0]",
        ),
        (
            window("61 25 * * *", "UTC"),
            "spec.remediation.windows[0].schedule",
        ),
        (
            window("0 2 * * SAT", "Mars/Olympus"),
            "spec.remediation.windows[0].timeZone",
        ),
    ];
    for (wrong, path) in cases {
        stage.apply("p", spec(wrong)).await;
        let status = stage
            .until("p", |status| condition(status, "Stalled").0 == "True")
            .await;
        let (_, reason, message) = condition(&status, "Stalled");
        assert_eq!(reason, "InvalidSpec");
        assert!(message.contains(path), "{path} is not in {message:?}");
        let (ready, reason, message) = condition(&status, "Ready");
        assert_eq!((ready.as_str(), reason.as_str()), ("False", "InvalidSpec"));
        assert!(message.contains(path), "{path} is not in {message:?}");
        assert_eq!(condition(&status, "Reconciling").0, "False");
        assert_eq!(condition(&status, "Compliant").0, "Unknown");
    }
    assert_eq!(stage.simulator.counters().total(), 0, "nobody was asked");

    stage.apply("p", spec(json!({}))).await;
    let status = stage.until_scanned("p").await;
    assert_eq!(condition(&status, "Ready").0, "True");
    assert_eq!(condition(&status, "Ready").1, "Scanned");
    assert_eq!(condition(&status, "Stalled").0, "False");
    assert_eq!(condition(&status, "Compliant").0, "False");
    assert_eq!(status.summary.unwrap().non_compliant, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_suspicious_is_a_warning_in_ready() {
    let stage = Stage::begin("warnings", fleet([rooted("a")]), &[]).await;
    let suspicious = json!({
        "accounts": [{"id": ACCOUNT, "role": "sudoless", "regions": [REGION]}],
        "regions": ["ap-south-1"],
        "exemptions": [
            {"reason": "was needed", "names": ["a"], "expiresAt": "2020-01-31T00:00:00Z"},
            {"reason": "never was", "names": ["no-such-*"]},
            {"reason": "nowhere", "regions": ["ap-south-1"]},
        ],
    });
    stage.apply("p", suspicious).await;
    let status = stage.until_scanned("p").await;
    let (ready, reason, message) = condition(&status, "Ready");
    assert_eq!((ready.as_str(), reason.as_str()), ("True", "Scanned"));
    for said in [
        "spec.exemptions[0] expired at 2020-01-31T00:00:00Z",
        "spec.exemptions[1] matches no notebook",
        "spec.regions is used by no account",
        "spec.exemptions[2].regions names ap-south-1, which no account has",
    ] {
        assert!(message.contains(said), "{said:?} is not in {message:?}");
    }
    assert_eq!(
        status.summary.unwrap().non_compliant,
        1,
        "what expired exempts nobody"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_exemption_ends_when_it_expires() {
    let stage = Stage::begin("expiry", fleet([rooted("a"), rootless("b")]), &[]).await;
    let second = |seconds| {
        let at = Timestamp::now() + SignedDuration::from_secs(seconds);
        Timestamp::from_second(at.as_second()).unwrap()
    };
    // Long enough for the first scan, on a busy machine too.
    let expiry = second(8);
    let exempt = json!({"reason": "a demonstration", "names": ["a"], "expiresAt": expiry});
    let policy = stage
        .apply("p", spec(json!({"exemptions": [exempt]})))
        .await;
    let status = stage.until_scanned("p").await;
    assert_eq!(status.summary.unwrap().exempt, 1);
    assert_eq!(condition(&status, "Compliant").0, "True");
    stage.simulator.reset_counters();

    let status = stage
        .until("p", |status| status.summary.unwrap().non_compliant == 1)
        .await;
    let late = Timestamp::now().duration_since(expiry);
    assert!(late >= SignedDuration::ZERO, "it ended early by {late}");
    assert!(late < Duration::from_secs(5).try_into().unwrap(), "{late}");
    assert_eq!(condition(&status, "Compliant").0, "False");
    let message = condition(&status, "Ready").2;
    assert!(
        message.contains(&format!("spec.exemptions[0] expired at {expiry}")),
        "{message}"
    );
    assert_eq!(
        stage.simulator.counters().total(),
        0,
        "nothing new was read"
    );
    let generation = stage.get("p").await.metadata.generation;
    assert_eq!(generation, policy.metadata.generation, "nobody edited it");
}
