//! The shared cache over thousands of scans: what it asks AWS when nothing changed, and what it
//! keeps.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::{Credentials, provider::SharedCredentialsProvider};
use jiff::Timestamp;
use sagemaker_simulator::{Account, Effect, Fault, Notebook, Operation, Options, Simulator};
use serde_json::{Value, json};
use sudoless::{
    api::{NotebookRootAccessPolicy, NotebookRootAccessPolicyStatus as Status, TargetState},
    aws::{self, Aws},
    decide::{self, Pass, Progress},
    domain::Policy,
    fleet::{self, Fleet, Freshness, Observation, OnMissing, Subscription},
    observability::{BuildInfo, Metrics},
};

use crate::support::{
    alone::is_alone,
    small::{ACCOUNT, OTHER_REGION, REGION, fleet, give_root, reads, rooted, rootless, spec},
};

/// Far longer than any scan here takes.
const PATIENCE: Duration = Duration::from_mins(1);

fn cache(simulator: &Simulator) -> Fleet {
    let home = simulator.home();
    let key = Credentials::new(
        &home.access_key_id,
        &home.secret_access_key,
        None,
        None,
        "test",
    );
    let config = SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::from_static("us-east-1"))
        .endpoint_url(simulator.url())
        .credentials_provider(SharedCredentialsProvider::new(key))
        .build();
    let metrics = Metrics::new(BuildInfo::current()).unwrap();
    let aws = Aws::new(config, &aws::Options::default(), Arc::new(metrics.clone()));
    let options = fleet::Options {
        silence: Duration::from_secs(5),
        target_deadline: PATIENCE,
        describe_refresh: Duration::from_hours(6),
        on_missing: OnMissing::Skip,
    };
    Fleet::new(aws.reads(), options, Arc::new(metrics))
}

fn policy(more: Value) -> Policy {
    let resource: NotebookRootAccessPolicy = serde_json::from_value(json!({
        "apiVersion": "sudoless.dev/v1alpha1",
        "kind": "NotebookRootAccessPolicy",
        "metadata": {"name": "p"},
        "spec": spec(more),
    }))
    .unwrap();
    decide::validate(&resource).unwrap()
}

/// A scan that is due: nothing that was read before now counts.
async fn scan(cache: &Fleet, policy: &Policy, subscription: &mut Subscription) -> Observation {
    let freshness = Freshness {
        not_before: Timestamp::now(),
        full: false,
    };
    let observation = cache
        .observe(policy, subscription, freshness, PATIENCE)
        .await;
    assert!(!observation.unfinished && observation.unread == 0);
    observation
}

/// What a pass would publish.
fn status(policy: &Policy, observation: &Observation, previous: Option<&Status>) -> Status {
    let now = Timestamp::now();
    let evaluation = decide::evaluate(policy, &observation.snapshots, now);
    let pass = Pass {
        generation: 1,
        previous,
        now,
    };
    decide::summarize(policy, &evaluation, Progress::Scanned { at: now }, pass)
}

#[tokio::test(flavor = "multi_thread")]
async fn scans_of_what_did_not_change_list_and_change_nothing() {
    let notebooks = (0..250).map(|number| {
        let notebook = rooted(&format!("notebook-{number:03}"));
        match number % 5 {
            0 => notebook.status("Stopped"),
            1 => notebook.root_access("absent"),
            2 => notebook.root_access("Disabled").lifecycle_config("setup"),
            3 => notebook.root_access("Disabled"),
            _ => notebook,
        }
    });
    let simulator = Simulator::start(fleet(notebooks), Options::default()).unwrap();
    let cache = cache(&simulator);
    let policy = policy(json!({}));
    let mut subscription = Subscription::default();
    let first = scan(&cache, &policy, &mut subscription).await;
    let first = status(&policy, &first, None);
    let summary = first.summary.unwrap();
    assert_eq!(
        (summary.compliant, summary.non_compliant, summary.unknown),
        (100, 100, 50)
    );
    assert_eq!(reads(&simulator), (3, 250));
    simulator.reset_counters();

    let mut last = first.clone();
    for number in 1..=10 {
        let observation = scan(&cache, &policy, &mut subscription).await;
        let mut next = status(&policy, &observation, Some(&last));
        assert_eq!(reads(&simulator), (3 * number, 0));
        next.last_scan_time.clone_from(&last.last_scan_time);
        assert_eq!(next, last);
        last = next;
    }
    assert_eq!(simulator.counters().total(), 30, "Lists and nothing else");

    give_root(&simulator, "notebook-003");
    let observation = scan(&cache, &policy, &mut subscription).await;
    let summary = status(&policy, &observation, Some(&last)).summary.unwrap();
    assert_eq!((summary.compliant, summary.non_compliant), (99, 101));
    assert_eq!(reads(&simulator), (33, 1), "what changed is described");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_scan_that_failed_is_made_up_for() {
    let simulator = Simulator::start(fleet([rooted("a"), rootless("b")]), Options::default());
    let simulator = simulator.unwrap();
    let cache = cache(&simulator);
    let policy = policy(json!({}));
    let mut subscription = Subscription::default();
    scan(&cache, &policy, &mut subscription).await;
    assert_eq!(reads(&simulator), (1, 2));

    let deny = Fault::new(Effect::Deny).operation(Operation::ListNotebookInstances);
    simulator.add_fault(deny.next(1));
    let full = Freshness {
        not_before: Timestamp::now(),
        full: true,
    };
    cache
        .observe(&policy, &mut subscription, full, PATIENCE)
        .await;
    assert_eq!(reads(&simulator), (2, 2));
    scan(&cache, &policy, &mut subscription).await;
    assert_eq!(
        reads(&simulator),
        (3, 4),
        "all is described, as was asked for"
    );
    scan(&cache, &policy, &mut subscription).await;
    assert_eq!(reads(&simulator), (4, 4), "once");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_no_policy_names_any_more_is_dropped() {
    let simulator = Simulator::start(fleet([rooted("a"), rootless("b")]), Options::default());
    let simulator = simulator.unwrap();
    let cache = cache(&simulator);
    let [here, there] = [REGION, OTHER_REGION].map(|region| policy(json!({"regions": [region]})));
    let (mut one, mut other) = (Subscription::default(), Subscription::default());
    scan(&cache, &here, &mut one).await;
    scan(&cache, &here, &mut other).await;
    assert_eq!(reads(&simulator), (2, 2), "what two name is described once");

    // It stays as long as one of two names it.
    drop(one);
    scan(&cache, &here, &mut other).await;
    assert_eq!(reads(&simulator), (3, 2));

    scan(&cache, &there, &mut other).await;
    scan(&cache, &here, &mut other).await;
    assert_eq!(reads(&simulator), (5, 4), "it had to be described anew");
    assert_eq!(simulator.counters().of(Operation::AssumeRole), 1);
}

/// Runs in its own process, because it measures the memory of the process.
#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn thousands_of_scans_take_no_more_memory_than_some() {
    /// Scans of each kind in a round.
    const SCANS: usize = 250;
    /// What a round may add: half a kilobyte lost per pair of scans would add as much.
    const SLACK: u64 = 128 * 1024;

    if !is_alone("inventory::thousands_of_scans_take_no_more_memory_than_some") {
        return;
    }
    let notebooks = (0..20).map(|number| rooted(&format!("notebook-{number}")));
    let simulator = Simulator::start(fleet(notebooks), Options::default()).unwrap();
    let cache = cache(&simulator);
    let [here, there] = [REGION, OTHER_REGION].map(|region| policy(json!({"regions": [region]})));
    let (mut steady, mut restless) = (Subscription::default(), Subscription::default());
    let mut sizes = Vec::new();
    for _ in 0..4 {
        for number in 0..SCANS {
            let observation = scan(&cache, &here, &mut steady).await;
            drop(status(&here, &observation, None));
            // A policy that names another region each time: targets come and go.
            let moved = if number % 2 == 0 { &there } else { &here };
            scan(&cache, moved, &mut restless).await;
        }
        sizes.push(resident());
    }
    let [.., before, after] = sizes[..] else {
        panic!("{sizes:?}")
    };
    assert!(
        after <= before + SLACK,
        "resident bytes after each round: {sizes:?}"
    );
}

/// This process's resident memory in bytes.
#[cfg(target_os = "linux")]
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes: u64 = line
        .unwrap()
        .trim()
        .trim_end_matches(" kB")
        .parse()
        .unwrap();
    kilobytes * 1024
}

#[tokio::test(flavor = "multi_thread")]
async fn what_did_not_change_counts_as_read_beside_what_is_refused() {
    let notebooks = ["a", "b", "c"].map(rootless);
    let denied = Fault::new(Effect::Deny)
        .operation(Operation::DescribeNotebookInstance)
        .notebook("b");
    let simulator = Simulator::start(fleet(notebooks).fault(denied), Options::default()).unwrap();
    let cache = cache(&simulator);
    let policy = policy(json!({}));
    let mut subscription = Subscription::default();
    let first = scan(&cache, &policy, &mut subscription).await;
    let first = status(&policy, &first, None);
    assert_eq!(first.targets[0].state, TargetState::Scanned);

    // Only the refused one is described again; the target is no worse for it.
    simulator.reset_counters();
    let observation = scan(&cache, &policy, &mut subscription).await;
    let mut second = status(&policy, &observation, Some(&first));
    assert_eq!(reads(&simulator), (1, 1));
    second.last_scan_time.clone_from(&first.last_scan_time);
    assert_eq!(second, first);
}

#[tokio::test(flavor = "multi_thread")]
async fn regions_that_could_not_be_listed_are_asked_for_by_each_scan() {
    let denied = Fault::new(Effect::Deny).operation(Operation::ListRegions);
    let simulator =
        Simulator::start(fleet([rooted("a")]).fault(denied), Options::default()).unwrap();
    let cache = cache(&simulator);
    let policy = policy(json!({"regions": ["*"]}));
    let mut subscription = Subscription::default();
    for asked in 1..=3 {
        let before = Timestamp::now();
        let observation = scan(&cache, &policy, &mut subscription).await;
        assert_eq!(simulator.counters().of(Operation::ListRegions), asked);
        // What is older than the scan would make the next one due at once.
        assert!(
            observation
                .snapshots
                .iter()
                .all(|snapshot| snapshot.started_at >= before)
        );
    }
    // Without a new scan it waits for its time.
    let freshness = Freshness {
        not_before: Timestamp::MIN,
        full: false,
    };
    cache
        .observe(&policy, &mut subscription, freshness, PATIENCE)
        .await;
    assert_eq!(simulator.counters().of(Operation::ListRegions), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listed_region_that_answers_as_disabled_counts_until_it_is_listed_no_more() {
    let far = Notebook::new(ACCOUNT, OTHER_REGION, "far").root_access("Disabled");
    let simulator = Simulator::start(fleet([rootless("near"), far]), Options::default()).unwrap();
    let cache = cache(&simulator);
    let every = policy(json!({"regions": ["*"]}));
    let named = policy(json!({"regions": [REGION, OTHER_REGION]}));
    let (mut listed, mut given) = (Subscription::default(), Subscription::default());
    scan(&cache, &every, &mut listed).await;
    let disabled = Fault::new(Effect::DisableRegion)
        .operation(Operation::ListNotebookInstances)
        .region(OTHER_REGION);
    simulator.add_fault(disabled);

    let observation = scan(&cache, &every, &mut listed).await;
    assert!(observation.retry_at.is_some());
    let seen = status(&every, &observation, None);
    let summary = seen.summary.unwrap();
    assert_eq!((summary.unreadable_targets, summary.unknown), (1, 1));
    assert_eq!(seen.targets[0].state, TargetState::Unreachable);
    assert_eq!(seen.findings[0].name, "far");
    let observation = scan(&cache, &named, &mut given).await;
    let seen = status(&named, &observation, None);
    let summary = seen.summary.unwrap();
    assert_eq!((summary.unreadable_targets, summary.unknown), (0, 0));
    assert_eq!(seen.targets[1].state, TargetState::RegionDisabled);

    // The list may be older than the answer: it is asked for again, and once for each answer.
    assert_eq!(simulator.counters().of(Operation::ListRegions), 1);
    scan(&cache, &every, &mut listed).await;
    assert_eq!(simulator.counters().of(Operation::ListRegions), 2);
    let account = Account::new(ACCOUNT).role("sudoless").regions([REGION]);
    simulator.put_account(account);
    let observation = scan(&cache, &every, &mut listed).await;
    let seen = status(&every, &observation, None);
    assert_eq!(seen.targets.len(), 1);
    assert_eq!(seen.summary.unwrap().unreadable_targets, 0);
    scan(&cache, &every, &mut listed).await;
    assert_eq!(simulator.counters().of(Operation::ListRegions), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_target_that_hangs_holds_up_no_later_scan() {
    let hanging = Notebook::new(ACCOUNT, OTHER_REGION, "far");
    let fleet = fleet([rooted("near"), hanging]);
    let simulator = Simulator::start(fleet, Options::default()).unwrap();
    let cache = cache(&simulator);
    let policy = policy(json!({"regions": [REGION, OTHER_REGION]}));
    let mut subscription = Subscription::default();
    scan(&cache, &policy, &mut subscription).await;
    simulator.add_fault(
        Fault::new(Effect::Hang)
            .region(OTHER_REGION)
            .operation(Operation::ListNotebookInstances),
    );
    // The one in which it begins to hang waits until it is known to.
    scan(&cache, &policy, &mut subscription).await;

    give_root(&simulator, "near");
    let began = Instant::now();
    let before = Timestamp::now();
    let observation = scan(&cache, &policy, &mut subscription).await;
    assert!(
        began.elapsed() < Duration::from_secs(4),
        "it waited for the one that hangs"
    );
    assert!(observation.in_flight, "the one that hangs is still asked");
    assert!(observation.oldest.is_some_and(|oldest| oldest >= before));
}
