//! Owners do not know of the operator: they stop, start, delete and change their notebooks while it
//! is at work.

use sagemaker_simulator::{
    Effect, Fault,
    Operation::{
        StartNotebookInstance as Start, StopNotebookInstance as Stop,
        UpdateNotebookInstance as Update,
    },
    OwnerAct, RootAccess, Status,
};
use sudoless::api::RecordState as State;

use crate::support::{
    enforced::{at_most, rooted, stopped},
    records::outcome,
    safety,
    stage::{Stage, eventually},
};

fn throttled(notebook: &str) -> Fault {
    let throttled = Fault::new(Effect::error("ThrottlingException"));
    throttled.operation(Update).notebook(notebook)
}

/// Waits until a notebook is truly in a status.
async fn until_truly(stage: &Stage, notebook: &str, status: Status) {
    eventually(&format!("{notebook} to be {status}"), async || {
        (stage.truth(notebook).0 == status).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn owners_act_meanwhile() {
    let running = ["canary", "deleted", "restarted", "set-back", "slept"];
    let running = running.map(|name| rooted("owners", name)).into_iter();
    let notebooks = running.chain([stopped("owners", "woken")]);
    let stage = Stage::quick("owners", notebooks).await;
    for fault in [
        Fault::new(Effect::StuckStopping).notebook("deleted"),
        throttled("slept"),
        throttled("woken"),
        throttled("restarted").skip(1),
        Fault::new(Effect::StartNotTaken).notebook("set-back"),
    ] {
        stage.simulator.add_fault(fault);
    }
    stage.enforce(at_most(20)).await;
    futures::join!(
        deleted(&stage),
        slept(&stage),
        woken(&stage),
        restarted(&stage),
        set_back(&stage),
    );
    stage.until_compliant().await;
    safety::holds(&stage.simulator);
}

/// Who is deleted is done with.
async fn deleted(stage: &Stage) {
    until_truly(stage, "deleted", Status::Stopping).await;
    let account = stage.account();
    assert!(
        stage
            .simulator
            .remove_notebook(&account, "us-east-1", "deleted")
    );
    let record = stage.until_finished("deleted").await;
    assert_eq!(outcome(&record), (State::Succeeded, "Deleted".to_owned()));
    assert_eq!(stage.accepted("deleted"), [Stop]);
}

/// Who is stopped by its owner before it is stopped by us is fixed, and not started.
async fn slept(stage: &Stage) {
    stage
        .until_record("slept", |_, status| status.last_write_at.is_some())
        .await;
    stage.owner("slept", OwnerAct::Stop);
    until_truly(stage, "slept", Status::Stopped).await;
    lift(stage, "slept");
    let record = stage.until_finished("slept").await;
    assert_eq!(outcome(&record).0, State::Succeeded);
    assert!(record.spec.was_running);
    assert_eq!(
        stage.truth("slept"),
        (Status::Stopped, RootAccess::Disabled)
    );
    assert_eq!(stage.accepted("slept"), [Update]);
}

/// A notebook that its owner starts before it was fixed is judged again, as a running notebook.
async fn woken(stage: &Stage) {
    let first = stage.until_state("woken", State::Updating).await;
    stage.owner("woken", OwnerAct::Start);
    let told = stage
        .until_record("woken", |_, status| status.state != Some(State::Updating))
        .await;
    if told.metadata.uid == first.metadata.uid {
        assert_eq!(
            outcome(&told),
            (State::Cancelled, "StartedByOwner".to_owned())
        );
    }
    lift(stage, "woken");
    let record = stage
        .until_record("woken", |record, status| {
            record.spec.was_running && status.state == Some(State::Succeeded)
        })
        .await;
    assert_ne!(record.metadata.uid, first.metadata.uid);
    assert_eq!(
        stage.truth("woken"),
        (Status::InService, RootAccess::Disabled)
    );
    assert_eq!(stage.accepted("woken"), [Stop, Update, Start]);
}

/// Who is started by its owner while it is down for us is stopped again.
async fn restarted(stage: &Stage) {
    stage.until_state("restarted", State::Updating).await;
    stage.owner("restarted", OwnerAct::Start);
    until_truly(stage, "restarted", Status::InService).await;
    lift(stage, "restarted");
    let record = stage.until_finished("restarted").await;
    assert_eq!(outcome(&record).0, State::Succeeded);
    assert_eq!(
        stage.truth("restarted"),
        (Status::InService, RootAccess::Disabled)
    );
    assert_eq!(stage.accepted("restarted"), [Stop, Stop, Update, Start]);
}

/// Whose root access is set back while it is down is fixed once more before it runs.
async fn set_back(stage: &Stage) {
    eventually("a Start", async || {
        stage.accepted("set-back").contains(&Start).then_some(())
    })
    .await;
    stage.owner("set-back", OwnerAct::EnableRoot);
    eventually("another Update", async || {
        let accepted = stage.accepted("set-back");
        let updates = accepted.iter().filter(|operation| **operation == Update);
        (updates.count() == 2).then_some(())
    })
    .await;
    lift(stage, "set-back");
    let record = stage.until_finished("set-back").await;
    assert_eq!(outcome(&record).0, State::Succeeded);
    assert_eq!(
        stage.truth("set-back"),
        (Status::InService, RootAccess::Disabled)
    );
    let mut accepted = stage.accepted("set-back");
    accepted.dedup();
    assert_eq!(accepted, [Stop, Update, Start, Update, Start]);
}

/// Takes away what holds a notebook.
fn lift(stage: &Stage, notebook: &str) {
    for fault in stage.simulator.faults() {
        if fault.fault.on.notebook.as_deref() == Some(notebook) {
            stage.simulator.remove_fault(fault.id);
        }
    }
}
