//! One target in the cache: its last reading, circuit breaker and subscribers.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use futures::{FutureExt, future::BoxFuture};
use jiff::Timestamp;
use tokio::time::Instant;

use super::{
    breaker::{Breaker, Circuit},
    deadline::Deadline,
    limit::Limit,
    options::Freshness,
    scan::{Scan, ScanResult, Scope, all_unread},
    shared::{Shared, locked},
    single_flight::Entry,
};
use crate::{
    aws::TargetReader,
    domain::{
        AccountId, Notebook, NotebookDetails, ReadFailure, Snapshot, Target, TargetKey, TargetState,
    },
};

/// State of a region that is disabled by `SageMaker`'s answer and enabled by `ListRegions`.
const CONTRADICTED: TargetState = TargetState::Unreachable;

/// Target in the cache.
#[derive(Debug)]
pub(super) struct CachedTarget {
    target: Target,
    reader: TargetReader,
    shared: Arc<Shared>,
    /// Number of subscribers that use tag selectors.
    tag_subscribers: AtomicUsize,
    /// Number of subscribers that have this target because `ListRegions` lists its region as
    /// enabled.
    listed_subscribers: AtomicUsize,
    lock: Arc<tokio::sync::Mutex<()>>,
    state: Mutex<State>,
}

/// Notebook as it was described outside of a scan.
#[derive(Clone, Debug)]
pub struct Seen {
    /// Answer of Describe.
    pub details: NotebookDetails,
    /// Time of the request.
    pub described_at: Timestamp,
}

/// Subscription of one policy to a target.
#[derive(Debug)]
pub(super) struct TargetSubscription {
    target: Arc<CachedTarget>,
    tags: bool,
    listed: bool,
}

#[derive(Debug)]
struct State {
    breaker: Breaker,
    snapshot: Arc<Snapshot>,
    /// Notebooks as last listed and described. Unchanged ones need not be described again. The
    /// notebooks of the snapshot are `Unknown` after a failed List.
    known: Vec<Arc<Notebook>>,
    /// Scope of the last reading. `None` before the first.
    read: Option<Scope>,
    /// Time of the last request to describe every notebook. Notebooks described earlier are
    /// described again.
    described_since: Timestamp,
}

impl TargetSubscription {
    /// Creates a subscription. `listed` is true if `ListRegions` lists the region as enabled, false
    /// if the policy names it.
    pub(super) fn new(target: Arc<CachedTarget>, tags: bool, listed: bool) -> Self {
        if tags {
            target.tag_subscribers.fetch_add(1, Ordering::AcqRel);
        }
        if listed {
            target.listed_subscribers.fetch_add(1, Ordering::AcqRel);
        }
        Self {
            target,
            tags,
            listed,
        }
    }

    pub(super) fn target(&self) -> &Arc<CachedTarget> {
        &self.target
    }

    /// Returns true if the target has no reading yet that the policy could be evaluated by.
    pub(super) fn is_unread(&self) -> bool {
        self.target.is_unread(self.tags)
    }

    /// Returns the target's snapshot, as it counts for the policy.
    pub(super) fn snapshot(&self) -> Arc<Snapshot> {
        let state = locked(&self.target.state);
        if self.listed && state.snapshot.state == TargetState::RegionDisabled {
            Arc::new(state.contradicted())
        } else {
            Arc::clone(&state.snapshot)
        }
    }

    /// Returns the account and the time of the answer if `ListRegions` lists the region as enabled
    /// and `SageMaker` answered that it is disabled.
    pub(super) fn contradiction(&self) -> Option<(&AccountId, Timestamp)> {
        let state = locked(&self.target.state);
        let contradicted = self.listed && state.snapshot.state == TargetState::RegionDisabled;
        contradicted.then(|| (&self.target.target.account, state.snapshot.started_at))
    }
}

impl Drop for TargetSubscription {
    fn drop(&mut self) {
        if self.tags {
            self.target.tag_subscribers.fetch_sub(1, Ordering::AcqRel);
        }
        if self.listed {
            self.target
                .listed_subscribers
                .fetch_sub(1, Ordering::AcqRel);
        }
    }
}

impl CachedTarget {
    pub(super) fn new(key: &TargetKey, shared: Arc<Shared>) -> Self {
        let target = key.target();
        let snapshot = Arc::new(Snapshot {
            target: target.clone(),
            started_at: Timestamp::now(),
            state: TargetState::Unreachable,
            message: Some("being read for the first time".to_owned()),
            with_tags: None,
            notebooks: Vec::new(),
            last_success: None,
        });
        Self {
            target,
            reader: shared.aws.reader(key),
            shared,
            tag_subscribers: AtomicUsize::new(0),
            listed_subscribers: AtomicUsize::new(0),
            lock: Arc::default(),
            state: Mutex::new(State {
                breaker: Breaker::default(),
                snapshot,
                known: Vec::new(),
                read: None,
                described_since: Timestamp::MIN,
            }),
        }
    }

    pub(super) fn note(&self, notebook: &str, seen: Option<&Seen>) {
        locked(&self.state).note(notebook, seen);
    }

    fn uses_tags(&self) -> bool {
        self.tag_subscribers.load(Ordering::Acquire) > 0
    }

    /// Returns true if the target has never been read, or never with tags although they are needed.
    fn is_unread(&self, tags: bool) -> bool {
        let read = locked(&self.state).read;
        read.is_none_or(|read| tags && !read.tags)
    }

    pub(super) fn retry_at(&self) -> Option<Instant> {
        locked(&self.state).breaker.retry_at()
    }
}

impl CachedTarget {
    /// Returns the state as it counts. A region that `ListRegions` lists as enabled is unreadable,
    /// not disabled (promise P1).
    fn counted(&self, state: TargetState) -> TargetState {
        if state == TargetState::RegionDisabled
            && self.listed_subscribers.load(Ordering::Acquire) > 0
        {
            CONTRADICTED
        } else {
            state
        }
    }

    /// Logs a change of state. An unreadable target is logged once, not at every retry.
    fn log(&self, reading: &ScanResult) {
        let before = {
            let state = locked(&self.state);
            state.read.map(|_| self.counted(state.snapshot.state))
        };
        let (account, region) = (&self.target.account, &self.target.region);
        let (state, described) = (self.counted(reading.state), reading.described);
        let answer = reading.message.as_deref().unwrap_or_default();
        let message = if state == reading.state {
            answer.to_owned()
        } else {
            contradiction(answer)
        };
        if before == Some(state) || (before.is_none() && state == TargetState::Scanned) {
            tracing::debug!(%account, %region, %state, described, message, "target read");
        } else if state.is_unreadable() {
            tracing::warn!(%account, %region, %state, message, "target cannot be read; it is tried again");
        } else {
            tracing::info!(%account, %region, %state, message, "target read");
        }
    }
}

impl Entry for CachedTarget {
    fn lock(&self) -> &Arc<tokio::sync::Mutex<()>> {
        &self.lock
    }

    fn limit(&self) -> &Limit {
        &self.shared.limit
    }

    fn is_fresh(&self, freshness: Freshness) -> bool {
        let tags = self.uses_tags();
        let state = locked(&self.state);
        let read = state
            .read
            .is_some_and(|read| read.suffices(freshness, tags));
        read && state.breaker.circuit(Instant::now()) != Circuit::HalfOpen
    }

    fn require(&self, freshness: Freshness) {
        if freshness.full {
            let mut state = locked(&self.state);
            state.described_since = state.described_since.max(freshness.not_before);
        }
    }

    fn is_unanswered(&self) -> bool {
        locked(&self.state).breaker.is_unanswered()
    }

    fn queued(&self) {
        self.shared.observer.queued(&self.target);
    }

    fn read(&self) -> BoxFuture<'_, ()> {
        async {
            let options = self.shared.options;
            let started_at = Timestamp::now();
            let refreshed_since = started_at.saturating_sub(options.describe_refresh);
            let (scope, known) = {
                let state = locked(&self.state);
                let scope = Scope {
                    started_at,
                    described_since: refreshed_since
                        .unwrap_or(Timestamp::MIN)
                        .max(state.described_since),
                    tags: self.uses_tags(),
                };
                (scope, state.known.clone())
            };
            let clock = Instant::now();
            let scan = Scan {
                reader: &self.reader,
                scope,
                deadline: Deadline::new(
                    &self.reader,
                    options.target_deadline,
                    options.silence,
                    &self.shared.broken_off,
                ),
                observer: &*self.shared.observer,
                on_missing: options.on_missing,
            };
            let reading = scan.run(&known).await;
            let counted = self.counted(reading.state);
            scan.observer.read(&self.target, counted, clock.elapsed());
            self.log(&reading);
            locked(&self.state).store(&self.target, scope, counted, reading);
        }
        .boxed()
    }
}

impl State {
    /// Returns the snapshot of a disabled region for a policy whose regions come from
    /// `ListRegions`. The list has the region as enabled, so that the answer is not understood.
    fn contradicted(&self) -> Snapshot {
        let answer = self.snapshot.message.as_deref().unwrap_or_default();
        let failure = ReadFailure {
            state: CONTRADICTED,
            message: contradiction(answer),
        };
        Snapshot {
            state: failure.state,
            message: Some(failure.message.clone()),
            notebooks: all_unread(&self.known, &failure),
            ..Snapshot::clone(&self.snapshot)
        }
    }

    fn note(&mut self, notebook: &str, seen: Option<&Seen>) {
        note(&mut self.known, notebook, seen);
        let mut snapshot = Snapshot::clone(&self.snapshot);
        note(&mut snapshot.notebooks, notebook, seen);
        self.snapshot = Arc::new(snapshot);
    }

    fn store(&mut self, target: &Target, scope: Scope, counted: TargetState, reading: ScanResult) {
        let with_tags = reading.with_tags.as_ref().map(|(state, _)| *state);
        self.breaker.record(
            with_tags.unwrap_or(counted),
            Instant::now(),
            fastrand::f64(),
        );
        self.read = Some(scope);
        let mut reading = reading;
        keep_newer(&mut reading.notebooks, &self.known);
        if reading.listed {
            self.known.clone_from(&reading.notebooks);
        }
        let succeeded = reading.state == TargetState::Scanned;
        self.snapshot = Arc::new(Snapshot {
            target: target.clone(),
            started_at: scope.started_at,
            state: reading.state,
            message: reading.message,
            with_tags: reading.with_tags,
            notebooks: reading.notebooks,
            last_success: if succeeded {
                Some(scope.started_at)
            } else {
                self.snapshot.last_success
            },
        });
    }
}

fn contradiction(answer: &str) -> String {
    format!("ListRegions lists the region as enabled, but SageMaker answers otherwise: {answer}")
}

fn note(notebooks: &mut Vec<Arc<Notebook>>, name: &str, seen: Option<&Seen>) {
    let Some(seen) = seen else {
        notebooks.retain(|notebook| notebook.summary.name != name);
        return;
    };
    let noted = notebooks.iter_mut().find(|notebook| {
        notebook.summary.name == name && notebook.described_at <= seen.described_at
    });
    if let Some(notebook) = noted {
        *notebook = Arc::new(Notebook {
            details: Ok(seen.details.clone()),
            described_at: seen.described_at,
            ..Notebook::clone(notebook)
        });
    }
}

/// Keeps notebooks that were described after the reading described them.
fn keep_newer(notebooks: &mut [Arc<Notebook>], known: &[Arc<Notebook>]) {
    let known: HashMap<_, _> = known
        .iter()
        .map(|notebook| (&notebook.summary.arn, notebook))
        .collect();
    for notebook in notebooks {
        if let Some(newer) = known.get(&notebook.summary.arn)
            && newer.described_at > notebook.described_at
            && newer.details.is_ok()
        {
            *notebook = Arc::new(Notebook {
                details: newer.details.clone(),
                described_at: newer.described_at,
                ..Notebook::clone(notebook)
            });
        }
    }
}
