//! Fleets made up from a few numbers, always the same for the same numbers.

use std::str::FromStr;

use jiff::Timestamp;

use super::{Account, Fleet};
use crate::{Notebook, Platform, Platforms, RootAccess, Status, regions};

/// When every generated notebook was created: the start of 2025.
const CREATED: Timestamp = Timestamp::constant(1_735_689_600, 0);

/// What to generate: `accounts=2,regions=3,notebooks=100,seed=1`, every part optional.
#[derive(Clone, Debug, PartialEq)]
pub struct Generate {
    /// Number of accounts, `100000000001` and up, each with a role `sudoless`.
    pub accounts: usize,
    /// Number of enabled regions per account, the first of [`regions::DEFAULT`]; at most 17.
    pub regions: usize,
    /// Number of notebooks in all, dealt out to accounts and regions in turn.
    pub notebooks: usize,
    /// Share of the notebooks with `RootAccess: Enabled`, 0 to 1.
    pub enabled: f64,
    /// Share of the notebooks that are `Stopped`, 0 to 1; the others are `InService`.
    pub stopped: f64,
    /// Share of the notebooks with a lifecycle configuration, 0 to 1.
    pub lifecycle: f64,
    /// Share of the notebooks whose `RootAccess` is absent, 0 to 1, taken before the others.
    pub absent: f64,
    /// Share of the notebooks on a retired platform, 0 to 1; the platforms take turns.
    pub retired: f64,
    /// Share of the notebooks with an Elastic Inference accelerator, 0 to 1.
    pub accelerators: f64,
    /// Another seed deals out the shares differently.
    pub seed: u64,
}

/// Why a description of a generated fleet was not understood.
#[derive(Debug, thiserror::Error)]
pub enum GenerateError {
    /// Not `key=value`, or an unknown key.
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
    /// The fleet. Names are `notebook-00000` and up, times are fixed.
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
        // Region after region within an account, then the next account; then from the start again.
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

    /// Deals out platforms and accelerators by random numbers of their own: the other shares fall as they would without them.
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
