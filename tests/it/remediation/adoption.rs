//! Operators that come after another one, which is gone.

use std::{process::Command, time::Duration};

use jiff::{SignedDuration, Timestamp};
use kube::ResourceExt;
use sagemaker_simulator::{
    Effect, Fault, Notebook,
    Operation::{
        StartNotebookInstance as Start, StopNotebookInstance as Stop,
        UpdateNotebookInstance as Update,
    },
    OwnerAct, RootAccess, Status, Timings,
};
use serde_json::json;
use sudoless::api::RecordState as State;

use crate::support::{
    enforced::{FAST, cluster, quick, rooted},
    records::{is_finished, outcome},
    safety,
    stage::{Operator, Stage, until, until_within},
};

/// Deadline of an adoption: a lease, a write's longest way, and two looks after that.
const ADOPTION: Duration = Duration::from_mins(3);

/// A stage with one notebook that is stopped for good, and whose operator is gone.
async fn left_down(name: &str) -> Stage {
    let stage = Stage::quick(name, [rooted(name, "churn")]).await;
    stage.simulator.add_fault(Fault::new(Effect::StuckStopping));
    stage.enforce(json!({})).await;
    until("the Stop", || stage.accepted("churn") == [Stop]).await;
    stage.until_state("churn", State::Stopping).await;
    stage.kill_operator();
    stage.modify("churn", |notebook| notebook.status = Status::Stopped);
    stage
}

/// An operator of other policies, with another lease.
fn stranger() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sudoless"));
    command
        .args([
            "run",
            "--metrics-addr",
            "127.0.0.1:0",
            "--log-format",
            "json",
        ])
        .args([
            "--watch-label-selector",
            "stage=none",
            "--lease-name",
            "stranger",
        ])
        .args(FAST)
        .env("KUBECONFIG", cluster().kubeconfig_path());
    command
}

/// The operator that looks after the policy is gone. Of two others, the first cannot get into the
/// account.
#[tokio::test(flavor = "multi_thread")]
async fn abandoned_record_is_adopted_by_an_operator_that_can_read_its_notebook() {
    let stage = left_down("abandoned").await;
    let mut powerless = stranger();
    powerless.env("AWS_SECRET_ACCESS_KEY", "wrong");
    let _powerless = stage.another_operator_by(powerless);
    stage.start_operator_by(stranger());
    let record = stage
        .until_record_within("churn", ADOPTION, |record, status| {
            is_finished(status) && record.finalizers().is_empty()
        })
        .await;
    let ended = (State::Succeeded, "RootAccessDisabled".to_owned());
    assert_eq!(outcome(&record), ended);
    let truth = (Status::InService, RootAccess::Disabled);
    assert_eq!(stage.truth("churn"), truth);
    assert_eq!(stage.accepted("churn"), [Stop, Update, Start]);
    safety::holds(&stage.simulator);
}

/// The operator that looks after the policy is alive. The notebook takes long to stop, so that the
/// operator has nothing to write.
#[tokio::test(flavor = "multi_thread")]
async fn record_whose_operator_waits_is_not_adopted() {
    let name = "waited-for";
    let stage = Stage::quick(name, [rooted(name, "churn")]).await;
    stage.simulator.add_fault(Fault::new(Effect::StuckStopping));
    stage.enforce(json!({})).await;
    stage.until_state("churn", State::Stopping).await;
    let mut command = stranger();
    command.args(["--log-level", "debug"]);
    let stranger = stage.another_operator_by(command);
    until_within("the record to be untouched for long", ADOPTION, || {
        logged(&stranger, "untouched for long")
    })
    .await;
    assert!(!logged(&stranger, "adopting the record in"));
    // It is away for less than the other operator waits.
    stage.kill_operator();
    stage.modify("churn", |notebook| notebook.status = Status::Stopped);
    until_within(
        "the other operator to see that an Update is due",
        ADOPTION,
        || logged(&stranger, "adopting the record in"),
    )
    .await;
    stage.start_operator(cluster().kubeconfig_path());
    let record = stage.until_finished("churn").await;
    let ended = (State::Succeeded, "RootAccessDisabled".to_owned());
    assert_eq!(outcome(&record), ended);
    assert!(!logged(&stranger, "\"answer\":"), "{:#?}", stranger.log());
    assert_eq!(stage.accepted("churn"), [Stop, Update, Start]);
    safety::holds(&stage.simulator);
}

/// The operator that adopts the record may read and not write. Its denials are no reason to roll
/// back: the record's own operator has the permission, and comes back.
#[tokio::test(flavor = "multi_thread")]
async fn record_is_left_alone_by_an_operator_that_is_denied() {
    let stage = left_down("denied-adopter").await;
    let denied = stage
        .simulator
        .add_fault(Fault::new(Effect::Deny).operation(Update));
    let stranger = stage.another_operator_by(stranger());
    until_within("the adopter to be denied", ADOPTION, || {
        logged(&stranger, "is denied for an adopted record")
    })
    .await;
    stage
        .until_record("churn", |_, status| {
            status.state == Some(State::Updating)
                && status.update_requested_at.is_none()
                && status.rollback_reason.is_none()
        })
        .await;
    stage.simulator.remove_fault(denied);
    drop(stranger);
    stage.start_operator(cluster().kubeconfig_path());
    let record = stage.until_finished("churn").await;
    let ended = (State::Succeeded, "RootAccessDisabled".to_owned());
    assert_eq!(outcome(&record), ended);
    assert_eq!(stage.accepted("churn"), [Stop, Update, Start]);
    safety::holds(&stage.simulator);
}

/// Returns true if the operator has logged the words.
fn logged(operator: &Operator, words: &str) -> bool {
    operator.log().iter().any(|line| line.contains(words))
}

/// It ran again after the operator's Start; its owner stopped it while there was no operator
/// (promise P3).
#[tokio::test(flavor = "multi_thread")]
async fn notebook_that_its_owner_stopped_meanwhile_is_not_started() {
    let name = "slept-on";
    let stage = Stage::quick(name, [rooted(name, "churn")]).await;
    // Long enough for the operator to be gone before the notebook runs.
    let slow = Timings {
        start: Duration::from_secs(5),
        ..quick()
    };
    stage.simulator.set_timings(slow);
    stage.enforce(json!({})).await;
    stage
        .until_record("churn", |_, status| status.start_accepted_at.is_some())
        .await;
    stage.kill_operator();
    until("it to run", || stage.truth("churn").0 == Status::InService).await;
    stage.owner("churn", OwnerAct::Stop);
    until("it to stop", || stage.truth("churn").0 == Status::Stopped).await;
    let later = Timestamp::now() + SignedDuration::from_mins(11);
    stage.modify("churn", |notebook| notebook.last_modified = later);

    stage.start_operator(cluster().kubeconfig_path());
    let record = stage.until_finished("churn").await;
    let ended = (State::Succeeded, "StoppedByOwner".to_owned());
    assert_eq!(outcome(&record), ended);
    stage.until_compliant().await;
    assert_eq!(stage.accepted("churn"), [Stop, Update, Start]);
    let truth = (Status::Stopped, RootAccess::Disabled);
    assert_eq!(stage.truth("churn"), truth);
}

/// A notebook of the same name that was created later was never stopped by the operator.
#[tokio::test(flavor = "multi_thread")]
async fn recreated_notebook_is_another_one() {
    let stage = left_down("recreated").await;
    let before = stage.record("churn").await.unwrap();
    let created = stage.notebook("churn").created + SignedDuration::from_hours(1);
    let account = stage.account();
    assert!(
        stage
            .simulator
            .remove_notebook(&account, "us-east-1", "churn")
    );
    stage.simulator.put_notebook(Notebook {
        created,
        ..rooted(&stage.name, "churn")
            .status(Status::Stopped)
            .root_access(RootAccess::Disabled)
    });

    stage.start_operator(cluster().kubeconfig_path());
    let record = stage.until_finished("churn").await;
    assert_eq!(record.uid(), before.uid());
    assert_eq!(outcome(&record), (State::Succeeded, "Deleted".to_owned()));
    stage.until_compliant().await;
    assert_eq!(stage.accepted("churn"), [Stop]);
    assert_eq!(stage.truth("churn").0, Status::Stopped);
}
