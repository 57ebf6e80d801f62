//! Other tools restart notebooks too: what they have just stopped is left to them.

use std::time::Duration;

use sagemaker_simulator::{
    Effect, Fault, Notebook,
    Operation::{
        StartNotebookInstance as Start, StopNotebookInstance as Stop,
        UpdateNotebookInstance as Update,
    },
    OwnerAct, RootAccess, Status,
};
use serde_json::{Value, json};
use sudoless::api::{NextStep, RecordState as State};

use crate::support::{
    enforced::{rooted, stopped},
    records::outcome,
    safety,
    stage::{Stage, eventually},
};

fn resting(rest: &str, when_running: &str) -> Value {
    json!({"remediation": {"restAfterStop": rest, "whenRunning": when_running}})
}

async fn until_truly(stage: &Stage, status: Status) -> Notebook {
    eventually(&format!("churn to be {status}"), async || {
        let churn = stage.notebook("churn");
        (churn.status == status).then_some(churn)
    })
    .await
}

/// `whenRunning: Wait`. Another actor stops the notebook, updates it and starts it, and the
/// operator looks in each gap.
#[tokio::test(flavor = "multi_thread")]
async fn another_restarter_is_not_interrupted() {
    let stage = Stage::quick("gap", [rooted("gap", "churn")]).await;
    stage.enforce(resting("1h", "Wait")).await;
    stage.until_next("churn", NextStep::Wait, "Running").await;
    stage.owner("churn", OwnerAct::Stop);
    for act in [OwnerAct::Resize, OwnerAct::Start] {
        until_truly(&stage, Status::Stopped).await;
        stage.rescan("p").await;
        let said = stage
            .until_next("churn", NextStep::Wait, "RecentlyStopped")
            .await;
        assert!(
            said.starts_with("the notebook came to Stopped at "),
            "{said}"
        );
        // AWS refuses neither.
        stage.owner("churn", act);
    }
    let churn = until_truly(&stage, Status::InService).await;
    assert_eq!(churn.root_access, RootAccess::Enabled);
    stage.rescan("p").await;
    stage.until_next("churn", NextStep::Wait, "Running").await;
    assert_eq!(stage.records().await, []);
    assert_eq!(stage.simulator.counters().writes(), 0);
    safety::holds(&stage.simulator);
}

/// The operator looks again when the time has come, and not only at the next scan.
#[tokio::test(flavor = "multi_thread")]
async fn rested_notebook_is_updated_without_another_scan() {
    let rest = Duration::from_secs(15);
    let stage = Stage::quick("rested", [rooted("rested", "churn")]).await;
    stage.enforce(resting("15s", "Wait")).await;
    stage.until_next("churn", NextStep::Wait, "Running").await;
    stage.owner("churn", OwnerAct::Stop);
    let modified = until_truly(&stage, Status::Stopped).await.last_modified;
    stage.rescan("p").await;
    stage
        .until_next("churn", NextStep::Wait, "RecentlyStopped")
        .await;
    let scans = stage.get("p").await.status.unwrap().last_scan_time;

    let record = stage.until_finished("churn").await;
    assert_eq!(outcome(&record).0, State::Succeeded);
    assert!(!record.spec.was_running);
    let sent = record.status.unwrap().update_requested_at.unwrap().0;
    assert!(sent >= modified + rest, "{sent} {modified}");
    assert_eq!(
        stage.truth("churn"),
        (Status::Stopped, RootAccess::Disabled)
    );
    assert_eq!(stage.accepted("churn"), [Update]);
    let after = stage.get("p").await.status.unwrap().last_scan_time;
    assert_eq!(after, scans, "no scan was needed");
    safety::holds(&stage.simulator);
}

/// A fleet's stopped notebooks have been so for hours: they do not wait.
#[tokio::test(flavor = "multi_thread")]
async fn notebook_that_was_stopped_long_ago_is_updated_at_once() {
    let young = stopped("age", "young").modified_ago(Duration::from_mins(4));
    let old = stopped("age", "old").modified_ago(Duration::from_mins(6));
    let stage = Stage::quick("age", [young, old]).await;
    stage
        .enforce(json!({"remediation": {"restAfterStop": "5m"}}))
        .await;
    let record = stage.until_finished("old").await;
    assert_eq!(outcome(&record).0, State::Succeeded);
    stage
        .until_next("young", NextStep::Wait, "RecentlyStopped")
        .await;
    assert_eq!(stage.accepted("young"), []);
}

/// A notebook is recorded, and another client stops it before the operator does. Terraform would
/// send its own Update next.
#[tokio::test(flavor = "multi_thread")]
async fn record_of_a_notebook_that_somebody_stopped_sends_nothing() {
    let stage = Stage::quick("taken", [rooted("taken", "churn")]).await;
    let throttled = Fault::new(Effect::error("ThrottlingException"));
    stage.simulator.add_fault(throttled.operation(Update));
    stage.enforce(resting("1h", "Restart")).await;
    let first = stage
        .until_record("churn", |_, status| status.last_write_at.is_some())
        .await;
    stage.owner("churn", OwnerAct::Stop);
    until_truly(&stage, Status::Stopped).await;
    let ended = stage.until_finished("churn").await;
    assert_eq!(ended.metadata.uid, first.metadata.uid);
    assert_eq!(outcome(&ended), (State::Cancelled, "Deferred".to_owned()));
    let message = ended.status.unwrap().message.unwrap();
    assert!(
        message.starts_with("the notebook was stopped minutes ago"),
        "{message}"
    );
    stage.simulator.clear_faults();
    stage
        .until_next("churn", NextStep::Wait, "RecentlyStopped")
        .await;
    assert_eq!(stage.accepted("churn"), []);

    stage.owner("churn", OwnerAct::Resize);
    until_truly(&stage, Status::Stopped).await;
    stage.owner("churn", OwnerAct::Start);
    until_truly(&stage, Status::InService).await;
    stage.rescan("p").await;
    stage.until_compliant().await;
    assert_eq!(
        stage.truth("churn"),
        (Status::InService, RootAccess::Disabled)
    );
    assert_eq!(stage.accepted("churn"), [Stop, Update, Start]);
    safety::holds(&stage.simulator);
}
