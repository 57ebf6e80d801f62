//! A fleet and two policies by which every panel of the dashboard has something to show.

use std::time::{Duration, Instant};

use kube::api::ListParams;
use sagemaker_simulator::{Account, Effect, Fault, Fleet, Notebook, Operation};
use serde_json::{Value, json};
use sudoless::api::RecordState as State;

use super::dashboard::{Choice, Dashboard, Query};
use crate::support::{
    enforced::quick,
    prometheus::{Prometheus, Series},
    stage::{Stage, condition, eventually},
};

/// See [`fleet`].
pub const AUDITED: &str = "100000000001";
/// See [`fleet`].
pub const ENFORCED: &str = "100000000002";
const DENIED: &str = "100000000003";
/// See [`fleet`].
pub const REGION: &str = "us-east-1";
/// See [`fleet`].
pub const OTHER_REGION: &str = "eu-west-1";

/// After everything has happened, until it is scraped and seen.
const DEADLINE: Duration = Duration::from_mins(1);

/// What may rightly be zero all the time: whole seconds of CPU time are counted, and an operator
/// that rests uses none.
const MAY_BE_ZERO: [&str; 1] = ["CPU A"];

/// Returns a fleet with an occurrence for each panel: each verdict, a notebook that AWS would not
/// start again, a target that cannot be read, throttling, a start that fails because a quota is
/// exceeded, a remediation that fails, a remediation that needs a person, and an account and region
/// that is halted.
pub fn fleet() -> Fleet {
    let of = |id| {
        Account::new(id)
            .role("sudoless")
            .regions([REGION, OTHER_REGION])
    };
    let on = |operation, notebook: &str, effect| {
        Fault::new(effect).operation(operation).notebook(notebook)
    };
    let faults = [
        Fault::new(Effect::Deny).account(DENIED),
        Fault::new(Effect::error("ThrottlingException"))
            .operation(Operation::DescribeNotebookInstance)
            .next(2),
        on(
            Operation::StartNotebookInstance,
            "canary",
            Effect::error("ResourceLimitExceeded"),
        )
        .next(1),
        on(
            Operation::StopNotebookInstance,
            "stuck",
            Effect::StuckStopping,
        ),
        on(Operation::UpdateNotebookInstance, "asleep", Effect::Deny),
    ];
    let fleet = Fleet::new()
        .account(of(AUDITED))
        .account(of(ENFORCED))
        .account(of(DENIED))
        .notebooks([
            Notebook::new(AUDITED, REGION, "rooted")
                .lifecycle_config("setup")
                .platform("notebook-al2-v3"),
            Notebook::new(AUDITED, REGION, "rootless").root_access("Disabled"),
            Notebook::new(AUDITED, REGION, "legacy-etl"),
            Notebook::new(AUDITED, OTHER_REGION, "odd").root_access("absent"),
            Notebook::new(ENFORCED, REGION, "canary"),
            Notebook::new(ENFORCED, REGION, "stuck"),
            Notebook::new(ENFORCED, OTHER_REGION, "asleep").status("Stopped"),
            Notebook::new(ENFORCED, OTHER_REGION, "awake"),
        ])
        .timings(quick());
    faults.into_iter().fold(fleet, Fleet::fault)
}

/// What the second policy asks for: everybody at once, impatiently, and nothing more where one
/// failed.
fn remediation() -> Value {
    json!({
        "maxConcurrent": 20,
        "maxConcurrentPerRegion": 20,
        "maxFailures": 1,
        "timeouts": {"stop": "10s", "update": "10s", "start": "10s"},
    })
}

/// Audits one account and enforces in two others, of which one refuses; returns once all of it has
/// happened.
pub async fn happens(stage: &Stage) {
    let account = |id| json!({"id": id, "role": "sudoless"});
    let soon = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(72);
    let expires_at = jiff::Timestamp::from_second(soon.as_second()).unwrap();
    let audit = json!({
        "accounts": [account(AUDITED)],
        "regions": [REGION, OTHER_REGION],
        "scanInterval": "1m",
        "exemptions": [{"reason": "ported next year", "names": ["legacy-*"], "expiresAt": expires_at.to_string()}],
    });
    stage.apply("audit", audit).await;
    let status = stage.until_scanned("audit").await;
    assert_eq!(condition(&status, "Compliant").1, "RootAccessEnabled");
    let enforce = json!({
        "mode": "Enforce",
        "accounts": [account(ENFORCED), account(DENIED)],
        "regions": [REGION, OTHER_REGION],
        "scanInterval": "1m",
        "remediation": remediation(),
    });
    stage.apply("enforce", enforce).await;
    for (notebook, state) in [
        ("canary", State::Succeeded),
        ("asleep", State::Failed),
        ("stuck", State::NeedsAttention),
    ] {
        let what = format!("{notebook} to be {state:?}");
        eventually(&what, async || {
            let records = stage.record_api().list(&ListParams::default()).await;
            let mut records = records.unwrap().into_iter();
            let record = records.find(|record| record.spec.notebook.name == notebook);
            let is = record?.status?.state? == state;
            is.then_some(())
        })
        .await;
    }
    let policy = stage.until("enforce", |status| {
        status
            .summary
            .is_some_and(|summary| summary.needs_attention == 1)
    });
    policy.await;
}

/// What a query of the dashboard says.
pub async fn answer(prometheus: &Prometheus, query: &Query, choice: &Choice) -> Vec<Series> {
    let expr = choice.fill(&query.expr);
    let found = if query.instant {
        prometheus.instant(&expr).await
    } else {
        prometheus.range(&expr, choice.range).await
    };
    found.unwrap_or_else(|why| panic!("{}: {expr}\n{why}", query.place))
}

/// Whether there is anything to see.
fn shows(query: &Query, found: &[Series]) -> bool {
    let may_be_zero = MAY_BE_ZERO.contains(&query.place.as_str());
    let mut values = found.iter().flat_map(|series| &series.values);
    values.any(|value| value.is_finite() && (may_be_zero || *value != 0.0))
}

/// Asks until every query has shown something.
pub async fn until_everything_shows(
    prometheus: &Prometheus,
    since: Instant,
    choice: impl Fn(u64) -> Choice,
) {
    let begun = Instant::now();
    let mut missing = Dashboard::read().queries();
    while !missing.is_empty() {
        let choice = choice(since.elapsed().as_secs() + 2);
        let mut empty = Vec::new();
        for query in missing {
            let found = answer(prometheus, &query, &choice).await;
            if !shows(&query, &found) {
                empty.push(query);
            }
        }
        missing = empty;
        assert!(begun.elapsed() < DEADLINE, "nothing in {missing:#?}");
    }
}
