//! Rate controller of one target: the Describes worth having in flight, by its answers.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};

use super::outcome::Outcome;

/// Number of prompt answers in a row after which a slow target is no longer slow.
const PROMPT_ANSWERS: u32 = 20;

/// Concurrency limit of a target, adapted to its answers, and counts of them. Concurrent calls may
/// lose a step, which does no harm.
#[derive(Debug)]
pub(super) struct RateController {
    /// Upper limit of `limit`, and its first value.
    most: u32,
    /// Describes worth having in flight.
    limit: AtomicU32,
    /// Attempts answered since `limit` last changed.
    answered: AtomicU32,
    /// Prompt answers still needed before the target is no longer slow.
    slow_for: AtomicU32,
    /// Total of throttled attempts.
    throttled: AtomicU64,
    /// Total of attempts that AWS answered in any way, and of waits for a permit.
    progress: AtomicU64,
}

impl RateController {
    pub(super) fn new(most: u32) -> Self {
        Self {
            most,
            limit: AtomicU32::new(most),
            answered: AtomicU32::new(0),
            slow_for: AtomicU32::new(0),
            throttled: AtomicU64::new(0),
            progress: AtomicU64::new(0),
        }
    }

    /// Returns the number of Describes worth having in flight, at least one.
    pub(super) fn limit(&self) -> u32 {
        self.limit.load(Relaxed)
    }

    pub(super) fn throttled(&self) -> u64 {
        self.throttled.load(Relaxed)
    }

    pub(super) fn progress(&self) -> u64 {
        self.progress.load(Relaxed)
    }

    pub(super) fn is_slow(&self) -> bool {
        self.slow_for.load(Relaxed) > 0
    }

    /// Records a sign of life.
    pub(super) fn progressed(&self) {
        self.progress.fetch_add(1, Relaxed);
    }

    /// Records an answer's pace. One prompt answer does not outweigh a slow one: a target with half
    /// its notebooks hanging is slow.
    pub(super) fn on_answer(&self, slow: bool) {
        let slow_for = if slow {
            PROMPT_ANSWERS
        } else {
            self.slow_for.load(Relaxed).saturating_sub(1)
        };
        self.slow_for.store(slow_for, Relaxed);
    }

    /// Halves the limit after a throttled attempt, and adds one after as many answers as the limit
    /// allows in flight, as TCP does.
    pub(super) fn on_attempt(&self, outcome: Outcome) {
        let limit = self.limit();
        match outcome {
            Outcome::Throttled => {
                self.throttled.fetch_add(1, Relaxed);
                self.limit.store((limit / 2).max(1), Relaxed);
                self.answered.store(0, Relaxed);
            }
            Outcome::Answered
                if limit < self.most && self.answered.fetch_add(1, Relaxed) + 1 >= limit =>
            {
                self.answered.store(0, Relaxed);
                self.limit.store(limit + 1, Relaxed);
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slow_target_must_prove_itself() {
        let rate = RateController::new(20);
        rate.on_answer(false);
        assert!(!rate.is_slow());
        rate.on_answer(true);
        for _ in 1..PROMPT_ANSWERS {
            rate.on_answer(false);
            assert!(rate.is_slow());
        }
        rate.on_answer(false);
        assert!(!rate.is_slow());
    }

    #[test]
    fn throttling_halves_and_answers_restore() {
        use Outcome::{AccessDenied, Answered, Failed, Throttled, TimedOut};
        let rate = RateController::new(20);
        for (outcome, attempts, limit, throttled) in [
            (Answered, 1_000, 20, 0),
            (Throttled, 1, 10, 1),
            // As many answers as are in flight add one.
            (Answered, 9, 10, 1),
            (Answered, 1, 11, 1),
            (Answered, 11, 12, 1),
            // Throttling starts the count again.
            (Answered, 11, 12, 1),
            (Throttled, 1, 6, 2),
            (Answered, 5, 6, 2),
            (Throttled, 9, 1, 11),
            (TimedOut, 1, 1, 11),
            (AccessDenied, 100, 1, 11),
            (Failed, 100, 1, 11),
            (Answered, 1, 2, 11),
            (Answered, 1_000, 20, 11),
        ] {
            for _ in 0..attempts {
                rate.on_attempt(outcome);
            }
            let expected = (limit, throttled);
            assert_eq!(
                (rate.limit(), rate.throttled()),
                expected,
                "{attempts} × {outcome}"
            );
        }
    }

    #[test]
    fn a_limit_of_one_stays() {
        let rate = RateController::new(1);
        for outcome in [Outcome::Answered, Outcome::Throttled, Outcome::Answered] {
            rate.on_attempt(outcome);
            assert_eq!(rate.limit(), 1);
        }
    }
}
