//! With nothing changed, nothing happens but what has to (promise P10).
//!
//! This waits for a real scan interval, of which there is none shorter than a minute;
//! `tests/it/inventory.rs` makes more scans than that, without the operator around them.

use std::time::Duration;

use futures::{StreamExt, TryStreamExt};
use kube::{ResourceExt, api::WatchParams, core::WatchEvent};
use sagemaker_simulator::{Account, Effect, Fault, Operation};
use serde_json::json;
use sudoless::api::NotebookRootAccessPolicy;

use crate::support::{
    small::{ACCOUNT, REGION, fleet, reads, rootless},
    stage::{Stage, eventually},
};

/// Whose roles nobody may assume. What fails is tried again every half a minute or so.
const DENIED: &str = "444455556666";

/// Scan interval, its jitter, and a busy machine.
const DEADLINE: Duration = Duration::from_mins(2);

#[tokio::test(flavor = "multi_thread")]
async fn an_idle_interval_costs_a_list_per_hundred_and_one_write() {
    let notebooks = (0..150).map(|number| rootless(&format!("notebook-{number:03}")));
    let fleet = fleet(notebooks)
        .account(Account::new(DENIED).role("sudoless"))
        .fault(
            Fault::new(Effect::Deny)
                .operation(Operation::AssumeRole)
                .account(DENIED),
        );
    let stage = Stage::begin("quiet", fleet, &[]).await;
    let accounts = [ACCOUNT, DENIED].map(|id| json!({"id": id, "role": "sudoless"}));
    let policy = json!({"accounts": accounts, "regions": [REGION], "scanInterval": "1m"});
    stage.apply("p", policy).await;
    let first = stage.until_scanned("p").await;
    let summary = first.summary.unwrap();
    assert_eq!((summary.notebooks, summary.unreadable_targets), (150, 1));
    assert_eq!(reads(&stage.simulator), (2, 150));
    let denials = denials(&stage);
    // The status is written first, and then it is logged that it changed.
    let log = eventually("the log of the first scan", async || {
        let log = stage.log();
        let told = log.iter().any(|line| line.contains("status changed"));
        told.then_some(log)
    })
    .await;

    // Every write from here to the next scan.
    let start = stage.get("p").await;
    assert_eq!(start.status.as_ref(), Some(&first));
    let parameters = WatchParams::default().fields("metadata.name=quiet-p");
    let version = start.resource_version().unwrap();
    let changes = stage
        .policies()
        .watch(&parameters, &version)
        .await
        .unwrap()
        .try_filter_map(async |event| match event {
            WatchEvent::Modified(policy) => Ok(Some(policy)),
            WatchEvent::Bookmark(_) => Ok(None),
            other => panic!("{other:?}"),
        });
    let mut changes = std::pin::pin!(changes);
    let change = tokio::time::timeout(DEADLINE, changes.next()).await;
    let refreshed: NotebookRootAccessPolicy = change.unwrap().unwrap().unwrap();

    let status = refreshed.status.clone().unwrap();
    assert!(status.last_scan_time > first.last_scan_time, "{status:#?}");
    let mut but_for_the_time = status;
    but_for_the_time
        .last_scan_time
        .clone_from(&first.last_scan_time);
    assert_eq!(but_for_the_time, first);
    assert_eq!(
        reads(&stage.simulator),
        (4, 150),
        "two Lists and no Describe"
    );
    assert!(
        self::denials(&stage) > denials,
        "what fails was tried again"
    );
    assert_eq!(stage.log(), log, "nothing to log");

    let (ended, _) = stage.stop_operator();
    assert!(ended.success());
    let end = stage.get("p").await;
    assert_eq!(
        end.resource_version(),
        refreshed.resource_version(),
        "one write"
    );
    assert_eq!(end.metadata.generation, start.metadata.generation);
    written_by_the_operator(&end);
}

fn denials(stage: &Stage) -> u64 {
    let counters = stage.simulator.counters();
    counters.sum(|count| count.operation == Operation::AssumeRole && count.account == DENIED)
}

/// The operator owns the status, all of it, and nothing else: tools that apply from Git see no
/// difference to what is in Git.
fn written_by_the_operator(policy: &NotebookRootAccessPolicy) {
    let entries = policy.managed_fields();
    let ours: Vec<_> = entries
        .iter()
        .filter(|entry| entry.manager.as_deref() == Some("sudoless"))
        .collect();
    assert_eq!(ours.len(), 1, "{entries:#?}");
    assert_eq!(ours[0].operation.as_deref(), Some("Apply"));
    assert_eq!(ours[0].subresource.as_deref(), Some("status"));
    let fields = &ours[0].fields_v1.as_ref().unwrap().0;
    assert_eq!(
        fields.as_object().unwrap().keys().collect::<Vec<_>>(),
        ["f:status"]
    );
    for other in entries
        .iter()
        .filter(|entry| entry.manager.as_deref() != Some("sudoless"))
    {
        let fields = &other.fields_v1.as_ref().unwrap().0;
        assert!(fields.get("f:status").is_none(), "{other:#?}");
    }
}
