//! Safeguards that keep a notebook from being stopped wrongly. Each takes effect only after
//! something else went wrong.

use std::sync::Arc;

use futures::FutureExt;
use k8s_openapi::api::coordination::v1::Lease;
use kube::{
    Api, Client, ResourceExt,
    api::{Patch, PatchParams},
};
use sagemaker_simulator::{
    Effect, Fault,
    Operation::{DescribeNotebookInstance as Describe, StopNotebookInstance as Stop},
    Options, Simulator,
};
use serde_json::json;
use sudoless::{
    api::{
        NextStep, NotebookRemediationSpec, NotebookRemediationStatus as RecordStatus,
        RecordState as State,
    },
    domain::NotebookRef,
    kubernetes::{Owner, Records, Written},
};
use tempfile::TempDir;

use crate::support::{
    enforced::{FAST, cluster, fleet, rooted},
    relay::{Counts, Judge, Relay},
    stage::{self, Stage},
};

/// A stage with running notebooks, whose operator does not run yet.
async fn idle(name: &str, notebooks: &[&str], flags: &[&str]) -> Stage {
    let notebooks = notebooks.iter().map(|notebook| rooted(name, notebook));
    let simulator = Simulator::start(fleet(name, notebooks), Options::default()).unwrap();
    Stage::idle(stage::client(cluster()).await, name, simulator, flags)
}

/// What another operator would claim a running notebook with, for the policy `p`.
async fn claim(stage: &Stage, notebook: &str) -> (NotebookRef, NotebookRemediationSpec, Owner) {
    let owner = Owner {
        name: stage.policy("p").as_str().into(),
        uid: stage.get("p").await.uid().unwrap(),
    };
    let spec = serde_json::from_value(stage.intent(notebook)).unwrap();
    (stage.reference(notebook), spec, owner)
}

/// Scans list and describe; whoever is claimed is described once more.
#[tokio::test(flavor = "multi_thread")]
async fn a_claim_is_of_what_is_read_just_then() {
    let stage = idle("reread", &["churn"], &FAST).await;
    let after_the_scan = Fault::new(Effect::Deny).operation(Describe).skip(1);
    stage.simulator.add_fault(after_the_scan);
    stage.start_operator(cluster().kubeconfig_path());
    stage.enforce(json!({})).await;
    let said = stage
        .until_next("churn", NextStep::Wait, "ReadFailed")
        .await;
    let expected = "the notebook could not be read just before its remediation";
    assert!(said.starts_with(expected), "{said}");
    assert_eq!(stage.records().await, []);
}

/// Another operator makes a record, and the news of it does not come.
#[tokio::test(flavor = "multi_thread")]
async fn what_the_watch_has_not_told_counts() {
    let stage = idle("deaf", &["churn", "other"], &FAST).await;
    let passes: Judge = Arc::new(|_| async { true }.boxed());
    let relay = Relay::start(stage.client.clone(), Counts::default(), passes).await;
    relay.deafen();
    let folder = TempDir::new().unwrap();
    stage.start_operator(&relay.kubeconfig(folder.path()));
    stage.enforce(json!({"mode": "Audit"})).await;
    stage.until_scanned("p").await;

    let another = Records::new(stage.client.clone(), "another".to_owned());
    let (notebook, spec, owner) = claim(&stage, "other").await;
    another.create(&notebook, spec, &owner).await.unwrap();
    stage.enforce(json!({"mode": "Enforce"})).await;
    stage.until_next("churn", NextStep::Wait, "Canary").await;
    assert_eq!(stage.record("churn").await, None);
}

/// The lease is lost between the probe and the Stop.
#[tokio::test(flavor = "multi_thread")]
async fn who_lost_the_lease_stops_nobody() {
    let lease = ["--leader-elect=true", "--lease-namespace", "default"];
    let named = ["--lease-name", "stolen"];
    let flags = [&FAST[..], &lease, &named].concat();
    let mut stage = idle("fenced", &["churn"], &flags).await;
    let leases: Api<Lease> = Api::namespaced(stage.client.clone(), "default");
    let steals: Judge = Arc::new(move |passing| {
        let leases = leases.clone();
        async move {
            if passing.what == "UpdateNotebookInstance" && !passing.after {
                let stolen = Patch::Merge(json!({"spec": {"holderIdentity": "another"}}));
                let parameters = PatchParams::default();
                leases.patch("stolen", &parameters, &stolen).await.unwrap();
            }
            true
        }
        .boxed()
    });
    let aws = kube::Config::new(stage.simulator.url().parse().unwrap());
    let aws = Client::try_from(aws).unwrap();
    let relay = Relay::start(aws, Counts::default(), steals).await;
    stage.reach_aws_at(&relay.url);
    stage.start_operator(cluster().kubeconfig_path());
    stage.enforce(json!({})).await;

    let fenced = "not sent: this operator no longer holds the lease (holder: another)";
    stage.until_logged(fenced).await;
    stage.operator_ended().await;
    let mut writes = stage.simulator.writes().into_iter();
    let stop = writes.find(|write| write.operation == Stop);
    assert!(stop.is_none(), "{stop:?}");
}

/// A writer that read a record before another writer changed it changes nothing.
#[tokio::test(flavor = "multi_thread")]
async fn of_two_writers_one_wins() {
    let stage = idle("writers", &["churn"], &FAST).await;
    stage.enforce(json!({})).await;
    let records = Records::new(stage.client.clone(), "another".to_owned());
    let (notebook, spec, owner) = claim(&stage, "churn").await;
    let created = records.create(&notebook, spec.clone(), &owner).await;
    let Written::Done(before) = created.unwrap() else {
        panic!("somebody else made it")
    };
    let again = records.create(&notebook, spec, &owner).await;
    assert!(matches!(again.unwrap(), Written::Conflict));

    let status = |state| RecordStatus {
        state: Some(state),
        ..RecordStatus::default()
    };
    let first = records.write_status(&before, status(State::Stopping)).await;
    assert!(matches!(first.unwrap(), Written::Done(_)));
    let late = records.write_status(&before, status(State::Updating)).await;
    assert!(matches!(late.unwrap(), Written::Conflict));
    let late = records.remove_finalizer(&before).await;
    assert!(matches!(late.unwrap(), Written::Conflict));
    let late = records.delete(&before).await;
    assert!(matches!(late.unwrap(), Written::Conflict));

    let now = records.get(&before.name_any()).await.unwrap().unwrap();
    assert_eq!(now.status.unwrap().state, Some(State::Stopping));
    assert!(now.metadata.deletion_timestamp.is_none());
    assert_eq!(now.metadata.finalizers, before.metadata.finalizers);
}
