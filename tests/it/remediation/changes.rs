//! People change their minds while notebooks are down: whoever was stopped runs again, unfixed
//! where that is not wanted any more, fixed where it is.
//!
//! Each stage has a notebook in each step of a remediation, which is held there by a fault until
//! the change has been seen.

use kube::ResourceExt;
use sagemaker_simulator::{
    Account, Effect, Fault,
    Operation::{
        self, StartNotebookInstance as Start, StopNotebookInstance as Stop,
        UpdateNotebookInstance as Update,
    },
    RootAccess, Status,
};
use serde_json::{Value, json};
use sudoless::api::{NotebookRemediation, RecordState as State};

use crate::support::{
    enforced::{FAST, REGION, account, at_most, fleet, rooted, spec},
    records::{is_finished, outcome},
    safety, served,
    stage::{Stage, condition, eventually},
};

/// In each step one.
pub const HELD: [&str; 4] = ["pending", "stopping", "updating", "starting"];

/// The account that a policy names when it does not name the stage's any more.
const ELSEWHERE: &str = "another account";

/// What holds a notebook in the step that it is called after.
fn holds() -> [Fault; 4] {
    let throttled = || Fault::new(Effect::error("ThrottlingException")).operation(Update);
    [
        throttled().notebook("pending"),
        Fault::new(Effect::StuckStopping).notebook("stopping"),
        // The first asks for permission.
        throttled().skip(1).notebook("updating"),
        Fault::new(Effect::StartNotTaken).notebook("starting"),
    ]
}

/// Starts remediations and returns once each is held in its step.
async fn held(stage: &Stage) -> [NotebookRemediation; 4] {
    held_under(stage, at_most(10)).await
}

/// The same under a separate policy.
pub async fn held_under(stage: &Stage, policy: Value) -> [NotebookRemediation; 4] {
    for fault in holds() {
        stage.simulator.add_fault(fault);
    }
    stage.enforce(policy).await;
    let pending = stage
        .until_record("pending", |_, status| status.last_write_at.is_some())
        .await;
    let stopping = stage.until_state("stopping", State::Stopping).await;
    let updating = stage.until_state("updating", State::Updating).await;
    let starting = stage.until_state("starting", State::Starting).await;
    eventually("the writes", async || {
        let done = stage.accepted("stopping") == [Stop]
            && stage.accepted("updating") == [Stop]
            && stage.accepted("starting").contains(&Start);
        done.then_some(())
    })
    .await;
    [pending, stopping, updating, starting]
}

/// Lets everything go on.
pub fn release(stage: &Stage) {
    stage.simulator.clear_faults();
    stage.modify("stopping", |notebook| notebook.status = Status::Stopped);
}

pub fn notebooks(stage: &str) -> impl Iterator<Item = sagemaker_simulator::Notebook> {
    // The canary comes first by its name.
    ["canary"]
        .into_iter()
        .chain(HELD)
        .map(move |name| rooted(stage, name))
}

async fn begin(name: &'static str) -> Stage {
    Stage::quick(name, notebooks(name)).await
}

/// What every withdrawal comes to: state, root access, and the writes that were accepted.
pub const WITHDRAWN: [(&str, State, RootAccess, &[Operation]); 4] = [
    ("pending", State::Cancelled, RootAccess::Enabled, &[]),
    (
        "stopping",
        State::Cancelled,
        RootAccess::Enabled,
        &[Stop, Start],
    ),
    (
        "updating",
        State::Cancelled,
        RootAccess::Enabled,
        &[Stop, Start],
    ),
    (
        "starting",
        State::Succeeded,
        RootAccess::Disabled,
        &[Stop, Update, Start],
    ),
];

/// The notebook runs, has root or not, and these writes were accepted; how often a Start was is
/// another matter.
pub fn ended(stage: &Stage, (name, root_access, writes): (&str, RootAccess, &[Operation])) {
    assert_eq!(
        stage.truth(name),
        (Status::InService, root_access),
        "{name}"
    );
    let mut accepted = stage.accepted(name);
    accepted.dedup();
    assert_eq!(accepted, writes, "{name}");
}

/// A change after which nobody wants it any more.
async fn withdrawn(stage: Stage, change: impl AsyncFnOnce(&Stage), words: &str) {
    held(&stage).await;
    change(&stage).await;
    // Nothing of it takes effect before the operator has seen the change.
    let pending = stage.until_finished("pending").await;
    let status = pending.status.as_ref().unwrap();
    assert_eq!(
        outcome(&pending),
        (State::Cancelled, "Withdrawn".to_owned())
    );
    assert_eq!(status.message.as_deref(), Some(words));
    assert_eq!(status.downtime_seconds, None);
    release(&stage);
    for (name, state, root_access, writes) in WITHDRAWN {
        let record = stage.until_finished(name).await;
        assert_eq!(outcome(&record).0, state, "{name}: {record:#?}");
        ended(&stage, (name, root_access, writes));
    }
    let stopped = stage.record("stopping").await.unwrap().status.unwrap();
    let brought_back = format!("{words}; the notebook was stopped and runs again as before");
    assert_eq!(stopped.message.as_deref(), Some(&*brought_back));
    assert!(stopped.downtime_seconds.is_some());
    safety::holds(&stage.simulator);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_that_goes_back_to_audit_leaves_nobody_down() {
    let audit = async |stage: &Stage| stage.enforce(json!({"mode": "Audit"})).await;
    withdrawn(
        begin("to-audit").await,
        audit,
        "the policy is in mode Audit now",
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_exempted_is_left_alone() {
    let exempt = async |stage: &Stage| {
        // Of another policy, which selects the notebooks too.
        let exemptions =
            json!({"mode": "Audit", "exemptions": [{"reason": "too late", "names": HELD}]});
        stage.apply("other", spec(&stage.name, exemptions)).await;
    };
    withdrawn(
        begin("exempting").await,
        exempt,
        "an exemption matches the notebook now",
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_is_not_named_any_more_is_left_alone() {
    let remove = async |stage: &Stage| {
        let accounts = json!([{"id": account(ELSEWHERE), "role": "sudoless"}]);
        let mut changed = at_most(10);
        changed["accounts"] = accounts;
        stage.enforce(changed).await;
    };
    let words = "the policy no longer covers the notebook";
    withdrawn(begin("removing").await, remove, words).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_suspended_policy_finishes_what_is_down() {
    let stage = begin("suspending").await;
    held(&stage).await;
    let suspended = |suspend: bool| -> Value {
        let mut changed = at_most(10);
        changed["suspend"] = json!(suspend);
        changed
    };
    stage.enforce(suspended(true)).await;
    let pending = stage.until_finished("pending").await;
    assert_eq!(outcome(&pending), (State::Cancelled, "Deferred".to_owned()));
    let message = pending.status.unwrap().message;
    assert_eq!(
        message.as_deref(),
        Some("the policy was suspended before the notebook was stopped")
    );
    release(&stage);
    ended(&stage, ("pending", RootAccess::Enabled, &[]));
    for name in ["stopping", "updating", "starting"] {
        let record = stage.until_finished(name).await;
        assert_eq!(outcome(&record).0, State::Succeeded, "{name}: {record:#?}");
        ended(&stage, (name, RootAccess::Disabled, &[Stop, Update, Start]));
    }
    let status = stage
        .until("p", |status| {
            status
                .summary
                .is_some_and(|summary| summary.remediating == 0)
        })
        .await;
    assert_eq!(condition(&status, "Ready").1, "Suspended");

    stage.enforce(suspended(false)).await;
    stage.until_compliant().await;
    ended(
        &stage,
        ("pending", RootAccess::Disabled, &[Stop, Update, Start]),
    );
    safety::holds(&stage.simulator);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_is_deleted_brings_its_notebook_back_first() {
    let stage = begin("deleting").await;
    let records = held(&stage).await;
    for name in HELD {
        stage.delete_record(name).await;
    }
    // The policy still wants it: another record takes its place, once this one is gone.
    let first = records[0].uid();
    stage
        .until_record("pending", |record, _| record.uid() != first)
        .await;
    release(&stage);
    stage.until_compliant().await;
    for (record, name) in records.iter().zip(HELD) {
        let told = stage.events_of(&record.name_any()).await;
        if name != "starting" {
            let again = stage.until_finished(name).await;
            assert_ne!(again.uid(), record.uid(), "{name}");
            assert_eq!(outcome(&again).0, State::Succeeded, "{name}");
            assert!(
                told.iter().any(|(reason, _)| reason == "Cancelled"),
                "{name}: {told:#?}"
            );
        }
    }
    ended(
        &stage,
        ("pending", RootAccess::Disabled, &[Stop, Update, Start]),
    );
    // The notebook is restarted without the fix, and is then remediated again.
    let twice: &[Operation] = &[Stop, Start, Stop, Update, Start];
    ended(&stage, ("stopping", RootAccess::Disabled, twice));
    ended(&stage, ("updating", RootAccess::Disabled, twice));
    // There is nothing left to do about this one.
    ended(
        &stage,
        ("starting", RootAccess::Disabled, &[Stop, Update, Start]),
    );
    stage.until_no_record("starting").await;
    safety::holds(&stage.simulator);
}

#[tokio::test(flavor = "multi_thread")]
async fn deleted_policy_takes_open_records_with_it_and_leaves_finished_ones() {
    let options = local_cluster::Options {
        controller_manager: true,
        ..local_cluster::Options::default()
    };
    let cluster = tokio::task::spawn_blocking(move || served::start(options));
    let cluster = cluster.await.unwrap();
    let name = "collected";
    let stage = Stage::on(&cluster, name, fleet(name, notebooks(name)), &FAST).await;
    let records = held(&stage).await;
    stage.delete("p").await;
    // A fault holds these two until the garbage collector has seen them; it may come too late for
    // the others.
    for name in ["stopping", "starting"] {
        eventually(&format!("{name} to be deleted"), async || {
            let record = stage.record(name).await.unwrap();
            assert!(!is_finished(record.status.as_ref().unwrap()), "{record:#?}");
            record.metadata.deletion_timestamp.map(|_| ())
        })
        .await;
    }
    release(&stage);
    for (record, (name, state, root_access, writes)) in records.iter().zip(WITHDRAWN) {
        eventually(
            &format!("{name} to go, or to outlive its policy"),
            async || {
                let record = stage.record(name).await;
                let outlives = |record: &NotebookRemediation| {
                    is_finished(record.status.as_ref().unwrap())
                        && record.finalizers().is_empty()
                        && record.owner_references().is_empty()
                        && record.metadata.deletion_timestamp.is_none()
                };
                record.as_ref().is_none_or(outlives).then_some(())
            },
        )
        .await;
        ended(&stage, (name, root_access, writes));
        let told = stage.events_of(&record.name_any()).await;
        assert!(
            told.iter()
                .any(|(reason, _)| *reason == format!("{state:?}")),
            "{name}: {told:#?}"
        );
    }
    for name in ["stopping", "starting"] {
        assert_eq!(stage.record(name).await, None, "it was open");
    }
    // The audit trail outlives the policy.
    let canary = stage.until_finished("canary").await;
    assert_eq!(outcome(&canary).0, State::Succeeded);
    assert_eq!(canary.owner_references(), []);
    assert_eq!(canary.metadata.deletion_timestamp, None);
    safety::holds(&stage.simulator);
}

/// What names the role changes, in AWS and in the policy, while a notebook is down: the policy's
/// present access brings it back.
async fn brought_back_by(name: &'static str, account: Account, access: Value) {
    let stage = Stage::quick(name, [rooted(name, "updating")]).await;
    let throttled = Fault::new(Effect::error("ThrottlingException")).operation(Update);
    // The first asks for permission.
    stage.simulator.add_fault(throttled.skip(1));
    stage.enforce(json!({})).await;
    let before = stage.until_state("updating", State::Updating).await;
    stage.simulator.put_account(account.regions([REGION]));
    stage.simulator.expire_sessions();
    stage
        .until_record("updating", |_, status| {
            let error = status.last_error.as_deref().unwrap_or_default();
            error.contains("AssumeRole: AccessDenied")
        })
        .await;
    stage.simulator.clear_faults();
    stage.enforce(json!({"accounts": [access]})).await;
    let record = stage.until_finished("updating").await;
    let succeeded = (State::Succeeded, "RootAccessDisabled".to_owned());
    assert_eq!(outcome(&record), succeeded);
    assert_eq!(record.spec, before.spec);
    let writes = [Stop, Update, Start];
    ended(&stage, ("updating", RootAccess::Disabled, &writes));
    safety::holds(&stage.simulator);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_renamed_role_leaves_nobody_down() {
    let id = account("renamed");
    let renamed = Account::new(&id).role("renamed");
    let access = json!({"id": id, "role": "renamed"});
    brought_back_by("renamed", renamed, access).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotated_external_id_leaves_nobody_down() {
    let id = account("rotated");
    let rotated = Account::new(&id).role_with_external_id("sudoless", "new-id");
    let access = json!({"id": id, "role": "sudoless", "externalId": "new-id"});
    brought_back_by("rotated", rotated, access).await;
}
