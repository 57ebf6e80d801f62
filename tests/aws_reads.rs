//! AWS reads through the real SDK, against the simulator.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use aws_config::{BehaviorVersion, Region as SdkRegion, SdkConfig};
use aws_credential_types::{Credentials, provider::SharedCredentialsProvider};
use futures::{StreamExt, TryStreamExt, stream};
use sagemaker_simulator::{
    Account, Effect, Fault, Fleet, Notebook, Operation as Call, RootAccess as SimulatedRootAccess,
    Simulator,
};
use sudoless::{
    aws::{Aws, Operation, Options, Outcome, RequestObserver, TargetReader},
    domain::{
        Access, NotebookDetails, NotebookStatus, NotebookSummary, ReadFailure, RootAccess,
        TargetKey, TargetState,
    },
};

const ACCOUNT: &str = "111122223333";
const OTHER: &str = "444455556666";
const REGION: &str = "eu-west-1";
const ROLE: &str = "sudoless";

#[derive(Debug, Default)]
struct Counted(Mutex<BTreeMap<(Operation, Outcome), u64>>);

impl RequestObserver for Counted {
    fn attempted(&self, operation: Operation, outcome: Outcome) {
        *self
            .0
            .lock()
            .unwrap()
            .entry((operation, outcome))
            .or_default() += 1;
    }
}

impl Counted {
    fn of(&self, operation: Operation, outcome: Outcome) -> u64 {
        let counts = self.0.lock().unwrap();
        counts
            .get(&(operation, outcome))
            .copied()
            .unwrap_or_default()
    }
}

fn simulate(fleet: Fleet) -> Simulator {
    Simulator::start(fleet, sagemaker_simulator::Options::default()).unwrap()
}

fn fleet() -> Fleet {
    Fleet::new()
        .account(Account::new(ACCOUNT).role(ROLE))
        .account(Account::new(OTHER).role(ROLE))
}

fn notebooks(account: &str, region: &str, count: usize) -> Vec<Notebook> {
    (0..count)
        .map(|n| Notebook::new(account, region, &format!("notebook-{n:04}")))
        .collect()
}

/// Two attempts, so that what fails for ever does so soon.
fn hasty() -> Options {
    Options {
        attempts: 2,
        ..Options::default()
    }
}

fn config(url: &str, key: Option<(&str, &str)>) -> SdkConfig {
    let mut config = SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(SdkRegion::from_static("us-east-1"))
        .endpoint_url(url);
    config.set_credentials_provider(key.map(|(id, secret)| {
        SharedCredentialsProvider::new(Credentials::new(id, secret, None, None, "test"))
    }));
    config.build()
}

fn observed(simulator: &Simulator, options: &Options) -> (Aws, Arc<Counted>) {
    let counted = Arc::new(Counted::default());
    let home = simulator.home();
    let key = (home.access_key_id.as_str(), home.secret_access_key.as_str());
    let config = config(simulator.url(), Some(key));
    let observer: Arc<dyn RequestObserver> = Arc::<Counted>::clone(&counted);
    (Aws::new(config, options, observer), counted)
}

fn aws(simulator: &Simulator, options: &Options) -> Aws {
    observed(simulator, options).0
}

fn access(role: Option<&str>, external_id: Option<&str>) -> Access {
    Access {
        role: role.map(|role| role.parse().unwrap()),
        external_id: external_id.map(|id| id.parse().unwrap()),
    }
}

fn key(account: &str, region: &str, access: Access) -> TargetKey {
    TargetKey {
        account: account.parse().unwrap(),
        region: region.parse().unwrap(),
        access,
    }
}

/// The reader of an account in a region, by its role.
fn reader(aws: &Aws, account: &str, region: &str) -> TargetReader {
    aws.reader(&key(account, region, access(Some(ROLE), None)))
}

async fn describe_all(
    reader: &TargetReader,
    notebooks: &[NotebookSummary],
    at_once: usize,
) -> Result<Vec<Option<NotebookDetails>>, ReadFailure> {
    let names: Vec<_> = notebooks
        .iter()
        .map(|notebook| notebook.name.clone())
        .collect();
    stream::iter(names)
        .map(|name| async move { reader.describe(&name).await })
        .buffer_unordered(at_once)
        .try_collect()
        .await
}

#[tokio::test]
async fn a_list_is_complete_and_sorted() {
    let simulator = simulate(fleet().notebooks(notebooks(ACCOUNT, REGION, 250)));
    simulator.add_fault(Effect::EmptyPages { pages: 2 });
    let (aws, counted) = observed(&simulator, &Options::default());

    let reader_here = reader(&aws, ACCOUNT, REGION);
    let listed = reader_here.list().await.unwrap();
    assert_eq!(listed.len(), 250);
    assert!(listed.is_sorted_by(|a, b| a.name < b.name));
    assert_eq!(listed[7].arn.as_str(), simulator.notebooks()[7].arn());
    assert!(listed[7].last_modified.is_some());
    assert_eq!(listed[7].status, NotebookStatus::InService);

    let elsewhere = reader(&aws, ACCOUNT, "us-east-1").list().await.unwrap();
    assert_eq!(elsewhere, []);
    let pages = counted.of(Operation::ListNotebookInstances, Outcome::Answered);
    assert_eq!(pages, simulator.counters().of(Call::ListNotebookInstances));
    assert_eq!(counted.of(Operation::AssumeRole, Outcome::Answered), 1);
    assert_eq!(simulator.counters().writes(), 0);
}

#[tokio::test]
async fn a_list_without_end_is_unreachable() {
    let simulator = simulate(fleet().notebooks(notebooks(ACCOUNT, REGION, 250)));
    simulator.add_fault(Effect::RepeatToken);
    let failure = reader(&aws(&simulator, &Options::default()), ACCOUNT, REGION)
        .list()
        .await
        .unwrap_err();
    assert_eq!(failure.state, TargetState::Unreachable);
    assert_eq!(
        failure.message,
        "ListNotebookInstances: a page's token was given twice"
    );
}

#[tokio::test]
async fn a_describe_tells_what_aws_tells() {
    let at = |name| Notebook::new(ACCOUNT, REGION, name);
    let simulator = simulate(
        fleet().notebooks([
            at("enabled"),
            at("disabled")
                .root_access("Disabled")
                .lifecycle_config("setup"),
            at("absent").root_access(SimulatedRootAccess::Absent),
            at("odd").root_access("Maybe").status("InMaintenance"),
        ]),
    );
    let reader = reader(&aws(&simulator, &Options::default()), ACCOUNT, REGION);
    for (name, root_access, status, lifecycle_config) in [
        (
            "enabled",
            RootAccess::Enabled,
            NotebookStatus::InService,
            None,
        ),
        (
            "disabled",
            RootAccess::Disabled,
            NotebookStatus::InService,
            Some("setup"),
        ),
        (
            "absent",
            RootAccess::Unknown,
            NotebookStatus::InService,
            None,
        ),
        (
            "odd",
            RootAccess::Unknown,
            NotebookStatus::Other("InMaintenance".into()),
            None,
        ),
    ] {
        let details = reader.describe(name).await.unwrap().unwrap();
        let lifecycle_config = lifecycle_config.map(str::to_owned);
        assert_eq!(
            details,
            NotebookDetails {
                root_access,
                status,
                lifecycle_config
            }
        );
    }
    assert_eq!(reader.describe("gone").await, Ok(None));
}

#[tokio::test]
async fn tags_are_read_to_the_last_page() {
    let tagged = (0..7).fold(Notebook::new(ACCOUNT, REGION, "tagged"), |notebook, n| {
        notebook.tag(&format!("key-{n}"), "value")
    });
    let arn = tagged.arn();
    let mut fleet = fleet().notebook(tagged);
    fleet.assumptions.tags_per_page = 3;
    let simulator = simulate(fleet);
    let reader = reader(&aws(&simulator, &Options::default()), ACCOUNT, REGION);
    let tags = reader.tags(&arn.as_str().into()).await.unwrap().unwrap();
    assert_eq!(tags.len(), 7);
    assert_eq!(tags["key-6"], "value");
    assert_eq!(simulator.counters().of(Call::ListTags), 3);
    let gone = arn.replace("tagged", "gone");
    assert_eq!(reader.tags(&gone.as_str().into()).await, Ok(None));
}

#[tokio::test]
async fn what_is_denied_says_so_in_the_same_words() {
    let simulator = simulate(fleet().notebooks(notebooks(ACCOUNT, REGION, 1)));
    let (aws, counted) = observed(&simulator, &Options::default());
    let reader = reader(&aws, ACCOUNT, REGION);

    let fault = Fault::new(Effect::Deny).operation(Call::DescribeNotebookInstance);
    simulator.add_fault(fault);
    assert_eq!(reader.list().await.unwrap().len(), 1);
    let failure = reader.describe("notebook-0000").await.unwrap_err();
    assert_eq!(failure.state, TargetState::AccessDenied);
    let start = "DescribeNotebookInstance: AccessDeniedException: User: \
                 arn:aws:sts::111122223333:assumed-role/sudoless is not authorized";
    assert!(failure.message.starts_with(start), "{}", failure.message);
    assert_eq!(reader.describe("notebook-0000").await, Err(failure));

    simulator.add_fault(Fault::new(Effect::Deny).operation(Call::ListNotebookInstances));
    let failure = reader.list().await.unwrap_err();
    assert_eq!(failure.state, TargetState::AccessDenied);
    // Denied is final: nothing is sent twice.
    let denied = |operation| counted.of(operation, Outcome::AccessDenied);
    assert_eq!(denied(Operation::DescribeNotebookInstance), 2);
    assert_eq!(denied(Operation::ListNotebookInstances), 1);
}

#[tokio::test]
async fn a_refused_role_is_denied_and_nothing_is_read() {
    let locked = Account::new(ACCOUNT).role_with_external_id(ROLE, "right-id");
    let simulator = simulate(Fleet::new().account(locked));
    let (aws, counted) = observed(&simulator, &Options::default());
    let read = async |role, external_id| {
        let access = access(role, external_id);
        aws.reader(&key(ACCOUNT, REGION, access)).list().await
    };
    assert_eq!(read(Some(ROLE), Some("right-id")).await, Ok(vec![]));
    for (role, external_id) in [
        (ROLE, None),
        (ROLE, Some("wrong-id")),
        ("nobody", Some("right-id")),
    ] {
        let failure = read(Some(role), external_id).await.unwrap_err();
        assert_eq!(failure.state, TargetState::AccessDenied);
        let message = &failure.message;
        assert!(
            message.starts_with("AssumeRole: AccessDenied: "),
            "{message}"
        );
        assert!(!message.contains("-id"), "{message}");
        assert_eq!(read(Some(role), external_id).await, Err(failure));
    }
    assert_eq!(simulator.counters().of(Call::ListNotebookInstances), 1);
    assert_eq!(counted.of(Operation::AssumeRole, Outcome::AccessDenied), 6);
}

#[tokio::test]
async fn a_disabled_region_is_not_a_bad_key() {
    let simulator = simulate(fleet().notebooks(notebooks(ACCOUNT, REGION, 1)));
    let aws = aws(&simulator, &hasty());
    // Nobody has opted in.
    let disabled = reader(&aws, ACCOUNT, "af-south-1");
    let failure = disabled.list().await.unwrap_err();
    assert_eq!(failure.state, TargetState::RegionDisabled);
    assert!(failure.message.contains("UnrecognizedClientException"));
    assert_eq!(reader(&aws, ACCOUNT, REGION).list().await.unwrap().len(), 1);

    // While the keys cannot be checked, nobody knows: the region is unread, which is worse.
    let outage = Effect::error_with_status("InternalFailure", 500);
    simulator.add_fault(Fault::new(outage).operation(Call::GetCallerIdentity));
    let failure = disabled.list().await.unwrap_err();
    assert_eq!(failure.state, TargetState::Unreachable);

    simulator.clear_faults();
    simulator.add_fault(Fault::new(Effect::InvalidKeys).account(ACCOUNT));
    for region in ["af-south-1", REGION] {
        let failure = reader(&aws, ACCOUNT, region).list().await.unwrap_err();
        assert_eq!(failure.state, TargetState::InvalidCredentials, "{region}");
    }
}

#[tokio::test]
async fn the_operators_own_identity_must_be_in_the_account() {
    let home = sagemaker_simulator::Fleet::new().home.account;
    let simulator = simulate(fleet().notebooks(notebooks(&home, REGION, 3)));
    let aws = aws(&simulator, &Options::default());
    let own = aws.reader(&key(&home, REGION, access(None, None)));
    assert_eq!(own.list().await.unwrap().len(), 3);
    assert!(own.describe("notebook-0001").await.unwrap().is_some());
    assert_eq!(simulator.counters().of(Call::GetCallerIdentity), 1);

    let other = aws.reader(&key(ACCOUNT, REGION, access(None, None)));
    let failure = other.list().await.unwrap_err();
    assert_eq!(failure.state, TargetState::InvalidCredentials);
    assert_eq!(
        failure.message,
        format!(
            "the operator's own identity is in account {home}, not in {ACCOUNT}: write the role to assume there in \
             accounts[].role"
        )
    );
    assert!(other.describe("notebook-0001").await.is_err());
    assert_eq!(simulator.counters().of(Call::ListNotebookInstances), 1);
}

#[tokio::test]
async fn throttling_is_ridden_out_and_slows_nobody_else() {
    let slow = notebooks(ACCOUNT, REGION, 60);
    let simulator = simulate(
        fleet()
            .notebooks(slow)
            .notebooks(notebooks(OTHER, REGION, 200)),
    );
    let throttle = Effect::Throttle {
        rate: 10.0,
        burst: 10.0,
    };
    simulator.add_fault(
        Fault::new(throttle)
            .account(ACCOUNT)
            .operation(Call::DescribeNotebookInstance),
    );
    let (aws, counted) = observed(&simulator, &Options::default());
    let (throttled, healthy) = (reader(&aws, ACCOUNT, REGION), reader(&aws, OTHER, REGION));
    let read = async |reader: &TargetReader| {
        let listed = reader.list().await.unwrap();
        let began = Instant::now();
        let details = describe_all(reader, &listed, 20).await.unwrap();
        assert!(details.iter().all(Option::is_some));
        (details.len(), began.elapsed())
    };
    let (one, other) = tokio::join!(read(&throttled), read(&healthy));
    assert_eq!((one.0, other.0), (60, 200));
    assert!(one.1 >= Duration::from_secs(4), "{:?}", one.1);
    assert!(other.1 < one.1 / 2, "{:?} against {:?}", other.1, one.1);
    let throttles = counted.of(Operation::DescribeNotebookInstance, Outcome::Throttled);
    assert!(throttles > 0);
    assert_eq!((throttled.throttled(), healthy.throttled()), (throttles, 0));
    assert!(throttled.describes_in_flight() < 20);
    assert_eq!(healthy.describes_in_flight(), 20);
}

#[tokio::test]
async fn throttling_without_end_is_throttled() {
    let simulator = simulate(fleet().notebooks(notebooks(ACCOUNT, REGION, 1)));
    let never = Effect::Throttle {
        rate: 0.0,
        burst: 0.0,
    };
    let list =
        simulator.add_fault(Fault::new(never.clone()).operation(Call::ListNotebookInstances));
    let aws = aws(&simulator, &hasty());
    let failure = reader(&aws, ACCOUNT, REGION).list().await.unwrap_err();
    assert_eq!(failure.state, TargetState::Throttled);
    assert_eq!(
        failure.message,
        "ListNotebookInstances: ThrottlingException: Rate exceeded"
    );
    simulator.remove_fault(list);
    simulator.add_fault(Fault::new(never).operation(Call::AssumeRole));
    let failure = reader(&aws, OTHER, REGION).list().await.unwrap_err();
    assert_eq!(failure.state, TargetState::Throttled);
    assert_eq!(failure.message, "AssumeRole: Throttling: Rate exceeded");
}

#[tokio::test]
async fn a_target_that_hangs_stalls_no_other() {
    let simulator = simulate(
        fleet()
            .notebooks(notebooks(ACCOUNT, REGION, 40))
            .notebooks(notebooks(OTHER, REGION, 100)),
    );
    let hang = Fault::new(Effect::Hang).account(ACCOUNT);
    simulator.add_fault(hang.operation(Call::DescribeNotebookInstance));
    let options = Options {
        describes_overall: 8,
        attempt_timeout: Duration::from_secs(1),
        ..Options::default()
    };
    let aws = aws(&simulator, &options);
    let (hanging, healthy) = (reader(&aws, ACCOUNT, REGION), reader(&aws, OTHER, REGION));
    let listed = hanging.list().await.unwrap();
    let attempts = tokio::spawn({
        let hanging = hanging.clone();
        async move { describe_all(&hanging, &listed, 20).await }
    });
    // All places are taken by requests that hang.
    let deadline = Instant::now() + Duration::from_secs(10);
    while simulator
        .counters()
        .max_in_flight_of(Call::DescribeNotebookInstance)
        < 8
    {
        assert!(Instant::now() < deadline);
        tokio::task::yield_now().await;
    }
    let listed = healthy.list().await.unwrap();
    // At worst it waits once, until those requests are given up; then the slow target has one place of eight.
    let began = Instant::now();
    describe_all(&healthy, &listed[..1], 1).await.unwrap();
    assert!(began.elapsed() < options.attempt_timeout * 2);
    let began = Instant::now();
    assert_eq!(describe_all(&healthy, &listed, 7).await.unwrap().len(), 100);
    assert!(
        began.elapsed() < options.attempt_timeout,
        "{:?}",
        began.elapsed()
    );
    assert!(!attempts.is_finished());
    attempts.abort();
}

#[tokio::test]
async fn describes_are_bounded_over_all_targets() {
    let slow = sagemaker_simulator::Options {
        latency: Duration::from_millis(20),
        ..sagemaker_simulator::Options::default()
    };
    let here = notebooks(ACCOUNT, REGION, 50);
    let there = notebooks(OTHER, REGION, 50);
    let simulator = Simulator::start(fleet().notebooks(here).notebooks(there), slow).unwrap();
    let options = Options {
        describes_overall: 8,
        ..Options::default()
    };
    let aws = aws(&simulator, &options);
    let (one, other) = (reader(&aws, ACCOUNT, REGION), reader(&aws, OTHER, REGION));
    let (listed, listed_there) = tokio::try_join!(one.list(), other.list()).unwrap();
    simulator.reset_counters();
    let both = tokio::try_join!(
        describe_all(&one, &listed, 20),
        describe_all(&other, &listed_there, 20)
    );
    assert!(both.is_ok());
    assert_eq!(simulator.counters().of(Call::DescribeNotebookInstance), 100);
    assert_eq!(simulator.counters().max_in_flight, 8);
}

#[tokio::test]
async fn no_answer_is_unreachable() {
    let simulator = simulate(fleet());
    let options = Options {
        attempt_timeout: Duration::from_millis(200),
        ..hasty()
    };
    let (aws, counted) = observed(&simulator, &options);
    let reader = reader(&aws, ACCOUNT, REGION);
    let list = |effect: Effect| Fault::new(effect).operation(Call::ListNotebookInstances);
    for (effect, message) in [
        (Effect::Hang, "ListNotebookInstances: no answer in time"),
        (
            Effect::error_with_status("InternalFailure", 500),
            "ListNotebookInstances: InternalFailure",
        ),
        (
            Effect::error_with_status("NeverHeardOf", 400),
            "ListNotebookInstances: NeverHeardOf",
        ),
    ] {
        simulator.add_fault(list(effect));
        let failure = reader.list().await.unwrap_err();
        assert_eq!(failure.state, TargetState::Unreachable);
        assert_eq!(failure.message, message);
        simulator.clear_faults();
    }
    simulator.add_fault(list(Effect::Reset));
    let failure = reader.list().await.unwrap_err();
    assert_eq!(failure.state, TargetState::Unreachable);
    let start = "ListNotebookInstances: no connection: ";
    assert!(failure.message.starts_with(start), "{}", failure.message);
    assert_eq!(
        counted.of(Operation::ListNotebookInstances, Outcome::TimedOut),
        2
    );

    simulator.clear_faults();
    simulator.add_fault(Fault::new(Effect::Hang).operation(Call::AssumeRole));
    let failure = self::reader(&aws, OTHER, REGION).list().await.unwrap_err();
    assert_eq!(failure.state, TargetState::Unreachable);
    assert_eq!(failure.message, "AssumeRole: no answer in time");
}

#[tokio::test]
async fn failures_that_pass_are_ridden_out() {
    let simulator = simulate(fleet().notebooks(notebooks(ACCOUNT, REGION, 60)));
    let failure = Effect::error_with_status("InternalFailure", 500);
    simulator.add_fault(Fault::new(failure).every(4));
    simulator.add_fault(Fault::new(Effect::Reset).every(7));
    let reader = reader(&aws(&simulator, &Options::default()), ACCOUNT, REGION);
    let listed = reader.list().await.unwrap();
    assert_eq!(listed.len(), 60);
    let details = describe_all(&reader, &listed, 10).await.unwrap();
    assert!(details.iter().all(Option::is_some));
}

#[tokio::test]
async fn nobody_there_and_nobody_to_be() {
    // A port that was free a moment ago.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", port.local_addr().unwrap());
    drop(port);
    let nobody = Aws::new(
        config(&url, Some(("AKIA", "secret"))),
        &hasty(),
        Arc::new(()),
    );
    let failure = reader(&nobody, ACCOUNT, REGION).list().await.unwrap_err();
    assert_eq!(failure.state, TargetState::Unreachable);
    assert_eq!(
        failure.message,
        "AssumeRole: no connection: Connection refused (os error 111)"
    );

    let simulator = simulate(fleet());
    let anonymous = Aws::new(config(simulator.url(), None), &hasty(), Arc::new(()));
    for role in [None, Some(ROLE)] {
        let reader = anonymous.reader(&key(ACCOUNT, REGION, access(role, None)));
        let failure = reader.list().await.unwrap_err();
        assert_eq!(failure.state, TargetState::InvalidCredentials);
        let message = &failure.message;
        assert!(message.contains(": no credentials: "), "{message}");
    }
    assert_eq!(simulator.counters().total(), 0);

    let unknown = config(simulator.url(), Some(("AKIAUNKNOWN", "secret")));
    let unknown = Aws::new(unknown, &hasty(), Arc::new(()));
    let failure = reader(&unknown, ACCOUNT, REGION).list().await.unwrap_err();
    assert_eq!(failure.state, TargetState::InvalidCredentials);
}

#[tokio::test]
async fn credentials_are_shared_renewed_and_forgotten() {
    let simulator = simulate(fleet());
    let aws = aws(&simulator, &Options::default());
    let assumed = || simulator.counters().of(Call::AssumeRole);
    let regions = ["us-east-1", "us-west-2", REGION, "eu-central-1"];
    let readers = regions.map(|region| reader(&aws, ACCOUNT, region));
    let lists = readers.iter().map(TargetReader::list);
    futures::future::try_join_all(lists).await.unwrap();
    assert_eq!(assumed(), 1);

    // Revoked, though by their own word they still hold: one pass fails, and the next has new ones.
    simulator.expire_sessions();
    let failure = readers[0].list().await.unwrap_err();
    assert_eq!(failure.state, TargetState::InvalidCredentials);
    assert!(readers[0].list().await.is_ok());
    assert!(readers[1].list().await.is_ok());
    assert_eq!(assumed(), 2);

    // An account that nobody reads any more keeps no credentials.
    drop(readers);
    assert!(reader(&aws, ACCOUNT, REGION).list().await.is_ok());
    assert_eq!(assumed(), 3);
}

#[tokio::test]
async fn credentials_that_expire_are_renewed_in_time() {
    let short = sagemaker_simulator::Options {
        session_lifetime: Some(Duration::from_secs(20)),
        ..sagemaker_simulator::Options::default()
    };
    let simulator = Simulator::start(fleet(), short).unwrap();
    let reader = reader(&aws(&simulator, &Options::default()), ACCOUNT, REGION);
    // They would hold for twenty seconds, which is less than the margin.
    for times in 1..=3 {
        assert!(reader.list().await.is_ok());
        assert_eq!(simulator.counters().of(Call::AssumeRole), times);
        simulator.expire_sessions();
    }
}

/// What a process with the variables of this one reads, one line for each list.
#[tokio::test]
#[ignore = "run by the tests below, in a process of its own"]
async fn in_this_environment() {
    let options = Options {
        attempt_timeout: Duration::from_secs(1),
        ..hasty()
    };
    let aws = Aws::from_environment(options, Arc::new(())).await;
    let reader = reader(&aws, ACCOUNT, REGION);
    for _ in 0..2 {
        match reader.list().await {
            Ok(notebooks) => println!("read {}", notebooks.len()),
            Err(failure) => println!("read {}: {}", failure.state, failure.message),
        }
    }
}

fn with_environment(simulator: &Simulator, variables: &[(&str, &str)]) -> Vec<String> {
    let test = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "in_this_environment", "--ignored", "--nocapture"])
        .env_clear()
        .env("AWS_ENDPOINT_URL", simulator.url())
        .env("AWS_REGION", "us-east-1")
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .envs(variables.iter().copied())
        .output()
        .unwrap();
    let output = String::from_utf8(test.stdout).unwrap();
    let lines = output.lines().filter_map(|line| line.strip_prefix("read "));
    lines.map(str::to_owned).collect()
}

#[test]
fn the_operators_identity_comes_from_the_environment() {
    let own = Account::new(&Fleet::new().home.account).role("operator");
    let mut fleet = fleet()
        .account(own)
        .notebooks(notebooks(ACCOUNT, REGION, 3));
    fleet.home.web_identity_token = Some("right-token".to_owned());
    let simulator = simulate(fleet);
    let home = simulator.home().clone();
    let keys = [
        ("AWS_ACCESS_KEY_ID", home.access_key_id.as_str()),
        ("AWS_SECRET_ACCESS_KEY", home.secret_access_key.as_str()),
    ];
    assert_eq!(with_environment(&simulator, &keys), ["3", "3"]);

    let agent = format!("{}/_admin/credentials", simulator.url());
    let pod_identity = [("AWS_CONTAINER_CREDENTIALS_FULL_URI", agent.as_str())];
    assert_eq!(with_environment(&simulator, &pod_identity), ["3", "3"]);

    let role = format!("arn:aws:iam::{}:role/operator", home.account);
    let folder = tempfile::tempdir().unwrap();
    let token = folder.path().join("token");
    let irsa = [
        ("AWS_ROLE_ARN", role.as_str()),
        ("AWS_WEB_IDENTITY_TOKEN_FILE", token.to_str().unwrap()),
    ];
    std::fs::write(&token, "right-token").unwrap();
    assert_eq!(with_environment(&simulator, &irsa), ["3", "3"]);

    let refused = |lines: Vec<String>, start: &str| {
        assert_eq!(lines.len(), 2);
        // The same failure always reads the same.
        assert_eq!(lines[0], lines[1]);
        assert!(lines[0].starts_with(start), "{}", lines[0]);
    };
    std::fs::write(&token, "wrong-token").unwrap();
    let wrong = "InvalidCredentials: AssumeRole: AssumeRoleWithWebIdentity: ";
    refused(with_environment(&simulator, &irsa), wrong);
    std::fs::remove_file(&token).unwrap();
    let none = "InvalidCredentials: AssumeRole: no credentials: ";
    refused(with_environment(&simulator, &irsa), none);
    refused(with_environment(&simulator, &[]), none);

    std::fs::write(&token, "right-token").unwrap();
    let hang =
        simulator.add_fault(Fault::new(Effect::Hang).operation(Call::AssumeRoleWithWebIdentity));
    refused(
        with_environment(&simulator, &irsa),
        "Unreachable: AssumeRole: no ",
    );
    simulator.remove_fault(hang);
    let never = Effect::Throttle {
        rate: 0.0,
        burst: 0.0,
    };
    simulator.add_fault(Fault::new(never).operation(Call::AssumeRoleWithWebIdentity));
    refused(
        with_environment(&simulator, &irsa),
        "Throttled: AssumeRole: ",
    );
}

#[tokio::test]
async fn enabled_regions_are_read_to_the_last_page() {
    let regions = [REGION, "us-east-1", "af-south-1", "ap-south-1", "sa-east-1"];
    let account = Account::new(ACCOUNT).role(ROLE).regions(regions);
    let mut fleet = Fleet::new().account(account);
    fleet.assumptions.regions_per_page = 2;
    let simulator = simulate(fleet);
    let aws = aws(&simulator, &hasty());
    let (account, access) = (ACCOUNT.parse().unwrap(), access(Some(ROLE), None));
    let enabled = aws.enabled_regions(&account, &access).await.unwrap();
    let mut expected = regions.map(str::to_owned);
    expected.sort();
    let enabled: Vec<String> = enabled.iter().map(ToString::to_string).collect();
    assert_eq!(enabled, expected);
    assert!(simulator.counters().of(Call::ListRegions) >= 3);

    for (effect, state) in [
        (Effect::Deny, TargetState::AccessDenied),
        // Not RegionDisabled, which would count as read.
        (
            Effect::error("UnrecognizedClientException"),
            TargetState::Unreachable,
        ),
        (
            Effect::Throttle {
                rate: 0.0,
                burst: 0.0,
            },
            TargetState::Throttled,
        ),
    ] {
        simulator.add_fault(Fault::new(effect).operation(Call::ListRegions));
        let failure = aws.enabled_regions(&account, &access).await.unwrap_err();
        assert_eq!(failure.state, state);
        assert!(failure.message.starts_with("ListRegions: "));
        simulator.clear_faults();
    }
}

/// Answers every request to SageMaker with this body, and STS's with what STS says.
async fn answering(body: &'static str) -> String {
    let identity = "<GetCallerIdentityResponse><GetCallerIdentityResult><Account>111122223333</Account>\
                    </GetCallerIdentityResult></GetCallerIdentityResponse>";
    let answer = move |headers: axum::http::HeaderMap| async move {
        match headers.contains_key("x-amz-target") {
            true => body,
            false => identity,
        }
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let app = axum::Router::new().fallback(answer);
    tokio::spawn(async move { axum::serve(listener, app).await });
    url
}

#[tokio::test]
async fn an_answer_that_says_too_little_is_none() {
    let own = key(ACCOUNT, REGION, access(None, None));
    let at = async |body| {
        let config = config(&answering(body).await, Some(("AKIA", "secret")));
        Aws::new(config, &hasty(), Arc::new(())).reader(&own)
    };
    for (body, message) in [
        ("", "an answer without a list"),
        ("{}", "an answer without a list"),
        (
            r#"{"NotebookInstances": [{}]}"#,
            "a notebook without a name or ARN",
        ),
        (
            r#"{"NotebookInstances": [{"NotebookInstanceName": "x"}]}"#,
            "a notebook without a name or ARN",
        ),
        ("<html>", "HTTP 200, an answer that cannot be read"),
    ] {
        let failure = at(body).await.list().await.unwrap_err();
        assert_eq!(failure.state, TargetState::Unreachable, "{body}");
        assert_eq!(failure.message, format!("ListNotebookInstances: {message}"));
    }
    let reader = at("{}").await;
    let details = reader.describe("x").await.unwrap().unwrap();
    assert_eq!(details.root_access, RootAccess::Unknown);
    let failure = reader.tags(&"arn:x".into()).await.unwrap_err();
    assert_eq!(failure.message, "ListTags: an answer without tags");
    assert_eq!(
        at(r#"{"NotebookInstances": []}"#).await.list().await,
        Ok(vec![])
    );
}
