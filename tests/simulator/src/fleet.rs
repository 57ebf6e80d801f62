//! The fleet: accounts, roles, regions, notebooks and the faults that they start with.

mod generate;

pub use generate::{Generate, GenerateError};

use std::{collections::HashSet, path::Path, time::Duration};

use jiff::fmt::serde::unsigned_duration::friendly::compact::required as friendly;
use serde::{Deserialize, Serialize};

use crate::{Assumptions, Fault, Notebook, Platforms};

/// Everything that the simulator starts with; the content of a fleet file.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Fleet {
    /// The account and key that the operator has of its own.
    pub home: Home,
    /// The accounts. The home account is there without being named.
    pub accounts: Vec<Account>,
    /// The notebooks, each in an account of this fleet.
    pub notebooks: Vec<Notebook>,
    /// The faults that hold from the start.
    pub faults: Vec<Fault>,
    /// How long transitions take.
    pub timings: Timings,
    /// Which platforms are retired, and which can be migrated.
    pub platforms: Platforms,
    /// What no source confirms of AWS.
    pub assumptions: Assumptions,
}

/// The account that the operator runs in. Only its identities may assume roles.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Home {
    /// Twelve digits.
    pub account: String,
    /// The long-lived access key of the user `operator`.
    pub access_key_id: String,
    /// Its secret. Signatures are not verified, so that any secret passes.
    pub secret_access_key: String,
    /// The token that `AssumeRoleWithWebIdentity` accepts; absent: any that is not empty.
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
    /// Twelve digits; quote it in YAML.
    pub id: String,
    /// The roles that the home account may assume.
    #[serde(default)]
    pub roles: Vec<Role>,
    /// The regions that are enabled; absent: those that AWS enables by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub regions: Option<Vec<String>>,
}

/// A role that trusts the home account.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Role {
    /// Its name, with its path if it has one, such as `ops/sudoless`.
    pub name: String,
    /// Where given, `AssumeRole` must carry exactly this one; where absent, any or none passes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_id: Option<String>,
}

/// How long transitions take, before they are divided by [`Options::speed`](crate::Options::speed). AWS's own times are one
/// to four minutes; these defaults are scaled down.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Timings {
    /// `Stopping` → `Stopped`.
    #[serde(with = "friendly")]
    pub stop: Duration,
    /// `Updating` → `Stopped`; `RootAccess` changes at its end.
    #[serde(with = "friendly")]
    pub update: Duration,
    /// `Pending` → `InService`.
    #[serde(with = "friendly")]
    pub start: Duration,
    /// `Deleting` → gone.
    #[serde(with = "friendly")]
    pub delete: Duration,
    /// For how long List and Describe still show the old status after an accepted Update. Guards always see the true one.
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

/// Why a fleet was not accepted.
#[derive(Debug, thiserror::Error)]
pub enum FleetError {
    /// The file could not be read.
    #[error("cannot read {path}: {source}")]
    Read {
        /// The file.
        path: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file is neither YAML nor JSON of a fleet.
    #[error("{path} is not a fleet: {message}")]
    Parse {
        /// The file.
        path: String,
        /// What is wrong and where.
        message: String,
    },
    /// An account's id is not twelve digits.
    #[error("account {0:?} is not twelve digits (quote it, so that YAML keeps it a string)")]
    AccountId(String),
    /// Two accounts with one id.
    #[error("account {0} is there twice")]
    DuplicateAccount(String),
    /// A notebook in an account that the fleet does not have.
    #[error("notebook {name} is in account {account}, which the fleet does not have")]
    UnknownAccount {
        /// The notebook.
        name: String,
        /// Its account.
        account: String,
    },
    /// Two notebooks with one ARN.
    #[error("notebook {0} is there twice")]
    DuplicateNotebook(String),
}

impl Fleet {
    /// A fleet with nothing but the home account.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads a fleet file, YAML or JSON (which YAML includes).
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

    /// With one more account.
    #[must_use]
    pub fn account(mut self, account: Account) -> Self {
        self.accounts.push(account);
        self
    }

    /// With one more notebook.
    #[must_use]
    pub fn notebook(mut self, notebook: Notebook) -> Self {
        self.notebooks.push(notebook);
        self
    }

    /// With more notebooks.
    #[must_use]
    pub fn notebooks(mut self, notebooks: impl IntoIterator<Item = Notebook>) -> Self {
        self.notebooks.extend(notebooks);
        self
    }

    /// With one more fault.
    #[must_use]
    pub fn fault(mut self, fault: Fault) -> Self {
        self.faults.push(fault);
        self
    }

    /// With these times of transition.
    #[must_use]
    pub fn timings(mut self, timings: Timings) -> Self {
        self.timings = timings;
        self
    }

    /// Checks what the types cannot: ids, duplicates, notebooks without an account.
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
    /// An account without roles, with the default regions.
    #[must_use]
    pub fn new(id: &str) -> Self {
        Self {
            id: id.to_owned(),
            roles: Vec::new(),
            regions: None,
        }
    }

    /// With a role that the home account may assume, without an external id.
    #[must_use]
    pub fn role(mut self, name: &str) -> Self {
        self.roles.push(Role {
            name: name.to_owned(),
            external_id: None,
        });
        self
    }

    /// With a role that may be assumed only with this external id.
    #[must_use]
    pub fn role_with_external_id(mut self, name: &str, external_id: &str) -> Self {
        self.roles.push(Role {
            name: name.to_owned(),
            external_id: Some(external_id.to_owned()),
        });
        self
    }

    /// With exactly these regions enabled.
    #[must_use]
    pub fn regions<'a>(mut self, regions: impl IntoIterator<Item = &'a str>) -> Self {
        self.regions = Some(regions.into_iter().map(str::to_owned).collect());
        self
    }
}
