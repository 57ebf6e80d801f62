//! Fleets generated from a few numbers. The same numbers always give the same fleet.

use std::str::FromStr;

use jiff::Timestamp;

use super::{Account, Fleet};
use crate::{Notebook, Platform, Platforms, RootAccess, Status, regions};

/// Creation time of every generated notebook: the start of 2025.
const CREATED: Timestamp = Timestamp::constant(1_735_689_600, 0);

/// Description of a fleet: `accounts=2,regions=3,notebooks=100,seed=1`, every part optional.
#[derive(Clone, Debug, PartialEq)]
pub struct Generate {
    /// Number of accounts, from `100000000001` up, each with a role `sudoless`.
    pub accounts: usize,
    /// Number of enabled regions per account, the first of [`regions::DEFAULT`]. At most 17.
    pub regions: usize,
    /// Total number of notebooks, distributed to accounts and regions in turn.
    pub notebooks: usize,
    /// Share of the notebooks with `RootAccess: Enabled`, 0 to 1.
    pub enabled: f64,
    /// Share of the notebooks that are `Stopped`, 0 to 1. The others are `InService`.
    pub stopped: f64,
    /// Share of the notebooks with a lifecycle configuration, 0 to 1.
    pub lifecycle: f64,
    /// Share of the notebooks without `RootAccess`, 0 to 1. Taken before the other shares.
    pub absent: f64,
    /// Share of the notebooks on a retired platform, 0 to 1. The platforms take turns.
    pub retired: f64,
    /// Share of the notebooks with an Elastic Inference accelerator, 0 to 1.
    pub accelerators: f64,
    /// Seed of the distribution of the shares.
    pub seed: u64,
}

/// Reason why a description is invalid.
#[derive(Debug, thiserror::Error)]
pub enum GenerateError {
    /// The part is not `key=value`, or its key is unknown.
    #[error(
        "{0:?} is none of accounts=, regions=, notebooks=, enabled=, stopped=, lifecycle=, absent=, retired=, accelerators=, seed="
    )]
    Part(String),
    /// The value does not fit the key.
    #[error("{0:?}: the value must be {1}")]
    Value(String, &'static str),
}

impl Default for Generate {
    fn default() -> Self {
        Self {
            accounts: 2,
            regions: 3,
            notebooks: 100,
            enabled: 0.3,
            stopped: 0.2,
            lifecycle: 0.2,
            absent: 0.0,
            retired: 0.2,
            accelerators: 0.05,
            seed: 1,
        }
    }
}

impl FromStr for Generate {
    type Err = GenerateError;

    fn from_str(text: &str) -> Result<Self, GenerateError> {
        let mut generate = Self::default();
        for part in text.split(',').filter(|part| !part.is_empty()) {
            let (key, value) = part
                .split_once('=')
                .ok_or_else(|| GenerateError::Part(part.to_owned()))?;
            let number = || {
                let refused = || GenerateError::Value(part.to_owned(), "a whole number");
                value.parse::<usize>().map_err(|_| refused())
            };
            let share = || match value.parse::<f64>() {
                Ok(share) if (0.0..=1.0).contains(&share) => Ok(share),
                _ => Err(GenerateError::Value(part.to_owned(), "a share from 0 to 1")),
            };
            match key {
                "accounts" => generate.accounts = number()?,
                "regions" => generate.regions = number()?,
                "notebooks" => generate.notebooks = number()?,
                "seed" => generate.seed = number()? as u64,
                "enabled" => generate.enabled = share()?,
                "stopped" => generate.stopped = share()?,
                "lifecycle" => generate.lifecycle = share()?,
                "absent" => generate.absent = share()?,
                "retired" => generate.retired = share()?,
                "accelerators" => generate.accelerators = share()?,
                _ => return Err(GenerateError::Part(part.to_owned())),
            }
        }
        if generate.accounts == 0 || !(1..=regions::DEFAULT.len()).contains(&generate.regions) {
            return Err(GenerateError::Value(
                text.to_owned(),
                "at least one account and 1 to 17 regions",
            ));
        }
        Ok(generate)
    }
}

impl Generate {
    /// Generates the fleet. Names are `notebook-00000` and up, and times are fixed.
    #[must_use]
    pub fn fleet(&self) -> Fleet {
        let mut random = fastrand::Rng::with_seed(self.seed);
        let names: Vec<&str> = regions::DEFAULT.into_iter().take(self.regions).collect();
        let accounts: Vec<Account> = (1..=self.accounts)
            .map(|number| {
                Account::new(&format!("{}", 100_000_000_000_usize.saturating_add(number)))
                    .role("sudoless")
                    .regions(names.iter().copied())
            })
            .collect();
        // All regions of an account, then the next account, then from the start again.
        let targets = accounts
            .iter()
            .flat_map(|account| names.iter().map(move |region| (&account.id, *region)));
        let notebooks = targets
            .cycle()
            .zip(0..self.notebooks)
            .map(|((account, region), number)| self.notebook(&mut random, account, region, number))
            .collect();
        let notebooks = self.with_platforms(notebooks);
        Fleet {
            accounts,
            notebooks,
            ..Fleet::default()
        }
    }

    /// Distributes platforms and accelerators with a separate random generator, so that the other
    /// shares stay the same.
    fn with_platforms(&self, mut notebooks: Vec<Notebook>) -> Vec<Notebook> {
        let mut random = fastrand::Rng::with_seed(!self.seed);
        let mut retired = Platforms::default().retired.into_iter().cycle();
        for notebook in &mut notebooks {
            if random.f64() < self.retired
                && let Some(platform) = retired.next()
            {
                notebook.platform = Platform::Identifier(platform);
            }
            if random.f64() < self.accelerators {
                notebook.accelerator_types.push("ml.eia2.medium".to_owned());
            }
        }
        notebooks
    }

    fn notebook(
        &self,
        random: &mut fastrand::Rng,
        account: &str,
        region: &str,
        number: usize,
    ) -> Notebook {
        let mut notebook = Notebook::new(account, region, &format!("notebook-{number:05}"));
        notebook.created = CREATED;
        notebook.last_modified = notebook.created;
        notebook.root_access = if random.f64() < self.absent {
            RootAccess::Absent
        } else if random.f64() < self.enabled {
            RootAccess::Enabled
        } else {
            RootAccess::Disabled
        };
        if random.f64() < self.stopped {
            notebook.status = Status::Stopped;
        }
        if random.f64() < self.lifecycle {
            notebook.lifecycle_config = Some("on-start".to_owned());
        }
        notebook
    }
}
