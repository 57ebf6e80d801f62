//! Cases: three fleets, and the policy over each.

use std::{fmt, time::Duration};

use clap::ValueEnum;
use sagemaker_simulator::{Fleet, Generate, regions};
use serde_json::{Value, json};

/// Notebooks per page of a List.
pub const PAGE: u64 = 100;

const MIB: u64 = 1024 * 1024;

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Case {
    /// 1,000 notebooks in one account and region
    Small,
    /// 10,000 notebooks in one account and region
    Large,
    /// 1,000 accounts × 17 regions with 100 notebooks in all
    Wide,
}

/// Size of a fleet.
#[derive(Clone, Debug)]
pub struct Size {
    pub accounts: usize,
    pub regions: usize,
    pub notebooks: usize,
}

/// Goals of a case.
#[derive(Clone, Copy, Debug)]
pub struct Goals {
    /// Wall time of the first scan divided by that of the bare SDK.
    pub ratio: Option<f64>,
    /// Peak memory, in bytes.
    pub peak: u64,
}

impl Case {
    pub fn size(self, scale: f64) -> Size {
        let (accounts, regions, notebooks) = match self {
            Self::Small => (1, 1, 1_000),
            Self::Large => (1, 1, 10_000),
            Self::Wide => (1_000, 17, 100),
        };
        Size {
            accounts: scaled(accounts, scale),
            regions,
            notebooks: scaled(notebooks, scale),
        }
    }

    /// Returns the goals of issue 3, for the first version.
    pub fn goals(self) -> Goals {
        let (ratio, peak) = match self {
            Self::Small => (Some(1.3), 32),
            Self::Large => (Some(1.3), 96),
            Self::Wide => (None, 96),
        };
        Goals {
            ratio,
            peak: peak * MIB,
        }
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "small numbers above zero"
)]
fn scaled(size: usize, scale: f64) -> usize {
    ((size as f64 * scale) as usize).max(1)
}

impl Size {
    pub fn targets(&self) -> usize {
        self.accounts * self.regions
    }

    pub fn fleet(&self) -> Fleet {
        Generate {
            accounts: self.accounts,
            regions: self.regions,
            notebooks: self.notebooks,
            ..Generate::default()
        }
        .fleet()
    }

    /// Returns the number of Lists: one for every hundred notebooks of each target, and one for an
    /// empty target. Notebooks are distributed to the targets in turn.
    pub fn lists(&self) -> u64 {
        let (targets, notebooks) = (self.targets() as u64, self.notebooks as u64);
        let pages = |notebooks: u64| notebooks.div_ceil(PAGE).max(1);
        let fuller = notebooks % targets;
        fuller * pages(notebooks / targets + 1) + (targets - fuller) * pages(notebooks / targets)
    }

    /// Uses the shortest interval that the API accepts, so that the idle sweep is soon due.
    pub fn spec(&self, interval: Duration) -> Value {
        let accounts: Vec<Value> = self
            .fleet()
            .accounts
            .iter()
            .map(|account| json!({"id": account.id, "role": "sudoless"}))
            .collect();
        json!({
            "scanInterval": format!("{}s", interval.as_secs()),
            "accounts": accounts,
            "regions": self.region_names(),
        })
    }

    pub fn region_names(&self) -> Vec<&'static str> {
        regions::DEFAULT.into_iter().take(self.regions).collect()
    }
}

impl fmt::Display for Size {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            accounts,
            regions,
            notebooks,
        } = self;
        if self.targets() == 1 {
            write!(formatter, "{notebooks} notebooks")
        } else {
            write!(
                formatter,
                "{accounts} accounts × {regions} regions, {notebooks} notebooks"
            )
        }
    }
}
