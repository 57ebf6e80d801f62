//! Passes as tasks of their own.

use std::{future::pending, panic::resume_unwind};

use futures::{FutureExt, future::BoxFuture};
use tokio::task::JoinSet;

/// Runs a pass as its own task. The applier polls all its passes in one task, and a task uses one
/// thread at a time.
///
/// Dropping the returned future aborts the task, and a panic of the task panics the future.
pub(super) fn run<T: Send + 'static>(
    pass: impl Future<Output = T> + Send + 'static,
) -> BoxFuture<'static, T> {
    async move {
        // A set aborts its tasks when it is dropped.
        let mut task = JoinSet::new();
        task.spawn(pass);
        match task.join_next().await {
            Some(Ok(result)) => result,
            Some(Err(error)) => match error.try_into_panic() {
                Ok(panic) => resume_unwind(panic),
                // Only the end of the runtime cancels the task.
                Err(_) => pending().await,
            },
            None => pending().await,
        }
    }
    .boxed()
}

#[cfg(test)]
mod tests {
    use std::{panic::AssertUnwindSafe, sync::mpsc, time::Duration};

    use super::*;

    const DEADLINE: Duration = Duration::from_secs(10);

    /// Each task blocks its thread until it hears from the other.
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn passes_run_on_several_threads() {
        let (to_one, from_other) = mpsc::channel();
        let (to_other, from_one) = mpsc::channel();
        let meet = |sender: mpsc::Sender<()>, receiver: mpsc::Receiver<()>| async move {
            sender.send(()).unwrap();
            receiver.recv_timeout(DEADLINE)
        };
        let heard = futures::join!(run(meet(to_other, from_other)), run(meet(to_one, from_one)));
        assert_eq!(heard, (Ok(()), Ok(())));
    }

    #[tokio::test]
    async fn a_pass_ends_with_its_future() {
        let (alive, ended) = tokio::sync::oneshot::channel::<()>();
        let (begins, begun) = tokio::sync::oneshot::channel();
        let mut pass = run(async move {
            let _alive = alive;
            begins.send(()).unwrap();
            pending::<()>().await;
        });
        tokio::select! {
            () = &mut pass => panic!("it ended"),
            result = begun => result.unwrap(),
        }
        drop(pass);
        assert!(
            tokio::time::timeout(DEADLINE, ended)
                .await
                .unwrap()
                .is_err()
        );
    }

    #[tokio::test]
    async fn a_panic_is_passed_on() {
        let pass = AssertUnwindSafe(run(async { panic!("odd") })).catch_unwind();
        let payload = pass.await.map(|(): ()| ()).unwrap_err();
        assert_eq!(payload.downcast_ref::<&str>(), Some(&"odd"));
    }
}
