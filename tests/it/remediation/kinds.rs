//! The custom resources themselves go away, cannot be listed, or are defined by an older version: a
//! notebook that is down comes back.

use axum::http::StatusCode;
use jiff::Timestamp;
use kube::{ResourceExt, api::ListParams};
use sagemaker_simulator::{
    Effect, Fault,
    Operation::{
        StartNotebookInstance as Start, StopNotebookInstance as Stop,
        UpdateNotebookInstance as Update,
    },
    Options, RootAccess, Simulator, Status,
};
use serde_json::{Value, json};
use sudoless::api::RecordState as State;
use tempfile::TempDir;

use super::changes::{HELD, WITHDRAWN, ended, held_under, notebooks, release};
use crate::support::{
    definitions::redefine,
    enforced::{FAST, at_most, cluster, fleet, rooted, stopped},
    records::outcome,
    relay::{Counts, Relay, Trouble},
    safety, served,
    stage::{self, Stage, eventually, until},
};

async fn own_cluster() -> local_cluster::LocalCluster {
    let start = || served::start(local_cluster::Options::default());
    tokio::task::spawn_blocking(start).await.unwrap()
}

/// With `timeouts.stop` and `timeouts.update` as short as they may be.
fn hasty() -> Value {
    let mut policy = at_most(10);
    policy["remediation"]["timeouts"] = json!({"stop": "10s", "update": "10s", "start": "60m"});
    policy
}

/// `kubectl delete -f crds/` with a notebook in each step.
#[tokio::test(flavor = "multi_thread")]
async fn deleted_definitions_bring_every_notebook_back_and_go() {
    let cluster = own_cluster().await;
    let name = "undefined";
    let stage = Stage::on(&cluster, name, fleet(name, notebooks(name)), &FAST).await;
    held_under(&stage, at_most(10)).await;
    let mut kubectl = cluster.kubectl(["delete", "-f", "crds/", "--timeout=120s"]);
    let deleting = tokio::task::spawn_blocking(move || kubectl.output().unwrap());
    eventually("the policies to go", async || {
        let (policies, all) = (stage.policies(), ListParams::default());
        policies.list(&all).await.is_err().then_some(())
    })
    .await;
    for name in &HELD[1..] {
        let record = stage.record(name).await.unwrap();
        assert!(record.metadata.deletion_timestamp.is_some(), "{record:#?}");
    }
    release(&stage);
    let deleted = deleting.await.unwrap();
    assert!(deleted.status.success(), "{deleted:?}");
    for (name, _, root_access, writes) in WITHDRAWN {
        ended(&stage, (name, root_access, writes));
    }
    safety::holds(&stage.simulator);

    // Once they are there again, so is the operator.
    served::install(&cluster);
    stage.enforce(at_most(10)).await;
    stage.until_compliant().await;
}

/// The policies cannot be listed: because a right is missing, with an operator that starts
/// meanwhile, or because their part of the API server does not answer.
async fn unlisted(name: &str, status: StatusCode, restarts: bool) {
    let simulator = Simulator::start(fleet(name, notebooks(name)), Options::default()).unwrap();
    let client = stage::client(cluster()).await;
    let relay = Relay::before(client.clone(), Counts::default()).await;
    let folder = TempDir::new().unwrap();
    let kubeconfig = relay.kubeconfig(folder.path());
    let stage = Stage::idle(client, name, simulator, &FAST);
    stage.start_operator(&kubeconfig);
    held_under(&stage, hasty()).await;
    relay.trouble(move |_, path| {
        let policies = path.ends_with("/notebookrootaccesspolicies");
        policies.then_some(Trouble::Answer(status))
    });
    if restarts {
        stage.kill_operator();
        stage.start_operator(&kubeconfig);
    }
    // A list is good for a second.
    stage
        .until_record("pending", |_, status| {
            let said = status.last_error.as_deref();
            said.is_some_and(|said| said.starts_with("the policies could not be listed"))
        })
        .await;
    release(&stage);
    // The fault that holds it is gone, and it is not updated: it is not known whether that is
    // wanted.
    let writes: [(&str, RootAccess, &[_]); 4] = [
        ("pending", RootAccess::Enabled, &[]),
        ("stopping", RootAccess::Enabled, &[Stop, Start]),
        ("updating", RootAccess::Enabled, &[Stop, Start]),
        ("starting", RootAccess::Disabled, &[Stop, Update, Start]),
    ];
    for (name, root_access, writes) in writes {
        stage.until_finished(name).await;
        ended(&stage, (name, root_access, writes));
    }
    safety::holds(&stage.simulator);
}

#[tokio::test(flavor = "multi_thread")]
async fn unlisted_policies_bring_every_notebook_back() {
    futures::join!(
        unlisted("forbidden", StatusCode::FORBIDDEN, true),
        unlisted("overloaded", StatusCode::SERVICE_UNAVAILABLE, false)
    );
}

fn stopping() -> Value {
    let now = Timestamp::now().to_string();
    json!({"state": "Stopping", "stepSince": now, "lastWriteAt": now, "stopRequestedAt": now})
}

/// An operator starts that finds a record, and no kind of policies.
#[tokio::test(flavor = "multi_thread")]
async fn absent_policies_bring_the_notebook_back() {
    let cluster = own_cluster().await;
    let name = "no-policies";
    let notebooks = fleet(name, [stopped(name, "churn")]);
    let simulator = Simulator::start(notebooks, Options::default()).unwrap();
    let stage = Stage::idle(stage::client(&cluster).await, name, simulator, &FAST);
    let kind = "crd/notebookrootaccesspolicies.sudoless.dev";
    cluster.run_kubectl(["delete", kind]).unwrap();
    let intent = stage.intent("churn");
    stage.seed("churn", intent, stopping()).await;
    stage.start_operator(cluster.kubeconfig_path());
    let record = stage.until_finished("churn").await;
    assert_eq!(outcome(&record), (State::Cancelled, "Withdrawn".to_owned()));
    ended(&stage, ("churn", RootAccess::Enabled, &[Start]));
}

/// The definition in the cluster is older than the operator, and drops what it does not know.
#[tokio::test(flavor = "multi_thread")]
async fn older_definition_stops_no_notebook_and_brings_back_one_that_is_down() {
    let cluster = own_cluster().await;
    let name = "older";
    let notebooks = [stopped(name, "down"), rooted(name, "up")];
    let simulator = Simulator::start(fleet(name, notebooks), Options::default()).unwrap();
    let client = stage::client(&cluster).await;
    let counts = Counts::default();
    let relay = Relay::before(client.clone(), Counts::clone(&counts)).await;
    let folder = TempDir::new().unwrap();
    let stage = Stage::idle(client, name, simulator, &FAST);
    let later = ["failureReason", "startAcceptedAt", "unansweredStopAt"];
    redefine(&cluster, |properties| {
        let status = properties["status"]["properties"].as_object_mut().unwrap();
        for field in later {
            status.remove(field).unwrap();
        }
    });
    let full = json!({"failureReason": "words", "state": "Stopping"});
    let pruned = |status: &Value| status.get("failureReason").is_none();
    stage.until_stored(full, pruned).await;
    stage.enforce(hasty()).await;
    let intent = stage.intent("down");
    stage.seed("down", intent, stopping()).await;
    let fails = Fault::new(Effect::start_fails());
    let fails = stage.simulator.add_fault(fails);
    stage.start_operator(&relay.kubeconfig(folder.path()));

    let writes = || {
        let counts = counts.lock().unwrap();
        let written = counts.get("PUT notebookremediations/status");
        written.copied().unwrap_or_default()
    };
    let starts = || {
        let accepted = stage.accepted("down");
        accepted.iter().filter(|write| **write == Start).count()
    };
    until("the first Start to fail", || {
        starts() == 1 && stage.truth("down").0 == Status::Failed
    })
    .await;
    let before = writes();
    until("more Starts to fail", || starts() >= 4).await;
    let written = writes() - before;
    // Seconds, and ten polls in each of them. A Start has an intent and an answer.
    assert!(written <= 3 * 3 + 2, "{written} writes");
    stage.simulator.remove_fault(fails);
    let record = stage.until_finished("down").await;
    assert_eq!(outcome(&record).0, State::Succeeded);
    assert_eq!(
        stage.truth("down"),
        (Status::InService, RootAccess::Disabled)
    );

    // The next notebook is not touched: its record could not be stored in full. It is claimed again
    // after the timeout.
    let first = stage.until_record("up", |_, _| true).await.uid();
    stage
        .until_record("up", |record, _| record.uid() != first)
        .await;
    let logged = stage.log();
    let said = "does not store every field";
    assert!(logged.iter().any(|line| line.contains(said)), "{logged:#?}");
    let asked = stage.simulator.writes();
    let asked = asked.iter().filter(|write| write.notebook == "up");
    assert_eq!(asked.count(), 0, "it is not stopped, and not updated");
    assert_eq!(stage.truth("up").0, Status::InService);

    // The upgrade of the definition is all that was missing.
    served::install(&cluster);
    stage.until_compliant().await;
    assert_eq!(stage.accepted("up"), [Stop, Update, Start]);
    safety::bodies_are_exact(&stage.simulator.writes());
}
