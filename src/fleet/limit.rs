//! The limit over all targets: the number of readings at a time.
//!
//! Permits bound memory and connections, because thousands of targets are due together. A target
//! that does not answer must not keep its permit. Otherwise whole regions behind a firewall would
//! hold all permits, and delay all other targets.

use std::time::Duration;

use futures::{FutureExt, future::BoxFuture};
use tokio::{
    sync::{Semaphore, SemaphorePermit},
    time::timeout,
};

/// Upper limit on prompt readings at a time. It hides a List's latency over many regions, and is
/// far below the capacity of one HTTP connector.
const PROMPT_READINGS: usize = 64;

/// Time after which a reading is slow. A slow reading returns its permit and continues.
const PROMPT: Duration = Duration::from_secs(2);

/// Upper limit on slow readings at a time. Each holds little more than a connection.
const SLOW_READINGS: usize = 512;

/// Upper limit on readings at a time of targets whose last reading was unanswered. Each may take
/// its whole deadline.
const PROBES: usize = 32;

/// Semaphores for readings. They are fair and never closed, so that acquiring a permit cannot fail.
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

    /// Acquires a permit and runs a reading. `is_probe` is true if the target's last reading was
    /// unanswered.
    ///
    /// The reading is created after the permit is acquired. Thousands of tasks wait here, and each
    /// must be small.
    pub(super) async fn run<'a>(&self, is_probe: bool, read: impl FnOnce() -> BoxFuture<'a, ()>) {
        if is_probe {
            let _permit = self.probes.acquire().await;
            read().await;
        } else if let Ok(permit) = self.prompt.acquire().await {
            self.hold(permit, read()).boxed().await;
        }
    }

    /// Holds the permit until the reading ends, or is slow and gets a permit for slow readings.
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

    /// Spawns readings of this duration, and returns the number of those that have begun.
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

    /// Lets all tasks run that are ready.
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
