//! A remediation from its claim to its end, with nothing in its way; and those that must not begin.

use kube::ResourceExt;
use sagemaker_simulator::{
    Effect, Fault,
    Operation::{
        StartNotebookInstance as Start, StopNotebookInstance as Stop,
        UpdateNotebookInstance as Update,
    },
    OwnerAct, RootAccess, Status,
};
use serde_json::{Value, json};
use sudoless::api::{NextStep, RecordState as State, Verdict};

use crate::support::{
    enforced::{at_most, rooted, spec, stopped},
    records::outcome,
    safety::{self, Watch},
    stage::{Stage, condition, until},
};

#[tokio::test(flavor = "multi_thread")]
async fn a_running_notebook_is_stopped_updated_and_started() {
    let stage = Stage::quick("cycle", [rooted("cycle", "churn")]).await;
    let held = stage.simulator.add_fault(Fault::new(Effect::StuckStopping));
    stage.enforce(json!({})).await;
    let record = stage.until_state("churn", State::Stopping).await;
    assert_eq!(record.owner_references()[0].name, "cycle-p");
    until("the Stop", || stage.accepted("churn") == [Stop]).await;
    stage.simulator.remove_fault(held);
    stage.modify("churn", |notebook| notebook.status = Status::Stopped);
    let record = stage.until_finished("churn").await;

    let told = outcome(&record);
    assert_eq!(told, (State::Succeeded, "RootAccessDisabled".to_owned()));
    let status = record.status.clone().unwrap();
    assert_eq!(
        status.message.as_deref(),
        Some("root access is disabled; the notebook was stopped for the change and runs again")
    );
    assert!(
        status.downtime_seconds.is_some() && status.downtime.is_some(),
        "{status:#?}"
    );
    let times = [
        status.stop_requested_at,
        status.update_requested_at,
        status.start_requested_at,
        status.completed_at,
    ];
    let times = times.map(|time| time.unwrap().0);
    assert!(times.is_sorted(), "{times:?}");
    assert_eq!(status.start_attempts, 1);
    assert!(record.spec.was_running);
    assert_eq!(record.spec.policy, "cycle-p");
    assert_eq!(
        record.owner_references(),
        [],
        "the audit trail outlives its policy"
    );

    let ended = (Status::InService, RootAccess::Disabled);
    assert_eq!(stage.truth("churn"), ended);
    assert_eq!(stage.accepted("churn"), [Stop, Update, Start]);
    let writes: Vec<_> = stage.simulator.writes();
    let asked: Vec<_> = writes.iter().map(|write| write.operation).collect();
    assert_eq!(
        asked,
        [Update, Stop, Update, Start],
        "the first asks for permission"
    );
    assert_eq!(writes[0].outcome, "ValidationException");
    safety::holds(&stage.simulator);

    let status = stage.until_compliant().await;
    let summary = status.summary.unwrap();
    assert_eq!((summary.compliant, summary.remediating), (1, 0));
    assert_eq!(condition(&status, "Ready").0, "True");
    assert_eq!(condition(&status, "Reconciling").0, "False");
}

/// A log store finds the lines of a notebook, and of a policy, by their fields.
#[tokio::test(flavor = "multi_thread")]
async fn log_lines_name_policy_and_notebook() {
    let stage = Stage::quick("log-lines", [rooted("log-lines", "churn")]).await;
    stage.enforce(json!({})).await;
    let record = stage.until_finished("churn").await;
    stage.until_compliant().await;
    let lines: Vec<Value> = stage
        .log()
        .iter()
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect();
    let answers: Vec<_> = lines
        .iter()
        .filter(|line| line.get("answer").is_some())
        .collect();
    assert_eq!(answers.len(), 4, "{lines:#?}");
    let account = stage.account();
    for line in answers {
        let fields = ["record", "policy", "account", "region", "notebook"];
        let named = fields.map(|field| line[field].as_str().unwrap_or_default());
        let expected = [
            &*record.name_any(),
            "log-lines-p",
            &account,
            "us-east-1",
            "churn",
        ];
        assert_eq!(named, expected, "{line}");
    }
    let of_policy = lines
        .iter()
        .filter(|line| line["target"] == "sudoless::controller::policy");
    let mut count = 0;
    for line in of_policy {
        assert_eq!(line["policy"], "log-lines-p", "{line}");
        count += 1;
    }
    assert!(count > 0, "{lines:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopped_notebook_is_updated_and_stays_stopped() {
    let stage = Stage::quick("asleep", [stopped("asleep", "churn")]).await;
    stage.enforce(json!({})).await;
    let record = stage.until_finished("churn").await;
    let told = outcome(&record);
    assert_eq!(told, (State::Succeeded, "RootAccessDisabled".to_owned()));
    let status = record.status.unwrap();
    assert_eq!(
        (status.downtime_seconds, status.stop_requested_at),
        (None, None)
    );
    assert!(!record.spec.was_running);
    stage.until_compliant().await;
    assert_eq!(
        stage.truth("churn"),
        (Status::Stopped, RootAccess::Disabled)
    );
    let writes = stage.simulator.writes();
    let asked: Vec<_> = writes.iter().map(|write| write.operation).collect();
    assert_eq!(asked, [Update]);
    safety::holds(&stage.simulator);
}

#[tokio::test(flavor = "multi_thread")]
async fn audit_writes_nothing() {
    let notebooks = [rooted("looking", "up"), stopped("looking", "down")];
    let stage = Stage::quick("looking", notebooks).await;
    stage.enforce(json!({"mode": "Audit"})).await;
    let status = stage.until_scanned("p").await;
    let next: Vec<_> = status.findings.iter().map(|finding| finding.next).collect();
    assert_eq!(
        next,
        [NextStep::Update, NextStep::Restart],
        "what it would do"
    );
    stage.rescan("p").await;
    assert_eq!(stage.simulator.counters().writes(), 0);
    assert_eq!(stage.records().await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_exemption_of_any_policy_holds() {
    let notebooks = ["own", "others", "free"].map(|name| rooted("exempt", name));
    let stage = Stage::quick("exempt", notebooks).await;
    let exemption =
        |name: &str| json!({"exemptions": [{"reason": "rootful Docker", "names": [name]}]});
    let mut other = spec("exempt", exemption("others"));
    other["mode"] = json!("Audit");
    stage.apply("other", other).await;
    stage.enforce(exemption("own")).await;
    stage.until_finished("free").await;

    let said = stage
        .until_next("others", NextStep::Wait, "PolicyConflict")
        .await;
    assert_eq!(
        said,
        "the policy exempt-other exempts the notebook: rootful Docker"
    );
    let status = stage
        .until("p", |status| {
            status.summary.is_some_and(|summary| summary.compliant == 1)
        })
        .await;
    let own = status.findings.iter().find(|finding| finding.name == "own");
    assert_eq!(own.unwrap().verdict, Verdict::Exempt);
    for name in ["own", "others"] {
        assert_eq!(stage.accepted(name), []);
        assert_eq!(stage.record(name).await, None);
    }
    safety::holds(&stage.simulator);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_waits_is_fixed_when_its_owner_stops_it() {
    let stage = Stage::quick("patient", [rooted("patient", "churn")]).await;
    stage
        .enforce(json!({"remediation": {"whenRunning": "Wait"}}))
        .await;
    stage.until_next("churn", NextStep::Wait, "Running").await;
    assert_eq!(stage.records().await, []);
    assert_eq!(stage.simulator.counters().writes(), 0);

    stage.owner("churn", OwnerAct::Stop);
    while stage.truth("churn").0 != Status::Stopped {
        stage.rescan("p").await;
    }
    stage.rescan("p").await;
    let record = stage.until_finished("churn").await;
    assert_eq!(outcome(&record).0, State::Succeeded);
    assert!(!record.spec.was_running);
    assert_eq!(
        stage.truth("churn"),
        (Status::Stopped, RootAccess::Disabled)
    );
    assert_eq!(stage.accepted("churn"), [Update]);
}

#[tokio::test(flavor = "multi_thread")]
async fn never_more_are_down_than_the_budget_allows() {
    let names = ["a", "b", "c", "d", "e", "f"];
    let notebooks = names.map(|name| rooted("budget", name));
    let notebooks = notebooks.into_iter().chain([stopped("budget", "z")]);
    let stage = Stage::quick("budget", notebooks).await;
    let watch = Watch::begin(&stage.simulator, &[]);
    stage.enforce(at_most(2)).await;
    stage.until_compliant().await;
    assert_eq!(watch.end(), 2, "two at a time, and no more");

    let writes = stage.simulator.writes();
    assert_eq!(safety::most_down(&writes), 2);
    safety::holds(&stage.simulator);
    let accepted: Vec<_> = writes
        .iter()
        .filter(|write| write.outcome == "OK")
        .collect();
    assert_eq!(accepted[0].notebook, "z", "it costs nobody anything");
    // The canary: the second is stopped only after the first was started.
    let order = |operation| {
        accepted
            .iter()
            .position(|write| write.operation == operation)
    };
    let stops = accepted
        .iter()
        .enumerate()
        .filter(|(_, write)| write.operation == Stop);
    let second = stops.map(|(index, _)| index).nth(1);
    assert!(order(Start) < second, "{accepted:#?}");
    for name in names {
        assert_eq!(stage.accepted(name), [Stop, Update, Start]);
        assert_eq!(stage.truth(name), (Status::InService, RootAccess::Disabled));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_sets_root_back_each_time_is_not_fought_for_ever() {
    let stage = Stage::quick("terraform", [stopped("terraform", "churn")]).await;
    stage.enforce(json!({})).await;
    for recurrence in 0..3 {
        let record = stage
            .until_record("churn", |record, status| {
                record.spec.recurrence == recurrence && status.state == Some(State::Succeeded)
            })
            .await;
        assert_eq!(record.spec.recurrence, recurrence);
        stage.owner("churn", OwnerAct::EnableRoot);
        stage.rescan("p").await;
    }
    let said = stage.until_next("churn", NextStep::Wait, "Recurring").await;
    assert!(
        said.starts_with("root access was disabled 3 times"),
        "{said}"
    );
    assert_eq!(stage.accepted("churn"), [Update; 3]);

    // A person deletes the record to confirm that the cause will not return.
    stage.delete_record("churn").await;
    let record = stage.until_finished("churn").await;
    assert_eq!(record.spec.recurrence, 0);
    assert_eq!(
        stage.truth("churn"),
        (Status::Stopped, RootAccess::Disabled)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_failed_waits_until_somebody_acknowledges_it() {
    let stage = Stage::quick("denied", [rooted("denied", "churn")]).await;
    let deny = stage
        .simulator
        .add_fault(Fault::new(Effect::Deny).operation(Update));
    stage.enforce(json!({})).await;
    let record = stage.until_finished("churn").await;
    assert_eq!(outcome(&record), (State::Failed, "AccessDenied".to_owned()));
    let said = stage.until_next("churn", NextStep::Wait, "Failed").await;
    assert!(
        said.contains(&format!("kubectl delete nbr {}", record.name_any())),
        "{said}"
    );
    stage.rescan("p").await;
    assert_eq!(stage.accepted("churn"), [], "nobody was stopped");

    stage.simulator.remove_fault(deny);
    stage.delete_record("churn").await;
    let again = stage.until_finished("churn").await;
    assert_ne!(again.uid(), record.uid());
    assert_eq!(outcome(&again).0, State::Succeeded);
    assert_eq!(
        stage.truth("churn"),
        (Status::InService, RootAccess::Disabled)
    );
    safety::holds(&stage.simulator);
}

#[tokio::test(flavor = "multi_thread")]
async fn outside_its_windows_nobody_is_stopped() {
    let notebooks = [rooted("window", "up"), stopped("window", "down")];
    let stage = Stage::quick("window", notebooks).await;
    // Half a year away.
    let month = (jiff::Timestamp::now()
        .to_zoned(jiff::tz::TimeZone::UTC)
        .month()
        + 5)
        % 12
        + 1;
    let windows = json!([{"schedule": format!("0 2 1 {month} *"), "duration": "4h"}]);
    stage
        .enforce(json!({"remediation": {"windows": windows}}))
        .await;
    stage.until_finished("down").await;
    stage.until_next("up", NextStep::Wait, "Window").await;
    let status = stage
        .until("p", |status| {
            status
                .summary
                .is_some_and(|summary| summary.remediating == 0)
        })
        .await;
    assert_eq!(
        condition(&status, "Reconciling").0,
        "False",
        "waiting is no work"
    );
    assert_eq!(stage.accepted("up"), []);
    assert_eq!(stage.record("up").await, None);
}
