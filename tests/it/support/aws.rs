//! AWS through the real SDK, against a simulator with two accounts.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::{Credentials, provider::SharedCredentialsProvider};
use sagemaker_simulator::{Account, Fleet, Simulator};
use sudoless::{
    aws::{Aws, Operation, Options, Outcome, RequestObserver},
    domain::{Access, TargetKey},
};

/// An account of [`fleet`].
pub const ACCOUNT: &str = "111122223333";
/// The other one.
pub const OTHER: &str = "444455556666";
/// A region that is enabled in both.
pub const REGION: &str = "eu-west-1";
/// The role that is there in both.
pub const ROLE: &str = "sudoless";

/// Counts attempts.
#[derive(Debug, Default)]
pub struct Counted(Mutex<BTreeMap<(Operation, Outcome), u64>>);

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
    /// How many attempts of an operation ended so.
    pub fn of(&self, operation: Operation, outcome: Outcome) -> u64 {
        let counts = self.0.lock().unwrap();
        counts
            .get(&(operation, outcome))
            .copied()
            .unwrap_or_default()
    }
}

/// Starts a simulator.
pub fn simulate(fleet: Fleet) -> Simulator {
    Simulator::start(fleet, sagemaker_simulator::Options::default()).unwrap()
}

/// Two accounts without notebooks.
pub fn fleet() -> Fleet {
    Fleet::new()
        .account(Account::new(ACCOUNT).role(ROLE))
        .account(Account::new(OTHER).role(ROLE))
}

/// The SDK's configuration for an endpoint, with a key or without.
pub fn config(url: &str, key: Option<(&str, &str)>) -> SdkConfig {
    let mut config = SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::from_static("us-east-1"))
        .endpoint_url(url);
    config.set_credentials_provider(key.map(|(id, secret)| {
        SharedCredentialsProvider::new(Credentials::new(id, secret, None, None, "test"))
    }));
    config.build()
}

/// AWS as the operator's own identity reaches it, and what it sends.
pub fn observed(simulator: &Simulator, options: &Options) -> (Aws, Arc<Counted>) {
    let counted = Arc::new(Counted::default());
    let home = simulator.home();
    let key = (home.access_key_id.as_str(), home.secret_access_key.as_str());
    let config = config(simulator.url(), Some(key));
    let observer: Arc<dyn RequestObserver> = Arc::<Counted>::clone(&counted);
    (Aws::new(config, options, observer), counted)
}

/// AWS as the operator's own identity reaches it.
pub fn aws(simulator: &Simulator, options: &Options) -> Aws {
    observed(simulator, options).0
}

/// How an account is reached.
pub fn access(role: Option<&str>, external_id: Option<&str>) -> Access {
    Access {
        role: role.map(|role| role.parse().unwrap()),
        external_id: external_id.map(|id| id.parse().unwrap()),
    }
}

/// A target.
pub fn key(account: &str, region: &str, access: Access) -> TargetKey {
    TargetKey {
        account: account.parse().unwrap(),
        region: region.parse().unwrap(),
        access,
    }
}
