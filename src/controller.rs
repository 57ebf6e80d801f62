//! The two control loops, over policies and over records, and their error handling.

mod announce;
mod backoff;
mod claim;
mod clients;
mod context;
mod panics;
mod policy;
mod remediation;
mod schedule;
mod sight;
mod state;
mod store;
mod stored;
mod target_clients;
mod task;

use std::sync::Arc;

pub use clients::Clients;
pub use context::{Acting, Context, Options};
use futures::{FutureExt, StreamExt, TryStreamExt, channel::mpsc, future::ready, stream};
use kube::{
    Api, ResourceExt,
    core::DeserializeGuard,
    runtime::{
        WatchStreamExt, applier, controller,
        reflector::{self, ObjectRef, Store},
        watcher,
    },
};

use tracing::Instrument;

use crate::{
    api::{NotebookRemediation, NotebookRootAccessPolicy, RecordState as State},
    domain::PolicyName,
    kubernetes,
    observability::{Controller, Readiness, ReadinessCheck},
};

/// A policy, or the metadata of a policy that does not decode.
type Guarded = DeserializeGuard<NotebookRootAccessPolicy>;

/// A record, or the metadata of a record that does not decode.
type GuardedRecord = DeserializeGuard<NotebookRemediation>;

/// Sender of requests for a pass over a policy.
type Wakes = mpsc::UnboundedSender<PolicyName>;

/// Returns once the API server serves the records. Notebooks that are down are restarted even if
/// the API server does not serve the policies' kind.
///
/// Reports nothing, because [`until_served`] runs concurrently and reports both kinds.
pub async fn until_records_served(context: &Context) {
    let records: Api<NotebookRemediation> = Api::all(context.clients.requests.clone());
    kubernetes::until_served(&records, None, drop).await;
}

/// Returns once the API server serves both kinds. Then opens the gate
/// [`ReadinessCheck::CustomResourceDefinitions`] of `readiness`.
pub async fn until_served(context: &Context, label_selector: Option<&str>, readiness: &Readiness) {
    let waits = |problem: String| {
        tracing::warn!("waiting: {problem}");
        readiness.shut(ReadinessCheck::CustomResourceDefinitions, problem);
    };
    let policies: Api<NotebookRootAccessPolicy> = Api::all(context.clients.requests.clone());
    kubernetes::until_served(&policies, label_selector, waits).await;
    let records: Api<NotebookRemediation> = Api::all(context.clients.requests.clone());
    kubernetes::until_served(&records, None, waits).await;
    readiness.open(ReadinessCheck::CustomResourceDefinitions);
}

/// Runs both controllers until the context's shutdown, through any outage of the API server.
///
/// `label_selector` selects the policies of this operator. The policy loop starts only after the
/// records were listed once, because it must see the remediations that are under way.
pub async fn run(context: Arc<Context>, label_selector: Option<&str>, readiness: Readiness) {
    let (wakes, woken) = mpsc::unbounded();
    let (listed, until_listed) = tokio::sync::oneshot::channel();
    let policies = async {
        // The caller runs `until_served` concurrently, which reports missing kinds.
        let api: Api<NotebookRootAccessPolicy> = Api::all(context.clients.requests.clone());
        let served = kubernetes::until_served(&api, label_selector, drop);
        if context.shutdown.run_until_cancelled(served).await.is_some()
            && until_listed.await.is_ok()
        {
            run_policies(Arc::clone(&context), label_selector, readiness, woken).await;
        }
    };
    let records = run_remediations(Arc::clone(&context), wakes, listed);
    futures::join!(policies, records);
}

async fn run_policies(
    context: Arc<Context>,
    label_selector: Option<&str>,
    readiness: Readiness,
    woken: mpsc::UnboundedReceiver<PolicyName>,
) {
    let shutdown = context.shutdown.clone();
    let mut config = watcher::Config::default();
    if let Some(selector) = label_selector {
        config = config.labels(selector);
    }
    let guarded: Api<Guarded> = Api::all(context.clients.watches.clone());
    let (store, writer) = reflector::store();
    let changes = watcher(guarded, config)
        .default_backoff()
        .reflect(writer)
        .inspect_ok(|event| noticed(event, &context, &store, &readiness))
        .applied_objects()
        // The operator's own status writes need no pass. Only changes by a person do.
        .try_filter(|policy| ready(context.is_news(policy)))
        .map_ok(|policy| ObjectRef::from_obj(&policy));
    let looked_after = Arc::clone(&context);
    let woken = woken
        .filter(move |policy| ready(looked_after.looks_after(policy)))
        .map(|policy| Ok(ObjectRef::new(policy.as_str())));
    let reconcile = |policy: Arc<Guarded>, context: Arc<Context>| {
        let span = policy::span(&policy);
        let pass = async move {
            let pass = policy::reconcile(policy, Arc::clone(&context)).boxed();
            panics::catch(Controller::Policy, &context.metrics, pass).await
        };
        task::run(pass.instrument(span))
    };
    applier(
        reconcile,
        backoff::after_error,
        Arc::clone(&context),
        store.clone(),
        stream::select(changes, woken).take_until(shutdown.cancelled()),
        controller::Config::default(),
    )
    .for_each(|result| {
        match result {
            // The failed step was logged with its policy.
            Ok(_) | Err(controller::Error::ReconcilerFailed(..)) => {}
            // The policy was deleted between the request for a pass and the pass.
            Err(controller::Error::ObjectNotFound(policy)) => context.forget(&policy.name),
            Err(error) => {
                tracing::warn!(%error, "policy watch interrupted, reconnecting");
            }
        }
        ready(())
    })
    .await;
}

async fn run_remediations(
    context: Arc<Context>,
    wakes: Wakes,
    listed: tokio::sync::oneshot::Sender<()>,
) {
    let shutdown = context.shutdown.clone();
    let guarded: Api<GuardedRecord> = Api::all(context.clients.watches.clone());
    let (store, writer) = reflector::store();
    let mut listed = Some(listed);
    let changes = watcher(guarded, watcher::Config::default())
        .default_backoff()
        .reflect(writer)
        .inspect_ok(|event| {
            record_noticed(event, &context, &store, &wakes);
            if let watcher::Event::InitDone = event
                && let Some(listed) = listed.take()
            {
                // The receiver is dropped only when the process ends.
                let _ = listed.send(());
            }
        })
        .applied_objects()
        .try_filter(|record| ready(context.store.is_news(record)))
        .map_ok(|record| ObjectRef::from_obj(&record))
        .take_until(shutdown.cancelled());
    let reconcile = |record: Arc<GuardedRecord>, context: Arc<Context>| {
        let span = remediation::span(&record);
        let pass = async move {
            let pass = remediation::reconcile(record, Arc::clone(&context)).boxed();
            panics::catch(Controller::Remediation, &context.metrics, pass).await
        };
        task::run(pass.instrument(span))
    };
    applier(
        reconcile,
        remediation::after_error,
        Arc::clone(&context),
        store.clone(),
        changes,
        controller::Config::default(),
    )
    .for_each(|result| {
        if let Err(error) = result
            && !matches!(
                error,
                controller::Error::ReconcilerFailed(..) | controller::Error::ObjectNotFound(_)
            )
        {
            tracing::warn!(%error, "remediation watch interrupted, reconnecting");
        }
        ready(())
    })
    .await;
}

/// Handles events of the policy watch, beyond the requests for passes. The store's own signal of
/// its first list is not used, because it wakes only one waiter and the controller already waits
/// for it.
fn noticed(
    event: &watcher::Event<Guarded>,
    context: &Context,
    store: &Store<Guarded>,
    readiness: &Readiness,
) {
    match event {
        watcher::Event::InitDone => {
            // Objects deleted while the watch was down send no event. They are merely absent from
            // the new list.
            context.forget_others(|policy| store.get(&ObjectRef::new(policy)).is_some());
            readiness.open(ReadinessCheck::PolicyWatch);
        }
        watcher::Event::Delete(policy) => context.forget(&policy.name_any()),
        watcher::Event::Init | watcher::Event::InitApply(_) | watcher::Event::Apply(_) => {}
    }
}

/// Requests a pass over each policy that a changed record may unblock. These are the record's own
/// policy and other policies that cover the same account and region. The change may free a slot,
/// complete a canary or release a notebook.
fn record_noticed(
    event: &watcher::Event<GuardedRecord>,
    context: &Context,
    store: &Store<GuardedRecord>,
    wakes: &Wakes,
) {
    let policies = match event {
        watcher::Event::InitApply(record) | watcher::Event::Apply(record) => match &record.0 {
            Ok(record) => {
                let policy = context.store.changed(record);
                let released = context.store.released(record);
                let state = record.status.as_ref().and_then(|status| status.state);
                match (policy, state) {
                    (Some(_), Some(State::Succeeded | State::Failed | State::Cancelled)) => {
                        context.policies()
                    }
                    (policy, _) => policy.or(released).into_iter().collect(),
                }
            }
            Err(error) => {
                let record = record.name_any();
                tracing::warn!(record, error = %error.error, "record does not decode; its notebook is left alone");
                let problem = error.error.clone();
                context.store.add_invalid(stored::named(&record, problem));
                Vec::new()
            }
        },
        watcher::Event::Delete(record) => {
            let name = record.name_any();
            context.target_clients.forget(&name);
            context.store.gone(&name);
            context.policies()
        }
        watcher::Event::InitDone => context
            .store
            .forget_others(|record| store.get(&ObjectRef::new(record)).is_some()),
        watcher::Event::Init => Vec::new(),
    };
    for policy in policies {
        // The receiver is dropped only when the process ends.
        let _ = wakes.unbounded_send(policy);
    }
}
