//! The fleet: accounts, roles, regions, notebooks and initial faults.

mod generate;

pub use generate::{Generate, GenerateError};

use std::{collections::HashSet, path::Path, time::Duration};

use jiff::fmt::serde::unsigned_duration::friendly::compact::required as friendly;
use serde::{Deserialize, Serialize};

use crate::{Assumptions, Fault, Notebook, Platforms};

/// Initial state of the simulator, and content of a fleet file.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Fleet {
    /// Account and key of the operator.
    pub home: Home,
    /// Accounts. The home account always exists.
    pub accounts: Vec<Account>,
    /// Notebooks, each in an account of this fleet.
    pub notebooks: Vec<Notebook>,
    /// Faults in force from the start.
    pub faults: Vec<Fault>,
    /// Durations of transitions.
    pub timings: Timings,
    /// Retired platforms and possible migrations.
    pub platforms: Platforms,
    /// Behaviour of AWS that no source confirms.
    pub assumptions: Assumptions,
}

/// Account that the operator runs in. Only its identities may assume roles.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Home {
    /// Twelve digits.
    pub account: String,
    /// Long-lived access key of the user `operator`.
    pub access_key_id: String,
    /// Secret of the access key. Signatures are not verified, so that any secret is accepted.
    pub secret_access_key: String,
    /// Token that `AssumeRoleWithWebIdentity` accepts. Default: any token that is not empty.
    pub web_identity_token: Option<String>,
}

impl Default for Home {
    fn default() -> Self {
        Self {
            account: "999900001111".to_owned(),
            access_key_id: "AKIASIMULATORHOME001".to_owned(),
            secret_access_key: "simulator-home-secret-access-key-000001".to_owned(),
            web_identity_token: None,
        }
    }
}

/// An AWS account.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Account {
    /// Twelve digits. Quote them in YAML.
    pub id: String,
    /// Roles that the home account may assume.
    #[serde(default)]
    pub roles: Vec<Role>,
    /// Enabled regions. Default: those that AWS enables by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub regions: Option<Vec<String>>,
}

/// Role that trusts the home account.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Role {
    /// Name of the role, with its path if any, such as `ops/sudoless`.
    pub name: String,
    /// External ID that `AssumeRole` must carry. Default: any or none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_id: Option<String>,
}

/// Durations of transitions, before they are divided by [`Options::speed`](crate::Options::speed).
/// AWS takes one to four minutes; these defaults are scaled down.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Timings {
    /// `Stopping` → `Stopped`.
    #[serde(with = "friendly")]
    pub stop: Duration,
    /// `Updating` → `Stopped`. `RootAccess` changes at the end.
    #[serde(with = "friendly")]
    pub update: Duration,
    /// `Pending` → `InService`.
    #[serde(with = "friendly")]
    pub start: Duration,
    /// `Deleting` → gone.
    #[serde(with = "friendly")]
    pub delete: Duration,
    /// Time for which List and Describe still show the old status after an accepted Update. Guards
    /// always use the true status.
    #[serde(with = "friendly")]
    pub update_lag: Duration,
    /// The same after an accepted Stop, Start or Delete.
    #[serde(with = "friendly")]
    pub lag: Duration,
}

impl Default for Timings {
    fn default() -> Self {
        Self {
            stop: Duration::from_secs(1),
            update: Duration::from_millis(500),
            start: Duration::from_secs(2),
            delete: Duration::from_millis(500),
            update_lag: Duration::ZERO,
            lag: Duration::ZERO,
        }
    }
}

/// Reason why a fleet was rejected.
#[derive(Debug, thiserror::Error)]
pub enum FleetError {
    /// The file could not be read.
    #[error("cannot read {path}: {source}")]
    Read {
        /// Path of the file.
        path: String,
        /// Error of the operating system.
        source: std::io::Error,
    },
    /// The file is not a fleet in YAML or JSON.
    #[error("{path} is not a fleet: {message}")]
    Parse {
        /// Path of the file.
        path: String,
        /// Problem and its position.
        message: String,
    },
    /// An account ID is not twelve digits.
    #[error("account {0:?} is not twelve digits (quote it, so that YAML keeps it a string)")]
    AccountId(String),
    /// Two accounts have the same ID.
    #[error("account {0} is there twice")]
    DuplicateAccount(String),
    /// A notebook's account is not in the fleet.
    #[error("notebook {name} is in account {account}, which the fleet does not have")]
    UnknownAccount {
        /// Name of the notebook.
        name: String,
        /// Account of the notebook.
        account: String,
    },
    /// Two notebooks have the same ARN.
    #[error("notebook {0} is there twice")]
    DuplicateNotebook(String),
}

impl Fleet {
    /// Creates a fleet with only the home account.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads a fleet file in YAML, which includes JSON.
    pub fn load(path: &Path) -> Result<Self, FleetError> {
        let shown = path.display().to_string();
        let text = std::fs::read_to_string(path).map_err(|source| FleetError::Read {
            path: shown.clone(),
            source,
        })?;
        let fleet: Self = serde_saphyr::from_str(&text).map_err(|error| FleetError::Parse {
            path: shown,
            message: error.to_string(),
        })?;
        fleet.validate()?;
        Ok(fleet)
    }

    /// Adds an account.
    #[must_use]
    pub fn account(mut self, account: Account) -> Self {
        self.accounts.push(account);
        self
    }

    /// Adds a notebook.
    #[must_use]
    pub fn notebook(mut self, notebook: Notebook) -> Self {
        self.notebooks.push(notebook);
        self
    }

    /// Adds notebooks.
    #[must_use]
    pub fn notebooks(mut self, notebooks: impl IntoIterator<Item = Notebook>) -> Self {
        self.notebooks.extend(notebooks);
        self
    }

    /// Adds a fault.
    #[must_use]
    pub fn fault(mut self, fault: Fault) -> Self {
        self.faults.push(fault);
        self
    }

    /// Sets the durations of transitions.
    #[must_use]
    pub fn timings(mut self, timings: Timings) -> Self {
        self.timings = timings;
        self
    }

    /// Checks IDs, duplicates and notebooks without an account, which the types cannot check.
    pub fn validate(&self) -> Result<(), FleetError> {
        let mut accounts = HashSet::from([self.home.account.as_str()]);
        let mut named = HashSet::new();
        let ids = self.accounts.iter().map(|account| account.id.as_str());
        for id in ids.chain([self.home.account.as_str()]) {
            if id.len() != 12 || !id.bytes().all(|byte| byte.is_ascii_digit()) {
                return Err(FleetError::AccountId(id.to_owned()));
            }
        }
        for account in &self.accounts {
            if !named.insert(account.id.as_str()) {
                return Err(FleetError::DuplicateAccount(account.id.clone()));
            }
            accounts.insert(&account.id);
        }
        let mut seen = HashSet::new();
        for notebook in &self.notebooks {
            if !accounts.contains(notebook.account.as_str()) {
                return Err(FleetError::UnknownAccount {
                    name: notebook.name.clone(),
                    account: notebook.account.clone(),
                });
            }
            if !seen.insert((&notebook.account, &notebook.region, &notebook.name)) {
                return Err(FleetError::DuplicateNotebook(notebook.arn()));
            }
        }
        Ok(())
    }
}

impl Account {
    /// Creates an account without roles, with the default regions.
    #[must_use]
    pub fn new(id: &str) -> Self {
        Self {
            id: id.to_owned(),
            roles: Vec::new(),
            regions: None,
        }
    }

    /// Adds a role that the home account may assume without an external ID.
    #[must_use]
    pub fn role(mut self, name: &str) -> Self {
        self.roles.push(Role {
            name: name.to_owned(),
            external_id: None,
        });
        self
    }

    /// Adds a role that may be assumed only with this external ID.
    #[must_use]
    pub fn role_with_external_id(mut self, name: &str, external_id: &str) -> Self {
        self.roles.push(Role {
            name: name.to_owned(),
            external_id: Some(external_id.to_owned()),
        });
        self
    }

    /// Enables exactly these regions.
    #[must_use]
    pub fn regions<'a>(mut self, regions: impl IntoIterator<Item = &'a str>) -> Self {
        self.regions = Some(regions.into_iter().map(str::to_owned).collect());
        self
    }
}
