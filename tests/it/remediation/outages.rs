//! Outages of AWS's writes, over many accounts and regions: no more notebooks are down than the
//! policy allows, neither during the outage nor when it is over (promise P6).

use std::time::Duration;

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
use sudoless::api::{NextStep, NotebookRemediation, RecordState as State};

use crate::support::{
    enforced::{FAST, cluster},
    records::is_finished,
    safety::{self, Watch},
    spread::Spread,
    stage::{Stage, condition, eventually},
};

/// Until a whole fleet is remediated, a few notebooks at a time.
const FLEET: Duration = Duration::from_mins(4);

/// A `remediation` with the shortest timeouts of `steps`.
fn remediation(most: u32, max_failures: u32, steps: &[&str]) -> Value {
    let mut timeouts = json!({"stop": "30m", "update": "15m", "start": "60m"});
    for step in steps {
        timeouts[*step] = json!("10s");
    }
    json!({
        "maxConcurrent": most,
        "maxConcurrentPerRegion": 1,
        "maxFailures": max_failures,
        "timeouts": timeouts,
    })
}

fn state(record: &NotebookRemediation) -> Option<State> {
    record.status.as_ref()?.state
}

fn timed_out(record: &NotebookRemediation) -> bool {
    let reason = record
        .status
        .as_ref()
        .and_then(|status| status.reason.as_deref());
    state(record) == Some(State::Cancelled) && reason == Some("TimedOut")
}

fn is_open(record: &NotebookRemediation) -> bool {
    record
        .status
        .as_ref()
        .is_none_or(|status| !is_finished(status))
}

/// Waits until so many records need attention, at the least and at the most, and every other
/// notebook that would be restarted is halted.
async fn until_halted(
    stage: &Stage,
    (least, most): (usize, usize),
    notebooks: usize,
) -> Vec<NotebookRemediation> {
    let halted = async || {
        let records = stage.policy_records().await;
        let open = records.iter().filter(|record| is_open(record)).count();
        assert!(open <= most, "{open} notebooks are down, or may be");
        let needy = |record: &&NotebookRemediation| state(record) == Some(State::NeedsAttention);
        let needy = records.iter().filter(needy).count();
        let status = stage.get("p").await.status.unwrap_or_default();
        let halted = status.findings.iter().filter(|finding| {
            finding.next == NextStep::Wait && finding.reason.as_deref() == Some("Halted")
        });
        let settled = needy == open && needy >= least && needy + halted.count() == notebooks;
        // What was claimed in the same second and put off since was not touched.
        let open = records.into_iter().filter(is_open).collect();
        settled.then_some(open)
    };
    eventually("the policy to halt", halted).await
}

/// Everything runs, and no user has root.
fn all_fixed(stage: &Stage) {
    for notebook in stage.simulator.notebooks() {
        let truth = (&notebook.status, &notebook.root_access);
        assert_eq!(
            truth,
            (&Status::InService, &RootAccess::Disabled),
            "{notebook:#?}"
        );
    }
    safety::holds(&stage.simulator);
}

/// The probe gets no clear answer for longer than `timeouts.stop`, in one region after the other.
async fn outage_of_probes(name: &str, effect: Effect, most: u32) {
    let spread = Spread::new(name, 1, 4, 1);
    let stage = Stage::on(cluster(), name, spread.fleet(), &FAST).await;
    stage
        .simulator
        .add_fault(Fault::new(effect).operation(Update));
    let watch = Watch::begin(&stage.simulator, &[]);
    let remediation = remediation(most, 100, &["stop"]);
    stage.apply("p", spread.spec(&remediation)).await;
    let most = most as usize;
    eventually(
        "remediations that time out, and others after them",
        async || {
            let records = stage.policy_records().await;
            let open = records.iter().filter(|record| is_open(record)).count();
            assert!(open <= most, "they take their slots: {records:#?}");
            let ended = records.iter().filter(|record| timed_out(record)).count();
            (ended >= most && open > 0 && ended + open > most).then_some(())
        },
    )
    .await;
    let down = safety::most_down(&stage.simulator.writes());
    assert_eq!(down, 0, "no notebook is stopped without a clear answer");

    stage.simulator.clear_faults();
    stage.until_compliant_within(FLEET).await;
    let down = safety::most_down(&stage.simulator.writes());
    assert!(down <= most, "{down} were down at the same time");
    let seen = watch.end();
    assert!(seen <= most, "{seen} were seen down at the same time");
    all_fixed(&stage);
}

#[tokio::test(flavor = "multi_thread")]
async fn unanswered_probes_take_their_slots_and_time_out() {
    let throttled = Effect::error("ThrottlingException");
    futures::join!(
        outage_of_probes("probes-throttled", throttled, 1),
        outage_of_probes("probes-hanging", Effect::Hang, 2),
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn unanswered_stops_count_as_down_once_aws_recovers() {
    let name = "stops-throttled";
    let spread = Spread::new(name, 2, 3, 1);
    let stage = Stage::on(cluster(), name, spread.fleet(), &FAST).await;
    let throttled = Effect::error("ThrottlingException");
    stage
        .simulator
        .add_fault(Fault::new(throttled).operation(Stop));
    let watch = Watch::begin(&stage.simulator, &[]);
    stage
        .apply("p", spread.spec(&remediation(2, 2, &["stop"])))
        .await;
    until_halted(&stage, (2, 3), spread.targets()).await;

    stage.simulator.clear_faults();
    stage.until_compliant_within(FLEET).await;
    let down = safety::most_down(&stage.simulator.writes());
    assert!(down <= 3, "{down} were down at the same time");
    assert!(watch.end() <= 3);
    all_fixed(&stage);
}

/// Promise P8: what waits for an answer takes turns with the others.
#[tokio::test(flavor = "multi_thread")]
async fn region_without_answers_does_not_hold_up_the_others() {
    let name = "one-silent";
    let spread = Spread::new(name, 1, 4, 1);
    let stage = Stage::on(cluster(), name, spread.fleet(), &FAST).await;
    let (account, region) = spread.first();
    let throttled = Fault::new(Effect::error("ThrottlingException")).operation(Update);
    stage
        .simulator
        .add_fault(throttled.account(account).region(region));
    let remediation = remediation(1, 2, &["stop"]);
    stage.apply("p", spread.spec(&remediation)).await;
    stage
        .until_within("p", FLEET, |status| {
            status.summary.is_some_and(|summary| summary.compliant == 3)
        })
        .await;
    stage.simulator.clear_faults();
    stage.until_compliant_within(FLEET).await;
    assert_eq!(safety::most_down(&stage.simulator.writes()), 1);
    all_fixed(&stage);
}

/// Every Start is refused, or ends in Failed: the brake over the whole policy.
async fn refused_starts(name: &str, effect: Effect, steps: &[&str], reason: Option<&str>) {
    let spread = Spread::new(name, 3, 2, 2);
    let stage = Stage::on(cluster(), name, spread.fleet(), &FAST).await;
    stage
        .simulator
        .add_fault(Fault::new(effect).operation(Start));
    let watch = Watch::begin(&stage.simulator, &[]);
    let (most, failures) = (2, 2);
    let bound = most + failures - 1;
    let remediation = remediation(most, failures, steps);
    stage.apply("p", spread.spec(&remediation)).await;
    let notebooks = 2 * spread.targets();
    let halts = (failures as usize, bound as usize);
    let records = until_halted(&stage, halts, notebooks).await;
    for record in &records {
        let status = record.status.as_ref().unwrap();
        assert_eq!(status.failure_reason.as_deref(), reason, "{record:#?}");
        let message = status.message.as_deref().unwrap();
        assert!(
            reason.is_none_or(|reason| message.contains(reason)),
            "{message}"
        );
        assert!(status.start_attempts > 0, "{record:#?}");
        assert_eq!(record.finalizers().len(), 1, "it is still under way");
    }
    // It stays so, whatever is scanned meanwhile.
    stage.rescan("p").await;
    stage.rescan("p").await;
    let down = safety::most_down(&stage.simulator.writes());
    assert!(down <= bound as usize, "{down} are down");
    let status = stage.get("p").await.status.unwrap();
    assert_eq!(condition(&status, "Stalled").0, "True");

    stage.simulator.clear_faults();
    stage.until_compliant_within(FLEET).await;
    let seen = watch.end();
    assert!(
        seen <= bound as usize,
        "{seen} were seen down at the same time"
    );
    all_fixed(&stage);
}

/// The timeout of a Start is an hour there.
#[tokio::test(flavor = "multi_thread")]
async fn denied_starts_need_attention_at_once_and_halt_the_policy() {
    refused_starts("starts-denied", Effect::Deny, &[], None).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn failed_starts_are_explained_and_halt_the_policy() {
    let reason = "Insufficient notebook instance capacity.";
    let effect = Effect::StartFails {
        reason: reason.to_owned(),
    };
    refused_starts("starts-failing", effect, &["start"], Some(reason)).await;
}
