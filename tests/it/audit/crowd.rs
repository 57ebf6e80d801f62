//! One bad account hurts only itself (promise P8): many accounts, a third of their targets ill in
//! every way at once, and what is slow beside what is not.

use std::time::Duration;

use sagemaker_simulator::{Effect, Fault, Fleet, Operation};

use super::{
    expectation::Expectation,
    fleets::{ACCOUNTS, REGIONS, accounts, mixed, policy, tame},
};
use crate::support::stage::Stage;

/// Always the same choice; another seed is as good.
const SEED: u64 = 20_261_122;

/// What a target suffers from, and how the status shows it.
#[derive(Clone, Copy, Debug)]
enum Illness {
    Denied,
    DescribesDenied,
    Disabled,
    Hanging,
    DescribesHanging,
    Reset,
    Throttled,
    DescribesThrottled,
    Broken,
}

impl Illness {
    const ALL: [Self; 9] = [
        Self::Denied,
        Self::DescribesDenied,
        Self::Disabled,
        Self::Hanging,
        Self::DescribesHanging,
        Self::Reset,
        Self::Throttled,
        Self::DescribesThrottled,
        Self::Broken,
    ];

    fn fault(self, account: &str, region: &str) -> Fault {
        // Never a token: what is throttled for ever can be foretold.
        let throttle = Effect::Throttle {
            rate: 0.0,
            burst: 0.0,
        };
        let (list, describe) = (
            Operation::ListNotebookInstances,
            Operation::DescribeNotebookInstance,
        );
        // An operation is always named: STS answers in one of these regions for all of them.
        let (effect, operation) = match self {
            Self::Denied => (Effect::Deny, list),
            Self::DescribesDenied => (Effect::Deny, describe),
            Self::Disabled => (Effect::DisableRegion, list),
            Self::Hanging => (Effect::Hang, list),
            Self::DescribesHanging => (Effect::Hang, describe),
            Self::Reset => (Effect::Reset, list),
            Self::Throttled => (throttle, list),
            Self::DescribesThrottled => (throttle, describe),
            Self::Broken => (Effect::error_with_status("InternalFailure", 500), list),
        };
        Fault::new(effect)
            .account(account)
            .region(region)
            .operation(operation)
    }

    fn shown(self, healthy: Expectation, account: &str, region: &str) -> Expectation {
        match self {
            Self::Denied => healthy.unlisted(account, region, "AccessDenied"),
            Self::DescribesDenied => healthy.undescribed(account, region, "AccessDenied"),
            Self::Disabled => healthy.unlisted(account, region, "RegionDisabled"),
            Self::Hanging | Self::Reset | Self::Broken => {
                healthy.unlisted(account, region, "Unreachable")
            }
            Self::DescribesHanging => healthy.undescribed(account, region, "Unreachable"),
            Self::Throttled => healthy.unlisted(account, region, "Throttled"),
            Self::DescribesThrottled => healthy.undescribed(account, region, "Throttled"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_third_of_all_targets_is_ill_and_the_rest_is_well() {
    let ids: Vec<String> = (1..=20)
        .map(|number| format!("{}", 100_000_000_000_u64 + number))
        .collect();
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    let mut random = fastrand::Rng::with_seed(SEED);
    let mut targets: Vec<(&str, &str)> = ids
        .iter()
        .flat_map(|id| REGIONS.map(|region| (*id, region)))
        .collect();
    random.shuffle(&mut targets);
    targets.truncate(20);
    let ill: Vec<_> = Illness::ALL.into_iter().cycle().zip(targets).collect();
    let fleet = ill.iter().fold(
        accounts(&ids).notebooks(mixed(&ids, &REGIONS, 480)),
        |fleet: Fleet, (illness, (account, region))| fleet.fault(illness.fault(account, region)),
    );
    let flags = ["--request-timeout", "2s", "--target-deadline", "15s"];
    let stage = Stage::begin("crowd", fleet, &flags).await;
    stage.apply("all", policy(&ids, &REGIONS)).await;

    let healthy = || Expectation::of(stage.simulator.notebooks(), &ids, &REGIONS);
    let done = ill
        .iter()
        .fold(healthy(), |expectation, (illness, (account, region))| {
            illness.shown(expectation, account, region)
        });
    let (took, _) = tokio::join!(
        async {
            let started = std::time::Instant::now();
            let well = |status: &_| done.is_known(status);
            stage
                .until_within("all", Duration::from_secs(15), well)
                .await;
            started.elapsed()
        },
        done.mark_canary_passed(&stage, "all"),
    );
    assert!(took < Duration::from_secs(12), "{took:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_throttled_region_is_right_in_the_end_and_holds_up_no_other() {
    let (account, slow) = (ACCOUNTS[0], REGIONS[0]);
    let throttle = Effect::Throttle {
        rate: 10.0,
        burst: 10.0,
    };
    let fleet = accounts(&ACCOUNTS[..2])
        .notebooks(mixed(&[account], &[slow], 300))
        .notebooks(mixed(&ACCOUNTS[..2], &REGIONS[1..], 100))
        .fault(
            Fault::new(throttle)
                .operation(Operation::DescribeNotebookInstance)
                .region(slow),
        );
    let stage = Stage::begin("throttled", fleet, &[]).await;
    stage.apply("all", policy(&ACCOUNTS[..2], &REGIONS)).await;
    let done = Expectation::of(stage.simulator.notebooks(), &ACCOUNTS[..2], &REGIONS);
    let meanwhile = Expectation::of(stage.simulator.notebooks(), &ACCOUNTS[..2], &REGIONS)
        .unlisted(account, slow, "Unreachable")
        .during_first_scan();
    let (took, _) = tokio::join!(
        meanwhile.come_true(&stage, "all", Duration::from_secs(20)),
        done.prove_within(&stage, "all", Duration::from_mins(3)),
    );
    assert!(took < Duration::from_secs(15), "{took:?}");
    let throttled = stage
        .simulator
        .counters()
        .outcome(Operation::DescribeNotebookInstance, "ThrottlingException");
    assert!(
        (1..200).contains(&throttled),
        "{throttled} answers were throttled"
    );
}

/// More regions that never answer than are read at the same time, all of them before the others in
/// the order: as behind a firewall that lets only one region through.
#[tokio::test(flavor = "multi_thread")]
async fn more_hanging_targets_than_places_starve_nobody() {
    let ids: Vec<String> = (1..=80)
        .map(|number| format!("{}", 200_000_000_000_u64 + number))
        .collect();
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    let (blocked, open) = (["ap-northeast-1", "ap-northeast-2"], "us-east-1");
    let fleet = ids.iter().fold(accounts(&ids), |fleet, id| {
        fleet.notebooks(tame(id, open, 2))
    });
    let fleet = blocked.iter().fold(fleet, |fleet, region| {
        fleet.fault(Fault::new(Effect::Hang).region(region))
    });
    let stage = Stage::begin("blocked", fleet, &[]).await;
    stage
        .apply("all", policy(&ids, &[blocked[0], blocked[1], open]))
        .await;
    let scanned = |status: &sudoless::api::NotebookRootAccessPolicyStatus| {
        status
            .summary
            .is_some_and(|summary| summary.compliant == 160)
    };
    stage
        .until_within("all", Duration::from_secs(20), scanned)
        .await;
}

/// STS throttles too, and all regions of an account wait for it.
#[tokio::test(flavor = "multi_thread")]
async fn an_account_whose_role_is_throttled_is_named_as_such() {
    let ill = ACCOUNTS[1];
    let never = Effect::Throttle {
        rate: 0.0,
        burst: 0.0,
    };
    let fleet = accounts(&ACCOUNTS)
        .notebooks(mixed(&ACCOUNTS, &REGIONS, 45))
        .fault(
            Fault::new(never)
                .account(ill)
                .operation(Operation::AssumeRole),
        );
    let flags = ["--request-timeout", "2s", "--target-deadline", "10s"];
    let stage = Stage::begin("sts", fleet, &flags).await;
    stage.apply("all", policy(&ACCOUNTS, &REGIONS)).await;
    let fleet = stage.simulator.notebooks();
    let expectation = Expectation::of(fleet, &ACCOUNTS, &REGIONS);
    let throttled = REGIONS.iter().fold(expectation, |expectation, region| {
        expectation.unlisted(ill, region, "Throttled")
    });
    throttled.mark_canary_passed(&stage, "all").await;
}
