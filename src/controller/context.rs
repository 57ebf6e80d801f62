//! What every pass needs.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use kube::Client;
use tokio_util::sync::CancellationToken;

use super::{backoff::Failures, memory::Memory};
use crate::{
    domain::PolicyName,
    inventory::Inventory,
    kubernetes::Announcer,
    observability::{Metrics, PolicyFacts},
};

/// The API server, for two purposes.
#[derive(Clone)]
pub struct Clients {
    /// For watches, which may be silent for long.
    pub watches: Client,
    /// For everything else: a request that is not answered fails, so that no pass hangs on it.
    pub requests: Client,
}

/// What every pass needs, shared by all.
pub struct Context {
    pub(super) clients: Clients,
    pub(super) inventory: Inventory,
    pub(super) metrics: Metrics,
    pub(super) announcer: Announcer,
    pub(super) shutdown: CancellationToken,
    pub(super) failures: Failures,
    memories: Mutex<HashMap<PolicyName, Remembered>>,
}

type Remembered = (String, Arc<tokio::sync::Mutex<Memory>>);

impl Context {
    /// A context that remembers nothing yet.
    #[must_use]
    pub fn new(
        clients: Clients,
        inventory: Inventory,
        metrics: Metrics,
        shutdown: CancellationToken,
    ) -> Self {
        Self {
            announcer: Announcer::new(clients.requests.clone()),
            clients,
            inventory,
            metrics,
            shutdown,
            failures: Failures::default(),
            memories: Mutex::default(),
        }
    }

    /// Cancelled when the process is to end.
    #[must_use]
    pub fn shutdown(&self) -> &CancellationToken {
        &self.shutdown
    }

    /// What is remembered of a policy; nothing, if it was deleted and made anew.
    pub(super) fn memory(&self, policy: &PolicyName, uid: &str) -> Arc<tokio::sync::Mutex<Memory>> {
        let mut memories = self.memories();
        match memories.get(policy) {
            Some((known, memory)) if known == uid => Arc::clone(memory),
            _ => {
                let memory = Arc::default();
                memories.insert(policy.clone(), (uid.to_owned(), Arc::clone(&memory)));
                memory
            }
        }
    }

    /// Shows a pass's facts in the metrics, unless the policy was deleted during the pass.
    pub(super) fn show(&self, policy: &PolicyName, uid: &str, facts: PolicyFacts) {
        let memories = self.memories();
        if memories.get(policy).is_some_and(|(known, _)| known == uid) {
            self.metrics.published(policy, facts);
        }
    }

    /// A policy is gone, and with it its series and what only it was interested in.
    pub(super) fn forget(&self, policy: &str) {
        let name = PolicyName::from(policy);
        let mut memories = self.memories();
        if memories.remove(&name).is_some() {
            tracing::info!(policy, "policy is gone");
        }
        self.metrics.forget(&name);
        self.failures.forget(policy);
    }

    /// As [`Self::forget`], of all policies but those that are there.
    pub(super) fn forget_others(&self, is_there: impl Fn(&str) -> bool) {
        let names: Vec<PolicyName> = self.memories().keys().cloned().collect();
        for name in names.iter().filter(|name| !is_there(name.as_str())) {
            self.forget(name.as_str());
        }
    }

    fn memories(&self) -> MutexGuard<'_, HashMap<PolicyName, Remembered>> {
        self.memories.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
