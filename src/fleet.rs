//! The accounts and regions that policies name, as AWS last described them.
//!
//! [`Fleet`] is the shared cache. Policies subscribe to targets. A target is read in the
//! background, once for all its subscribers. A target without a subscriber is dropped. An
//! observation waits until a deadline, so that a slow or failing target never delays the results of
//! the others (promise P8).

mod breaker;
mod cache;
mod deadline;
mod limit;
mod observer;
mod regions;
mod scan;
mod single_flight;
mod target;

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use jiff::Timestamp;

pub use self::{
    cache::{Fleet, Observation, Subscription},
    observer::Observer,
    target::Seen,
};

/// How targets are read.
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

/// Locks a mutex, poisoned or not. No code panics while it holds one of these locks, and the
/// guarded value is consistent between any two statements.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
