//! Single flight: an entry of the cache is read once for all its waiters, by a lock and a second
//! look under it.

use std::{panic::AssertUnwindSafe, sync::Arc};

use futures::{FutureExt, future::BoxFuture};
use tokio::{
    sync::{Mutex, OwnedMutexGuard},
    task::JoinHandle,
};

use super::{limit::Limit, options::Freshness};

/// Entry that is read in the background.
pub(super) trait Entry: Send + Sync + 'static {
    /// Returns the lock. It is held while a reading is queued or in flight.
    fn lock(&self) -> &Arc<Mutex<()>>;

    /// Returns the limit for readings.
    fn limit(&self) -> &Limit;

    /// Returns true if the last reading is new and thorough enough, and no retry is due.
    fn is_fresh(&self, freshness: Freshness) -> bool;

    /// Makes the next reading thorough enough.
    fn require(&self, freshness: Freshness);

    /// Returns true if AWS did not answer the last reading.
    fn is_unanswered(&self) -> bool;

    /// Reports that a reading was queued.
    fn queued(&self) {}

    /// Reads the entry, and stores the result.
    fn read(&self) -> BoxFuture<'_, ()>;
}

/// Queues a reading, unless one is queued or in flight. The reading continues without waiters.
pub(super) fn begin<E: Entry>(entry: &Arc<E>, freshness: Freshness) {
    entry.require(freshness);
    if let Ok(lock) = Arc::clone(entry.lock()).try_lock_owned()
        && !entry.is_fresh(freshness)
    {
        spawn(Arc::clone(entry), lock);
    }
}

/// Waits for the reading that is queued or in flight, and for another one if the entry is not fresh
/// then.
pub(super) async fn refresh<E: Entry>(entry: &Arc<E>, freshness: Freshness) {
    let lock = Arc::clone(entry.lock()).lock_owned().await;
    if !entry.is_fresh(freshness) {
        // An error is the end of the runtime: panics are caught in the task.
        let _ = spawn(Arc::clone(entry), lock).await;
    }
}

/// Returns true if a reading is queued or in flight.
pub(super) fn is_in_flight(entry: &impl Entry) -> bool {
    entry.lock().try_lock().is_err()
}

fn spawn<E: Entry>(entry: Arc<E>, lock: OwnedMutexGuard<()>) -> JoinHandle<()> {
    entry.queued();
    tokio::spawn(async move {
        let reading = entry.limit().run(entry.is_unanswered(), || entry.read());
        if AssertUnwindSafe(reading).catch_unwind().await.is_err() {
            tracing::error!("a reading panicked; its target keeps what was known of it");
        }
        drop(lock);
    })
}

#[cfg(test)]
mod tests {
    use std::{
        future::pending,
        sync::{
            Mutex as StdMutex,
            atomic::{AtomicUsize, Ordering::Relaxed},
        },
        time::Duration,
    };

    use jiff::Timestamp;
    use tokio::{
        sync::Semaphore,
        task::yield_now,
        time::{Instant, timeout},
    };

    use super::*;
    use crate::fleet::{scan::Scope, shared::locked};

    const PATIENCE: Duration = Duration::from_secs(5);

    /// Entry whose readings end on command.
    struct Answer {
        lock: Arc<Mutex<()>>,
        limit: Limit,
        /// Start time of readings.
        now: StdMutex<Timestamp>,
        required: StdMutex<Scope>,
        read: StdMutex<Option<Scope>>,
        begun: AtomicUsize,
        /// One permit for each reading that may end.
        ends: Semaphore,
        panics: bool,
    }

    impl Answer {
        fn new() -> Arc<Self> {
            Arc::new(Self {
                lock: Arc::default(),
                limit: Limit::new(1, 0, 0),
                now: StdMutex::new(at(1)),
                required: StdMutex::default(),
                read: StdMutex::default(),
                begun: AtomicUsize::new(0),
                ends: Semaphore::new(0),
                panics: false,
            })
        }

        fn begun(&self) -> usize {
            self.begun.load(Relaxed)
        }

        /// Returns the number of holders and waiters of the lock.
        fn entries(&self) -> usize {
            Arc::strong_count(&self.lock) - 1
        }

        /// Holds the only permit as long as the result lives.
        fn occupy(&self) -> BoxFuture<'_, ()> {
            let mut busy = self.limit.run(false, || pending().boxed()).boxed();
            assert!((&mut busy).now_or_never().is_none());
            busy
        }
    }

    impl Entry for Answer {
        fn lock(&self) -> &Arc<Mutex<()>> {
            &self.lock
        }

        fn limit(&self) -> &Limit {
            &self.limit
        }

        fn is_fresh(&self, freshness: Freshness) -> bool {
            let tags = locked(&self.required).tags;
            locked(&self.read).is_some_and(|read| read.suffices(freshness, tags))
        }

        fn require(&self, freshness: Freshness) {
            if freshness.full {
                let mut required = locked(&self.required);
                required.described_since = required.described_since.max(freshness.not_before);
            }
        }

        fn is_unanswered(&self) -> bool {
            false
        }

        fn read(&self) -> BoxFuture<'_, ()> {
            async {
                self.begun.fetch_add(1, Relaxed);
                let scope = Scope {
                    started_at: *locked(&self.now),
                    ..*locked(&self.required)
                };
                assert!(!self.panics, "as told");
                self.ends.acquire().await.unwrap().forget();
                *locked(&self.read) = Some(scope);
            }
            .boxed()
        }
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn since(second: i64) -> Freshness {
        Freshness {
            not_before: at(second),
            full: false,
        }
    }

    fn full(second: i64) -> Freshness {
        Freshness {
            full: true,
            ..since(second)
        }
    }

    /// Begins a reading, and waits for it in a task.
    fn observe(answer: &Arc<Answer>, freshness: Freshness) -> JoinHandle<()> {
        begin(answer, freshness);
        let answer = Arc::clone(answer);
        tokio::spawn(async move { refresh(&answer, freshness).await })
    }

    /// Lets all tasks run that are ready.
    async fn settle() {
        for _ in 0..100 {
            yield_now().await;
        }
    }

    #[tokio::test]
    async fn one_reading_serves_all_who_asked_before_it_began() {
        let answer = Answer::new();
        let busy = answer.occupy();
        let one = observe(&answer, since(0));
        let other = observe(&answer, full(1));
        settle().await;
        assert_eq!(answer.begun(), 0);
        assert!(is_in_flight(&*answer));

        drop(busy);
        answer.ends.add_permits(1);
        one.await.unwrap();
        other.await.unwrap();
        assert_eq!(answer.begun(), 1);
        assert_eq!(locked(&answer.read).unwrap().described_since, at(1));
        assert!(!is_in_flight(&*answer));
    }

    #[tokio::test]
    async fn a_reading_under_way_serves_only_whom_it_is_new_and_thorough_enough_for() {
        let plain = Scope::default();
        let everything = Scope {
            described_since: Timestamp::MAX,
            ..plain
        };
        let with_tags = Scope {
            tags: true,
            ..plain
        };
        for (freshness, required, served) in [
            (since(4), plain, true),
            // Requirements of others do not make the reading in flight too old.
            (since(4), everything, true),
            (since(6), plain, false),
            (full(4), everything, false),
            (since(4), with_tags, false),
        ] {
            let answer = Answer::new();
            *locked(&answer.now) = at(5);
            let first = observe(&answer, since(0));
            settle().await;
            *locked(&answer.now) = at(7);
            *locked(&answer.required) = required;
            let late = observe(&answer, freshness);
            settle().await;
            assert_eq!(answer.begun(), 1, "one at a time");

            answer.ends.add_permits(1);
            settle().await;
            assert_eq!(answer.begun() == 1, served);
            assert_eq!(late.is_finished(), served);
            if !served {
                answer.ends.add_permits(1);
                late.await.unwrap();
                assert_eq!(answer.begun(), 2);
                let started_at = at(7);
                let read = *locked(&answer.read);
                assert_eq!(
                    read,
                    Some(Scope {
                        started_at,
                        ..required
                    })
                );
            }
            first.await.unwrap();
        }
    }

    /// For six hours a reading is queued, or in flight and too old, and three policies observe
    /// every five seconds.
    #[tokio::test(start_paused = true)]
    async fn waiters_do_not_accumulate_while_a_reading_does_not_end() {
        const POLICIES: usize = 3;
        for running in [false, true] {
            let answer = Answer::new();
            let busy = (!running).then(|| answer.occupy());
            let first = observe(&answer, since(0));
            settle().await;
            let outage = Instant::now() + Duration::from_hours(6);
            while Instant::now() < outage {
                let passes = (0..POLICIES).map(|_| {
                    begin(&answer, since(2));
                    timeout(PATIENCE, refresh(&answer, since(2)))
                });
                let mut passes = Box::pin(futures::future::join_all(passes));
                assert!(futures::poll!(&mut passes).is_pending());
                let waiting = answer.entries();
                // The first waiter, the reading, and the policies.
                assert!(waiting <= POLICIES + 2, "{waiting} entries");
                assert!(passes.await.iter().all(Result::is_err));
                assert!(answer.entries() <= 2);
            }
            assert_eq!(answer.begun(), usize::from(running));
            // The first waiter still waits, and is woken.
            assert!(!first.is_finished());
            drop(busy);
            answer.ends.add_permits(1);
            first.await.unwrap();
        }
    }

    #[tokio::test(start_paused = true)]
    async fn waiting_ends_at_the_deadline_and_the_reading_continues() {
        let answer = Answer::new();
        begin(&answer, since(0));
        assert!(timeout(PATIENCE, refresh(&answer, since(0))).await.is_err());
        assert!(is_in_flight(&*answer));
        answer.ends.add_permits(1);
        assert!(timeout(PATIENCE, refresh(&answer, since(0))).await.is_ok());
        assert_eq!(answer.begun(), 1);
    }

    #[tokio::test]
    async fn a_reading_that_panics_leaves_the_entry_as_it_was_and_can_be_tried_again() {
        let mut answer = Answer::new();
        Arc::get_mut(&mut answer).unwrap().panics = true;
        for begun in 1..=3 {
            refresh(&answer, since(0)).await;
            assert_eq!(answer.begun(), begun);
            assert!(!is_in_flight(&*answer));
        }
    }
}
