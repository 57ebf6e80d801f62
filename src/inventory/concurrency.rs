//! How many Describes of a target are in flight: fewer when AWS throttles, more again when it does not.

/// Halves at a throttled answer and grows by one for each round without one, as TCP does with its window: the fleet's
/// real limit is not published, differs by account and region, and is shared with the account's other tools.
#[derive(Debug)]
pub(super) struct Concurrency {
    most: usize,
    now: usize,
    /// Answers until the number may change again: those sent before a change say nothing about it.
    settling: usize,
    throttles: u64,
}

impl Concurrency {
    /// Begins with the most; `throttles` is the number of throttled answers so far.
    pub(super) fn new(most: usize, throttles: u64) -> Self {
        let most = most.max(1);
        Self { most, now: most, settling: most, throttles }
    }

    /// How many may be in flight.
    pub(super) fn limit(&self) -> usize {
        self.now
    }

    /// One was answered, and `throttles` answers have been throttled by now.
    pub(super) fn answered(&mut self, throttles: u64) {
        self.settling = self.settling.saturating_sub(1);
        let throttled = throttles > self.throttles;
        if throttled && (self.settling == 0 || self.now == self.most) {
            self.now = (self.now / 2).max(1);
            self.settling = self.now;
            self.throttles = throttles;
        } else if !throttled && self.settling == 0 {
            self.now = (self.now + 1).min(self.most);
            self.settling = self.now;
        } else if self.settling == 0 {
            self.throttles = throttles;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_shrinks_to_one_under_throttling_and_recovers() {
        let mut concurrency = Concurrency::new(20, 0);
        assert_eq!(concurrency.limit(), 20);
        for throttles in 1..100 {
            concurrency.answered(throttles);
        }
        assert_eq!(concurrency.limit(), 1);
        for _ in 0..1000 {
            concurrency.answered(99);
        }
        assert_eq!(concurrency.limit(), 20);
    }

    #[test]
    fn one_burst_of_throttles_halves_it_once() {
        let mut concurrency = Concurrency::new(20, 0);
        concurrency.answered(7);
        assert_eq!(concurrency.limit(), 10);
        for _ in 0..5 {
            concurrency.answered(7);
        }
        assert_eq!(concurrency.limit(), 10);
    }
}
