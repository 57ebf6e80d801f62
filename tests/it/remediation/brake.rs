//! The brake: as many notebooks are down as the policy tolerates, so that no other one is stopped,
//! and everybody is told.

use sagemaker_simulator::{
    Effect, Fault,
    Operation::{
        StartNotebookInstance as Start, StopNotebookInstance as Stop,
        UpdateNotebookInstance as Update,
    },
    RootAccess, Status,
};
use serde_json::{Value, json};
use sudoless::api::{NextStep, RecordState as State};

use crate::support::{
    enforced::rooted,
    records::outcome,
    safety,
    stage::{Stage, condition},
};

/// Two at a time, of which two may be down and need attention.
fn two() -> Value {
    json!({"remediation": {"maxConcurrent": 2, "maxConcurrentPerRegion": 2, "maxFailures": 2}})
}

/// One Start is refused for permission, the other is accepted and ends in Failed.
#[tokio::test(flavor = "multi_thread")]
async fn brake_is_told_while_notebooks_do_not_start() {
    let names = ["0-canary", "1-denied", "2-failing", "3-waiting"];
    let stage = Stage::quick("brake", names.map(|name| rooted("brake", name))).await;
    let words = "You do not have permission to create a network interface";
    let failing = Effect::StartFails {
        reason: words.to_owned(),
    };
    for fault in [
        Fault::new(Effect::Deny)
            .operation(Start)
            .notebook("1-denied"),
        Fault::new(failing).notebook("2-failing"),
    ] {
        stage.simulator.add_fault(fault);
    }
    let mut hasty = two();
    hasty["remediation"]["timeouts"] = json!({"start": "10s"});
    stage.enforce(hasty).await;

    let denied = stage.until_state("1-denied", State::NeedsAttention).await;
    let failing = stage.until_state("2-failing", State::NeedsAttention).await;
    let status = failing.status.clone().unwrap();
    assert_eq!(status.failure_reason.as_deref(), Some(words));
    assert!(status.message.unwrap().contains(words));
    let told = stage
        .events_of(failing.metadata.name.as_ref().unwrap())
        .await;
    assert!(
        told.iter()
            .any(|(reason, note)| reason == "NeedsAttention" && note.contains(words)),
        "{told:#?}"
    );

    let said = stage
        .until_next("3-waiting", NextStep::Wait, "Halted")
        .await;
    assert!(said.starts_with("maxFailures (2) notebooks "), "{said}");
    let status = stage
        .until("p", |status| condition(status, "Stalled").1 == "Halted")
        .await;
    let (stalled, _, message) = condition(&status, "Stalled");
    assert_eq!(stalled, "True");
    assert!(
        message.starts_with(
            "no running notebook of this policy is stopped, because maxFailures (2) notebooks "
        ),
        "{message}"
    );
    for record in [&denied, &failing] {
        assert!(message.contains(record.metadata.name.as_ref().unwrap()));
    }
    let (ready, reason, also) = condition(&status, "Ready");
    assert_eq!((&*ready, &*reason), ("False", "Halted"));
    assert_eq!(also, message);
    assert_eq!(status.summary.unwrap().needs_attention, 2);
    let policy = stage.policy("p");
    let failed = |reason: &str| {
        format!("sudoless_starts_failed_total{{policy=\"{policy}\",reason=\"{reason}\"}}")
    };
    let page = stage
        .until_page("/metrics", |page| {
            page.contains(&format!(
                "sudoless_policy_halted{{policy=\"{policy}\"}} 1\n"
            ))
        })
        .await;
    for reason in ["AccessDenied", "Failed"] {
        let line = page.lines().find(|line| line.starts_with(&failed(reason)));
        let count: u64 = line.unwrap().rsplit(' ').next().unwrap().parse().unwrap();
        // Each Start counts once, however often it is looked at.
        let notebook = if reason == "Failed" {
            "2-failing"
        } else {
            "1-denied"
        };
        let sent = stage.simulator.writes().into_iter();
        let sent = sent.filter(|write| write.notebook == notebook && write.operation == Start);
        assert!((1..=sent.count() as u64).contains(&count), "{line:?}");
    }
    let told = stage.events_of(&policy).await;
    let halts = told.iter().filter(|(reason, _)| reason == "PolicyHalted");
    assert_eq!(halts.count(), 1, "{told:#?}");
    assert_eq!(stage.accepted("3-waiting"), []);

    stage.simulator.clear_faults();
    let status = stage.until_compliant().await;
    assert_eq!(condition(&status, "Ready").1, "Scanned");
    stage
        .until_page("/metrics", |page| {
            page.contains(&format!(
                "sudoless_policy_halted{{policy=\"{policy}\"}} 0\n"
            ))
        })
        .await;
    for name in names {
        let record = stage.until_finished(name).await;
        assert_eq!(outcome(&record).0, State::Succeeded, "{name}");
        let truth = (Status::InService, RootAccess::Disabled);
        assert_eq!(stage.truth(name), truth, "{name}");
        let mut accepted = stage.accepted(name);
        accepted.dedup();
        assert_eq!(accepted, [Stop, Update, Start], "{name}");
    }
    safety::holds(&stage.simulator);
}

/// A failed remediation halts its account and region until a person deletes the record.
#[tokio::test(flavor = "multi_thread")]
async fn halted_region_is_stalled_until_it_is_acknowledged() {
    let notebooks = ["a", "b"].map(|name| rooted("halted", name));
    let stage = Stage::quick("halted", notebooks).await;
    let refused = Fault::new(Effect::Deny).operation(Update).notebook("a");
    stage.simulator.add_fault(refused);
    stage
        .enforce(json!({"remediation": {"maxFailures": 1}}))
        .await;
    stage.until_state("a", State::Failed).await;
    let status = stage
        .until("p", |status| condition(status, "Stalled").1 == "Halted")
        .await;
    assert_eq!(condition(&status, "Ready").0, "False");
    let (_, _, message) = condition(&status, "Stalled");
    let place = format!("nothing new begins in {}/us-east-1 ", stage.account());
    assert!(message.contains(&place), "{message}");
    assert_eq!(status.summary.unwrap().failed, 1);
    stage.until_next("b", NextStep::Wait, "Halted").await;
    assert_eq!(stage.accepted("b"), []);

    stage.simulator.clear_faults();
    stage.delete_record("a").await;
    let status = stage.until_compliant().await;
    assert_eq!(condition(&status, "Stalled").0, "False");
    assert_eq!(status.summary.unwrap().failed, 0);
}
