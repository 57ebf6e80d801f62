//! Circuit breaker of one target. Pure: the time and the random number are arguments.
//!
//! A failed reading opens the circuit until an instant. After that the circuit is half-open, and
//! the next observation reads the target again. A scan that is due reads the target whatever its
//! circuit is, and a successful reading closes the circuit.

use std::time::Duration;

use tokio::time::Instant;

use crate::domain::TargetState;

/// Delay of the first retry. Each further failure doubles the delay.
const FIRST_RETRY: Duration = Duration::from_secs(30);

/// Longest delay between two retries.
const LONGEST_RETRY: Duration = Duration::from_mins(10);

/// Largest deviation from a delay, as a fraction, so that a thousand accounts that failed together
/// are not retried together.
const JITTER: f64 = 0.2;

/// Results of the last readings of a target.
#[derive(Debug, Default)]
pub(super) struct Breaker {
    /// Failures in a row.
    failures: u32,
    open_until: Option<Instant>,
    unanswered: bool,
}

/// State of a circuit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Circuit {
    /// The last reading succeeded, or there was none.
    Closed,
    /// The last reading failed, and no retry is due.
    Open {
        /// Time of the retry.
        until: Instant,
    },
    /// The last reading failed, and a retry is due.
    HalfOpen,
}

impl Breaker {
    /// Records the result of a reading. `chance` is a random number from 0 to 1.
    pub(super) fn record(&mut self, state: TargetState, now: Instant, chance: f64) {
        self.unanswered = matches!(state, TargetState::Unreachable | TargetState::Throttled);
        if state.is_unreadable() {
            let delay = FIRST_RETRY
                .saturating_mul(1 << self.failures.min(8))
                .min(LONGEST_RETRY);
            self.failures = self.failures.saturating_add(1);
            self.open_until = Some(now + delay.mul_f64(1.0 + JITTER * (2.0 * chance - 1.0)));
        } else {
            self.failures = 0;
            self.open_until = None;
        }
    }

    /// Returns the state of the circuit at an instant.
    pub(super) fn circuit(&self, now: Instant) -> Circuit {
        match self.open_until {
            None => Circuit::Closed,
            Some(until) if until <= now => Circuit::HalfOpen,
            Some(until) => Circuit::Open { until },
        }
    }

    /// Returns the time of the next retry, if the last reading failed.
    pub(super) fn retry_at(&self) -> Option<Instant> {
        self.open_until
    }

    /// Returns true if AWS did not answer the last reading. The next one may take its whole
    /// deadline again, and must not delay others. A refusal is an answer.
    pub(super) fn is_unanswered(&self) -> bool {
        self.unanswered
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use TargetState::{
        AccessDenied, InvalidCredentials, RegionDisabled, Scanned, Throttled, Unreachable,
    };

    /// Seconds until a retry is due, with no jitter; `None`: the circuit is closed.
    fn open_for(breaker: &Breaker, now: Instant) -> Option<u64> {
        match breaker.circuit(now) {
            Circuit::Closed => None,
            Circuit::Open { until } => Some((until - now).as_secs()),
            Circuit::HalfOpen => Some(0),
        }
    }

    #[test]
    fn each_state_opens_or_closes_the_circuit() {
        let now = Instant::now();
        for (state, open, unanswered) in [
            (Scanned, None, false),
            (RegionDisabled, None, false),
            (AccessDenied, Some(30), false),
            (InvalidCredentials, Some(30), false),
            (Throttled, Some(30), true),
            (Unreachable, Some(30), true),
        ] {
            let mut breaker = Breaker::default();
            assert_eq!(breaker.circuit(now), Circuit::Closed);
            breaker.record(state, now, 0.5);
            assert_eq!(open_for(&breaker, now), open, "{state}");
            assert_eq!(breaker.is_unanswered(), unanswered, "{state}");
        }
    }

    #[test]
    fn the_delay_doubles_with_each_failure_and_success_resets_it() {
        let now = Instant::now();
        let mut breaker = Breaker::default();
        for (state, open) in [
            (Unreachable, Some(30)),
            (Throttled, Some(60)),
            (AccessDenied, Some(120)),
            (AccessDenied, Some(240)),
            (Unreachable, Some(480)),
            (Unreachable, Some(600)),
            (Unreachable, Some(600)),
            (Scanned, None),
            (Unreachable, Some(30)),
            (RegionDisabled, None),
            (Unreachable, Some(30)),
        ] {
            breaker.record(state, now, 0.5);
            assert_eq!(open_for(&breaker, now), open, "{state}");
        }
        for _ in 0..1_000 {
            breaker.record(Unreachable, now, 0.5);
        }
        assert_eq!(open_for(&breaker, now), Some(600));
    }

    #[test]
    fn an_open_circuit_is_half_open_once_its_time_has_come() {
        let now = Instant::now();
        let mut breaker = Breaker::default();
        breaker.record(Unreachable, now, 0.5);
        let until = now + FIRST_RETRY;
        for (at, circuit) in [
            (now, Circuit::Open { until }),
            (until - Duration::from_millis(1), Circuit::Open { until }),
            (until, Circuit::HalfOpen),
            (until + LONGEST_RETRY, Circuit::HalfOpen),
        ] {
            assert_eq!(breaker.circuit(at), circuit);
            assert_eq!(breaker.retry_at(), Some(until));
        }
        breaker.record(Scanned, until, 0.5);
        assert_eq!(breaker.circuit(until), Circuit::Closed);
        assert_eq!(breaker.retry_at(), None);
    }

    #[test]
    fn jitter_is_a_fifth_of_the_delay() {
        let now = Instant::now();
        for (chance, seconds) in [(0.0, 24), (0.5, 30), (1.0, 36)] {
            let mut breaker = Breaker::default();
            breaker.record(Unreachable, now, chance);
            assert_eq!(open_for(&breaker, now), Some(seconds));
        }
    }
}
