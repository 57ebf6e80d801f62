//! The API server goes and comes back, and the operator is told to end.
//!
//! Each test that breaks an API server has one of its own.

use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use local_cluster::{LocalCluster, Options};
use nix::sys::signal::Signal;
use sagemaker_simulator::{Effect, Fault};
use serde_json::json;
use sudoless::api::SCAN_NOW_ANNOTATION;

use crate::support::{
    served,
    small::{OTHER_REGION, REGION, fleet, give_root, reads, rooted, rootless, spec},
    stage::{Stage, condition, eventually},
};

/// How long the API server is away.
const OUTAGE: Duration = Duration::from_secs(15);

/// What an operator may take to end.
const PROMPTLY: Duration = Duration::from_secs(5);

/// How often the process of the stage's operator has started to serve.
fn starts(stage: &Stage) -> usize {
    let log = stage.log();
    log.iter()
        .filter(|line| line.contains("serving /metrics"))
        .count()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outage_of_the_api_server_is_outlived() {
    let cluster = served::start(Options::default());
    let stage = Stage::on(&cluster, "outage", fleet([rooted("a"), rootless("b")]), &[]).await;
    stage.apply("gone", spec(json!({"suspend": true}))).await;
    let expiry = Timestamp::now() + SignedDuration::from_secs(10);
    let exempt = json!({"reason": "a demonstration", "names": ["a"], "expiresAt": expiry});
    stage
        .apply("p", spec(json!({"exemptions": [exempt]})))
        .await;
    let status = stage.until_scanned("p").await;
    assert_eq!(status.summary.unwrap().exempt, 1);
    stage
        .until_page("/metrics", |page| page.contains("outage-gone"))
        .await;

    cluster.stop_api_server();
    let (began, lines) = (Instant::now(), stage.log().len());
    assert!(
        Timestamp::now() < expiry,
        "too slow a machine to see anything"
    );
    // The exemption expires meanwhile, so that there is a status to publish and nobody to take it.
    eventually("the end of the outage", async || {
        let (healthz, _) = stage.page("/healthz");
        assert_eq!(
            healthz, 200,
            "an outage is no reason to restart the operator"
        );
        (began.elapsed() > OUTAGE).then_some(())
    })
    .await;
    let said = stage.log().split_off(lines);
    assert!(
        said.iter().any(|line| line.contains("a pass failed")),
        "{said:#?}"
    );
    assert!(said.len() < 30, "{said:#?}");

    // A policy that is deleted before the operator is back at the watch is gone for it, too.
    stage.signal_operator(Signal::SIGSTOP);
    cluster.start_api_server().unwrap();
    stage.delete("gone").await;
    stage.signal_operator(Signal::SIGCONT);
    let status = stage
        .until("p", |status| status.summary.unwrap().non_compliant == 1)
        .await;
    assert_eq!(status.findings[0].name, "a");
    stage
        .until_page("/metrics", |page| !page.contains("outage-gone"))
        .await;
    give_root(&stage.simulator, "b");
    stage.annotate("p", SCAN_NOW_ANNOTATION, Some("1")).await;
    stage
        .until("p", |status| status.summary.unwrap().non_compliant == 2)
        .await;
    assert_eq!(starts(&stage), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_that_is_there_first_waits_and_says_for_what() {
    let cluster = LocalCluster::start(Options::default()).unwrap();
    let stage = Stage::on(&cluster, "early", fleet([rooted("a")]), &[]).await;
    let waits = "[-]custom-resource-definitions waits for the API server does not serve NotebookRootAccessPolicy";
    let page = stage
        .until_page("/readyz", |page| page.contains("does not serve"))
        .await;
    assert!(page.starts_with(waits), "{page}");
    assert_eq!(stage.page("/readyz").0, 503);
    assert_eq!(stage.page("/healthz").0, 200);
    served::install(&cluster);
    stage
        .until_page("/readyz", |page| !page.contains("[-]"))
        .await;
    assert_eq!(stage.page("/readyz").0, 200);
    stage.apply("p", spec(json!({}))).await;
    stage.until_scanned("p").await;
    assert_eq!(starts(&stage), 1);

    let (ended, took) = stage.stop_operator();
    assert!(ended.success() && took < PROMPTLY, "{ended} after {took:?}");
    cluster.stop_api_server();
    stage.start_operator(cluster.kubeconfig_path());
    let page = stage
        .until_page("/readyz", |page| page.contains("does not answer"))
        .await;
    assert!(page.starts_with("[-]custom-resource-definitions"), "{page}");
    assert_eq!(stage.page("/readyz").0, 503);
    assert_eq!(stage.page("/healthz").0, 200);
    stage.simulator.reset_counters();
    cluster.start_api_server().unwrap();
    stage
        .until_page("/readyz", |page| !page.contains("[-]"))
        .await;
    eventually("the first scan", async || {
        (reads(&stage.simulator) == (1, 1)).then_some(())
    })
    .await;

    // It ends while an API server that has stopped to answer holds up a pass.
    cluster.pause_api_server().unwrap();
    let (ended, took) = stage.stop_operator();
    assert!(
        ended.success() && took < 2 * PROMPTLY,
        "{ended} after {took:?}"
    );
    cluster.resume_api_server().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_ends_in_the_middle_of_a_scan() {
    let hang = Fault::new(Effect::Hang).region(OTHER_REGION);
    let stage = Stage::begin("sigterm", fleet([rooted("a")]).fault(hang), &[]).await;
    stage
        .apply("p", spec(json!({"regions": [REGION, OTHER_REGION]})))
        .await;
    let status = stage
        .until("p", |status| {
            status.summary.is_some_and(|summary| summary.notebooks == 1)
        })
        .await;
    let (ready, reason, message) = condition(&status, "Ready");
    assert_eq!((ready.as_str(), reason.as_str()), ("Unknown", "FirstScan"));
    assert!(message.contains("1 of 2"), "{message}");
    let (ended, took) = stage.stop_operator();
    assert!(ended.success(), "{ended}");
    assert!(took < PROMPTLY, "{took:?}");
}
