//! The limits of a policy's fields, for the schema and for validation.

use std::{fmt, ops::RangeInclusive, time::Duration};

/// `spec.accounts`, in entries.
pub const ACCOUNTS: RangeInclusive<usize> = 1..=1000;
/// `spec.scanInterval`.
pub const SCAN_INTERVAL: RangeInclusive<Duration> =
    Duration::from_mins(1)..=Duration::from_hours(24);
/// `spec.remediation.maxConcurrent`, `maxConcurrentPerRegion` and `maxFailures`.
pub const COUNT: RangeInclusive<u32> = 1..=100;
/// `spec.remediation.restAfterStop`.
pub const REST_AFTER_STOP: RangeInclusive<Duration> = Duration::ZERO..=Duration::from_hours(24);
/// `spec.remediation.windows[].duration`.
pub const WINDOW: RangeInclusive<Duration> = Duration::from_mins(1)..=Duration::from_hours(168);
/// Each of `spec.remediation.timeouts`.
pub const TIMEOUT: RangeInclusive<Duration> = Duration::from_secs(10)..=Duration::from_hours(24);

/// A duration in the notation of a policy, in whole hours, minutes or seconds.
#[derive(Clone, Copy, Debug)]
pub struct Span(pub Duration);

impl fmt::Display for Span {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.as_secs() {
            0 => formatter.write_str("0s"),
            seconds if seconds.is_multiple_of(3600) => write!(formatter, "{}h", seconds / 3600),
            seconds if seconds.is_multiple_of(60) => write!(formatter, "{}m", seconds / 60),
            seconds => write!(formatter, "{seconds}s"),
        }
    }
}
