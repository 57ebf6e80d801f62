//! Cache of the credentials of one identity.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sdk_sts::config::{IdentityCache, SharedIdentityCache};

/// Margin before expiry at which credentials are renewed. It tolerates small clock differences.
const RENEW_BEFORE: Duration = Duration::from_mins(1);

/// Timeout for loading credentials, a throttled `AssumeRole` included.
const CREDENTIALS_TIMEOUT: Duration = Duration::from_secs(150);

/// Credentials cache and its source.
pub(super) struct Identity {
    pub(super) provider: SharedCredentialsProvider,
    kept: Mutex<Kept>,
}

/// Cached credentials and their issue number.
#[derive(Clone)]
pub(super) struct Kept {
    pub(super) cache: SharedIdentityCache,
    pub(super) issue: u64,
}

impl Identity {
    pub(super) fn new(provider: SharedCredentialsProvider) -> Self {
        Self {
            provider,
            kept: Mutex::new(Kept {
                cache: empty_cache(),
                issue: 0,
            }),
        }
    }

    pub(super) fn kept(&self) -> Kept {
        self.locked().clone()
    }

    pub(super) fn cache(&self) -> SharedIdentityCache {
        self.kept().cache
    }

    /// Drops the cached credentials. Rejected credentials must not stay until they expire by the
    /// local clock.
    pub(super) fn forget(&self) {
        let issue = self.kept().issue;
        self.forget_issue(issue);
    }

    /// Drops the cached credentials, unless a concurrent caller has already replaced this issue.
    pub(super) fn forget_issue(&self, issue: u64) {
        let mut kept = self.locked();
        if kept.issue == issue {
            *kept = Kept {
                cache: empty_cache(),
                issue: issue.wrapping_add(1),
            };
        }
    }

    fn locked(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn empty_cache() -> SharedIdentityCache {
    IdentityCache::lazy()
        .buffer_time(RENEW_BEFORE)
        .load_timeout(CREDENTIALS_TIMEOUT)
        .max_partitions(1)
        .build()
}
