//! What people do to a policy takes effect: at once, and no more than what they did.

use jiff::{SignedDuration, Timestamp};
use kube::api::{Patch, PatchParams};
use serde_json::json;
use sudoless::api::SCAN_NOW_ANNOTATION;

use crate::support::{
    small::{ACCOUNT, OTHER_REGION, REGION, fleet, give_root, reads, rooted, rootless, spec},
    stage::{Stage, condition, eventually},
};

#[tokio::test(flavor = "multi_thread")]
async fn scan_now_describes_everything_once_per_new_value() {
    let notebooks = ["a", "b", "c"].map(rootless);
    let stage = Stage::begin("scan-now", fleet(notebooks), &[]).await;
    stage.apply("p", spec(json!({}))).await;
    stage.until_scanned("p").await;
    assert_eq!(reads(&stage.simulator), (1, 3));

    // What no List shows: root came, and LastModifiedTime did not move.
    let mut changed = stage.simulator.notebook(ACCOUNT, REGION, "b").unwrap();
    changed.root_access = "Enabled".into();
    stage.simulator.put_notebook(changed);
    stage.annotate("p", SCAN_NOW_ANNOTATION, Some("1")).await;
    let status = stage
        .until("p", |status| status.summary.unwrap().non_compliant == 1)
        .await;
    assert_eq!(status.findings[0].name, "b");
    assert_eq!(reads(&stage.simulator), (2, 6));

    // Passes of one policy follow each other, so that the one over the new spec is after those over
    // the annotations.
    stage.annotate("p", "example.com/note", Some("x")).await;
    stage.annotate("p", SCAN_NOW_ANNOTATION, Some("1")).await;
    stage.annotate("p", SCAN_NOW_ANNOTATION, None).await;
    stage.apply("p", spec(json!({"scanInterval": "1h"}))).await;
    stage.until_scanned("p").await;
    assert_eq!(reads(&stage.simulator), (2, 6), "nothing was asked for");

    stage.annotate("p", SCAN_NOW_ANNOTATION, Some("2")).await;
    eventually("the scan that was asked for", async || {
        (reads(&stage.simulator) == (3, 9)).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_suspended_policy_keeps_its_results_and_asks_aws_nothing() {
    let stage = Stage::begin("suspend", fleet([rooted("a"), rootless("b")]), &[]).await;
    stage.apply("p", spec(json!({}))).await;
    let before = stage.until_scanned("p").await;
    stage.simulator.reset_counters();

    let suspended = spec(json!({"suspend": true}));
    stage.apply("p", suspended).await;
    let status = stage
        .until("p", |status| condition(status, "Ready").1 == "Suspended")
        .await;
    assert_eq!(condition(&status, "Ready").0, "True");
    assert_eq!(condition(&status, "Reconciling").0, "False");
    assert_eq!(condition(&status, "Stalled").0, "False");
    assert_eq!(
        condition(&status, "Compliant"),
        condition(&before, "Compliant")
    );
    assert_eq!(status.last_scan_time, before.last_scan_time);
    assert_eq!(status.summary, before.summary);
    assert_eq!(status.targets, before.targets);
    assert_eq!(status.findings, before.findings);
    let info = "sudoless_policy_info{policy=\"suspend-p\",mode=\"Audit\",suspended=\"true\"} 1";
    stage
        .until_page("/metrics", |page| page.contains(info))
        .await;
    let violations = "sudoless_notebooks{policy=\"suspend-p\",account=\"111122223333\",region=\"us-east-1\",verdict=\"NonCompliant\"} 1";
    assert!(stage.page("/metrics").1.contains(violations));

    give_root(&stage.simulator, "b");
    stage.annotate("p", SCAN_NOW_ANNOTATION, Some("1")).await;
    let wider = json!({"suspend": true, "regions": [REGION, OTHER_REGION]});
    stage.apply("p", spec(wider)).await;
    let still = stage.until_scanned("p").await;
    assert_eq!(still.summary, before.summary);
    assert_eq!(condition(&still, "Compliant").1, "NotScanned");
    assert_eq!(stage.simulator.counters().total(), 0);

    stage.annotate("p", SCAN_NOW_ANNOTATION, None).await;
    stage.apply("p", spec(json!({}))).await;
    let status = stage
        .until("p", |status| status.summary.unwrap().non_compliant == 2)
        .await;
    assert_eq!(condition(&status, "Ready").1, "Scanned");
    assert_eq!(reads(&stage.simulator), (1, 1), "only what changed");
}

/// Promise P1: one edit suspends the policy and widens it. No scan has judged the new spec.
#[tokio::test(flavor = "multi_thread")]
async fn suspended_policy_that_was_widened_is_not_compliant() {
    let elsewhere = sagemaker_simulator::Notebook::new(ACCOUNT, OTHER_REGION, "b");
    let stage = Stage::begin("widened", fleet([rootless("a"), elsewhere]), &[]).await;
    stage.apply("p", spec(json!({}))).await;
    let before = stage.until_scanned("p").await;
    assert_eq!(condition(&before, "Compliant").0, "True");
    stage.simulator.reset_counters();

    let wider = json!({"suspend": true, "regions": [REGION, OTHER_REGION]});
    stage.apply("p", spec(wider)).await;
    let status = stage
        .until("p", |status| condition(status, "Ready").1 == "Suspended")
        .await;
    let (compliant, reason, message) = condition(&status, "Compliant");
    assert_eq!(
        (&*compliant, &*reason),
        ("Unknown", "NotScanned"),
        "{message}"
    );
    assert!(
        message.starts_with("the spec changed since the last scan"),
        "{message}"
    );
    assert_eq!(status.summary, before.summary);
    assert_eq!(stage.simulator.counters().total(), 0);
}

/// Promise P1: the only exemption of a notebook expires while nothing is scanned.
#[tokio::test(flavor = "multi_thread")]
async fn suspended_policy_is_not_compliant_once_an_exemption_expires() {
    let stage = Stage::begin("lapsed", fleet([rooted("a")]), &[]).await;
    let expiry = Timestamp::from_second(Timestamp::now().as_second()).unwrap();
    let expiry = expiry + SignedDuration::from_secs(20);
    let exemption = json!({"reason": "why", "names": ["a"], "expiresAt": expiry.to_string()});
    let exempting = |suspend| spec(json!({"suspend": suspend, "exemptions": [exemption.clone()]}));
    stage.apply("p", exempting(false)).await;
    let before = stage.until_scanned("p").await;
    assert_eq!(condition(&before, "Compliant").0, "True");
    stage.apply("p", exempting(true)).await;
    let suspended = stage
        .until("p", |status| condition(status, "Ready").1 == "Suspended")
        .await;
    assert_eq!(condition(&suspended, "Compliant").0, "True");
    stage.simulator.reset_counters();

    let status = stage
        .until("p", |status| condition(status, "Compliant").0 != "True")
        .await;
    let (compliant, reason, message) = condition(&status, "Compliant");
    assert_eq!(
        (&*compliant, &*reason),
        ("Unknown", "NotScanned"),
        "{message}"
    );
    assert!(message.starts_with("an exemption expired"), "{message}");
    assert!(Timestamp::now() >= expiry);
    assert_eq!(stage.simulator.counters().total(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_of_the_spec_is_followed() {
    let elsewhere = sagemaker_simulator::Notebook::new(ACCOUNT, OTHER_REGION, "team-a-3");
    let notebooks = [
        rooted("team-a-1"),
        rootless("team-a-2"),
        rooted("team-b-1"),
        elsewhere,
    ];
    let stage = Stage::begin("edits", fleet(notebooks), &[]).await;
    stage.apply("p", spec(json!({}))).await;
    let summary = stage.until_scanned("p").await.summary.unwrap();
    assert_eq!((summary.notebooks, summary.non_compliant), (3, 2));

    let selector = json!({"selector": {"names": ["team-a-*"]}});
    stage.apply("p", spec(selector.clone())).await;
    let summary = stage.until_scanned("p").await.summary.unwrap();
    assert_eq!((summary.notebooks, summary.non_compliant), (2, 1));
    assert_eq!(
        reads(&stage.simulator),
        (1, 3),
        "the selector asks AWS nothing"
    );

    let mut wider = selector.clone();
    wider["regions"] = json!([REGION, OTHER_REGION]);
    stage.apply("p", spec(wider)).await;
    let status = stage.until_scanned("p").await;
    let summary = status.summary.unwrap();
    assert_eq!(
        (summary.targets, summary.notebooks, summary.non_compliant),
        (2, 3, 2)
    );
    assert_eq!(
        reads(&stage.simulator),
        (2, 4),
        "only the new region is read"
    );

    let mut other = selector;
    other["regions"] = json!([OTHER_REGION]);
    stage.apply("p", spec(other)).await;
    let status = stage.until_scanned("p").await;
    assert_eq!(status.targets.len(), 1);
    assert_eq!(status.targets[0].region, OTHER_REGION);
    assert_eq!(status.findings.len(), 1);
    stage
        .until_page("/metrics", |page| !page.contains("region=\"us-east-1\""))
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_that_is_deleted_leaves_nothing_behind() {
    let stage = Stage::begin("deleted", fleet([rooted("a")]), &[]).await;
    let first = stage.apply("p", spec(json!({}))).await;
    stage.until_scanned("p").await;
    let series = |page: &str| page.contains("policy=\"deleted-p\"");
    stage.until_page("/metrics", series).await;

    stage.delete("p").await;
    stage
        .until_page("/metrics", |page| !page.contains("deleted-p"))
        .await;

    stage.simulator.reset_counters();
    let second = stage.apply("p", spec(json!({}))).await;
    assert_ne!(first.metadata.uid, second.metadata.uid);
    let status = stage.until_scanned("p").await;
    assert_eq!(status.summary.unwrap().non_compliant, 1);
    assert_eq!(
        reads(&stage.simulator),
        (1, 1),
        "nothing of the first one was kept"
    );
    stage.until_page("/metrics", series).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_without_the_label_is_left_alone() {
    let stage = Stage::begin("labels", fleet([rooted("a")]), &[]).await;
    let foreign = json!({
        "apiVersion": "sudoless.dev/v1alpha1",
        "kind": "NotebookRootAccessPolicy",
        "metadata": {"name": "labels-foreign", "labels": {"stage": "of-nobody"}},
        "spec": spec(json!({})),
    });
    let parameters = PatchParams::apply("somebody");
    let applied = stage
        .policies()
        .patch("labels-foreign", &parameters, &Patch::Apply(foreign))
        .await
        .unwrap();
    stage.apply("own", spec(json!({}))).await;
    stage.until_scanned("own").await;
    stage
        .until_page("/metrics", |page| page.contains("labels-own"))
        .await;
    let left_alone = async || {
        let foreign = stage.get("foreign").await;
        assert_eq!(
            foreign.metadata.resource_version,
            applied.metadata.resource_version
        );
        assert!(!stage.page("/metrics").1.contains("labels-foreign"));
    };
    left_alone().await;

    // A policy that loses its label is nobody's of this operator any more, and keeps the status
    // that it has.
    let unlabel = json!({"metadata": {"labels": {"stage": null}}});
    stage
        .policies()
        .patch(
            "labels-own",
            &PatchParams::default(),
            &Patch::Merge(unlabel),
        )
        .await
        .unwrap();
    stage
        .until_page("/metrics", |page| !page.contains("labels-own"))
        .await;
    assert!(stage.get("own").await.status.is_some());
    left_alone().await;

    // One that gets it back is looked after again, though nothing else about it changed.
    stage.apply("own", spec(json!({}))).await;
    stage
        .until_page("/metrics", |page| page.contains("labels-own"))
        .await;
}
