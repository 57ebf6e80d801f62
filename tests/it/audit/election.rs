//! Of two operators one works; the other takes over when that one ends.

use sagemaker_simulator::{Account, Fleet, Notebook};
use serde_json::json;

use crate::support::stage::{Stage, cluster, http_get, until};

const ACCOUNT: &str = "111122223333";
const REGION: &str = "eu-west-1";

fn fleet() -> Fleet {
    Fleet::new()
        .account(Account::new(ACCOUNT).role("sudoless").regions([REGION]))
        .notebook(Notebook::new(ACCOUNT, REGION, "churn"))
}

#[tokio::test(flavor = "multi_thread")]
async fn one_works_and_the_other_takes_over() {
    let flags = ["--leader-elect", "--lease-namespace", "default"];
    let stage = Stage::begin("election", fleet(), &flags).await;
    stage.until_logged("\"leading\"").await;
    let other = stage.another_operator(cluster().kubeconfig_path());
    until("the other to wait", || {
        other
            .log()
            .iter()
            .any(|line| line.contains("which another operator may hold"))
    })
    .await;
    // A rollout waits until the new one is ready, and the old one ends only then.
    until("the other to be ready", || {
        http_get(&other.address, "/readyz").0 == 200
    })
    .await;

    let spec = json!({"accounts": [{"id": ACCOUNT, "role": "sudoless"}], "regions": [REGION]});
    stage.apply("one", spec.clone()).await;
    stage.until_scanned("one").await;
    let reconciliations = |page: &str| {
        page.contains(
            "sudoless_reconciliations_total{controller=\"policy\",result=\"Success\"} 0\n",
        )
    };
    assert!(
        reconciliations(&http_get(&other.address, "/metrics").1),
        "the other worked too"
    );

    assert!(stage.stop_operator().0.success());
    until("the other to lead", || {
        other.log().iter().any(|line| line.contains("\"leading\""))
    })
    .await;
    stage.apply("two", spec).await;
    stage.until_scanned("two").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_leads_without_a_lease_ends() {
    let flags = [
        "--leader-elect=true",
        "--lease-namespace",
        "default",
        "--lease-name",
        "deleted",
    ];
    let stage = Stage::begin("lease", fleet(), &flags).await;
    stage.until_logged("\"leading\"").await;
    cluster()
        .run_kubectl(["delete", "lease", "deleted", "--namespace", "default"])
        .unwrap();
    // Started again, as Kubernetes would, it makes a new one.
    let status = stage.operator_ended().await;
    assert_eq!(status.code(), Some(1));
    stage.start_operator(cluster().kubeconfig_path());
    stage.until_logged("\"leading\"").await;
}
