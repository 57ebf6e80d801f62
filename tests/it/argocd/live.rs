//! The scripts on what the real operator writes: this is what keeps the fixtures honest.

use kube::{
    Api, Resource, ResourceExt,
    api::{ApiResource, DeleteParams, DynamicObject, Patch, PatchParams},
};
use nix::sys::signal::Signal;
use sagemaker_simulator::{Effect, Fault, Operation, Status};
use serde_json::{Value, json};
use sudoless::api::{Finding, NotebookRemediation, NotebookRootAccessPolicy, RecordState as State};

use super::{
    customizations::{act, health, offered},
    lua::merge_patch,
};
use crate::support::{
    enforced::{account, at_most, rooted, spec},
    stage::{Stage, eventually},
};

fn raw<K: Resource<DynamicType = ()>>(stage: &Stage) -> Api<DynamicObject> {
    Api::all_with(stage.client.clone(), &ApiResource::erase::<K>(&()))
}

/// An object as Argo CD gets it.
async fn fetch<K: Resource<DynamicType = ()>>(stage: &Stage, name: &str) -> Value {
    serde_json::to_value(raw::<K>(stage).get(name).await.unwrap()).unwrap()
}

async fn policy(stage: &Stage, name: &str) -> Value {
    fetch::<NotebookRootAccessPolicy>(stage, &stage.policy(name)).await
}

/// How Argo CD sees a policy once it has a status that is wanted.
async fn policy_is(stage: &Stage, name: &str, kind: &str, reason: &str, wanted: &str) -> String {
    let what = format!("{kind} of {name} to be {reason}");
    let object = eventually(&what, async || {
        let object = policy(stage, name).await;
        let status = &object["status"];
        let current = status["observedGeneration"] == object["metadata"]["generation"];
        let mut conditions = status["conditions"].as_array()?.iter();
        let holds =
            conditions.any(|condition| condition["type"] == kind && condition["reason"] == reason);
        (current && holds).then_some(object)
    })
    .await;
    let found = health(&object);
    assert_eq!(found.status, wanted, "{name}: {found:?}");
    found.message
}

/// How Argo CD sees the record of a notebook once it is in a state.
async fn record_is(stage: &Stage, notebook: &str, stands: State, wanted: &str) {
    let record = stage.until_state(notebook, stands).await;
    let found = health(&fetch::<NotebookRemediation>(stage, &record.name_any()).await);
    assert_eq!(found.status, wanted, "{notebook}: {found:?}");
    let message = record.status.unwrap().message.unwrap();
    assert_eq!(found.message, format!("{stands:?}: {message}"));
}

fn over(stage: &str, notebooks: &[&str], more: Value) -> Value {
    let mut over = spec(stage, json!({"selector": {"names": notebooks}}));
    let Value::Object(more) = more else {
        panic!("fields, not {more}")
    };
    over.as_object_mut().unwrap().extend(more);
    over
}

async fn begin(name: &str) -> Stage {
    let clean = rooted(name, "clean").root_access("Disabled");
    let names = ["canary", "dirty", "held", "recalled", "refused", "stuck"];
    let notebooks = names
        .map(|each| rooted(name, each))
        .into_iter()
        .chain([clean]);
    let stage = Stage::quick(name, notebooks).await;
    let stuck = |notebook| Fault::new(Effect::StuckStopping).notebook(notebook);
    let update = Operation::UpdateNotebookInstance;
    let refused = Fault::new(Effect::Deny)
        .operation(update)
        .notebook("refused");
    for fault in [stuck("held"), stuck("recalled"), stuck("stuck"), refused] {
        stage.simulator.add_fault(fault);
    }
    stage
}

/// The account and everything that is under way in it.
const NAME: &str = "health";

#[tokio::test(flavor = "multi_thread")]
async fn what_the_operator_writes_has_the_right_health() {
    let stage = begin(NAME).await;
    not_looked_at(&stage).await;
    stage
        .apply("flight", over(NAME, &["canary", "held"], at_most(10)))
        .await;
    record_is(&stage, "canary", State::Succeeded, "Healthy").await;
    // While that one takes its time.
    let timeouts = json!({"stop": "10s", "update": "10s", "start": "10s"});
    let hasty = json!({"remediation": {"timeouts": timeouts}});
    stage
        .apply("attention", over(NAME, &["stuck"], hasty))
        .await;
    audited(&stage).await;
    stalled(&stage).await;
    remediated(&stage).await;
    record_is(&stage, "stuck", State::NeedsAttention, "Degraded").await;
    let said = policy_is(&stage, "attention", "Stalled", "NeedsAttention", "Degraded").await;
    assert!(said.starts_with("1 remediation needs a person: "), "{said}");
    terminating(&stage).await;
    unobserved(&stage).await;
}

fn audit() -> Value {
    json!({"mode": "Audit"})
}

/// Without the label of a stage no operator looks after it.
async fn not_looked_at(stage: &Stage) {
    let name = stage.policy("none");
    let unlabelled = json!({
        "apiVersion": "sudoless.dev/v1alpha1",
        "kind": "NotebookRootAccessPolicy",
        "metadata": {"name": name},
        "spec": over(NAME, &["clean"], audit()),
    });
    let api = raw::<NotebookRootAccessPolicy>(stage);
    let parameters = PatchParams::apply("somebody");
    api.patch(&name, &parameters, &Patch::Apply(unlabelled))
        .await
        .unwrap();
    let found = health(&policy(stage, "none").await);
    assert_eq!(found.status, "Progressing", "{found:?}");
}

async fn audited(stage: &Stage) {
    let suspend = json!({"mode": "Audit", "suspend": true});
    for (name, notebook, more) in [
        ("clean", "clean", audit()),
        ("dirty", "dirty", audit()),
        ("suspended", "clean", suspend),
    ] {
        stage.apply(name, over(NAME, &[notebook], more)).await;
    }
    let said = policy_is(stage, "clean", "Compliant", "AllCompliant", "Healthy").await;
    assert_eq!(
        said,
        "every notebook is compliant, 1 in all; 1 account and region read"
    );
    let said = policy_is(stage, "dirty", "Compliant", "RootAccessEnabled", "Healthy").await;
    let wanted = format!(
        "1 notebook gives its users root: {}/us-east-1/dirty; 1 account and region read",
        account(NAME)
    );
    assert_eq!(said, wanted);
    policy_is(stage, "suspended", "Ready", "Suspended", "Suspended").await;
}

async fn stalled(stage: &Stage) {
    let windows =
        json!([{"schedule": "0 2 * * SAT", "duration": "4h", "timeZone": "Mars/Olympus"}]);
    // Elsewhere: nobody is disturbed in an account that such a policy names.
    let elsewhere = json!([{"id": "111122223333", "role": "sudoless"}]);
    let nonsense = json!({"accounts": elsewhere, "remediation": {"windows": windows}});
    stage
        .apply("stalled", over(NAME, &["clean"], nonsense))
        .await;
    let said = policy_is(stage, "stalled", "Stalled", "InvalidSpec", "Degraded").await;
    assert!(
        said.starts_with("spec.remediation.windows[0].timeZone: "),
        "{said}"
    );
}

async fn remediated(stage: &Stage) {
    for name in ["recalled", "refused"] {
        stage.apply(name, over(NAME, &[name], json!({}))).await;
    }
    policy_is(stage, "flight", "Reconciling", "Remediating", "Progressing").await;
    record_is(stage, "held", State::Stopping, "Progressing").await;

    record_is(stage, "refused", State::Failed, "Degraded").await;
    let failed = |finding: &Finding| finding.reason.as_deref() == Some("Failed");
    stage
        .until("refused", |status| status.findings.iter().any(failed))
        .await;
    policy_is(stage, "refused", "Ready", "Scanned", "Healthy").await;

    record_is(stage, "recalled", State::Stopping, "Progressing").await;
    stage
        .apply("recalled", over(NAME, &["recalled"], audit()))
        .await;
    stage.until_scanned("recalled").await;
    stage.modify("recalled", |notebook| notebook.status = Status::Stopped);
    record_is(stage, "recalled", State::Cancelled, "Healthy").await;
}

/// What is being deleted is in progress, whatever its status says.
async fn terminating(stage: &Stage) {
    let held = stage.record("held").await.unwrap().name_any();
    stage.delete_record("held").await;
    let found = health(&fetch::<NotebookRemediation>(stage, &held).await);
    assert_eq!(found.status, "Progressing", "{found:?}");
    assert!(found.message.starts_with("being deleted: "), "{found:?}");

    let api = raw::<NotebookRootAccessPolicy>(stage);
    let name = stage.policy("dirty");
    let finalizers =
        |finalizers: Value| Patch::Merge(json!({"metadata": {"finalizers": finalizers}}));
    let parameters = PatchParams::default();
    let kept = finalizers(json!(["example.com/hold"]));
    api.patch(&name, &parameters, &kept).await.unwrap();
    let _ = api.delete(&name, &DeleteParams::default()).await.unwrap();
    let deleted = policy(stage, "dirty").await;
    let found = health(&deleted);
    assert_eq!(found.status, "Progressing", "{found:?}");
    assert!(offered(&deleted).iter().all(|(_, disabled)| *disabled));
    api.patch(&name, &parameters, &finalizers(Value::Null))
        .await
        .unwrap();
}

/// What the operator has not seen yet is in progress, however healthy it was.
async fn unobserved(stage: &Stage) {
    stage.signal_operator(Signal::SIGSTOP);
    let more = json!({"mode": "Audit", "scanInterval": "20m"});
    stage
        .apply("clean", over(&stage.name, &["clean"], more))
        .await;
    let found = health(&policy(stage, "clean").await);
    assert_eq!(found.status, "Progressing", "{found:?}");
    stage.signal_operator(Signal::SIGCONT);
    let said = policy_is(stage, "clean", "Compliant", "AllCompliant", "Healthy").await;
    assert!(said.starts_with("every notebook is compliant"), "{said}");
}

/// Runs an action as Argo CD does: the script on the live object, then a merge patch.
async fn run(stage: &Stage, name: &str, action: &str) {
    let before = policy(stage, name).await;
    let offer = offered(&before)
        .into_iter()
        .find(|(name, _)| name == action);
    assert_eq!(offer, Some((action.to_owned(), false)), "it is offered");
    let patch = merge_patch(&before, &act(action, &before));
    let api = raw::<NotebookRootAccessPolicy>(stage);
    let parameters = PatchParams::default();
    api.patch(
        &stage.policy(name),
        &parameters,
        &Patch::Merge(patch.clone()),
    )
    .await
    .unwrap();
    let fields: Vec<&String> = patch.as_object().unwrap().keys().collect();
    let wanted = if action == "scan-now" {
        "metadata"
    } else {
        "spec"
    };
    assert_eq!(fields, [wanted], "it changes nothing else: {patch}");
}

#[tokio::test(flavor = "multi_thread")]
async fn actions_have_their_effect() {
    let stage = Stage::quick("actions", [rooted("actions", "a")]).await;
    let audit = json!({"mode": "Audit", "scanInterval": "24h"});
    stage.apply("p", spec("actions", audit)).await;
    stage.until_scanned("p").await;

    let describes = || {
        stage
            .simulator
            .counters()
            .of(Operation::DescribeNotebookInstance)
    };
    let before = describes();
    run(&stage, "p", "scan-now").await;
    eventually("a scan past the cache", async || {
        (describes() > before).then_some(())
    })
    .await;

    run(&stage, "p", "suspend").await;
    policy_is(&stage, "p", "Ready", "Suspended", "Suspended").await;
    let offer = offered(&policy(&stage, "p").await);
    let offer: Vec<(&str, bool)> = offer
        .iter()
        .map(|(name, disabled)| (name.as_str(), *disabled))
        .collect();
    assert_eq!(
        offer,
        [("resume", false), ("scan-now", true), ("suspend", true)]
    );

    run(&stage, "p", "resume").await;
    policy_is(&stage, "p", "Ready", "Scanned", "Healthy").await;
}
