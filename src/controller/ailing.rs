//! Accounts and regions where the read before a claim failed. No claims are made there for a while.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

use crate::domain::{AccountId, Region};

/// Time without claims after a failed read.
pub(super) const PAUSE: Duration = Duration::from_mins(1);

type Places = HashMap<(AccountId, Region), Instant>;

/// Time of the last failed read, by account and region.
#[derive(Debug, Default)]
pub(super) struct Ailing(Mutex<Places>);

impl Ailing {
    /// Records a failed read.
    pub(super) fn failed(&self, account: &AccountId, region: &Region) {
        let mut places = self.locked();
        places.retain(|_, failed_at| failed_at.elapsed() < PAUSE);
        places.insert((account.clone(), region.clone()), Instant::now());
    }

    pub(super) fn is_ailing(&self, account: &AccountId, region: &Region) -> bool {
        let key = (account.clone(), region.clone());
        self.locked()
            .get(&key)
            .is_some_and(|failed_at| failed_at.elapsed() < PAUSE)
    }

    fn locked(&self) -> MutexGuard<'_, Places> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
