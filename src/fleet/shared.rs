//! State shared by all readings.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio_util::sync::CancellationToken;

use super::{limit::Limit, observer::Observer, options::Options};
use crate::aws::AwsReads;

/// State shared by all readings.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) aws: AwsReads,
    pub(super) options: Options,
    pub(super) observer: Arc<dyn Observer>,
    pub(super) limit: Limit,
    pub(super) broken_off: CancellationToken,
}

/// Locks a mutex, poisoned or not. No code panics while it holds one of these locks, and the
/// guarded value is consistent between any two statements.
pub(super) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
