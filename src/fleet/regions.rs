//! The regions that are enabled for an account: the meaning of `regions: ["*"]`.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
};

use futures::{FutureExt, future::BoxFuture};
use jiff::Timestamp;
use tokio::time::Instant;

use super::{
    breaker::{Breaker, Circuit},
    deadline::{broken_off, timed_out},
    limit::Limit,
    options::Freshness,
    shared::{Shared, locked},
    single_flight::Entry,
};
use crate::domain::{
    Access, AccountId, ReadFailure, Region, Snapshot, Target, TargetRegion, TargetState,
};

const NOT_LISTED: &str = "the account's regions were not listed";

/// Regions of one account under one identity.
#[derive(Debug)]
pub(super) struct AccountRegions {
    account: AccountId,
    access: Access,
    shared: Arc<Shared>,
    lock: Arc<tokio::sync::Mutex<()>>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    breaker: Breaker,
    /// Last list that was read. A failure leaves it: regions that were enabled are still worth
    /// reading.
    regions: Arc<BTreeSet<Region>>,
    listed_at: Option<Timestamp>,
    /// Lists read earlier are outdated.
    listed_since: Option<Timestamp>,
    /// Failure of the last attempt.
    failure: Option<ReadFailure>,
    attempted_at: Option<Timestamp>,
}

impl AccountRegions {
    pub(super) fn new(account: AccountId, access: Access, shared: Arc<Shared>) -> Self {
        Self {
            account,
            access,
            shared,
            lock: Arc::default(),
            state: Mutex::default(),
        }
    }

    /// Records that a region on the list answered at this time that it is disabled.
    pub(super) fn contradicted(&self, at: Timestamp) {
        locked(&self.state).outdate(at);
    }

    /// Returns the regions as last listed.
    pub(super) fn listed(&self) -> Arc<BTreeSet<Region>> {
        Arc::clone(&locked(&self.state).regions)
    }

    /// Returns a placeholder for unknown regions, if the last attempt to list them failed or none
    /// has ended.
    pub(super) fn unresolved(&self) -> Option<Arc<Snapshot>> {
        let state = locked(&self.state);
        let (state, message, started_at) = match (&state.failure, state.attempted_at) {
            (Some(failure), Some(at)) => (failure.state, failure.message.clone(), at),
            (None, Some(_)) => return None,
            (_, None) => (
                TargetState::Unreachable,
                "its regions are being listed for the first time".to_owned(),
                Timestamp::now(),
            ),
        };
        Some(Arc::new(Snapshot {
            target: Target {
                account: self.account.clone(),
                region: TargetRegion::Unresolved,
            },
            started_at,
            state,
            message: Some(message),
            with_tags: None,
            notebooks: Vec::new(),
            last_success: None,
        }))
    }

    pub(super) fn is_unread(&self) -> bool {
        locked(&self.state).attempted_at.is_none()
    }

    pub(super) fn retry_at(&self) -> Option<Instant> {
        locked(&self.state).breaker.retry_at()
    }
}

impl Entry for AccountRegions {
    fn lock(&self) -> &Arc<tokio::sync::Mutex<()>> {
        &self.lock
    }

    fn limit(&self) -> &Limit {
        &self.shared.limit
    }

    fn is_fresh(&self, freshness: Freshness) -> bool {
        let expired_since = Timestamp::now().saturating_sub(self.shared.options.describe_refresh);
        let state = locked(&self.state);
        match (state.attempted_at, state.listed_at) {
            (Some(attempted_at), _) if state.failure.is_some() => {
                state.breaker.circuit(Instant::now()) != Circuit::HalfOpen
                    && attempted_at >= freshness.not_before
            }
            // Regions are enabled rarely. The list may be as old as Describes, unless it is
            // outdated.
            (Some(_), Some(listed_at)) => {
                expired_since.is_ok_and(|expired_since| listed_at > expired_since)
                    && Some(listed_at) >= state.listed_since
            }
            _ => false,
        }
    }

    fn require(&self, freshness: Freshness) {
        if freshness.full {
            locked(&self.state).outdate(freshness.not_before);
        }
    }

    fn is_unanswered(&self) -> bool {
        locked(&self.state).breaker.is_unanswered()
    }

    fn read(&self) -> BoxFuture<'_, ()> {
        async {
            let started_at = Timestamp::now();
            let listing = self.shared.aws.enabled_regions(&self.account, &self.access);
            let deadline = self.shared.options.silence;
            let listing = tokio::time::timeout(deadline, listing);
            let listed = match self.shared.broken_off.run_until_cancelled(listing).await {
                Some(Ok(listed)) => listed,
                Some(Err(_)) => Err(timed_out(NOT_LISTED, false)),
                None => Err(broken_off(NOT_LISTED)),
            };
            let mut state = locked(&self.state);
            state.attempted_at = Some(started_at);
            let outcome = listed
                .as_ref()
                .map_or_else(|failure| failure.state, |_| TargetState::Scanned);
            state
                .breaker
                .record(outcome, Instant::now(), fastrand::f64());
            match listed {
                Ok(regions) => {
                    state.regions = Arc::new(regions);
                    state.listed_at = Some(started_at);
                    state.failure = None;
                }
                Err(failure) => state.failure = Some(failure),
            }
        }
        .boxed()
    }
}

impl State {
    fn outdate(&mut self, listed_since: Timestamp) {
        self.listed_since = self.listed_since.max(Some(listed_since));
    }
}
