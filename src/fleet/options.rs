//! Options of readings, and the freshness that is required of them.

use std::time::Duration;

use jiff::Timestamp;

/// Options of readings.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Longest time that one reading of a target takes.
    pub target_deadline: Duration,
    /// Time without any answer from AWS after which a target counts as unreachable.
    pub silence: Duration,
    /// Age at which a notebook is described again, changed or not.
    pub describe_refresh: Duration,
    /// Report of a notebook that was listed, and is missing when it is described.
    pub on_missing: OnMissing,
}

/// Report of a notebook that was listed, and is missing when it is described. Most likely it was
/// deleted in between.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnMissing {
    /// The notebook is left out. The next scan shows whether it is gone.
    Skip,
    /// The notebook counts as unread, because no next scan shows whether it is gone.
    Report,
}

/// Required freshness of answers.
#[derive(Clone, Copy, Debug)]
pub struct Freshness {
    /// Readings that began earlier do not count.
    pub not_before: Timestamp,
    /// True if every notebook must be described, changed or not.
    pub full: bool,
}
