//! Shared state of all passes.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use kube::ResourceExt;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{
    backoff::Failures,
    claim::{Breakers, Count},
    clients::Clients,
    remediation::LONGEST_HESITATION,
    state::PolicyState,
    store::RemediationStore,
    target_clients::TargetClients,
};
use crate::{
    aws::Aws,
    decide::Times,
    domain::{PolicyName, RetiredPlatforms},
    fleet::Fleet,
    kubernetes::{CLOCK_SKEW, EventRecorder, Fence, LEASE, PolicyList, Records, list_policies},
    observability::{Metrics, PolicyFacts},
};

/// Maximum age of the list of policies that a pass or a claim uses. A list takes a tenth of a
/// second, because the API server waits until its watch cache is as new as etcd.
const RECENT: Duration = Duration::from_secs(1);

/// Options for changing notebooks.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Polling interval for notebooks under remediation.
    pub poll_interval: Duration,
    /// Delay before resending a request that had no effect.
    pub resend_after: Duration,
    /// Time after which a sent request can no longer arrive at AWS. If the timeouts guarantee only
    /// a longer time, that time applies.
    pub settle: Duration,
    /// Timeout of a request that changes a notebook, from the credentials to the answer.
    pub write_timeout: Duration,
    /// Retention of finished records.
    pub record_retention: Duration,
}

/// The means to change notebooks.
pub struct Acting {
    /// The AWS clients, which also write.
    pub aws: Aws,
    /// The fence, which permits or forbids this process to write.
    pub fence: Fence,
    /// Name of this operator's Lease, which is unique among several operators.
    pub operator: String,
    /// Options for changing notebooks.
    pub options: Options,
    /// Platforms on which AWS does not start stopped notebooks.
    pub retired_platforms: RetiredPlatforms,
}

/// Shared state of all passes.
pub struct Context {
    pub(super) clients: Clients,
    pub(super) aws: Aws,
    pub(super) fence: Fence,
    pub(super) records: Records,
    pub(super) options: Options,
    retired_platforms: RetiredPlatforms,
    /// Held while a notebook is claimed, so that claims are made one at a time. Contains the count
    /// that the last claim used.
    pub(super) claims: tokio::sync::Mutex<Option<Count>>,
    pub(super) claim_breakers: Breakers,
    pub(super) target_clients: TargetClients,
    pub(super) store: RemediationStore,
    listed: Mutex<Listed>,
    pub(super) fleet: Fleet,
    pub(super) metrics: Metrics,
    pub(super) event_recorder: EventRecorder,
    pub(super) shutdown: CancellationToken,
    pub(super) failures: Failures,
    states: Mutex<HashMap<PolicyName, Remembered>>,
    seen: Mutex<HashMap<String, Seen>>,
}

/// The parts of a policy that a person can change.
#[derive(PartialEq, Eq)]
struct Seen {
    uid: Option<String>,
    generation: Option<i64>,
    annotations: BTreeMap<String, String>,
}

/// The last list of all policies in the cluster.
#[derive(Default)]
struct Listed {
    last: Option<(Instant, Arc<PolicyList>)>,
    /// Time of the last change seen by the watch. Earlier lists may not contain the change.
    changed_at: Option<Instant>,
}

type Remembered = (String, Arc<tokio::sync::Mutex<PolicyState>>);

impl Context {
    /// Creates a context without remembered state.
    #[must_use]
    pub fn new(
        clients: Clients,
        fleet: Fleet,
        acting: Acting,
        metrics: Metrics,
        shutdown: CancellationToken,
    ) -> Self {
        Self {
            event_recorder: EventRecorder::new(clients.requests.clone()),
            records: Records::new(clients.requests.clone(), acting.operator),
            aws: acting.aws,
            fence: acting.fence,
            options: acting.options,
            retired_platforms: acting.retired_platforms,
            claims: tokio::sync::Mutex::default(),
            claim_breakers: Breakers::default(),
            target_clients: TargetClients::default(),
            store: RemediationStore::new(metrics.clone()),
            listed: Mutex::default(),
            clients,
            fleet,
            metrics,
            shutdown,
            failures: Failures::default(),
            states: Mutex::default(),
            seen: Mutex::default(),
        }
    }

    /// Returns the token that is cancelled when the process must end.
    #[must_use]
    pub fn shutdown(&self) -> &CancellationToken {
        &self.shutdown
    }

    /// Returns all policies of the cluster. The list is at most [`RECENT`] old, and not older than
    /// the last change seen by the watch.
    pub(super) async fn recent_policies(&self) -> Result<Arc<PolicyList>, kube::Error> {
        if let Some(policies) = self.listed().recent() {
            return Ok(policies);
        }
        self.fresh_policies().await
    }

    /// Lists all policies of the cluster now.
    async fn fresh_policies(&self) -> Result<Arc<PolicyList>, kube::Error> {
        let asked_at = Instant::now();
        let mut policies = list_policies(&self.clients.requests).await?;
        policies
            .policies
            .retired_platforms
            .clone_from(&self.retired_platforms);
        let policies = Arc::new(policies);
        self.listed().keep(asked_at, &policies);
        Ok(policies)
    }

    fn listed(&self) -> MutexGuard<'_, Listed> {
        self.listed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the policies that this operator is responsible for.
    pub(super) fn policies(&self) -> Vec<PolicyName> {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.keys().map(|policy| policy.as_str().into()).collect()
    }

    /// Returns true if this operator is responsible for a policy.
    pub(super) fn looks_after(&self, policy: &PolicyName) -> bool {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.contains_key(policy.as_str())
    }

    /// Returns true if a person changed the policy since the last call, or if the policy was
    /// forgotten meanwhile.
    pub(super) fn is_news(&self, policy: &impl ResourceExt) -> bool {
        let seen = Seen {
            uid: policy.uid(),
            generation: policy.meta().generation,
            annotations: policy.annotations().clone(),
        };
        let mut all = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let name = policy.name_any();
        if all.get(&name) == Some(&seen) {
            return false;
        }
        all.insert(name, seen);
        self.listed().outdate();
        true
    }

    /// Returns the state of a policy. The state is empty if the policy was deleted and created
    /// again.
    pub(super) fn policy_state(
        &self,
        policy: &PolicyName,
        uid: &str,
    ) -> Arc<tokio::sync::Mutex<PolicyState>> {
        let mut states = self.states();
        match states.get(policy) {
            Some((known, state)) if known == uid => Arc::clone(state),
            _ => {
                let state = Arc::default();
                states.insert(policy.clone(), (uid.to_owned(), Arc::clone(&state)));
                state
            }
        }
    }

    /// Exports a pass's facts as metrics, unless the policy was deleted during the pass.
    pub(super) fn show(&self, policy: &PolicyName, uid: &str, facts: PolicyFacts) {
        let states = self.states();
        if states.get(policy).is_some_and(|(known, _)| known == uid) {
            self.metrics.published(policy, facts);
        }
    }

    /// Forgets a deleted policy, its metrics and its failures.
    pub(super) fn forget(&self, policy: &str) {
        let name = PolicyName::from(policy);
        let mut states = self.states();
        if states.remove(&name).is_some() {
            tracing::info!(policy, "policy was deleted");
        }
        self.metrics.forget(&name);
        self.listed().outdate();
        self.failures.forget(policy);
        self.seen
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(policy);
    }

    /// Forgets all policies for which `is_there` returns false, as [`Self::forget`] does.
    pub(super) fn forget_others(&self, is_there: impl Fn(&str) -> bool) {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let names: Vec<String> = seen.keys().cloned().collect();
        drop(seen);
        for name in names.iter().filter(|name| !is_there(name)) {
            self.forget(name);
        }
    }

    fn states(&self) -> MutexGuard<'_, HashMap<PolicyName, Remembered>> {
        self.states.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Options {
    /// Returns the time after which an unwritten record is adopted. It is longer than a lease lasts
    /// and a write takes to arrive.
    pub(super) fn abandoned_after(&self) -> Duration {
        self.times().settled_after() + LEASE
    }

    /// Returns the delay before another operator's record is checked again. The record may be
    /// abandoned by then.
    pub(super) fn second_look(&self) -> Duration {
        self.times().settled_after().min(Duration::from_mins(1))
    }

    /// Returns the times that the decisions use.
    pub(super) fn times(&self) -> Times {
        Times {
            resend_after: self.resend_after,
            settle: self.settle,
            write_bound: LONGEST_HESITATION + self.write_timeout + CLOCK_SKEW,
        }
    }
}

impl Listed {
    fn recent(&self) -> Option<Arc<PolicyList>> {
        let (asked_at, policies) = self.last.as_ref()?;
        let is_recent = asked_at.elapsed() < RECENT && Some(*asked_at) >= self.changed_at;
        is_recent.then(|| Arc::clone(policies))
    }

    /// Keeps a list, unless the kept list was requested later.
    fn keep(&mut self, asked_at: Instant, policies: &Arc<PolicyList>) {
        if self
            .last
            .as_ref()
            .is_none_or(|(before, _)| *before <= asked_at)
        {
            self.last = Some((asked_at, Arc::clone(policies)));
        }
    }

    fn outdate(&mut self) {
        self.changed_at = Some(Instant::now());
    }
}
