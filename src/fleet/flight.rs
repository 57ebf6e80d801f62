//! One reading for all who ask: who waits for what is queued or under way, and whether that is new enough for them.

use std::sync::{
    Arc, Weak,
    atomic::{AtomicUsize, Ordering},
};

use jiff::Timestamp;
use tokio::{sync::Notify, time::Instant};

use super::Freshness;

/// The readings that one observation waits for.
#[derive(Debug, Default)]
pub(super) struct Batch {
    unfinished: AtomicUsize,
    changed: Notify,
}

/// Whether something is queued or being read, and who waits for it.
#[derive(Debug, Default)]
pub(super) struct Flight {
    stage: Stage,
    waiting: Waiters,
    /// Asked for while a reading was under way that is too old or not thorough enough for those who asked.
    next: Option<Next>,
}

/// What a reading covers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Scope {
    /// What was described earlier is described again, changed or not.
    pub(super) described_since: Timestamp,
    /// Tags are read too.
    pub(super) tags: bool,
}

/// What has to be done to meet a freshness.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Demanded {
    /// Nothing: it is met, or somebody's reading will meet it.
    Nothing,
    /// The entry has to be queued.
    Queue,
}

#[derive(Debug, Default)]
enum Stage {
    #[default]
    Idle,
    Queued(Scope),
    Running {
        since: Timestamp,
        scope: Scope,
    },
}

#[derive(Debug)]
struct Next {
    scope: Scope,
    waiting: Waiters,
}

/// The batches that wait for one reading.
///
/// An observation that reaches its deadline drops its batch, and the next pass joins with another. During an outage readings stay
/// queued for hours, so that each join removes the batches that were dropped.
#[derive(Debug, Default)]
struct Waiters(Vec<Weak<Batch>>);

impl Batch {
    /// Whether all that was asked for is there by the deadline.
    pub(super) async fn finished_by(&self, deadline: Instant) -> bool {
        tokio::time::timeout_at(deadline, self.finished())
            .await
            .is_ok()
    }

    async fn finished(&self) {
        loop {
            let changed = self.changed.notified();
            if self.unfinished.load(Ordering::Acquire) == 0 {
                return;
            }
            changed.await;
        }
    }

    fn leave(&self) {
        if self.unfinished.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.changed.notify_waiters();
        }
    }
}

impl Waiters {
    fn add(&mut self, batch: &Arc<Batch>) {
        self.0.retain(|waiter| waiter.strong_count() > 0);
        batch.unfinished.fetch_add(1, Ordering::AcqRel);
        self.0.push(Arc::downgrade(batch));
    }

    /// Tells all that their reading is over.
    fn release(self) {
        for batch in self.0.iter().filter_map(Weak::upgrade) {
            batch.leave();
        }
    }
}

impl Flight {
    /// Adds one who waits.
    pub(super) fn join(
        &mut self,
        freshness: Freshness,
        scope: Scope,
        batch: &Arc<Batch>,
    ) -> Demanded {
        match &mut self.stage {
            Stage::Idle => {
                self.stage = Stage::Queued(scope);
                self.waiting.add(batch);
                Demanded::Queue
            }
            Stage::Queued(queued) => {
                *queued = queued.and(scope);
                self.waiting.add(batch);
                Demanded::Nothing
            }
            Stage::Running {
                since,
                scope: running,
            } => {
                if *since >= freshness.not_before && running.covers(scope, freshness) {
                    self.waiting.add(batch);
                } else {
                    let next = self.next.get_or_insert_with(|| Next {
                        scope,
                        waiting: Waiters::default(),
                    });
                    next.scope = next.scope.and(scope);
                    next.waiting.add(batch);
                }
                Demanded::Nothing
            }
        }
    }

    /// Whether it is queued or being read.
    pub(super) fn is_in_flight(&self) -> bool {
        !matches!(self.stage, Stage::Idle)
    }

    /// The reading begins; returns what it has to cover.
    pub(super) fn start(&mut self, now: Timestamp) -> Scope {
        let scope = match self.stage {
            Stage::Queued(scope) => scope,
            Stage::Idle | Stage::Running { .. } => Scope::default(),
        };
        self.stage = Stage::Running { since: now, scope };
        scope
    }

    /// The reading is over; those who wait for it are told. Returns whether the entry has to be queued again.
    pub(super) fn finish(&mut self) -> Demanded {
        std::mem::take(&mut self.waiting).release();
        if let Some(next) = self.next.take() {
            self.stage = Stage::Queued(next.scope);
            self.waiting = next.waiting;
            return Demanded::Queue;
        }
        self.stage = Stage::Idle;
        Demanded::Nothing
    }
}

impl Scope {
    /// Whether a reading of this scope, under way, will do. What is described in turn, every few hours, is a matter of
    /// when a reading begins: one that came a moment earlier is as good.
    fn covers(self, asked: Self, freshness: Freshness) -> bool {
        let described = !freshness.full || self.described_since >= asked.described_since;
        described && (self.tags || !asked.tags)
    }

    fn and(self, other: Self) -> Self {
        Self {
            described_since: self.described_since.max(other.described_since),
            tags: self.tags || other.tags,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: Scope = Scope {
        described_since: Timestamp::UNIX_EPOCH,
        tags: false,
    };
    const FULL: Scope = Scope {
        described_since: Timestamp::MAX,
        tags: false,
    };

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn since(second: i64) -> Freshness {
        Freshness {
            not_before: at(second),
            full: false,
        }
    }

    #[test]
    fn one_reading_serves_all_who_asked_before_it_began() {
        let (mut flight, one, other) = (
            Flight::default(),
            Arc::<Batch>::default(),
            Arc::<Batch>::default(),
        );
        assert_eq!(flight.join(since(0), PLAIN, &one), Demanded::Queue);
        assert_eq!(flight.join(since(0), FULL, &other), Demanded::Nothing);
        assert_eq!(flight.start(at(1)), FULL);
        assert_eq!(flight.finish(), Demanded::Nothing);
        assert_eq!(one.unfinished.load(Ordering::Relaxed), 0);
        assert_eq!(other.unfinished.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn a_reading_under_way_serves_only_whom_it_is_new_and_thorough_enough_for() {
        let full = Freshness {
            full: true,
            ..since(4)
        };
        let with_tags = Scope {
            tags: true,
            ..PLAIN
        };
        for (freshness, scope, served) in [
            (since(4), PLAIN, true),
            // Not asked for everything: what is due for its turn does not make the reading under way too old.
            (since(4), FULL, true),
            (since(6), PLAIN, false),
            (full, FULL, false),
            (since(4), with_tags, false),
        ] {
            let (mut flight, first, late) = (
                Flight::default(),
                Arc::<Batch>::default(),
                Arc::<Batch>::default(),
            );
            flight.join(since(0), PLAIN, &first);
            flight.start(at(5));
            assert_eq!(flight.join(freshness, scope, &late), Demanded::Nothing);
            let again = flight.finish();
            assert_eq!(again == Demanded::Nothing, served);
            assert_eq!(late.unfinished.load(Ordering::Relaxed) == 0, served);
            if !served {
                assert_eq!(flight.start(at(7)), scope);
                assert_eq!(flight.finish(), Demanded::Nothing);
                assert_eq!(late.unfinished.load(Ordering::Relaxed), 0);
            }
        }
    }

    /// Six hours in which a reading is queued, or under way and too old, and passes look every five seconds.
    #[tokio::test(start_paused = true)]
    async fn waiters_do_not_accumulate_while_a_reading_does_not_end() {
        const POLICIES: usize = 3;
        let patience = std::time::Duration::from_secs(5);
        for running in [false, true] {
            let (mut flight, first) = (Flight::default(), Arc::<Batch>::default());
            flight.join(since(0), PLAIN, &first);
            if running {
                flight.start(at(1));
            }
            let outage = Instant::now() + std::time::Duration::from_hours(6);
            while Instant::now() < outage {
                let batches: [Arc<Batch>; POLICIES] = std::array::from_fn(|_| Arc::default());
                for batch in &batches {
                    flight.join(since(2), PLAIN, batch);
                }
                let deadline = Instant::now() + patience;
                assert!(!batches[0].finished_by(deadline).await);
                let next = flight.next.as_ref().map_or(0, |next| next.waiting.0.len());
                let waiting = flight.waiting.0.len() + next;
                assert!(waiting <= POLICIES + 1, "{waiting} entries");
            }
            // Those who still wait are told.
            assert_eq!(first.unfinished.load(Ordering::Relaxed), 1);
            flight.finish();
            assert_eq!(first.unfinished.load(Ordering::Relaxed), 0);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn waiting_ends_at_the_deadline() {
        let (mut flight, batch) = (Flight::default(), Arc::<Batch>::default());
        flight.join(since(0), PLAIN, &batch);
        assert!(
            !batch
                .finished_by(Instant::now() + std::time::Duration::from_secs(5))
                .await
        );
        flight.start(at(1));
        flight.finish();
        assert!(
            batch
                .finished_by(Instant::now() + std::time::Duration::from_secs(5))
                .await
        );
    }
}
