//! How the last attempts to read something went, and when the next try is due.

use std::time::Duration;

use tokio::time::Instant;

use crate::domain::TargetState;

/// The first retry of a target that failed comes after this, each further one after twice as long.
const FIRST_RETRY: Duration = Duration::from_secs(30);

/// No target that fails is tried more seldom.
const LONGEST_RETRY: Duration = Duration::from_mins(10);

/// How the last attempts went.
#[derive(Debug, Default)]
pub(super) struct Breaker {
    failures: u32,
    ailing: bool,
    retry_at: Option<Instant>,
}

impl Breaker {
    /// An attempt ended.
    pub(super) fn ended(&mut self, state: TargetState) {
        self.ailing = matches!(state, TargetState::Unreachable | TargetState::Throttled);
        if state.is_unreadable() {
            let wait = FIRST_RETRY
                .saturating_mul(1 << self.failures.min(8))
                .min(LONGEST_RETRY);
            self.failures = self.failures.saturating_add(1);
            // A fifth more or less, so that a thousand accounts that failed together are not retried together.
            self.retry_at = Some(Instant::now() + wait.mul_f64(0.8 + 0.4 * fastrand::f64()));
        } else {
            self.failures = 0;
            self.retry_at = None;
        }
    }

    /// Whether it may take its whole deadline again.
    pub(super) fn is_ailing(&self) -> bool {
        self.ailing
    }

    /// Whether what failed is worth another try.
    pub(super) fn is_due(&self) -> bool {
        self.retry_at
            .is_some_and(|retry_at| retry_at <= Instant::now())
    }

    /// When what failed is worth another try.
    pub(super) fn retry_at(&self) -> Option<Instant> {
        self.retry_at
    }
}
