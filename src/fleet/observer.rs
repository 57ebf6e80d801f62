//! Observer of readings.

use std::{fmt, time::Duration};

use crate::{
    domain::{Target, TargetState},
    observability::Metrics,
};

/// Observer of readings, called by the tasks that read. Its methods must return at once.
pub trait Observer: Send + Sync + fmt::Debug {
    /// Reports that a reading of a target was queued.
    fn queued(&self, _target: &Target) {}

    /// Reports that a target's notebooks were listed, and how many have to be described.
    fn listed(&self, _to_describe: usize) {}

    /// Reports that a notebook was described, or could not be.
    fn described(&self) {}

    /// Reports the state and duration of a target's reading.
    fn read(&self, target: &Target, state: TargetState, took: Duration);
}

impl Observer for Metrics {
    fn read(&self, _: &Target, state: TargetState, took: Duration) {
        self.scanned(state, took);
    }
}
