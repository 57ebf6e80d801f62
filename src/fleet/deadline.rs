//! The time that a reading waits for AWS.

use std::{pin::pin, time::Duration};

use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;

use crate::{
    aws::TargetReader,
    domain::{ReadFailure, TargetState},
};

/// Deadline of a reading, and a shorter one for a target that does not answer at all. A throttled
/// target gets the whole time. A hanging target is reported earlier, and delays no first scan.
pub(super) struct Deadline<'a> {
    reader: &'a TargetReader,
    throttled_before: u64,
    ends_at: Instant,
    silence: Duration,
    broken_off: &'a CancellationToken,
}

impl<'a> Deadline<'a> {
    /// Creates a deadline that is `allowed` from now, or `silence` after the last answer of AWS.
    pub(super) fn new(
        reader: &'a TargetReader,
        allowed: Duration,
        silence: Duration,
        broken_off: &'a CancellationToken,
    ) -> Self {
        Self {
            reader,
            throttled_before: reader.throttled(),
            ends_at: Instant::now() + allowed,
            silence,
            broken_off,
        }
    }

    /// Waits for an answer. Returns `None` if the deadline is exceeded or all readings are broken
    /// off.
    pub(super) async fn wait<F: Future>(&self, answer: F) -> Option<F::Output> {
        let mut answer = pin!(answer);
        loop {
            let progress = self.reader.progress();
            let until = self.ends_at.min(Instant::now() + self.silence);
            let waiting = timeout_at(until, &mut answer);
            match self.broken_off.run_until_cancelled(waiting).await? {
                Ok(answer) => return Some(answer),
                Err(_) if Instant::now() >= self.ends_at => return None,
                Err(_) if self.reader.progress() == progress => return None,
                Err(_) => {}
            }
        }
    }

    /// Returns the failure of a read that exceeded the deadline.
    pub(super) fn exceeded(&self, what: &str) -> ReadFailure {
        if self.broken_off.is_cancelled() {
            return broken_off(what);
        }
        timed_out(what, self.reader.throttled() > self.throttled_before)
    }
}

/// Returns the failure of a read that was broken off.
pub(super) fn broken_off(what: &str) -> ReadFailure {
    ReadFailure {
        state: TargetState::Unreachable,
        message: format!("{what}: the scan was broken off"),
    }
}

/// Returns the failure of a read that exceeded a deadline.
pub(super) fn timed_out(what: &str, throttled: bool) -> ReadFailure {
    if throttled {
        ReadFailure {
            state: TargetState::Throttled,
            message: format!("{what} in time: AWS throttles; it goes on at the next try"),
        }
    } else {
        ReadFailure {
            state: TargetState::Unreachable,
            message: format!("{what}: AWS did not answer in time"),
        }
    }
}
