//! `CreationTime`, `LastModifiedTime` and `FailureReason`, as List and Describe tell them.

use std::time::Duration;

use aws_sdk_sagemaker::Client;
use jiff::{SignedDuration, Timestamp};
use sagemaker_simulator::{Fleet, Notebook, OwnerAct, Status, Timings};
use serde_json::json;

use crate::clients::{ACCOUNT, REGION, http, millis, notebook, simulate, start, until};

const CHURN: &str = "/_admin/notebooks/111122223333/us-east-1/churn";

/// Creation and last change, as Describe and List tell them in agreement.
async fn told(client: &Client, name: &str) -> (Timestamp, Timestamp) {
    let time = |millis| Timestamp::from_millisecond(millis).unwrap();
    let describe = client
        .describe_notebook_instance()
        .notebook_instance_name(name);
    let described = describe.send().await.unwrap();
    let list = client.list_notebook_instances().name_contains(name);
    let list = list.send().await.unwrap();
    let listed = &list.notebook_instances()[0];
    let times = (
        millis(described.creation_time()),
        millis(described.last_modified_time()),
    );
    assert_eq!(
        times,
        (
            millis(listed.creation_time()),
            millis(listed.last_modified_time())
        )
    );
    (time(times.0), time(times.1))
}

fn ago(time: Timestamp) -> SignedDuration {
    time.duration_until(Timestamp::now())
}

#[tokio::test]
async fn a_declared_notebook_was_last_modified_hours_ago() {
    for status in ["Stopped", "InService", "Failed"] {
        let (_simulator, client) = simulate([notebook("churn").status(status)]).await;
        let (created, modified) = told(&client, "churn").await;
        assert!(ago(modified) >= SignedDuration::from_hours(6), "{modified}");
        assert!(ago(modified) < SignedDuration::from_hours(7), "{modified}");
        assert!(created < modified, "{created}, {modified}");
    }
}

#[tokio::test]
async fn an_age_or_a_time_can_be_declared() {
    let fleet: Fleet = serde_json::from_value(json!({
        "accounts": [{"id": ACCOUNT, "roles": [{"name": "sudoless"}]}],
        "notebooks": [
            {"account": ACCOUNT, "region": REGION, "name": "warm", "status": "Stopped", "lastModified": "3m ago"},
            {"account": ACCOUNT, "region": REGION, "name": "old", "created": "1000h ago", "lastModified": "2026-01-02T03:04:05Z"},
            {"account": ACCOUNT, "region": REGION, "name": "early", "lastModified": "10m"},
        ],
    }))
    .unwrap();
    let simulator = start(fleet);
    let client = crate::clients::sagemaker(&simulator, ACCOUNT, REGION).await;
    let minutes = |time| ago(time).as_secs_f64() / 60.0;
    let warm = minutes(told(&client, "warm").await.1);
    assert!((3.0..4.0).contains(&warm), "{warm}");
    let (created, modified) = told(&client, "old").await;
    assert_eq!(ago(created).as_hours(), 1000);
    assert_eq!(modified.to_string(), "2026-01-02T03:04:05Z");
    let early = minutes(told(&client, "early").await.1);
    assert!((-10.0..-9.0).contains(&early), "{early}");
    let wrong =
        json!({"account": ACCOUNT, "region": REGION, "name": "x", "lastModified": "lately"});
    let error = serde_json::from_value::<Notebook>(wrong).unwrap_err();
    assert!(error.to_string().contains("such as 3m ago"), "{error}");
}

#[tokio::test]
async fn reaching_stopped_and_in_service_is_recent() {
    let (simulator, client) = simulate([notebook("churn")]).await;
    let recent = SignedDuration::from_mins(1);
    for (act, status) in [
        (OwnerAct::Stop, Status::Stopped),
        (OwnerAct::Start, Status::InService),
    ] {
        simulator.modify_notebook(ACCOUNT, REGION, "churn", |it| {
            it.last_modified = Timestamp::now() - SignedDuration::from_hours(6);
        });
        assert!(ago(told(&client, "churn").await.1) > recent);
        simulator.owner(ACCOUNT, REGION, "churn", act).unwrap();
        until("it has moved", async || {
            let it = simulator.notebook(ACCOUNT, REGION, "churn").unwrap();
            (it.status == status).then_some(())
        })
        .await;
        let (_, modified) = told(&client, "churn").await;
        assert!(ago(modified) < recent, "{status} since {modified}");
    }
}

#[tokio::test]
async fn a_patch_chooses_the_time_or_moves_it() {
    let (simulator, client) = simulate([notebook("churn").status("Stopped")]).await;
    let patch = async |patch| http(&simulator, "PATCH", CHURN, Some(patch)).await.0;
    assert_eq!(patch(json!({"lastModified": "2h ago"})).await, 204);
    assert_eq!(ago(told(&client, "churn").await.1).as_hours(), 2);
    assert_eq!(patch(json!({"status": "InService"})).await, 204);
    assert!(ago(told(&client, "churn").await.1) < SignedDuration::from_mins(1));
}

#[tokio::test]
async fn a_builder_chooses_the_age() {
    let warm = notebook("churn").modified_ago(Duration::from_mins(3));
    let (_simulator, client) = simulate([warm]).await;
    assert_eq!(ago(told(&client, "churn").await.1).as_mins(), 3);
}

#[tokio::test]
async fn the_failure_reason_is_told_while_the_status_is_failed() {
    let (simulator, client) = simulate([notebook("churn").failed("no route to KMS")]).await;
    simulator.set_timings(Timings {
        start: Duration::from_hours(1),
        ..Timings::default()
    });
    let reason = async || {
        let describe = client
            .describe_notebook_instance()
            .notebook_instance_name("churn");
        let answer = describe.send().await.unwrap();
        answer.failure_reason().map(str::to_owned)
    };
    assert_eq!(reason().await.as_deref(), Some("no route to KMS"));
    simulator.modify_notebook(ACCOUNT, REGION, "churn", |it| it.status = Status::Stopped);
    assert_eq!(reason().await, None, "of a notebook that is Stopped");
    simulator.modify_notebook(ACCOUNT, REGION, "churn", |it| it.status = Status::Failed);
    assert_eq!(reason().await.as_deref(), Some("no route to KMS"));
    let start = client
        .start_notebook_instance()
        .notebook_instance_name("churn");
    start.send().await.unwrap();
    assert_eq!(reason().await, None, "of a notebook that is Pending");
}
