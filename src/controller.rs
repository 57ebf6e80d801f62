//! The loops: who runs when, and what happens when a step fails.

mod announce;
mod backoff;
mod context;
mod memory;
mod policy;
mod schedule;

use std::sync::Arc;

pub use context::{Clients, Context};
use futures::{FutureExt, StreamExt, TryStreamExt, future::ready};
use kube::{
    Api, ResourceExt,
    core::DeserializeGuard,
    runtime::{
        Predicate, PredicateConfig, WatchStreamExt, applier, controller, predicates,
        reflector::{self, ObjectRef, Store},
        watcher,
    },
};

use crate::{
    api::NotebookRootAccessPolicy,
    kubernetes,
    observability::{Gate, Readiness},
};

/// A policy, or what is left of one that does not decode.
type Guarded = DeserializeGuard<NotebookRootAccessPolicy>;

/// Returns once the API server serves what the controller watches.
pub async fn until_served(context: &Context, label_selector: Option<&str>, readiness: &Readiness) {
    let policies: Api<NotebookRootAccessPolicy> = Api::all(context.clients.requests.clone());
    kubernetes::until_served(&policies, label_selector, |problem| {
        tracing::warn!("waiting: {problem}");
        readiness.shut(Gate::CustomResourceDefinitions, problem);
    })
    .await;
    readiness.open(Gate::CustomResourceDefinitions);
}

/// Runs the policy controller until the context's shutdown, through any outage of the API server.
///
/// `label_selector` narrows which policies this process looks after.
pub async fn run(context: Arc<Context>, label_selector: Option<&str>, readiness: Readiness) {
    let shutdown = context.shutdown.clone();
    let mut config = watcher::Config::default();
    if let Some(selector) = label_selector {
        config = config.labels(selector);
    }
    let guarded: Api<Guarded> = Api::all(context.clients.watches.clone());
    let (store, writer) = reflector::store();
    let listed = store.clone();
    // Our own status says nothing new: only what a person changes asks for a pass.
    let changes = watcher(guarded, config)
        .default_backoff()
        .reflect(writer)
        .inspect_ok(|event| noticed(event, &listed, &context, &readiness))
        .applied_objects()
        .predicate_filter(
            predicates::generation.combine(predicates::annotations),
            PredicateConfig::default(),
        )
        .map_ok(|policy| ObjectRef::from_obj(&policy))
        .take_until(shutdown.cancelled());
    let reconcile = |policy, context| policy::reconcile(policy, context).boxed();
    applier(
        reconcile,
        backoff::after_error,
        Arc::clone(&context),
        store,
        changes,
        controller::Config::default(),
    )
    .for_each(|result| {
        match result {
            // The step that failed has been logged, with its policy.
            Ok(_) | Err(controller::Error::ReconcilerFailed(..)) => {}
            // It went between the request for a pass and the pass.
            Err(controller::Error::ObjectNotFound(policy)) => context.forget(&policy.name),
            Err(error) => {
                tracing::warn!(%error, "the watch of policies is interrupted; it goes on by itself");
            }
        }
        ready(())
    })
    .await;
}

/// What the watch tells beyond whom to look at. A store's own signal of its first list wakes only one of those who wait
/// for it, and the controller is one.
fn noticed(
    event: &watcher::Event<Guarded>,
    listed: &Store<Guarded>,
    context: &Context,
    readiness: &Readiness,
) {
    match event {
        watcher::Event::InitDone => {
            // Nobody tells of those that went while the watch was interrupted.
            context.forget_others(|policy| listed.get(&ObjectRef::new(policy)).is_some());
            readiness.open(Gate::PolicyWatch);
        }
        watcher::Event::Delete(policy) => context.forget(&policy.name_any()),
        watcher::Event::Init | watcher::Event::InitApply(_) | watcher::Event::Apply(_) => {}
    }
}
