//! What several policies name is read once; what none names is not read any more.

use std::time::Duration;

use sagemaker_simulator::{Account, Fleet, Operation, Options, Simulator};
use serde_json::json;

use super::{
    expectation::{Expectation, only_read},
    fleets::{ACCOUNTS, REGIONS, accounts, mixed, policy},
};
use crate::support::stage::{Stage, cluster, until};

/// Requests of an operation in an account.
fn sent(stage: &Stage, operation: Operation, account: &str) -> u64 {
    let counters = stage.simulator.counters();
    counters.sum(|count| count.operation == operation && count.account == account)
}

fn lists(stage: &Stage, account: &str) -> u64 {
    sent(stage, Operation::ListNotebookInstances, account)
}

fn describes(stage: &Stage, account: &str) -> u64 {
    sent(stage, Operation::DescribeNotebookInstance, account)
}

#[tokio::test(flavor = "multi_thread")]
async fn overlapping_policies_share_a_scan_and_other_identities_do_not() {
    let [one, shared, other] = ACCOUNTS;
    let fleet = ACCOUNTS.iter().fold(Fleet::new(), |fleet, id| {
        fleet.account(Account::new(id).role("sudoless").role("auditor"))
    });
    let fleet = fleet.notebooks(mixed(&ACCOUNTS, &REGIONS, 90));
    let stage = Stage::begin("sharing", fleet, &[]).await;
    let of = |ids: &[&str]| Expectation::of(stage.simulator.notebooks(), ids, &REGIONS);

    stage.apply("first", policy(&[one, shared], &REGIONS)).await;
    stage
        .apply("second", policy(&[shared, other], &REGIONS))
        .await;
    of(&[one, shared]).mark_canary_passed(&stage, "first").await;
    of(&[shared, other])
        .mark_canary_passed(&stage, "second")
        .await;
    // One that comes later finds what is there.
    stage.apply("third", policy(&ACCOUNTS, &REGIONS)).await;
    of(&ACCOUNTS).mark_canary_passed(&stage, "third").await;
    for account in ACCOUNTS {
        assert_eq!(
            (lists(&stage, account), describes(&stage, account)),
            (3, 30)
        );
        assert_eq!(sent(&stage, Operation::AssumeRole, account), 1);
    }

    let mut auditing = policy(&[shared], &REGIONS);
    auditing["accounts"][0]["role"] = json!("auditor");
    stage.apply("auditor", auditing).await;
    of(&[shared]).mark_canary_passed(&stage, "auditor").await;
    assert_eq!((lists(&stage, shared), describes(&stage, shared)), (6, 60));
    assert_eq!(sent(&stage, Operation::AssumeRole, shared), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_no_policy_names_any_more_is_read_no_more() {
    let [kept, dropped, shared] = ACCOUNTS;
    let fleet = accounts(&ACCOUNTS).notebooks(mixed(&ACCOUNTS, &REGIONS, 45));
    let stage = Stage::begin("dropped", fleet, &[]).await;
    let of = |ids: &[&str]| Expectation::of(stage.simulator.notebooks(), ids, &REGIONS);
    stage.apply("one", policy(&ACCOUNTS, &REGIONS)).await;
    stage.apply("other", policy(&[shared], &REGIONS)).await;
    of(&ACCOUNTS).mark_canary_passed(&stage, "one").await;
    of(&[shared]).mark_canary_passed(&stage, "other").await;

    let fewer = policy(&[kept], &REGIONS[..2]);
    stage.apply("one", fewer).await;
    let here = Expectation::of(stage.simulator.notebooks(), &[kept], &REGIONS[..2]);
    here.mark_canary_passed(&stage, "one").await;
    stage.simulator.reset_counters();
    here.holds(&stage.rescan("one").await);
    assert_eq!((lists(&stage, kept), describes(&stage, kept)), (2, 10));
    assert_eq!(lists(&stage, shared), 0, "the other policy did not ask");
    // The memory of the policy is not all that was deleted. The series are gone from the metrics,
    // and the target must be read again when it returns.
    let (_, metrics) = stage.page("/metrics");
    assert!(metrics.contains(kept) && metrics.contains(shared) && !metrics.contains(dropped));
    of(&[shared]).holds(&stage.rescan("other").await);
    assert_eq!(lists(&stage, shared), 3);

    stage.delete("other").await;
    until("the deleted policy's series to vanish", || {
        !stage.page("/metrics").1.contains(shared)
    })
    .await;
    stage.simulator.reset_counters();
    here.holds(&stage.rescan("one").await);
    for account in [dropped, shared] {
        let counters = stage.simulator.counters();
        assert_eq!(counters.sum(|count| count.account == account), 0);
    }
    stage.apply("one", policy(&ACCOUNTS, &REGIONS)).await;
    of(&ACCOUNTS)
        .come_true(&stage, "one", Duration::from_secs(30))
        .await;
    assert_eq!(describes(&stage, dropped), 15);
    only_read(&stage.simulator);
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_that_expire_are_renewed_unseen() {
    let fleet = accounts(&ACCOUNTS).notebooks(mixed(&ACCOUNTS, &REGIONS, 90));
    let options = Options {
        session_lifetime: Some(Duration::from_secs(5)),
        ..Options::default()
    };
    let simulator = Simulator::start(fleet, options).unwrap();
    let stage = Stage::with(cluster(), "sessions", simulator, &[]).await;
    stage.apply("all", policy(&ACCOUNTS, &REGIONS)).await;
    let all = Expectation::of(stage.simulator.notebooks(), &ACCOUNTS, &REGIONS);
    all.mark_canary_passed(&stage, "all").await;
    let assumed = || sent(&stage, Operation::AssumeRole, ACCOUNTS[0]);
    let first = assumed();
    while assumed() == first {
        all.holds(&stage.rescan("all").await);
    }

    // The credentials expire early, as after a revocation or when clocks differ.
    stage.simulator.expire_sessions();
    all.holds(&stage.rescan("all").await);
    only_read(&stage.simulator);
}
