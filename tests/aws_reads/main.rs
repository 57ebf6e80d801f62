//! AWS reads through the real SDK, against the simulator.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod identity;
mod pace;
mod reads;
mod refusals;

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
