//! Panics of passes. A bug in one pass must not end the passes over all other objects.

use std::{any::Any, panic::AssertUnwindSafe};

use futures::FutureExt;
use tokio::time::Instant;

use crate::observability::{Controller, Metrics, ReconciliationResult};

// With another panic strategy, a panic ends the process and cannot be caught.
const _: () = assert!(cfg!(panic = "unwind"), "passes that panic are caught");

/// Error of a pass that panicked.
#[derive(Debug, thiserror::Error)]
#[error("the pass panicked, which is a bug in sudoless: {0}")]
pub(super) struct Panicked(String);

/// Runs a pass, and converts a panic to the pass's error. Like every other error, it is counted,
/// logged and followed by a back-off.
///
/// A panic leaves nothing half done outside the pass. Its locks are released by unwinding, and
/// guard only caches. The records at the API server are written before anything is sent to AWS.
pub(super) async fn catch<T, E: From<Panicked>>(
    controller: Controller,
    metrics: &Metrics,
    pass: impl Future<Output = Result<T, E>>,
) -> Result<T, E> {
    let started = Instant::now();
    match AssertUnwindSafe(pass).catch_unwind().await {
        Ok(result) => result,
        Err(payload) => {
            metrics.reconciled(
                controller,
                ReconciliationResult::Panicked,
                started.elapsed(),
            );
            Err(Panicked(message(&*payload)).into())
        }
    }
}

/// Returns the text of a panic. Its place in the source is already on stderr.
fn message(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| payload.downcast_ref::<&str>().copied());
    text.unwrap_or("no message").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observability::BuildInfo;

    #[derive(Debug, thiserror::Error)]
    enum Error {
        #[error(transparent)]
        Panicked(#[from] Panicked),
        #[error("another error")]
        Other,
    }

    async fn run(pass: impl Future<Output = Result<u8, Error>>) -> (Result<u8, String>, bool) {
        let metrics = Metrics::new(BuildInfo::current()).unwrap();
        let result = catch(Controller::Remediation, &metrics, pass).await;
        let counted =
            "sudoless_reconciliations_total{controller=\"remediation\",result=\"Panicked\"} 1\n";
        let is_counted = metrics.render().unwrap().contains(counted);
        (result.map_err(|error| error.to_string()), is_counted)
    }

    #[tokio::test]
    async fn a_panic_is_an_error_that_is_counted() {
        let number = 7;
        for (pass, text) in [
            (
                async move { panic!("number {number}") }.boxed(),
                "the pass panicked, which is a bug in sudoless: number 7",
            ),
            (
                async { panic!("plain") }.boxed(),
                "the pass panicked, which is a bug in sudoless: plain",
            ),
            (
                async { std::panic::panic_any(1_u8) }.boxed(),
                "the pass panicked, which is a bug in sudoless: no message",
            ),
        ] {
            assert_eq!(run(pass).await, (Err(text.to_owned()), true));
        }
        assert_eq!(run(async { Ok(1) }).await, (Ok(1), false));
        let other = run(async { Err(Error::Other) }).await;
        assert_eq!(other, (Err("another error".to_owned()), false));
    }

    /// The locks of a pass that panicked are free for the next one.
    #[tokio::test]
    async fn a_panic_releases_the_locks_of_its_pass() {
        let lock = tokio::sync::Mutex::new(());
        let pass = async {
            let _held = lock.lock().await;
            tokio::task::yield_now().await;
            panic!("with a lock")
        };
        assert!(run(pass).await.0.is_err());
        assert!(lock.try_lock().is_ok());
    }
}
