//! One reading for all who ask: who waits for what is queued or under way, and whether that is new enough for them.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use jiff::Timestamp;
use tokio::{sync::Notify, time::Instant};

use super::Demand;

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
    waiting: Vec<Arc<Batch>>,
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

/// What has to be done to meet a demand.
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
    waiting: Vec<Arc<Batch>>,
}

impl Batch {
    pub(super) fn new() -> Arc<Self> {
        Arc::default()
    }

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

    fn enter(self: &Arc<Self>) -> Arc<Self> {
        self.unfinished.fetch_add(1, Ordering::AcqRel);
        Arc::clone(self)
    }

    fn leave(&self) {
        if self.unfinished.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.changed.notify_waiters();
        }
    }
}

impl Flight {
    /// Adds one who waits.
    pub(super) fn join(&mut self, demand: Demand, scope: Scope, batch: &Arc<Batch>) -> Demanded {
        match &mut self.stage {
            Stage::Idle => {
                self.stage = Stage::Queued(scope);
                self.waiting.push(batch.enter());
                Demanded::Queue
            }
            Stage::Queued(queued) => {
                *queued = queued.and(scope);
                self.waiting.push(batch.enter());
                Demanded::Nothing
            }
            Stage::Running {
                since,
                scope: running,
            } => {
                if *since >= demand.not_before && running.covers(scope, demand) {
                    self.waiting.push(batch.enter());
                } else {
                    let next = self.next.get_or_insert_with(|| Next {
                        scope,
                        waiting: Vec::new(),
                    });
                    next.scope = next.scope.and(scope);
                    next.waiting.push(batch.enter());
                }
                Demanded::Nothing
            }
        }
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
        for batch in self.waiting.drain(..) {
            batch.leave();
        }
        if let Some(next) = self.next.take() {
            self.stage = Stage::Queued(next.scope);
            self.waiting = next.waiting;
            return Demanded::Queue;
        }
        self.stage = Stage::Idle;
        self.waiting = Vec::new();
        Demanded::Nothing
    }
}

impl Scope {
    /// Whether a reading of this scope, under way, will do. What is described in turn, every few hours, is a matter of
    /// when a reading begins: one that came a moment earlier is as good.
    fn covers(self, asked: Self, demand: Demand) -> bool {
        let described = !demand.full || self.described_since >= asked.described_since;
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

    fn since(second: i64) -> Demand {
        Demand {
            not_before: at(second),
            full: false,
        }
    }

    #[test]
    fn one_reading_serves_all_who_asked_before_it_began() {
        let (mut flight, one, other) = (Flight::default(), Batch::new(), Batch::new());
        assert_eq!(flight.join(since(0), PLAIN, &one), Demanded::Queue);
        assert_eq!(flight.join(since(0), FULL, &other), Demanded::Nothing);
        assert_eq!(flight.start(at(1)), FULL);
        assert_eq!(flight.finish(), Demanded::Nothing);
        assert_eq!(one.unfinished.load(Ordering::Relaxed), 0);
        assert_eq!(other.unfinished.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn a_reading_under_way_serves_only_whom_it_is_new_and_thorough_enough_for() {
        let full = Demand {
            full: true,
            ..since(4)
        };
        let with_tags = Scope {
            tags: true,
            ..PLAIN
        };
        for (demand, scope, served) in [
            (since(4), PLAIN, true),
            // Not asked for everything: what is due for its turn does not make the reading under way too old.
            (since(4), FULL, true),
            (since(6), PLAIN, false),
            (full, FULL, false),
            (since(4), with_tags, false),
        ] {
            let (mut flight, first, late) = (Flight::default(), Batch::new(), Batch::new());
            flight.join(since(0), PLAIN, &first);
            flight.start(at(5));
            assert_eq!(flight.join(demand, scope, &late), Demanded::Nothing);
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

    #[tokio::test(start_paused = true)]
    async fn waiting_ends_at_the_deadline() {
        let (mut flight, batch) = (Flight::default(), Batch::new());
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
