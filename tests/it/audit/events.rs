//! Events: few, and each one news.

use k8s_openapi::api::events::v1::Event;
use kube::{Api, ResourceExt, api::ListParams};
use sagemaker_simulator::{Effect, Fault, Operation};
use serde_json::json;
use sudoless::api::SCAN_NOW_ANNOTATION;

use crate::support::{
    small::{ACCOUNT, fleet, give_root, reads, rooted, rootless, spec},
    stage::{Stage, cluster, eventually},
};

/// Reason and note of every event on a policy, in the order of the notes.
async fn events(stage: &Stage, policy: &str) -> Vec<(String, String)> {
    // Events about resources without a namespace are in `default`.
    let api: Api<Event> = Api::namespaced(stage.client.clone(), "default");
    let name = stage.policy(policy);
    let mut found: Vec<_> = api
        .list(&ListParams::default())
        .await
        .unwrap()
        .into_iter()
        .filter(|event| {
            event
                .regarding
                .as_ref()
                .and_then(|regarding| regarding.name.as_ref())
                == Some(&name)
        })
        .map(|event| {
            assert_eq!(
                event.type_.as_deref(),
                Some("Warning"),
                "{}",
                event.name_any()
            );
            assert_eq!(event.reporting_controller.as_deref(), Some("sudoless"));
            assert!(
                event.series.is_none(),
                "the same was told twice: {:?}",
                event.note
            );
            (
                event.reason.unwrap_or_default(),
                event.note.unwrap_or_default(),
            )
        })
        .collect();
    found.sort_by(|one, other| one.1.cmp(&other.1));
    found
}

/// Asks for a scan and waits until `described` notebooks have been described in all, and the pass
/// is over.
async fn scan(stage: &Stage, value: &str, described: u64) {
    stage.annotate("p", SCAN_NOW_ANNOTATION, Some(value)).await;
    eventually("the scan", async || {
        (reads(&stage.simulator).1 == described).then_some(())
    })
    .await;
    settled(stage).await;
}

/// Waits until every pass that has been asked for is over: one over a new generation comes after
/// them.
async fn settled(stage: &Stage) {
    let generation = stage.get("p").await.metadata.generation.unwrap_or_default();
    let interval = format!("{}m", 60 + generation);
    let passes = passes(&stage.page("/metrics").1);
    stage
        .apply("p", spec(json!({ "scanInterval": interval })))
        .await;
    stage.until_scanned("p").await;
    // The status is written first, then the events, then the pass is counted.
    eventually("the pass to end", async || {
        (self::passes(&stage.page("/metrics").1) > passes).then_some(())
    })
    .await;
}

fn passes(page: &str) -> u64 {
    let series = "sudoless_reconciliations_total{controller=\"policy\",result=\"Success\"} ";
    let line = page.lines().find_map(|line| line.strip_prefix(series));
    line.unwrap().parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_gets_worse_is_told_once() {
    let notebooks = ["a", "b", "c", "d", "e", "f", "g"].map(rootless);
    let stage = Stage::begin("events", fleet(notebooks), &[]).await;
    stage.apply("p", spec(json!({}))).await;
    stage.until_scanned("p").await;
    settled(&stage).await;
    assert_eq!(events(&stage, "p").await, []);

    give_root(&stage.simulator, "a");
    scan(&stage, "1", 14).await;
    let one = (
        "RootAccessEnabled".to_owned(),
        format!(
            "{ACCOUNT}/us-east-1/a gives its users root: root access is enabled; the notebook is running and must be restarted to \
             change it"
        ),
    );
    assert_eq!(events(&stage, "p").await, std::slice::from_ref(&one));

    // What is as bad as it was is no news, and neither is what got better.
    scan(&stage, "2", 21).await;
    assert_eq!(events(&stage, "p").await, std::slice::from_ref(&one));

    for name in ["b", "c", "d", "e", "f"] {
        give_root(&stage.simulator, name);
    }
    stage
        .simulator
        .modify_notebook(ACCOUNT, "us-east-1", "a", |notebook| {
            notebook.root_access = "Disabled".into();
        });
    scan(&stage, "3", 28).await;
    let names = ["b", "c", "d", "e", "f"].map(|name| format!("{ACCOUNT}/us-east-1/{name}"));
    let many = (
        "RootAccessEnabled".to_owned(),
        format!(
            "5 notebooks give their users root now: {}",
            names.join(", ")
        ),
    );
    let mut told = vec![one, many];
    told.sort_by(|one, other| one.1.cmp(&other.1));
    assert_eq!(events(&stage, "p").await, told);

    // A restarted operator reads from the status which events were sent, and which changes came
    // since.
    let (status, _) = stage.stop_operator();
    assert!(status.success());
    give_root(&stage.simulator, "g");
    stage.start_operator(cluster().kubeconfig_path());
    eventually("the first scan", async || {
        (reads(&stage.simulator).1 == 35).then_some(())
    })
    .await;
    settled(&stage).await;
    let after: Vec<_> = events(&stage, "p").await;
    let news: Vec<_> = after.iter().filter(|event| !told.contains(event)).collect();
    assert_eq!(news.len(), 1, "{news:?}");
    assert!(
        news[0]
            .1
            .starts_with(&format!("{ACCOUNT}/us-east-1/g gives its users root: "))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_judged_any_more_is_told() {
    let notebooks = [rooted("known"), rootless("a"), rootless("b")];
    let stage = Stage::begin("unjudged", fleet(notebooks), &[]).await;
    stage.apply("p", spec(json!({}))).await;
    stage.until_scanned("p").await;
    settled(&stage).await;
    let first = events(&stage, "p").await;
    let deny = Fault::new(Effect::Deny).operation(Operation::DescribeNotebookInstance);
    stage.simulator.add_fault(deny.notebook("a"));
    stage.annotate("p", SCAN_NOW_ANNOTATION, Some("1")).await;
    stage
        .until("p", |status| status.summary.unwrap().unknown == 1)
        .await;
    settled(&stage).await;
    let news: Vec<_> = events(&stage, "p")
        .await
        .into_iter()
        .filter(|event| !first.contains(event))
        .collect();
    assert_eq!(news.len(), 1, "{news:?}");
    assert_eq!(news[0].0, "NotebookUnknown");
    let told = format!("{ACCOUNT}/us-east-1/a cannot be judged: ");
    assert!(news[0].1.starts_with(&told), "{:?}", news[0].1);
}
