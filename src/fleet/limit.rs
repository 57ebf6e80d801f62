//! The limit over all: how many readings run at a time.
//!
//! A permit bounds memory and connections: thousands of targets are due together. It must not be kept by a target that does
//! not answer. Whole regions behind a firewall would otherwise hold all permits, and delay all other targets.

use std::time::Duration;

use futures::{FutureExt, future::BoxFuture};
use tokio::{
    sync::{Semaphore, SemaphorePermit},
    time::timeout,
};

/// Prompt readings at a time. Enough to hide a List's latency over many regions; far below what one HTTP connector bears.
const PROMPT_READINGS: usize = 64;

/// A reading that takes longer is slow: it returns its permit and continues.
const PROMPT: Duration = Duration::from_secs(2);

/// Slow readings at a time, each with little more than a connection.
const SLOW_READINGS: usize = 512;

/// Readings at a time of targets that left the last one unanswered. Each may take its whole deadline.
const PROBES: usize = 32;

/// Semaphores for readings. They are fair, and never closed: acquiring a permit cannot fail.
#[derive(Debug)]
pub(super) struct Limit {
    prompt: Semaphore,
    slow: Semaphore,
    probes: Semaphore,
}

impl Default for Limit {
    fn default() -> Self {
        Self::new(PROMPT_READINGS, SLOW_READINGS, PROBES)
    }
}

impl Limit {
    pub(super) fn new(prompt: usize, slow: usize, probes: usize) -> Self {
        Self {
            prompt: Semaphore::new(prompt),
            slow: Semaphore::new(slow),
            probes: Semaphore::new(probes),
        }
    }

    /// Runs a reading once there is a permit for it. `is_probe`: the target left the last reading unanswered.
    ///
    /// The reading is made only then: thousands wait here, and each must be small.
    pub(super) async fn run<'a>(&self, is_probe: bool, read: impl FnOnce() -> BoxFuture<'a, ()>) {
        if is_probe {
            let _permit = self.probes.acquire().await;
            read().await;
        } else if let Ok(permit) = self.prompt.acquire().await {
            self.hold(permit, read()).boxed().await;
        }
    }

    /// Holds the permit until the reading ends, or is slow and there is room among the slow ones.
    async fn hold(&self, permit: SemaphorePermit<'_>, mut reading: BoxFuture<'_, ()>) {
        if timeout(PROMPT, &mut reading).await.is_ok() {
            return;
        }
        tokio::select! {
            () = &mut reading => {}
            _slow = self.slow.acquire() => {
                drop(permit);
                reading.await;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        future::pending,
        sync::{
            Arc,
            atomic::{AtomicUsize, Ordering::Relaxed},
        },
    };

    use tokio::{
        task::yield_now,
        time::{Instant, sleep, sleep_until},
    };

    use super::*;

    /// Spawns readings that take so long, and returns the number of those that have begun.
    fn spawn(
        limit: &Arc<Limit>,
        is_probe: bool,
        readings: usize,
        takes: Duration,
    ) -> Arc<AtomicUsize> {
        let begun = Arc::<AtomicUsize>::default();
        for _ in 0..readings {
            let (limit, begun) = (Arc::clone(limit), Arc::clone(&begun));
            tokio::spawn(async move {
                let read = || {
                    begun.fetch_add(1, Relaxed);
                    sleep(takes).boxed()
                };
                limit.run(is_probe, read).await;
            });
        }
        begun
    }

    /// Runs what can run now.
    async fn settle() {
        for _ in 0..100 {
            yield_now().await;
        }
    }

    #[tokio::test(start_paused = true)]
    async fn prompt_readings_and_probes_have_permits_of_their_own() {
        let limit = Arc::new(Limit::new(3, 100, 2));
        let second = Duration::from_secs(1);
        let hanging = spawn(&limit, true, 10, 1_000 * second);
        let prompt = spawn(&limit, false, 10, second);
        settle().await;
        assert_eq!((hanging.load(Relaxed), prompt.load(Relaxed)), (2, 3));
        sleep(5 * second).await;
        settle().await;
        assert_eq!((hanging.load(Relaxed), prompt.load(Relaxed)), (2, 10));
    }

    #[tokio::test(start_paused = true)]
    async fn slow_readings_return_their_permits_while_there_is_room_for_them() {
        let limit = Arc::new(Limit::new(3, 5, 1));
        let slow = spawn(&limit, false, 20, Duration::from_hours(1));
        let started = Instant::now();
        for (after, begun) in [(0, 3), (1, 3), (3, 6), (5, 8), (1_800, 8), (3_601, 11)] {
            sleep_until(started + Duration::from_secs(after)).await;
            settle().await;
            assert_eq!(slow.load(Relaxed), begun, "after {after} s");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_reading_that_is_not_awaited_returns_its_permit() {
        let limit = Limit::new(1, 1, 1);
        for is_probe in [false, true] {
            let hanging = limit.run(is_probe, || pending().boxed());
            assert!(timeout(Duration::from_secs(9), hanging).await.is_err());
            limit.run(is_probe, || async {}.boxed()).await;
        }
    }
}
