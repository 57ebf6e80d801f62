//! The shared cache of targets and of the accounts' regions, and the subscriptions of policies.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Arc, Mutex, Weak},
    time::Duration,
};

use jiff::Timestamp;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{
    limit::Limit,
    observer::Observer,
    options::{Freshness, Options},
    regions::AccountRegions,
    shared::{Shared, locked},
    single_flight::{Entry, begin, is_in_flight, refresh},
    target::{CachedTarget, Seen, TargetSubscription},
};
use crate::{
    aws::AwsReads,
    domain::{Access, AccountId, Policy, Region, Regions, Snapshot, TargetKey},
};

/// The shared cache.
#[derive(Debug)]
pub struct Fleet {
    shared: Arc<Shared>,
    targets: Mutex<HashMap<TargetKey, Weak<CachedTarget>>>,
    regions: Mutex<HashMap<(AccountId, Access), Weak<AccountRegions>>>,
}

/// Longest wait for entries whose last reading was unanswered, after all others have been read.
const UNANSWERED_WAIT: Duration = Duration::from_secs(1);

/// Entries that one observation waits for. Entries whose last reading was unanswered are separate:
/// otherwise the scan of the others would last as long as the outage.
struct Stale<E> {
    freshness: Freshness,
    answered: Vec<Arc<E>>,
    unanswered: Vec<Arc<E>>,
}

/// Targets of one policy. The cache keeps them as long as the subscription lives.
#[derive(Debug, Default)]
pub struct Subscription {
    targets: Vec<TargetSubscription>,
    regions: Vec<Arc<AccountRegions>>,
}

/// Snapshots of a policy's targets, and the progress of their readings.
#[derive(Debug)]
pub struct Observation {
    /// One snapshot for each target, unread targets included.
    pub snapshots: Vec<Arc<Snapshot>>,
    /// Number of targets that have never been read.
    pub unread: usize,
    /// True if required readings are still in flight. Targets whose last reading was unanswered do
    /// not count.
    pub unfinished: bool,
    /// True if any reading is queued or in flight.
    pub in_flight: bool,
    /// Start of the oldest reading among the targets that answer.
    pub oldest: Option<Timestamp>,
    /// Time of the next retry of a failed target.
    pub retry_at: Option<Instant>,
}

impl Fleet {
    /// Creates an empty cache.
    #[must_use]
    pub fn new(aws: AwsReads, options: Options, observer: Arc<dyn Observer>) -> Self {
        Self {
            shared: Arc::new(Shared {
                aws,
                options,
                observer,
                limit: Limit::default(),
                broken_off: CancellationToken::new(),
            }),
            targets: Mutex::default(),
            regions: Mutex::default(),
        }
    }

    /// Refreshes the targets of a policy, and waits for them at most for `patience`. Readings that
    /// are still in flight continue, and a later call returns their results.
    pub async fn observe(
        &self,
        policy: &Policy,
        subscription: &mut Subscription,
        freshness: Freshness,
        patience: Duration,
    ) -> Observation {
        let deadline = Instant::now() + patience;
        self.subscribe_to_regions(policy, subscription);
        let regions = Stale::begin(&subscription.regions, freshness);
        regions.answered_by(deadline).await;
        let snapshots = self.subscribe(policy, subscription);
        let targets = subscription.targets.iter();
        let targets = Stale::begin(targets.map(TargetSubscription::target), freshness);
        let finished = regions.answered_by(deadline).await && targets.answered_by(deadline).await;
        // Unanswered entries may have recovered. The wait for them is short.
        let deadline = deadline.min(Instant::now() + UNANSWERED_WAIT);
        tokio::join!(
            regions.unanswered_by(deadline),
            targets.unanswered_by(deadline)
        );
        subscription.observation(snapshots, !finished)
    }

    /// Ends all readings, also future ones. Notebooks that were read by then count, the rest is
    /// unread. Observations return at once.
    pub fn break_off(&self) {
        self.shared.broken_off.cancel();
    }

    /// Records a notebook that was described outside of a scan, if a policy subscribes to its
    /// target. Remediations therefore show at once, not only after the next scan. `None` means that
    /// the notebook no longer exists.
    pub fn note(&self, key: &TargetKey, notebook: &str, seen: Option<&Seen>) {
        let target = locked(&self.targets).get(key).and_then(Weak::upgrade);
        if let Some(target) = target {
            target.note(notebook, seen);
        }
    }

    /// Subscribes to the region lists of the accounts with `regions: ["*"]`.
    fn subscribe_to_regions(&self, policy: &Policy, subscription: &mut Subscription) {
        let wanted = policy
            .accounts
            .iter()
            .filter(|account| account.regions == Regions::Enabled);
        let contradictions = subscription.contradictions();
        // The old list is dropped after the new one is made, so that common entries are kept.
        subscription.regions = wanted
            .map(|account| {
                let key = (account.id.clone(), account.access.clone());
                let regions = cached(&self.regions, key, |(account, access)| {
                    AccountRegions::new(account, access, Arc::clone(&self.shared))
                });
                if let Some(at) = contradictions.get(&account.id) {
                    regions.contradicted(*at);
                }
                regions
            })
            .collect();
    }

    /// Updates the subscription to the current policy. Returns placeholders for regions that could
    /// not be listed.
    fn subscribe(&self, policy: &Policy, subscription: &mut Subscription) -> Vec<Arc<Snapshot>> {
        let tags = policy.speaks_of_tags();
        let mut every_region = subscription.regions.iter();
        let mut unresolved = Vec::new();
        let mut targets = Vec::new();
        for account in &policy.accounts {
            let listed = account.regions == Regions::Enabled;
            let subscribed = |region: &Region| {
                let key = TargetKey {
                    account: account.id.clone(),
                    region: region.clone(),
                    access: account.access.clone(),
                };
                let target = cached(&self.targets, key, |key| {
                    CachedTarget::new(&key, Arc::clone(&self.shared))
                });
                TargetSubscription::new(target, tags, listed)
            };
            match &account.regions {
                Regions::Named(regions) => targets.extend(regions.iter().map(subscribed)),
                Regions::Enabled => {
                    let Some(regions) = every_region.next() else {
                        continue;
                    };
                    targets.extend(regions.listed().iter().map(subscribed));
                    unresolved.extend(regions.unresolved());
                }
            }
        }
        // As above, the old subscription is dropped after the new one is made.
        subscription.targets = targets;
        remove_unsubscribed(&self.targets);
        remove_unsubscribed(&self.regions);
        unresolved
    }
}

impl<E: Entry> Stale<E> {
    /// Begins a reading of each entry that is not fresh.
    fn begin<'e>(entries: impl IntoIterator<Item = &'e Arc<E>>, freshness: Freshness) -> Self {
        let stale = entries
            .into_iter()
            .filter(|entry| !entry.is_fresh(freshness));
        let (unanswered, answered) = stale
            .inspect(|entry| begin(entry, freshness))
            .cloned()
            .partition(|entry| entry.is_unanswered());
        Self {
            freshness,
            answered,
            unanswered,
        }
    }

    /// Waits for the entries that answered the last time. Returns false if the deadline passes
    /// first.
    async fn answered_by(&self, deadline: Instant) -> bool {
        self.read_by(&self.answered, deadline).await
    }

    /// Waits for the other entries. Returns false if the deadline passes first.
    async fn unanswered_by(&self, deadline: Instant) -> bool {
        self.read_by(&self.unanswered, deadline).await
    }

    /// Waits for each entry in turn. All readings have begun, so that the wait takes as long as the
    /// slowest reading.
    async fn read_by(&self, entries: &[Arc<E>], deadline: Instant) -> bool {
        let reading = async {
            for entry in entries {
                refresh(entry, self.freshness).await;
            }
        };
        tokio::time::timeout_at(deadline, reading).await.is_ok()
    }
}

impl Subscription {
    /// Returns, by account, when a region last answered that it is disabled although `ListRegions`
    /// lists it as enabled.
    fn contradictions(&self) -> HashMap<AccountId, Timestamp> {
        let mut last = HashMap::new();
        for (account, at) in self
            .targets
            .iter()
            .filter_map(TargetSubscription::contradiction)
        {
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
            .filter(|regions| !is_in_flight(&***regions))
            .filter_map(|regions| regions.retry_at())
            .min();
        let mut in_flight = self.regions.iter().any(|regions| is_in_flight(&**regions));
        let mut oldest: Option<Timestamp> = None;
        for subscribed in &self.targets {
            let target = subscribed.target();
            unread += usize::from(subscribed.is_unread());
            let reading = is_in_flight(&**target);
            in_flight |= reading;
            if !reading {
                retry_at = [retry_at, target.retry_at()].into_iter().flatten().min();
            }
            let snapshot = subscribed.snapshot();
            if !target.is_unanswered() {
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

/// Returns the entry of a key. Creates it if no policy subscribes to it yet.
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

/// Drops the entries without subscribers.
fn remove_unsubscribed<K: Eq + Hash, V>(cache: &Mutex<HashMap<K, Weak<V>>>) {
    let mut cache = locked(cache);
    cache.retain(|_, entry| entry.strong_count() > 0);
    if cache.capacity() > 4 * cache.len() {
        cache.shrink_to_fit();
    }
}
