//! What takes too long needs a person's attention; the operator goes on trying meanwhile, and goes
//! on when it can.

use kube::ResourceExt;
use sagemaker_simulator::{
    Effect, Fault,
    Operation::{
        StartNotebookInstance as Start, StopNotebookInstance as Stop,
        UpdateNotebookInstance as Update,
    },
    RootAccess, Status,
};
use serde_json::{Value, json};
use sudoless::api::{RecordState as State, Step};

use crate::support::{
    enforced::{at_most, rooted},
    records::outcome,
    safety,
    stage::{Stage, condition, eventually},
};

/// The shortest timeouts that there are.
fn hasty() -> Value {
    let mut changed = at_most(20);
    let remediation = &mut changed["remediation"];
    remediation["maxFailures"] = json!(100);
    remediation["timeouts"] = json!({"stop": "10s", "update": "10s", "start": "10s"});
    changed
}

/// Holds a notebook in Stopping, from where the test puts it elsewhere.
fn held(notebook: &str) -> Fault {
    Fault::new(Effect::StuckStopping).notebook(notebook)
}

async fn until_stopping(stage: &Stage, notebook: &str) {
    eventually(&format!("{notebook} to be stopped"), async || {
        (stage.accepted(notebook) == [Stop]).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_takes_too_long_needs_attention_and_goes_on_when_it_can() {
    let names = ["canary", "maintained", "no-start", "stuck"];
    let stage = Stage::quick("attention", names.map(|name| rooted("attention", name))).await;
    let no_start = Fault::new(Effect::StartNotTaken).notebook("no-start");
    for fault in [held("maintained"), held("stuck"), no_start] {
        stage.simulator.add_fault(fault);
    }
    stage.enforce(hasty()).await;
    until_stopping(&stage, "maintained").await;
    // What no documentation knows is waited for, never acted upon.
    stage.modify("maintained", |notebook| {
        notebook.status = "InMaintenance".into();
    });

    for (name, step) in [
        ("maintained", Step::Stop),
        ("stuck", Step::Stop),
        ("no-start", Step::Start),
    ] {
        let record = stage.until_state(name, State::NeedsAttention).await;
        let status = record.status.clone().unwrap();
        assert_eq!(status.attention_from, Some(step), "{name}");
        let stalled = status
            .conditions
            .iter()
            .find(|condition| condition.type_ == "Stalled");
        assert_eq!(stalled.unwrap().status, "True", "{name}");
        let by_hand = format!(
            "aws sagemaker start-notebook-instance --region us-east-1 --notebook-instance-name {name}"
        );
        assert!(
            status.message.clone().unwrap().contains(&by_hand),
            "{status:#?}"
        );
        assert_eq!(record.finalizers().len(), 1, "{name}");
    }
    let status = stage
        .until("p", |status| {
            status
                .summary
                .is_some_and(|summary| summary.needs_attention == 3)
        })
        .await;
    assert_eq!(condition(&status, "Stalled").0, "True");
    assert_eq!(condition(&status, "Ready").0, "False");
    let told = stage.events_of(&stage.policy("p")).await;
    let attention = told
        .iter()
        .filter(|(reason, _)| reason == "NotebookNeedsAttention");
    assert_eq!(attention.count(), 3, "{told:#?}");
    let (policy, account) = (stage.policy("p"), stage.account());
    let labels = format!("policy=\"{policy}\",account=\"{account}\",region=\"us-east-1\"");
    let lines = [
        format!("sudoless_notebooks_down{{{labels}}} 3\n"),
        format!("sudoless_remediations{{{labels},state=\"NeedsAttention\"}} 3\n"),
    ];
    let page = stage
        .until_page("/metrics", |page| {
            lines.iter().all(|line| page.contains(line))
        })
        .await;
    assert!(
        page.contains("sudoless_notebook_down_since_timestamp_seconds{"),
        "{page}"
    );
    assert_eq!(stage.accepted("stuck"), [Stop], "it was not stopped twice");

    stage.simulator.clear_faults();
    for name in ["maintained", "stuck"] {
        stage.modify(name, |notebook| notebook.status = Status::Stopped);
    }
    stage.until_compliant().await;
    for name in names {
        let record = stage.until_finished(name).await;
        assert_eq!(outcome(&record).0, State::Succeeded, "{name}: {record:#?}");
        let truth = (Status::InService, RootAccess::Disabled);
        assert_eq!(stage.truth(name), truth, "{name}");
        let mut accepted = stage.accepted(name);
        accepted.dedup();
        assert_eq!(accepted, [Stop, Update, Start], "{name}");
    }
    safety::holds(&stage.simulator);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_cannot_be_fixed_in_time_is_brought_back() {
    let names = ["canary", "not-updated", "not-told"];
    let stage = Stage::quick("in-time", names.map(|name| rooted("in-time", name))).await;
    let throttled = Fault::new(Effect::error("ThrottlingException"));
    // The first asks for permission.
    let not_updated = throttled.operation(Update).notebook("not-updated").skip(1);
    for fault in [not_updated, held("not-told")] {
        stage.simulator.add_fault(fault);
    }
    stage.enforce(hasty()).await;
    until_stopping(&stage, "not-told").await;
    stage.modify("not-told", |notebook| {
        notebook.status = Status::Stopped;
        notebook.root_access = RootAccess::Absent;
    });

    let updated = stage.until_finished("not-updated").await;
    assert_eq!(
        outcome(&updated),
        (State::Failed, "UpdateTimedOut".to_owned())
    );
    assert_eq!(
        stage.truth("not-updated"),
        (Status::InService, RootAccess::Enabled)
    );
    let told = stage.until_finished("not-told").await;
    assert_eq!(
        outcome(&told),
        (State::Failed, "RootAccessUnknown".to_owned())
    );
    assert_eq!(
        stage.truth("not-told"),
        (Status::InService, RootAccess::Absent)
    );
    for name in ["not-updated", "not-told"] {
        assert_eq!(stage.accepted(name), [Stop, Start], "{name}");
    }
    safety::holds(&stage.simulator);
}
