//! Who wants to hear how readings go.

use std::{fmt, time::Duration};

use crate::{
    domain::{Target, TargetState},
    observability::Metrics,
};

/// Hears how readings go, from the tasks that read: it must return at once.
pub trait Observer: Send + Sync + fmt::Debug {
    /// A target is to be read.
    fn queued(&self, _target: &Target) {}

    /// Its notebooks were listed; so many have to be described.
    fn listed(&self, _to_describe: usize) {}

    /// One of them was described, or could not be.
    fn described(&self) {}

    /// The reading of a target ended so, after so long.
    fn read(&self, target: &Target, state: TargetState, took: Duration);
}

impl Observer for Metrics {
    fn read(&self, _: &Target, state: TargetState, took: Duration) {
        self.scanned(state, took);
    }
}
