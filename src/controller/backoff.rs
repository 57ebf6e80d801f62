//! Back-off after a failed pass: per policy, doubling.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use kube::{ResourceExt, runtime::controller::Action};

use super::{Context, Guarded, policy::Error};

const FIRST: Duration = Duration::from_secs(1);

/// Short enough that the status is up to date soon after an outage of the API server.
const LONGEST: Duration = Duration::from_secs(30);

/// Consecutive failed passes of each policy.
#[derive(Debug, Default)]
pub(super) struct Failures(Mutex<HashMap<String, u32>>);

impl Failures {
    /// Resets the count after a successful pass or the policy's deletion.
    pub(super) fn forget(&self, policy: &str) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(policy);
    }

    fn count(&self, policy: &str) -> u32 {
        let mut failures = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = failures.entry(policy.to_owned()).or_default();
        *count = count.saturating_add(1);
        *count
    }
}

/// Counts a failed pass, and returns the number of consecutive failures and the wait before the
/// retry.
pub(super) fn next_wait(context: &Context, name: &str) -> (u32, Duration) {
    let failures = context.failures.count(name);
    (
        failures,
        wait(failures).mul_f64(0.8 + 0.4 * fastrand::f64()),
    )
}

/// Logs the failure, and requeues the policy after the wait.
#[expect(
    clippy::needless_pass_by_value,
    reason = "the controller calls it with an Arc"
)]
pub(super) fn after_error(policy: Arc<Guarded>, error: &Error, context: Arc<Context>) -> Action {
    let name = policy.name_any();
    let (failures, wait) = next_wait(&context, &name);
    tracing::warn!(policy = name, failures, %error, "a pass failed; retrying in {:.0?}", wait);
    Action::requeue(wait)
}

fn wait(failures: u32) -> Duration {
    FIRST
        .saturating_mul(1 << failures.saturating_sub(1).min(10))
        .min(LONGEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_longest() {
        assert_eq!(
            [1, 2, 3, 6, 99].map(wait).map(|wait| wait.as_secs()),
            [1, 2, 4, 30, 30]
        );
    }
}
