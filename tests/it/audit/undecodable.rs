//! Objects that the operator cannot read: stored under other rules, or written by another version
//! of it.

use kube::{
    Api, CustomResourceExt,
    api::{ApiResource, DynamicObject, Patch, PatchParams},
};
use local_cluster::{LocalCluster, Options};
use serde_json::{Value, json};
use sudoless::api::NotebookRootAccessPolicy;

use crate::support::{
    served,
    small::{ACCOUNT, REGION, fleet, rooted, spec},
    stage::{Stage, client, condition, eventually},
};

/// A cluster that takes anything for a policy.
fn lenient() -> LocalCluster {
    let cluster = LocalCluster::start(Options::default()).unwrap();
    let mut definition = serde_json::to_value(NotebookRootAccessPolicy::crd()).unwrap();
    definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"] =
        json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true});
    let apply = ["apply", "--server-side", "-f", "-"];
    cluster
        .run_kubectl_with(apply, &definition.to_string())
        .unwrap();
    let established = [
        "wait",
        "--for=condition=Established",
        "--timeout=60s",
        "crd",
        "--all",
    ];
    cluster.run_kubectl(established).unwrap();
    cluster
}

fn stored(name: &str, spec: &Value) -> Value {
    json!({
        "apiVersion": "sudoless.dev/v1alpha1",
        "kind": "NotebookRootAccessPolicy",
        "metadata": {"name": name, "labels": {"stage": "undecodable"}},
        "spec": spec,
    })
}

fn show(cluster: &LocalCluster, name: &str) -> Value {
    let shown = cluster
        .run_kubectl(["get", "nrap", name, "-o", "json"])
        .unwrap();
    serde_json::from_str(&shown).unwrap()
}

/// Status, reason and message of a condition of an object as it is shown.
fn claim(object: &Value, kind: &str) -> Option<(String, String, String)> {
    let text = |condition: &Value, field: &str| condition[field].as_str().unwrap().to_owned();
    let conditions = object["status"]["conditions"].as_array()?;
    let found = conditions
        .iter()
        .find(|condition| condition["type"] == kind)?;
    Some((
        text(found, "status"),
        text(found, "reason"),
        text(found, "message"),
    ))
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_decode_is_reported_and_stops_nobody() {
    let cluster = lenient();
    let create = |object: Value| {
        // The first one may come before the definition is served.
        let apply =
            || cluster.run_kubectl_with(["apply", "--server-side", "-f", "-"], &object.to_string());
        apply().or_else(|_| apply()).unwrap();
    };
    create(stored(
        "undecodable-value",
        &spec(json!({"scanInterval": "soon"})),
    ));
    create(stored(
        "undecodable-shape",
        &spec(json!({"accounts": "all of them"})),
    ));
    create(stored("undecodable-status", &spec(json!({}))));
    // As a newer version might have written it, before it was taken back.
    let mut future = stored("undecodable-status", &Value::Null);
    let target = json!({"account": ACCOUNT, "region": REGION, "state": "Hibernating"});
    future.as_object_mut().unwrap().remove("spec");
    future["status"] = json!({ "targets": [target] });
    let resource = ApiResource::erase::<NotebookRootAccessPolicy>(&());
    Api::<DynamicObject>::all_with(client(&cluster).await, &resource)
        .patch_status(
            "undecodable-status",
            &PatchParams::apply("sudoless"),
            &Patch::Apply(future),
        )
        .await
        .unwrap();
    served::install(&cluster);

    let stage = Stage::on(&cluster, "undecodable", fleet([rooted("a")]), &[]).await;
    stage.apply("fine", spec(json!({}))).await;
    let status = stage.until_scanned("fine").await;
    assert_eq!(condition(&status, "Ready").1, "Scanned");

    let stalled = eventually("the wrong value to be reported", async || {
        claim(&show(&cluster, "undecodable-value"), "Stalled").filter(|stalled| stalled.0 == "True")
    })
    .await;
    assert_eq!(stalled.1, "InvalidSpec");
    assert!(stalled.2.contains("does not decode"), "{}", stalled.2);
    let ready = claim(&show(&cluster, "undecodable-value"), "Ready").unwrap();
    assert_eq!(
        (ready.0.as_str(), ready.1.as_str()),
        ("False", "InvalidSpec")
    );

    // Of this one the API server itself cannot make enough to store a status.
    eventually("the wrong shape to be reported", async || {
        let told =
            |line: &String| line.contains("undecodable-shape") && line.contains("does not decode");
        stage.log().iter().any(told).then_some(())
    })
    .await;

    // The operator owns the status and may replace it.
    eventually("the status to be replaced", async || {
        claim(&show(&cluster, "undecodable-status"), "Ready").filter(|ready| ready.1 == "Scanned")
    })
    .await;

    let corrected = json!({"spec": {"scanInterval": "10m"}}).to_string();
    let patch = [
        "patch",
        "nrap",
        "undecodable-value",
        "--type=merge",
        "-p",
        &corrected,
    ];
    cluster.run_kubectl(patch).unwrap();
    let status = stage.until_scanned("value").await;
    assert_eq!(condition(&status, "Stalled").0, "False");
    assert_eq!(status.summary.unwrap().non_compliant, 1);
}
