//! Simulates another restarter: Terraform's provider, or a script with the CLI's waiters. The
//! notebook is `Stopped` between two of its calls. An Update at that time makes the restarter's
//! next call fail.

use std::time::{Duration, Instant};

use jiff::fmt::serde::unsigned_duration::friendly::compact::required as friendly;
use serde::{Deserialize, Serialize};

use crate::{OwnerAct, Refused, Status, server::Shared};

/// Pace of another restarter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Restart {
    /// Interval of the restarter's polls of the notebook. Default: 1s; the CLI's waiters take 30s.
    #[serde(with = "friendly")]
    pub interval: Duration,
    /// Time between the end of a step, as seen by a poll, and the next call. Default: 0s.
    #[serde(with = "friendly")]
    pub pause: Duration,
}

impl Default for Restart {
    fn default() -> Self {
        Self {
            interval: Duration::from_secs(1),
            pause: Duration::ZERO,
        }
    }
}

/// Account, region and name of a notebook.
type Place<'a> = (&'a str, &'a str, &'a str);

impl Restart {
    /// Stops, updates and starts a notebook, and waits after each step. Gives up at the first
    /// rejection, and if a wait ends in `Failed`.
    pub(crate) async fn run(self, shared: &Shared, place: Place<'_>) -> Result<(), Refused> {
        let (account, region, name) = place;
        shared.owner(account, region, name, OwnerAct::Stop)?;
        self.until(shared, place, &Status::Stopped).await?;
        tokio::time::sleep(self.pause).await;
        shared.owner(account, region, name, OwnerAct::Resize)?;
        self.until(shared, place, &Status::Stopped).await?;
        tokio::time::sleep(self.pause).await;
        shared.owner(account, region, name, OwnerAct::Start)?;
        self.until(shared, place, &Status::InService).await
    }

    /// Waits for a status, as seen by a reader. The first poll is immediate.
    async fn until(
        self,
        shared: &Shared,
        (account, region, name): Place<'_>,
        wanted: &Status,
    ) -> Result<(), Refused> {
        loop {
            let seen = {
                let mut world = shared.world();
                let instance = world.instance(account, region, name, Instant::now());
                instance.map(|instance| instance.seen().0.clone())
            };
            match seen {
                None => return Err(Refused::NotFound),
                Some(seen) if seen == *wanted => return Ok(()),
                // The message of Terraform's waiters.
                Some(Status::Failed) => {
                    let message = format!("unexpected state 'Failed', wanted target '{wanted}'");
                    return Err(Refused::Status(message));
                }
                Some(_) => tokio::time::sleep(self.interval).await,
            }
        }
    }
}
