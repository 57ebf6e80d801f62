//! Records that a later version wrote, and records that were restored from a backup: what is down
//! is brought back where that is known, and each holds up its own notebook only.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use kube::ResourceExt;
use sagemaker_simulator::{
    Notebook,
    Operation::{StartNotebookInstance as Start, UpdateNotebookInstance as Update},
    Options, RootAccess, Simulator, Status,
};
use serde_json::{Value, json};
use sudoless::api::{NextStep, RecordState as State, Step};

use crate::support::{
    definitions::redefine,
    enforced::{FAST, at_most, cluster, fleet, rooted, stopped},
    records::outcome,
    safety, served,
    stage::{self, Stage, until},
};

/// A state of a later version.
const LATER: &str = "Verifying";

/// Additive: one more state, one more field, and accounts that are no numbers.
fn later(properties: &mut Value) {
    let status = &mut properties["status"]["properties"];
    let known = status["state"]["enum"].as_array_mut().unwrap();
    known.push(LATER.into());
    status["verifiedAt"] = json!({"type": "string", "format": "date-time"});
    let notebook = &mut properties["spec"]["properties"]["notebook"]["properties"];
    let account = notebook["account"].as_object_mut().unwrap();
    account.remove("x-kubernetes-validations").unwrap();
}

/// A status of a record whose notebook was asked to stop a while ago.
#[expect(clippy::needless_pass_by_value, reason = "each call makes its own")]
fn stopped_with(more: Value) -> Value {
    let then = (Timestamp::now() - SignedDuration::from_mins(5)).to_string();
    let mut status = json!({
        "state": "Stopping",
        "stepSince": then,
        "lastWriteAt": then,
        "stopRequestedAt": then,
    });
    let more = more.as_object().unwrap().clone();
    status.as_object_mut().unwrap().extend(more);
    status
}

/// How often each kind of object was reconciled.
fn reconciliations(stage: &Stage) -> BTreeMap<String, f64> {
    let (_, page) = stage.page("/metrics");
    let mut counts = BTreeMap::new();
    for line in page.lines() {
        let Some(line) = line.strip_prefix("sudoless_reconciliations_total{controller=\"") else {
            continue;
        };
        let (controller, rest) = line.split_once('"').unwrap();
        let (_, count) = rest.rsplit_once(' ').unwrap();
        *counts.entry(controller.to_owned()).or_default() += count.parse::<f64>().unwrap();
    }
    counts
}

#[tokio::test(flavor = "multi_thread")]
async fn records_of_a_later_version_hold_up_their_own_notebooks_only() {
    let start = || served::start(local_cluster::Options::default());
    let cluster = tokio::task::spawn_blocking(start).await.unwrap();
    let name = "later";
    let down = ["reason", "state-down", "fields"].map(|notebook| stopped(name, notebook));
    let up = ["account", "free-1", "free-2", "state-up"].map(|notebook| rooted(name, notebook));
    let fixed = rooted(name, "end").root_access(RootAccess::Disabled);
    let notebooks = down.into_iter().chain(up).chain([fixed]);
    let simulator = Simulator::start(fleet(name, notebooks), Options::default()).unwrap();
    let stage = Stage::idle(stage::client(&cluster).await, name, simulator, &FAST);
    redefine(&cluster, later);
    stage
        .until_stored(json!({"state": LATER}), |status| status["state"] == LATER)
        .await;
    let mut policy = at_most(10);
    policy["remediation"]["maxFailures"] = json!(100);
    stage.enforce(policy).await;

    let now = Timestamp::now().to_string();
    let records = [
        (
            "reason",
            stopped_with(json!({"state": "Updating", "rollbackReason": "VerificationFailed"})),
        ),
        ("state-down", stopped_with(json!({"state": LATER}))),
        ("fields", stopped_with(json!({"verifiedAt": now}))),
        ("state-up", json!({"state": LATER, "stepSince": now})),
        (
            "end",
            json!({"state": "Succeeded", "reason": "Migrated", "completedAt": now}),
        ),
    ];
    for (notebook, status) in records {
        stage.seed(notebook, stage.intent(notebook), status).await;
    }
    let mut invalid = stage.intent("account");
    invalid["notebook"]["account"] = json!("acme");
    stage.seed("account", invalid, Value::Null).await;
    stage.start_operator(cluster.kubeconfig_path());

    // What may be down is brought back, as it is.
    for notebook in ["reason", "state-down"] {
        let record = stage.until_finished(notebook).await;
        let ended = (State::Failed, "Unrecognized".to_owned());
        assert_eq!(outcome(&record), ended, "{notebook}");
        assert_eq!(
            stage.truth(notebook),
            (Status::InService, RootAccess::Enabled),
            "{notebook}"
        );
        assert_eq!(stage.accepted(notebook), [Start], "{notebook}");
    }
    // A field says nothing that matters.
    let fields = stage.until_finished("fields").await;
    assert_eq!(outcome(&fields).0, State::Succeeded);
    assert_eq!(stage.accepted("fields"), [Update, Start]);
    // Nobody else is held up, and these are.
    for notebook in ["free-1", "free-2"] {
        let record = stage.until_finished(notebook).await;
        assert_eq!(outcome(&record).0, State::Succeeded, "{notebook}");
    }
    for notebook in ["account", "state-up"] {
        stage
            .until_next(notebook, NextStep::Wait, "RecordInvalid")
            .await;
        assert_eq!(stage.accepted(notebook), [], "{notebook}");
        assert_eq!(
            stage.truth(notebook),
            (Status::InService, RootAccess::Enabled),
            "{notebook}"
        );
    }
    is_quiet(&stage).await;
    let kept = stage.record("state-up").await.unwrap();
    assert_eq!(kept.finalizers().len(), 1, "{kept:#?}");

    // A person who deletes it has the last word.
    stage.delete_record("state-up").await;
    let record = stage.until_finished("state-up").await;
    assert_eq!(outcome(&record).0, State::Succeeded);
    safety::bodies_are_exact(&stage.simulator.writes());
}

/// No loop is hot: one record is looked at, poll after poll, and that is all.
async fn is_quiet(stage: &Stage) {
    let before = reconciliations(stage);
    let since = |controller: &str| reconciliations(stage)[controller] - before[controller];
    until("twenty looks at the record", || {
        since("remediation") >= 20.0
    })
    .await;
    let passes = since("policy");
    assert!(passes <= 2.0, "{passes} passes over the policy meanwhile");
}

/// As Velero restores it: the spec, the finalizer, and no status.
#[tokio::test(flavor = "multi_thread")]
async fn restored_record_without_a_status_needs_attention() {
    let name = "restored";
    let hour_ago = Timestamp::now() - SignedDuration::from_hours(1);
    let asleep = |notebook: &str, root_access| Notebook {
        created: hour_ago,
        last_modified: hour_ago,
        ..stopped(name, notebook).root_access(root_access)
    };
    let notebooks = [
        asleep("fixed", RootAccess::Disabled),
        asleep("rooted", RootAccess::Enabled),
    ];
    let simulator = Simulator::start(fleet(name, notebooks), Options::default()).unwrap();
    let stage = Stage::idle(stage::client(cluster()).await, name, simulator, &FAST);
    stage.enforce(json!({})).await;
    for notebook in ["fixed", "rooted"] {
        stage
            .seed(notebook, stage.intent(notebook), Value::Null)
            .await;
    }
    stage.start_operator(cluster().kubeconfig_path());
    for notebook in ["fixed", "rooted"] {
        let record = stage.until_state(notebook, State::NeedsAttention).await;
        let status = record.status.as_ref().unwrap();
        assert_eq!(status.attention_from, Some(Step::Start));
        let message = status.message.as_deref().unwrap();
        assert!(message.contains("restored without its status"), "{message}");
        assert!(
            message.contains("aws sagemaker start-notebook-instance"),
            "{message}"
        );
    }
    is_quiet(&stage).await;
    for notebook in ["fixed", "rooted"] {
        let record = stage.record(notebook).await.unwrap();
        assert_eq!(record.status.unwrap().state, Some(State::NeedsAttention));
        assert_eq!(stage.accepted(notebook), [], "{notebook}");
        let before = stage.record(notebook).await.unwrap().uid();
        stage.delete_record(notebook).await;
        until_replaced(&stage, notebook, before).await;
        assert!(!stage.accepted(notebook).contains(&Start), "{notebook}");
    }
    stage.until_compliant().await;
    assert_eq!(stage.accepted("fixed"), []);
    assert_eq!(stage.accepted("rooted"), [Update]);
    safety::holds(&stage.simulator);
}

/// Waits until a record is gone, whether another one took its place or not.
async fn until_replaced(stage: &Stage, notebook: &str, before: Option<String>) {
    stage::eventually("the record to end", async || {
        let record = stage.record(notebook).await;
        record
            .is_none_or(|record| record.uid() != before)
            .then_some(())
    })
    .await;
}
