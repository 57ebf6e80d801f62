//! Circuit breakers of claims, one per account and region.
//!
//! A candidate that could not be read opens the circuit of its account and region. No candidate
//! there is read until the circuit closes. Scans have breakers of their own, because a scan need
//! not describe the notebook that cannot be read.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

use crate::domain::{AccountId, Region};

/// Time after which an open circuit closes.
pub(in crate::controller) const OPEN_FOR: Duration = Duration::from_mins(1);

type OpenedAt = HashMap<(AccountId, Region), Instant>;

/// Open circuits, and some that have closed.
#[derive(Debug, Default)]
pub(in crate::controller) struct Breakers(Mutex<OpenedAt>);

impl Breakers {
    /// Opens a circuit after a failed read.
    pub(super) fn open(&self, account: &AccountId, region: &Region) {
        let mut opened_at = self.locked();
        opened_at.retain(|_, opened_at| opened_at.elapsed() < OPEN_FOR);
        opened_at.insert((account.clone(), region.clone()), Instant::now());
    }

    /// Returns true if the circuit of the account and region is open.
    pub(super) fn is_open(&self, account: &AccountId, region: &Region) -> bool {
        let key = (account.clone(), region.clone());
        self.locked()
            .get(&key)
            .is_some_and(|opened_at| opened_at.elapsed() < OPEN_FOR)
    }

    fn locked(&self) -> MutexGuard<'_, OpenedAt> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_failure_opens_the_circuit_of_its_account_and_region_for_a_minute() {
        let [one, other]: [AccountId; 2] =
            ["111122223333", "444455556666"].map(|account| account.parse().unwrap());
        let [here, there]: [Region; 2] =
            ["eu-west-1", "us-east-1"].map(|region| region.parse().unwrap());
        let breakers = Breakers::default();
        breakers.open(&one, &here);
        for (after, account, region, open) in [
            (0, &one, &here, true),
            (0, &one, &there, false),
            (0, &other, &here, false),
            (59, &one, &here, true),
            (1, &one, &here, false),
        ] {
            tokio::time::advance(Duration::from_secs(after)).await;
            assert_eq!(
                breakers.is_open(account, region),
                open,
                "{account} {region}"
            );
        }
        breakers.open(&one, &there);
        assert_eq!(breakers.locked().len(), 1, "closed circuits are forgotten");
    }
}
