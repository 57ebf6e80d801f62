//! How long a reading waits for AWS.

use std::{pin::pin, time::Duration};

use tokio::time::{Instant, timeout_at};

use super::target::out_of_patience;
use crate::{aws::TargetReader, domain::ReadFailure};

/// Waits until a deadline, and less long for a target that does not answer at all: a throttled one gets all the time
/// that there is, while one that hangs is named within seconds, and nobody's first scan waits for it.
pub(super) struct Patience<'a> {
    reader: &'a TargetReader,
    throttles: u64,
    deadline: Instant,
    silence: Duration,
}

impl<'a> Patience<'a> {
    /// Begins now. `silence` is how long AWS may not answer anything.
    pub(super) fn new(reader: &'a TargetReader, allowed: Duration, silence: Duration) -> Self {
        Self {
            reader,
            throttles: reader.throttled(),
            deadline: Instant::now() + allowed,
            silence,
        }
    }

    /// `None`: patience ended first.
    pub(super) async fn wait<F: Future>(&self, answer: F) -> Option<F::Output> {
        let mut answer = pin!(answer);
        loop {
            let progress = self.reader.progress();
            let until = self.deadline.min(Instant::now() + self.silence);
            match timeout_at(until, &mut answer).await {
                Ok(answer) => return Some(answer),
                Err(_) if Instant::now() >= self.deadline => return None,
                Err(_) if self.reader.progress() == progress => return None,
                Err(_) => {}
            }
        }
    }

    /// What the end of patience says of something that was not read by then.
    pub(super) fn ended(&self, what: &str) -> ReadFailure {
        out_of_patience(what, self.reader.throttled() > self.throttles)
    }
}
