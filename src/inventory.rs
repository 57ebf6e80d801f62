//! The one shared cache of what AWS said.
//!
//! Policies subscribe to targets; a target is read once for all who want it, in the background, and what no policy names
//! any more is dropped. Observing waits only so long: a target that is slow or fails shows as such, and never holds up
//! what is known of the others (promise P8).

mod flight;
mod health;
mod lane;
mod observer;
mod patience;
mod regions;
mod scan;
mod target;

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::Duration,
};

use jiff::Timestamp;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::{
    aws::AwsReads,
    domain::{Access, AccountId, Policy, Region, Regions, Snapshot, TargetKey},
};

use flight::{Batch, Demanded};
use lane::Lanes;
pub use observer::Observer;
use regions::AccountRegions;
pub use target::Seen;
use target::{CachedTarget, Interest};

/// How the inventory reads.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// How long one reading of a target may take.
    pub target_deadline: Duration,
    /// How long AWS may not answer anything before a target counts as unreachable.
    pub silence: Duration,
    /// After which everything is described again, changed or not.
    pub describe_refresh: Duration,
    /// What is said of a notebook that was listed, and is not there when it is described.
    pub vanished: Vanished,
}

/// What is said of a notebook that was listed, and is not there when it is described: most likely somebody deleted it in between.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Vanished {
    /// Nothing: the next scan will tell.
    Forgotten,
    /// That it could not be read: there is no next scan, and nobody saw that it is gone for good.
    Unread,
}

/// The shared cache.
#[derive(Debug)]
pub struct Inventory {
    shared: Arc<Shared>,
    targets: Mutex<HashMap<TargetKey, Weak<CachedTarget>>>,
    regions: Mutex<HashMap<(AccountId, Access), Weak<AccountRegions>>>,
    lanes: Lanes,
}

/// How long is waited for targets that did not answer last time, once all others have been read.
const AILING_PATIENCE: Duration = Duration::from_secs(1);

/// What one observation waits for. Targets that did not answer last time do not hold up the scan of the others: it would
/// last as long as their outage, and the others would not be read again meanwhile.
#[derive(Default)]
struct Batches {
    healthy: Arc<Batch>,
    ailing: Arc<Batch>,
}

/// What every reading needs.
#[derive(Debug)]
struct Shared {
    aws: AwsReads,
    options: Options,
    observer: Arc<dyn Observer>,
    broken_off: CancellationToken,
}

/// What a policy has an interest in; while it lives, the inventory keeps it.
#[derive(Debug, Default)]
pub struct Subscription {
    targets: Vec<Interest>,
    regions: Vec<Arc<AccountRegions>>,
}

/// How new the answers must be.
#[derive(Clone, Copy, Debug)]
pub struct Demand {
    /// Readings that began earlier do not count.
    pub not_before: Timestamp,
    /// Every notebook is to be described, changed or not.
    pub full: bool,
}

/// What is known of a policy's targets.
#[derive(Debug)]
pub struct Observation {
    /// One for each target, those not read yet included.
    pub snapshots: Vec<Arc<Snapshot>>,
    /// Targets that have never been read.
    pub unread: usize,
    /// Whether readings that were asked for are still under way, those of targets that did not answer last time aside.
    pub unfinished: bool,
    /// Whether any reading is queued or under way.
    pub in_flight: bool,
    /// When the oldest reading began of the targets that answer.
    pub oldest: Option<Timestamp>,
    /// When the next target that failed is worth another try.
    pub retry_at: Option<Instant>,
}

impl Inventory {
    /// An empty inventory.
    #[must_use]
    pub fn new(aws: AwsReads, options: Options, observer: Arc<dyn Observer>) -> Self {
        Self {
            shared: Arc::new(Shared {
                aws,
                options,
                observer,
                broken_off: CancellationToken::new(),
            }),
            targets: Mutex::default(),
            regions: Mutex::default(),
            lanes: Lanes::default(),
        }
    }

    /// Brings what a policy names up to `demand`, as far as that succeeds within `patience`, and tells what is known then.
    /// What is still under way goes on, and a later call finds it.
    pub async fn observe(
        &self,
        policy: &Policy,
        subscription: &mut Subscription,
        demand: Demand,
        patience: Duration,
    ) -> Observation {
        let deadline = Instant::now() + patience;
        let batches = Batches::default();
        self.list_regions(policy, subscription, demand, &batches);
        batches.healthy.finished_by(deadline).await;
        let snapshots = self.subscribe(policy, subscription);
        for interest in &subscription.targets {
            let target = interest.target();
            let ailing = target.is_ailing();
            if let Demanded::Queue = target.demand(demand, batches.of(ailing)) {
                target.queued();
                self.lanes.push(target.clone(), ailing);
            }
        }
        let finished = batches.healthy.finished_by(deadline).await;
        // They may have recovered; if not, nobody waits for them.
        batches
            .ailing
            .finished_by(deadline.min(Instant::now() + AILING_PATIENCE))
            .await;
        subscription.observation(snapshots, !finished)
    }

    /// Ends every reading, now and from now on: what has been read by then counts, and the rest is unread. Whoever observes has the
    /// result at once.
    pub fn break_off(&self) {
        self.shared.broken_off.cancel();
    }

    /// Notes what was seen of a notebook outside of a scan, where somebody has an interest in its target: what is done about it
    /// shows at once, and not at the next scan only. `None`: it does not exist any more.
    pub fn note(&self, key: &TargetKey, notebook: &str, seen: Option<&Seen>) {
        let target = locked(&self.targets).get(key).and_then(Weak::upgrade);
        if let Some(target) = target {
            target.note(notebook, seen);
        }
    }

    /// Asks for the regions of the accounts that want every one that is enabled for them.
    fn list_regions(
        &self,
        policy: &Policy,
        subscription: &mut Subscription,
        demand: Demand,
        batches: &Batches,
    ) {
        let wanted = policy
            .accounts
            .iter()
            .filter(|account| account.regions == Regions::Enabled);
        let contradictions = subscription.contradictions();
        // The old list is dropped after the new one is made: what stands in both is kept.
        subscription.regions = wanted
            .map(|account| {
                let key = (account.id.clone(), account.access.clone());
                let regions = cached(&self.regions, key, |(account, access)| {
                    AccountRegions::new(account, access, Arc::clone(&self.shared))
                });
                let ailing = regions.is_ailing();
                let contradicted_at = contradictions.get(&account.id).copied();
                let demanded = regions.demand(demand, contradicted_at, batches.of(ailing));
                if let Demanded::Queue = demanded {
                    self.lanes.push(regions.clone(), ailing);
                }
                regions
            })
            .collect();
    }

    /// Makes the subscription that of the policy as it now is; returns what stands for regions that could not be listed.
    fn subscribe(&self, policy: &Policy, subscription: &mut Subscription) -> Vec<Arc<Snapshot>> {
        let tags = policy.speaks_of_tags();
        let mut every_region = subscription.regions.iter();
        let mut unresolved = Vec::new();
        let mut targets = Vec::new();
        for account in &policy.accounts {
            let listed = account.regions == Regions::Enabled;
            let interest = |region: &Region| {
                let key = TargetKey {
                    account: account.id.clone(),
                    region: region.clone(),
                    access: account.access.clone(),
                };
                let target = cached(&self.targets, key, |key| {
                    CachedTarget::new(&key, Arc::clone(&self.shared))
                });
                Interest::new(target, tags, listed)
            };
            match &account.regions {
                Regions::Named(regions) => targets.extend(regions.iter().map(interest)),
                Regions::Enabled => {
                    let Some(regions) = every_region.next() else {
                        continue;
                    };
                    targets.extend(regions.listed().iter().map(interest));
                    unresolved.extend(regions.unresolved());
                }
            }
        }
        // As above: the old subscription is dropped after the new one is made.
        subscription.targets = targets;
        forget_unnamed(&self.targets);
        forget_unnamed(&self.regions);
        unresolved
    }
}

impl Batches {
    fn of(&self, ailing: bool) -> &Arc<Batch> {
        if ailing { &self.ailing } else { &self.healthy }
    }
}

impl Subscription {
    /// When a region last answered that it is disabled although `ListRegions` lists it as enabled, by account.
    fn contradictions(&self) -> HashMap<AccountId, Timestamp> {
        let mut last = HashMap::new();
        for (account, at) in self.targets.iter().filter_map(Interest::contradiction) {
            let known = last.entry(account.clone()).or_insert(at);
            *known = at.max(*known);
        }
        last
    }

    fn observation(&self, unresolved: Vec<Arc<Snapshot>>, unfinished: bool) -> Observation {
        let mut snapshots = unresolved;
        let mut unread = self
            .regions
            .iter()
            .filter(|regions| regions.is_unread())
            .count();
        let mut retry_at = self
            .regions
            .iter()
            .filter(|regions| !regions.is_in_flight())
            .filter_map(|regions| regions.retry_at())
            .min();
        let mut in_flight = self.regions.iter().any(|regions| regions.is_in_flight());
        let mut oldest: Option<Timestamp> = None;
        for interest in &self.targets {
            let target = interest.target();
            unread += usize::from(interest.is_unread());
            in_flight |= target.is_in_flight();
            if !target.is_in_flight() {
                retry_at = [retry_at, target.retry_at()].into_iter().flatten().min();
            }
            let snapshot = interest.snapshot();
            if !target.is_ailing() {
                oldest = Some(
                    oldest
                        .unwrap_or(snapshot.started_at)
                        .min(snapshot.started_at),
                );
            }
            snapshots.push(snapshot);
        }
        Observation {
            snapshots,
            unread,
            unfinished,
            in_flight,
            oldest,
            retry_at,
        }
    }
}

/// The entry of a key, made if no one has an interest in it yet.
fn cached<K: Clone + Eq + Hash, V>(
    cache: &Mutex<HashMap<K, Weak<V>>>,
    key: K,
    new: impl FnOnce(K) -> V,
) -> Arc<V> {
    let mut cache = locked(cache);
    if let Some(entry) = cache.get(&key).and_then(Weak::upgrade) {
        return entry;
    }
    let entry = Arc::new(new(key.clone()));
    cache.insert(key, Arc::downgrade(&entry));
    entry
}

fn forget_unnamed<K: Eq + Hash, V>(cache: &Mutex<HashMap<K, Weak<V>>>) {
    let mut cache = locked(cache);
    cache.retain(|_, entry| entry.strong_count() > 0);
    if cache.capacity() > 4 * cache.len() {
        cache.shrink_to_fit();
    }
}

/// No code panics while it holds one of these locks, and what they guard is whole between any two statements.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
