//! The loops: who runs when, and what happens when a step fails.

mod announce;
mod backoff;
mod context;
mod memory;
mod policy;
mod schedule;

use std::sync::Arc;

use futures::StreamExt;
use kube::{
    Api,
    core::DeserializeGuard,
    runtime::{
        controller::{self, Controller},
        watcher,
    },
};
use tokio_util::sync::CancellationToken;

pub use context::Context;

use crate::{
    api::NotebookRootAccessPolicy,
    kubernetes,
    observability::{Gate, Readiness},
};

/// A policy, or what is left of one that does not decode.
type Guarded = DeserializeGuard<NotebookRootAccessPolicy>;

/// Runs the policy controller until `shutdown`, through any outage of the API server.
///
/// `label_selector` narrows which policies this process looks after.
pub async fn run(
    context: Arc<Context>,
    label_selector: Option<&str>,
    readiness: Readiness,
    shutdown: CancellationToken,
) {
    let policies: Api<NotebookRootAccessPolicy> = Api::all(context.client.clone());
    let served = kubernetes::until_served(&policies, label_selector, |problem| {
        tracing::warn!("waiting: {problem}");
        readiness.shut(Gate::CustomResourceDefinitions, problem);
    });
    if shutdown.run_until_cancelled(served).await.is_none() {
        return;
    }
    readiness.open(Gate::CustomResourceDefinitions);

    let mut config = watcher::Config::default();
    if let Some(selector) = label_selector {
        config = config.labels(selector);
    }
    let guarded: Api<Guarded> = Api::all(context.client.clone());
    let controller = Controller::new(guarded, config);
    let store = controller.store();
    let synced = {
        let (readiness, shutdown) = (readiness.clone(), shutdown.clone());
        tokio::spawn(async move {
            if let Some(Ok(())) = shutdown.run_until_cancelled(store.wait_until_ready()).await {
                readiness.open(Gate::PolicyWatch);
                tracing::info!(policies = store.len(), "watching policies");
            }
        })
    };
    controller
        .graceful_shutdown_on(shutdown.cancelled_owned())
        .run(policy::reconcile, backoff::after_error, Arc::clone(&context))
        .for_each(|result| async {
            match result {
                Ok(_) => {}
                // A policy that was deleted, or lost the label, is asked for once more and not found.
                Err(controller::Error::ObjectNotFound(policy)) => context.forget(&policy.name),
                // The step that failed has logged it, with its policy.
                Err(controller::Error::ReconcilerFailed(..)) => {}
                Err(error) => tracing::warn!(%error, "the watch of policies is interrupted; it goes on by itself"),
            }
        })
        .await;
    synced.abort();
}
