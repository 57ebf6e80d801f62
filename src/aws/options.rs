//! Limits on the requests to AWS.

use std::time::Duration;

/// Limits on the requests to AWS.
#[derive(Clone, Debug)]
pub struct Options {
    /// Describes and tag reads that one target may have in flight: the initial value of
    /// [`TargetReader::describes_in_flight`](super::TargetReader::describes_in_flight).
    pub describes_per_target: usize,
    /// Describes and tag reads that may be in flight at once, over all targets.
    pub describes_overall: usize,
    /// Timeout of one attempt of a read, from sending the request to reading the whole answer.
    pub attempt_timeout: Duration,
    /// Timeout of a connection attempt, within `attempt_timeout`.
    pub connect_timeout: Duration,
    /// Timeout of a write: credentials, connection, request and answer. It has to be shorter than
    /// the rest of a lease.
    pub write_timeout: Duration,
    /// Upper limit on the attempts of one read. A write is sent once. Throttling needs ten
    /// attempts: with three, one of 300 Describes fails against a bucket of ten a second
    /// (measured).
    pub attempts: u32,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            describes_per_target: 20,
            describes_overall: 200,
            attempt_timeout: Duration::from_secs(10),
            connect_timeout: Duration::from_secs(3),
            // At most `kubernetes::LONGEST_WRITE`; `tests/it/fence.rs` compares the two.
            write_timeout: Duration::from_secs(5),
            attempts: 10,
        }
    }
}
