//! How long a reading waits for AWS.

use std::{pin::pin, time::Duration};

use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;

use super::target::out_of_patience;
use crate::{
    aws::TargetReader,
    domain::{ReadFailure, TargetState},
};

/// Waits until a deadline, and less long for a target that does not answer at all: a throttled one gets all the time
/// that there is, while one that hangs is named within seconds, and nobody's first scan waits for it.
pub(super) struct Patience<'a> {
    reader: &'a TargetReader,
    throttles: u64,
    deadline: Instant,
    silence: Duration,
    broken_off: &'a CancellationToken,
}

impl<'a> Patience<'a> {
    /// Begins now. `silence` is how long AWS may not answer anything.
    pub(super) fn new(
        reader: &'a TargetReader,
        allowed: Duration,
        silence: Duration,
        broken_off: &'a CancellationToken,
    ) -> Self {
        Self {
            reader,
            throttles: reader.throttled(),
            deadline: Instant::now() + allowed,
            silence,
            broken_off,
        }
    }

    /// `None`: patience ended first, or all readings were broken off.
    pub(super) async fn wait<F: Future>(&self, answer: F) -> Option<F::Output> {
        let mut answer = pin!(answer);
        loop {
            let progress = self.reader.progress();
            let until = self.deadline.min(Instant::now() + self.silence);
            let waiting = timeout_at(until, &mut answer);
            match self.broken_off.run_until_cancelled(waiting).await? {
                Ok(answer) => return Some(answer),
                Err(_) if Instant::now() >= self.deadline => return None,
                Err(_) if self.reader.progress() == progress => return None,
                Err(_) => {}
            }
        }
    }

    /// What the end of patience says of something that was not read by then.
    pub(super) fn ended(&self, what: &str) -> ReadFailure {
        if self.broken_off.is_cancelled() {
            return broken_off(what);
        }
        out_of_patience(what, self.reader.throttled() > self.throttles)
    }
}

/// What is said of whatever was not read when all readings were broken off.
pub(super) fn broken_off(what: &str) -> ReadFailure {
    ReadFailure {
        state: TargetState::Unreachable,
        message: format!("{what}: the scan was broken off"),
    }
}
