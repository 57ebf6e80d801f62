//! What every pass needs.

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
    flights::Flights,
    known::KnownRecords,
    memory::Memory,
    remediation::LONGEST_HESITATION,
};
use crate::{
    aws::Aws,
    decide::Times,
    domain::{PolicyName, RetiredPlatforms},
    fleet::Fleet,
    kubernetes::{Announcer, CLOCK_SKEW, Fence, LEASE, PolicyList, Records, list_policies},
    observability::{Metrics, PolicyFacts},
};

/// How old the list of all policies may be that a pass or a claim goes by. A list takes a tenth of a second: as long as the API server waits
/// until its watch cache is as new as etcd.
const RECENT: Duration = Duration::from_secs(1);

/// How notebooks are changed.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// How often a notebook is looked at whose remediation is under way.
    pub poll_interval: Duration,
    /// After which a request that did not take is sent again.
    pub resend_after: Duration,
    /// After which a request that was sent can no longer arrive; never less than what the timeouts make sure of.
    pub settle: Duration,
    /// How long one request that changes something may take, from the credentials to the answer.
    pub write_timeout: Duration,
    /// How long finished records are kept.
    pub record_retention: Duration,
}

/// What acts: AWS, and what it is done by.
pub struct Acting {
    /// AWS, to write to.
    pub aws: Aws,
    /// Whether this process may act at all.
    pub fence: Fence,
    /// What names this operator among several: its Lease's name.
    pub operator: String,
    /// How.
    pub options: Options,
    /// The platforms on which AWS starts no stopped notebook.
    pub retired_platforms: RetiredPlatforms,
}

/// What every pass needs, shared by all.
pub struct Context {
    pub(super) clients: Clients,
    pub(super) aws: Aws,
    pub(super) fence: Fence,
    pub(super) records: Records,
    pub(super) options: Options,
    retired_platforms: RetiredPlatforms,
    /// Held while a notebook is claimed: one at a time. With the count that the last claim went by.
    pub(super) claims: tokio::sync::Mutex<Option<Count>>,
    pub(super) claim_breakers: Breakers,
    pub(super) flights: Flights,
    pub(super) known: KnownRecords,
    listed: Mutex<Listed>,
    pub(super) fleet: Fleet,
    pub(super) metrics: Metrics,
    pub(super) announcer: Announcer,
    pub(super) shutdown: CancellationToken,
    pub(super) failures: Failures,
    memories: Mutex<HashMap<PolicyName, Remembered>>,
    seen: Mutex<HashMap<String, Seen>>,
}

/// What a person can change about a policy.
#[derive(PartialEq, Eq)]
struct Seen {
    uid: Option<String>,
    generation: Option<i64>,
    annotations: BTreeMap<String, String>,
}

/// All policies of the cluster, as they were listed last.
#[derive(Default)]
struct Listed {
    last: Option<(Instant, Arc<PolicyList>)>,
    /// When the watch last told of a change: what was listed before may not show it.
    changed_at: Option<Instant>,
}

type Remembered = (String, Arc<tokio::sync::Mutex<Memory>>);

impl Context {
    /// A context that remembers nothing yet.
    #[must_use]
    pub fn new(
        clients: Clients,
        fleet: Fleet,
        acting: Acting,
        metrics: Metrics,
        shutdown: CancellationToken,
    ) -> Self {
        Self {
            announcer: Announcer::new(clients.requests.clone()),
            records: Records::new(clients.requests.clone(), acting.operator),
            aws: acting.aws,
            fence: acting.fence,
            options: acting.options,
            retired_platforms: acting.retired_platforms,
            claims: tokio::sync::Mutex::default(),
            claim_breakers: Breakers::default(),
            flights: Flights::default(),
            known: KnownRecords::new(metrics.clone()),
            listed: Mutex::default(),
            clients,
            fleet,
            metrics,
            shutdown,
            failures: Failures::default(),
            memories: Mutex::default(),
            seen: Mutex::default(),
        }
    }

    /// Cancelled when the process is to end.
    #[must_use]
    pub fn shutdown(&self) -> &CancellationToken {
        &self.shutdown
    }

    /// All policies of the cluster, as they were listed a moment ago at most, and not before the last change that the watch told of.
    pub(super) async fn recent_policies(&self) -> Result<Arc<PolicyList>, kube::Error> {
        if let Some(policies) = self.listed().recent() {
            return Ok(policies);
        }
        self.fresh_policies().await
    }

    /// All policies of the cluster as they are now.
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

    /// The policies that this operator looks after.
    pub(super) fn policies(&self) -> Vec<PolicyName> {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.keys().map(|policy| policy.as_str().into()).collect()
    }

    /// Whether this operator looks after a policy.
    pub(super) fn looks_after(&self, policy: &PolicyName) -> bool {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.contains_key(policy.as_str())
    }

    /// Whether a policy was changed by a person since it was last told of. One that was forgotten meanwhile is news.
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
        self.listed().outdate();
        self.failures.forget(policy);
        self.seen
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(policy);
    }

    /// As [`Self::forget`], of all policies but those that are there.
    pub(super) fn forget_others(&self, is_there: impl Fn(&str) -> bool) {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let names: Vec<String> = seen.keys().cloned().collect();
        drop(seen);
        for name in names.iter().filter(|name| !is_there(name)) {
            self.forget(name);
        }
    }

    fn memories(&self) -> MutexGuard<'_, HashMap<PolicyName, Remembered>> {
        self.memories.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Options {
    /// After which a record that nobody writes is adopted: longer than a lease lasts, and than a write takes to arrive.
    pub(super) fn abandoned_after(&self) -> Duration {
        self.times().settled_after() + LEASE
    }

    /// When a record that another operator looks after is looked at again: it may be abandoned by then.
    pub(super) fn second_look(&self) -> Duration {
        self.times().settled_after().min(Duration::from_mins(1))
    }

    /// The times that the decisions go by.
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

    /// Of two lists that were asked for at the same time the newer one stays.
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
