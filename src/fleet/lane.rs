//! Who is read next: two queues, so that targets that do not answer hold up none that do.

use std::{
    collections::VecDeque,
    fmt,
    panic::AssertUnwindSafe,
    pin::pin,
    sync::{Arc, Mutex},
    time::Duration,
};

use futures::{FutureExt, future::BoxFuture};

use super::{flight::Demanded, locked};

/// Readings at a time of what answered last time, or has not been asked yet. Enough to hide a List's latency over many
/// regions; far below what one HTTP connector bears.
const HEALTHY_AT_ONCE: usize = 64;

/// Readings at a time of what did not answer last time, each of which may take its whole deadline.
const AILING_AT_ONCE: usize = 32;

/// A reading that takes longer gives its place to one that waits, and goes on without. Whole regions behind a firewall
/// would else take all places, and hold up all others for as long as they are waited for.
const PROMPT: Duration = Duration::from_secs(2);

/// Readings that go on without a place, each of them with little more than a connection.
const STRAGGLERS_AT_ONCE: usize = 512;

/// Something that is read in the background.
pub(super) trait Reading: Send + Sync {
    /// Reads it once, to the end.
    fn read(&self) -> BoxFuture<'_, ()>;

    /// Tells those who wait that it was read; returns whether somebody wants it read again.
    fn finish(&self) -> Demanded;
}

/// The two queues.
#[derive(Debug)]
pub(super) struct Lanes {
    healthy: Arc<Lane>,
    ailing: Arc<Lane>,
}

struct Lane {
    at_once: usize,
    stragglers_at_once: usize,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    queue: VecDeque<Arc<dyn Reading>>,
    workers: usize,
    stragglers: usize,
}

impl Default for Lanes {
    fn default() -> Self {
        Self {
            healthy: Lane::new(HEALTHY_AT_ONCE, STRAGGLERS_AT_ONCE),
            ailing: Lane::new(AILING_AT_ONCE, 0),
        }
    }
}

impl Lanes {
    /// Queues a reading.
    pub(super) fn push(&self, reading: Arc<dyn Reading>, ailing: bool) {
        if ailing {
            self.ailing.push(reading);
        } else {
            self.healthy.push(reading);
        }
    }
}

impl Lane {
    fn new(at_once: usize, stragglers_at_once: usize) -> Arc<Self> {
        Arc::new(Self {
            at_once,
            stragglers_at_once,
            state: Mutex::default(),
        })
    }

    fn push(self: &Arc<Self>, reading: Arc<dyn Reading>) {
        let mut state = locked(&self.state);
        state.queue.push_back(reading);
        if state.workers < self.at_once {
            state.workers += 1;
            tokio::spawn(Arc::clone(self).work());
        }
    }

    /// Lives as long as there is something to read: an idle inventory has no tasks.
    fn work(self: Arc<Self>) -> BoxFuture<'static, ()> {
        async move {
            while let Some(reading) = self.next() {
                let mut whole = pin!(self.read(reading));
                while tokio::time::timeout(PROMPT, &mut whole).await.is_err() {
                    if self.step_aside() {
                        whole.await;
                        locked(&self.state).stragglers -= 1;
                        return;
                    }
                }
            }
        }
        .boxed()
    }

    async fn read(self: &Arc<Self>, reading: Arc<dyn Reading>) {
        // Without this a bug in one reading would leave its target waiting for ever, and the lane a worker short.
        if AssertUnwindSafe(reading.read())
            .catch_unwind()
            .await
            .is_err()
        {
            tracing::error!("a reading panicked; its target keeps what was known of it");
        }
        if reading.finish() == Demanded::Queue {
            self.push(reading);
        }
    }

    /// Gives the place to a new worker, if anything waits for one.
    fn step_aside(self: &Arc<Self>) -> bool {
        let mut state = locked(&self.state);
        if state.queue.is_empty() || state.stragglers >= self.stragglers_at_once {
            return false;
        }
        state.stragglers += 1;
        tokio::spawn(Arc::clone(self).work());
        true
    }

    fn next(&self) -> Option<Arc<dyn Reading>> {
        let mut state = locked(&self.state);
        let next = state.queue.pop_front();
        if next.is_none() {
            state.workers -= 1;
            state.queue.shrink_to(self.at_once);
        }
        next
    }
}

impl fmt::Debug for Lane {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = locked(&self.state);
        formatter
            .debug_struct("Lane")
            .field("queued", &state.queue.len())
            .field("workers", &state.workers)
            .field("stragglers", &state.stragglers)
            .finish_non_exhaustive()
    }
}
