//! The shared cache: targets, the regions of accounts, and the policies that subscribe to them.

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
    Freshness, Observer, Options,
    limit::Limit,
    locked,
    regions::AccountRegions,
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

/// Longest wait for entries that left their last reading unanswered, once all others have been read.
const UNANSWERED_WAIT: Duration = Duration::from_secs(1);

/// Entries that one observation has to wait for. Those that left their last reading unanswered are apart: the scan of the
/// others would last as long as their outage.
struct Stale<E> {
    freshness: Freshness,
    answered: Vec<Arc<E>>,
    unanswered: Vec<Arc<E>>,
}

/// What every reading needs.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) aws: AwsReads,
    pub(super) options: Options,
    pub(super) observer: Arc<dyn Observer>,
    pub(super) limit: Limit,
    pub(super) broken_off: CancellationToken,
}

/// The targets of one policy. The cache keeps them as long as the subscription lives.
#[derive(Debug, Default)]
pub struct Subscription {
    targets: Vec<TargetSubscription>,
    regions: Vec<Arc<AccountRegions>>,
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

impl Fleet {
    /// An empty cache.
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

    /// Refreshes the targets of a policy, waits for them until `patience` is over, and returns what is known then. Readings
    /// that are under way continue, and a later call finds their results.
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
        // They may have recovered. If not, nothing waits for them.
        let deadline = deadline.min(Instant::now() + UNANSWERED_WAIT);
        tokio::join!(
            regions.unanswered_by(deadline),
            targets.unanswered_by(deadline)
        );
        subscription.observation(snapshots, !finished)
    }

    /// Ends every reading, now and from now on: what has been read by then counts, and the rest is unread. Whoever observes has the
    /// result at once.
    pub fn break_off(&self) {
        self.shared.broken_off.cancel();
    }

    /// Notes what was seen of a notebook outside of a scan, where somebody subscribes to its target: what is done about it
    /// shows at once, and not at the next scan only. `None`: it does not exist any more.
    pub fn note(&self, key: &TargetKey, notebook: &str, seen: Option<&Seen>) {
        let target = locked(&self.targets).get(key).and_then(Weak::upgrade);
        if let Some(target) = target {
            target.note(notebook, seen);
        }
    }

    /// Subscribes to the regions of the accounts that want every one that is enabled for them.
    fn subscribe_to_regions(&self, policy: &Policy, subscription: &mut Subscription) {
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
                if let Some(at) = contradictions.get(&account.id) {
                    regions.contradicted(*at);
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
        // As above: the old subscription is dropped after the new one is made.
        subscription.targets = targets;
        forget_unnamed(&self.targets);
        forget_unnamed(&self.regions);
        unresolved
    }
}

impl<E: Entry> Stale<E> {
    /// Begins to read each entry that is not fresh.
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

    /// Returns false if the deadline is over before all have been read that answered the last time.
    async fn answered_by(&self, deadline: Instant) -> bool {
        self.read_by(&self.answered, deadline).await
    }

    async fn unanswered_by(&self, deadline: Instant) -> bool {
        self.read_by(&self.unanswered, deadline).await
    }

    /// All are read at the same time: to wait for each in turn takes as long as the slowest.
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
    /// When a region last answered that it is disabled although `ListRegions` lists it as enabled, by account.
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

/// The entry of a key, made if no policy subscribes to it yet.
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
