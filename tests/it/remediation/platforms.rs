//! Notebooks that AWS would not start again are not stopped (promise P2): on a retired platform, on
//! an unknown one, or with an accelerator.

use sagemaker_simulator::{
    Effect, Fault, Notebook,
    Operation::{
        StartNotebookInstance as Start, StopNotebookInstance as Stop,
        UpdateNotebookInstance as Update,
    },
    Platform, RootAccess, Status,
};
use serde_json::json;
use sudoless::api::{NextStep, RecordState as State, SCAN_NOW_ANNOTATION};

use crate::support::{
    enforced::{FAST, REGION, at_most, cluster, fleet, rooted, stopped},
    records::outcome,
    safety,
    stage::Stage,
};

/// A platform that is retired, and is migratable.
const RETIRED: &str = "notebook-al2-v3";

/// Running notebooks that AWS would not start again, with the platform that their findings name.
fn unrestartable(stage: &str) -> [(Notebook, Option<&'static str>); 4] {
    [
        (
            rooted(stage, "al1").platform(Platform::AL1),
            Some(Platform::AL1),
        ),
        (rooted(stage, "al2").platform(RETIRED), Some(RETIRED)),
        (rooted(stage, "silent").platform("absent"), None),
        (
            rooted(stage, "inferring").accelerator("ml.eia2.medium"),
            Some(Platform::AL2023),
        ),
    ]
}

/// No request that changes something named the notebook, probes included.
fn untouched(stage: &Stage, name: &str) {
    let mut writes = stage.simulator.writes().into_iter();
    assert_eq!(writes.find(|write| write.notebook == name), None, "{name}");
    let running = (Status::InService, RootAccess::Enabled);
    assert_eq!(stage.truth(name), running, "{name}");
}

/// With room for all of them, whatever the others do.
#[tokio::test(flavor = "multi_thread")]
async fn what_aws_would_not_start_again_is_reported_and_not_stopped() {
    let name = "retired";
    let old = unrestartable(name);
    let others = [
        rooted(name, "usual"),
        rooted(name, "future").platform("notebook-al2027-v1"),
        stopped(name, "asleep").platform(RETIRED),
        stopped(name, "asleep-al1").platform(Platform::AL1),
    ];
    let fleet = old.iter().map(|(notebook, _)| notebook.clone());
    let stage = Stage::quick(name, fleet.chain(others)).await;

    let mut audit = at_most(10);
    audit["mode"] = json!("Audit");
    stage.enforce(audit).await;
    let preview = stage.until_scanned("p").await;
    assert_eq!(preview.summary.unwrap().not_restartable, 4);

    stage.enforce(at_most(10)).await;
    for (name, writes) in [
        ("usual", &[Stop, Update, Start][..]),
        ("future", &[Stop, Update, Start]),
        ("asleep", &[Update]),
        ("asleep-al1", &[Update]),
    ] {
        let record = stage.until_finished(name).await;
        assert_eq!(outcome(&record).0, State::Succeeded, "{name}");
        assert_eq!(stage.accepted(name), writes, "{name}");
    }
    let status = stage
        .until("p", |status| {
            let summary = status.summary.unwrap_or_default();
            (summary.compliant, summary.remediating) == (4, 0)
        })
        .await;
    let summary = status.summary.unwrap();
    assert_eq!((summary.non_compliant, summary.not_restartable), (4, 4));
    for (notebook, platform) in &old {
        let name = notebook.name.as_str();
        let findings = [&preview, &status].map(|status| {
            let mut findings = status.findings.iter();
            findings.find(|finding| finding.name == name).unwrap()
        });
        for finding in findings {
            assert_eq!(finding.next, NextStep::Wait, "{name}");
            assert_eq!(finding.reason.as_deref(), Some("NotRestartable"), "{name}");
            assert_eq!(finding.platform.as_deref(), *platform, "{name}");
        }
        assert_eq!(stage.record(name).await, None, "{name}");
        untouched(&stage, name);
    }
    let gauge = format!(
        "sudoless_notebooks_not_restartable{{policy=\"{}\",account=\"{}\",region=\"{REGION}\"}} 4\n",
        stage.policy("p"),
        stage.account()
    );
    stage
        .until_page("/metrics", |page| page.contains(&gauge))
        .await;
    safety::holds(&stage.simulator);

    // The owner migrates one while it is stopped, and leaves root access as it is.
    stage.modify("al2", |notebook| notebook.platform = Platform::default());
    stage.annotate("p", SCAN_NOW_ANNOTATION, Some("1")).await;
    let record = stage.until_finished("al2").await;
    assert_eq!(outcome(&record).0, State::Succeeded);
    assert_eq!(stage.accepted("al2"), [Stop, Update, Start]);
}

/// AWS retires the platform, or the operator's list grows, between the record and the Stop.
#[tokio::test(flavor = "multi_thread")]
async fn a_platform_that_is_retired_before_the_stop_cancels() {
    let stage = Stage::quick("retiring", [rooted("retiring", "churn")]).await;
    let probe = Fault::new(Effect::error("ThrottlingException")).operation(Update);
    stage.simulator.add_fault(probe);
    stage.enforce(json!({})).await;
    stage
        .until_record("churn", |_, status| status.last_write_at.is_some())
        .await;
    // The probe stays without a clear answer: a pass that saw the notebook before would stop it.
    stage.modify("churn", |notebook| notebook.platform = RETIRED.into());

    let record = stage.until_finished("churn").await;
    stage.simulator.clear_faults();
    let ended = (State::Cancelled, "Deferred".to_owned());
    assert_eq!(outcome(&record), ended);
    let message = record.status.unwrap().message.unwrap();
    let expected = "the notebook was not stopped, because AWS would not start it again";
    assert!(message.starts_with(expected), "{message}");
    assert_eq!(stage.accepted("churn"), []);
    stage
        .until_next("churn", NextStep::Wait, "NotRestartable")
        .await;
    // No record follows.
    assert_eq!(outcome(&stage.record("churn").await.unwrap()), ended);
    safety::holds(&stage.simulator);
}

/// What no check can see beforehand: the notebook is down when AWS retires its platform.
#[tokio::test(flavor = "multi_thread")]
async fn a_platform_that_is_retired_while_the_notebook_is_down_needs_attention() {
    let stage = Stage::quick("too-late", [rooted("too-late", "churn")]).await;
    // The first asks for permission.
    let update = Fault::new(Effect::error("ThrottlingException")).operation(Update);
    stage.simulator.add_fault(update.skip(1));
    let hasty = json!({"remediation": {"timeouts": {"start": "10s"}}});
    stage.enforce(hasty).await;
    stage.until_state("churn", State::Updating).await;
    stage.modify("churn", |notebook| notebook.platform = RETIRED.into());
    stage.simulator.clear_faults();

    let record = stage.until_state("churn", State::NeedsAttention).await;
    let message = record.status.unwrap().message.unwrap();
    for part in [
        "Platform identifier (notebook-al2-v3) is not supported",
        "--platform-identifier notebook-al2023-v1",
    ] {
        assert!(message.contains(part), "{message}");
    }
    assert_eq!(stage.accepted("churn"), [Stop, Update]);

    // The owner does what the message says. The operator starts the notebook then.
    stage.modify("churn", |notebook| notebook.platform = Platform::default());
    let record = stage.until_finished("churn").await;
    assert_eq!(outcome(&record).0, State::Succeeded);
    let fixed = (Status::InService, RootAccess::Disabled);
    assert_eq!(stage.truth("churn"), fixed);
    safety::holds(&stage.simulator);
}

/// The operator's own list takes the place of the default one.
#[tokio::test(flavor = "multi_thread")]
async fn the_list_of_the_flag_counts() {
    let name = "own-list";
    let notebooks = [
        rooted(name, "listed"),
        rooted(name, "free").platform("notebook-al2030-v1"),
    ];
    let list = ["--retired-platforms", "notebook-al1-v1,notebook-al2023-*"];
    let flags = [&FAST[..], &list].concat();
    let stage = Stage::on(cluster(), name, fleet(name, notebooks), &flags).await;
    stage.enforce(at_most(10)).await;
    let said = stage
        .until_next("listed", NextStep::Wait, "NotRestartable")
        .await;
    assert!(said.contains(Platform::AL2023), "{said}");
    let record = stage.until_finished("free").await;
    assert_eq!(outcome(&record).0, State::Succeeded);
    untouched(&stage, "listed");
    safety::holds(&stage.simulator);
}
