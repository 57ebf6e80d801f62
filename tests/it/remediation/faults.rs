//! What AWS refuses, drops, or does not do.

use kube::ResourceExt;
use sagemaker_simulator::{
    Effect, Fault, Loss, OK,
    Operation::{
        self, StartNotebookInstance as Start, StopNotebookInstance as Stop,
        UpdateNotebookInstance as Update,
    },
    RootAccess, Status, Write,
};
use serde_json::{Value, json};
use sudoless::api::RecordState as State;

use crate::support::{
    enforced::{at_most, cluster, rooted, stopped},
    records::outcome,
    safety,
    stage::{Stage, condition, eventually},
};

/// A `remediation` under which one failure does not hold up the others.
fn unimpressed() -> Value {
    let mut changed = at_most(20);
    changed["remediation"]["maxFailures"] = json!(100);
    changed
}

fn on(operation: Operation, notebook: &str, effect: Effect) -> Fault {
    Fault::new(effect).operation(operation).notebook(notebook)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_refused_is_told_and_everybody_is_back() {
    let running = ["canary", "update", "late", "stop", "start"];
    let running = running.map(|name| rooted("refused", name)).into_iter();
    let notebooks = running.chain([stopped("refused", "asleep")]);
    let stage = Stage::quick("refused", notebooks).await;
    for fault in [
        on(Update, "update", Effect::Deny),
        on(Update, "asleep", Effect::Deny),
        // The first asks for permission, and is told that there is one.
        on(Update, "late", Effect::Deny).skip(1),
        on(Stop, "stop", Effect::Deny),
        on(Start, "start", Effect::Deny).next(2),
    ] {
        stage.simulator.add_fault(fault);
    }
    stage.enforce(unimpressed()).await;

    let expected: [(&str, State, &str, &[Operation]); 5] = [
        ("update", State::Failed, "AccessDenied", &[]),
        ("asleep", State::Failed, "AccessDenied", &[]),
        ("stop", State::Failed, "AccessDenied", &[]),
        ("late", State::Failed, "UpdateDenied", &[Stop, Start]),
        (
            "start",
            State::Succeeded,
            "RootAccessDisabled",
            &[Stop, Update, Start],
        ),
    ];
    for (name, state, reason, writes) in expected {
        let record = stage.until_finished(name).await;
        assert_eq!(outcome(&record), (state, reason.to_owned()), "{name}");
        assert_eq!(stage.accepted(name), writes, "{name}");
        let status = record.status.as_ref().unwrap();
        assert_eq!(
            status.stop_requested_at.is_some(),
            !writes.is_empty(),
            "{name}: {status:#?}"
        );
        if state == State::Failed {
            let message = status.message.clone().unwrap();
            assert!(
                message.contains(&format!("kubectl delete nbr {}", record.name_any())),
                "{message}"
            );
        }
    }
    for name in ["update", "late", "stop"] {
        assert_eq!(
            stage.truth(name),
            (Status::InService, RootAccess::Enabled),
            "{name}"
        );
    }
    assert_eq!(
        stage.truth("asleep"),
        (Status::Stopped, RootAccess::Enabled)
    );
    assert_eq!(
        stage.truth("start"),
        (Status::InService, RootAccess::Disabled)
    );
    safety::holds(&stage.simulator);
    told(&stage).await;
}

/// What people see of it: events, the table, the metrics.
async fn told(stage: &Stage) {
    let record = stage.record("late").await.unwrap();
    let name = record.name_any();
    let reasons = |events: Vec<(String, String)>| {
        events
            .into_iter()
            .map(|(reason, _)| reason)
            .collect::<Vec<_>>()
    };
    eventually("the events of the record", async || {
        let told = reasons(stage.events_of(&name).await);
        (told == ["Pending", "Stopping", "Updating", "Starting", "Failed"]).then_some(())
    })
    .await;
    let place = format!("{}/us-east-1/late (nbr/{name}): ", stage.account());
    eventually("the event of the policy", async || {
        let told = stage.events_of(&stage.policy("p")).await;
        let told = told
            .iter()
            .any(|(reason, note)| reason == "RemediationFailed" && note.starts_with(&place));
        told.then_some(())
    })
    .await;

    let selector = format!("--field-selector=spec.notebook.account={}", stage.account());
    let table =
        tokio::task::spawn_blocking(move || cluster().run_kubectl(["get", "nbr", &selector]));
    let table = table.await.unwrap().unwrap();
    let rows: Vec<Vec<&str>> = table
        .lines()
        .map(|line| line.split_whitespace().collect())
        .collect();
    let titles = [
        "NAME", "NOTEBOOK", "ACCOUNT", "REGION", "STATE", "DOWNTIME", "AGE",
    ];
    assert_eq!(rows[0], titles, "{table}");
    let row = rows.iter().find(|row| row[1] == "late").unwrap();
    let account = stage.account();
    assert_eq!(
        row[..5],
        [&*name, "late", &*account, "us-east-1", "Failed"],
        "{table}"
    );
    let downtime = record.status.unwrap().downtime.unwrap();
    assert_eq!(row[5], downtime, "{table}");

    let policy = stage.policy("p");
    let labels = format!("policy=\"{policy}\",account=\"{account}\",region=\"us-east-1\"");
    let lines = [
        format!("sudoless_remediations_total{{outcome=\"Failed\",policy=\"{policy}\"}} 4\n"),
        format!("sudoless_remediations_total{{outcome=\"Succeeded\",policy=\"{policy}\"}} 2\n"),
        format!("sudoless_remediation_downtime_seconds_count{{policy=\"{policy}\"}} 3\n"),
        format!("sudoless_notebooks_down{{{labels}}} 0\n"),
        format!("sudoless_remediations{{{labels},state=\"Failed\"}} 4\n"),
    ];
    stage
        .until_page("/metrics", |page| {
            lines.iter().all(|line| page.contains(line))
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_did_not_take_is_sent_again_and_what_did_is_not() {
    let lost = |how| Effect::AnswerLost { how };
    let by = std::time::Duration::from_millis(1500);
    let late = Effect::ArriveLate {
        by,
        how: Loss::Hang,
    };
    let throttled = || Effect::error("ThrottlingException");
    let broken = || Effect::error_with_status("InternalFailure", 500);
    // With the writes that are accepted.
    let once: &[Operation] = &[Stop, Update, Start];
    let twice: &[Operation] = &[Stop, Update, Start, Start];
    let cases: [(&str, Vec<Fault>, &[Operation]); 9] = [
        ("canary", vec![], once),
        (
            "not-taken",
            vec![on(Start, "not-taken", Effect::StartNotTaken).next(1)],
            twice,
        ),
        (
            "no-capacity",
            vec![on(Start, "no-capacity", Effect::start_fails()).next(1)],
            twice,
        ),
        (
            "stop-lost",
            vec![on(Stop, "stop-lost", lost(Loss::Hang)).next(1)],
            once,
        ),
        ("stop-late", vec![on(Stop, "stop-late", late).next(1)], once),
        (
            "update-lost",
            vec![on(Update, "update-lost", lost(Loss::Hang)).skip(1).next(1)],
            once,
        ),
        (
            "start-lost",
            vec![on(Start, "start-lost", lost(Loss::Reset)).next(1)],
            once,
        ),
        (
            "throttled",
            [Update, Stop, Start]
                .map(|write| on(write, "throttled", throttled()).next(1))
                .into(),
            once,
        ),
        (
            "broken",
            vec![
                on(Update, "broken", broken()).skip(1).next(2),
                on(Start, "broken", broken()).next(1),
            ],
            once,
        ),
    ];
    let names = cases.iter().map(|(name, ..)| *name);
    let notebooks: Vec<_> = names.map(|name| rooted("again", name)).collect();
    let stage = Stage::quick("again", notebooks).await;
    for fault in cases.iter().flat_map(|(_, faults, _)| faults) {
        stage.simulator.add_fault(fault.clone());
    }
    stage.enforce(unimpressed()).await;
    for (name, _, writes) in cases {
        let record = stage.until_finished(name).await;
        let told = outcome(&record);
        assert_eq!(
            told,
            (State::Succeeded, "RootAccessDisabled".to_owned()),
            "{name}"
        );
        assert_eq!(stage.accepted(name), writes, "{name}");
        let truth = (Status::InService, RootAccess::Disabled);
        assert_eq!(stage.truth(name), truth, "{name}");
    }
    let record = stage.record("no-capacity").await.unwrap();
    assert_eq!(record.status.unwrap().start_attempts, 2);
    let status = stage.until_compliant().await;
    assert_eq!(condition(&status, "Ready").0, "True");
    safety::holds(&stage.simulator);
}

/// AWS carries the first Stop out twice, and answers as it answers the second one: the notebook is
/// not InService.
#[tokio::test(flavor = "multi_thread")]
async fn refused_stop_that_was_carried_out_is_the_operators() {
    let stage = Stage::quick("twice", [rooted("twice", "churn")]).await;
    let twice = on(Stop, "churn", Effect::CarriedOutTwice).next(1);
    stage.simulator.add_fault(twice);
    stage.enforce(json!({})).await;
    let record = stage.until_finished("churn").await;
    let ended = (State::Succeeded, "RootAccessDisabled".to_owned());
    assert_eq!(outcome(&record), ended);
    assert!(record.status.unwrap().stop_requested_at.is_some());
    let truth = (Status::InService, RootAccess::Disabled);
    assert_eq!(stage.truth("churn"), truth);
    assert_eq!(stage.accepted("churn"), [Stop, Update, Start]);
    let writes = stage.simulator.writes();
    let refused = |write: &&Write| write.operation == Stop && write.outcome != OK;
    assert_eq!(writes.iter().filter(refused).count(), 1, "{writes:#?}");
    safety::holds(&stage.simulator);
}
