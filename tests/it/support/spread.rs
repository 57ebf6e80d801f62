//! A fleet over several accounts and regions, and a policy over all of it.

use kube::api::ListParams;
use sagemaker_simulator::{Account, Fleet, Notebook};
use serde_json::{Value, json};
use sudoless::api::NotebookRemediation;

use super::{
    enforced::{account, quick},
    stage::Stage,
};

/// The regions, in the order of their names.
const REGIONS: [&str; 6] = [
    "ap-south-1",
    "eu-central-1",
    "eu-west-1",
    "sa-east-1",
    "us-east-1",
    "us-west-2",
];

/// Running notebooks whose users have root, the same number in each account and region.
pub struct Spread {
    accounts: Vec<String>,
    regions: &'static [&'static str],
    each: usize,
}

impl Spread {
    /// So many accounts, regions, and notebooks in each.
    pub fn new(stage: &str, accounts: usize, regions: usize, each: usize) -> Self {
        let mut accounts: Vec<String> = (0..accounts)
            .map(|number| account(&format!("{stage}-{number}")))
            .collect();
        accounts.sort();
        Self {
            accounts,
            regions: &REGIONS[..regions],
            each,
        }
    }

    /// The fleet. No two notebooks have the same name.
    pub fn fleet(&self) -> Fleet {
        let accounts = self.accounts.iter().map(|id| {
            let account = Account::new(id).role("sudoless");
            account.regions(self.regions.iter().copied())
        });
        let fleet = accounts.fold(Fleet::new(), Fleet::account);
        fleet.notebooks(self.notebooks()).timings(quick())
    }

    fn notebooks(&self) -> impl Iterator<Item = Notebook> {
        self.places().flat_map(|(account, region)| {
            (0..self.each).map(move |number| {
                let name = format!("{region}-{account}-{number}");
                Notebook::new(account, region, &name)
            })
        })
    }

    /// How many accounts and regions there are, taken together.
    pub fn targets(&self) -> usize {
        self.accounts.len() * self.regions.len()
    }

    fn places(&self) -> impl Iterator<Item = (&str, &str)> {
        let regions = |account| self.regions.iter().map(move |region| (account, *region));
        self.accounts.iter().map(String::as_str).flat_map(regions)
    }

    /// The first account and region in the order in which notebooks are looked at.
    pub fn first(&self) -> (&str, &str) {
        self.places().next().unwrap()
    }

    /// The spec of a policy that enforces over all of it.
    pub fn spec(&self, remediation: &Value) -> Value {
        let accounts: Vec<Value> = self
            .accounts
            .iter()
            .map(|id| json!({"id": id, "role": "sudoless"}))
            .collect();
        json!({
            "mode": "Enforce",
            "accounts": accounts,
            "regions": self.regions,
            "remediation": remediation,
        })
    }
}

impl Stage {
    /// The records of the policy `p`, in whichever account.
    pub async fn policy_records(&self) -> Vec<NotebookRemediation> {
        let selector = format!("spec.policy={}", self.policy("p"));
        let parameters = ListParams::default().fields(&selector);
        self.record_api().list(&parameters).await.unwrap().items
    }
}
