//! Leader election: of several operators for the same policies, only one works.

use std::time::Duration;

use k8s_openapi::api::coordination::v1 as coordination;
use kube::{Api, Client};
use kube_lease_manager::{LeaseManager, LeaseManagerBuilder};
use tokio::{sync::watch, task::JoinHandle, time::timeout};

use super::FIELD_MANAGER;

/// Duration of the lease without renewal, in seconds: the value of Kubernetes' own controllers.
pub(super) const LEASE_SECONDS: u64 = 15;

/// Duration of the lease without renewal.
pub const LEASE: Duration = Duration::from_secs(LEASE_SECONDS);

/// Seconds before its expiry at which the lease is renewed. Two more tries fit before it is lost,
/// and so does a whole write to AWS (`fence.rs` compares the two).
pub(super) const RENEW_SECONDS_BEFORE: u64 = 10;

/// Pause between two tries to set up the election or to renew the lease, while the API server
/// fails. At least three tries fit between a renewal that failed at once and the lease's expiry.
const PAUSE: Duration = Duration::from_secs(2);

/// Interval of the checks that the lease still exists.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// Timeout for releasing the lease. If the release fails, the next leader waits until the lease
/// expires.
const RELEASE: Duration = Duration::from_secs(2);

/// Lease that operators compete for.
#[derive(Clone, Debug)]
pub struct Lease {
    /// Name of the `Lease`.
    pub name: String,
    /// Namespace of the `Lease`.
    pub namespace: String,
    /// Identity of this process, unique among all competitors.
    pub identity: String,
}

/// Lease held by this process.
pub struct Leadership {
    lease: Lease,
    client: Client,
    leads: watch::Receiver<bool>,
    election: JoinHandle<()>,
}

impl Lease {
    /// Returns when this process leads, however long that takes. Until then, `waits` is called with
    /// the reason for waiting.
    pub async fn acquire(&self, client: &Client, mut waits: impl FnMut(String)) -> Leadership {
        loop {
            let manager = match self.manager(client).await {
                Ok(manager) => manager,
                Err(error) => {
                    waits(format!(
                        "the lease {}/{}: {error}",
                        self.namespace, self.name
                    ));
                    tokio::time::sleep(PAUSE).await;
                    continue;
                }
            };
            waits(format!(
                "the lease {}/{}, which another operator may hold",
                self.namespace, self.name
            ));
            let (sender, mut leads) = watch::channel(false);
            let election = tokio::spawn(compete(manager, sender));
            tokio::select! {
                // The election ends only after its last receiver, this one, is dropped.
                _ = leads.wait_for(|leads| *leads) => {}
                // The lease is created only when an election begins.
                () = self.deleted(client) => continue,
            }
            return Leadership {
                lease: self.clone(),
                client: client.clone(),
                leads,
                election,
            };
        }
    }

    /// Returns when the lease does not exist any more. The election does not notice its deletion.
    /// It would run without a lease for ever, and the next operator to start would lead as well.
    async fn deleted(&self, client: &Client) {
        let leases: Api<coordination::Lease> = Api::namespaced(client.clone(), &self.namespace);
        loop {
            tokio::time::sleep(LOOK_EVERY).await;
            if let Ok(None) = leases.get_metadata_opt(&self.name).await {
                return;
            }
        }
    }

    async fn manager(&self, client: &Client) -> kube_lease_manager::Result<LeaseManager> {
        LeaseManagerBuilder::new(client.clone(), &self.name)
            .with_namespace(&self.namespace)
            .with_identity(&self.identity)
            .with_field_manager(format!("{FIELD_MANAGER}-{}", self.identity))
            .with_duration(LEASE_SECONDS)
            .with_grace(RENEW_SECONDS_BEFORE)
            .build()
            .await
    }
}

/// Competes for the lease, renews it, and publishes its state. Releases the lease when `leads` has
/// no receiver any more.
///
/// [`LeaseManager::watch`] is not used. Its pause after an error doubles up to thirty seconds,
/// twice the lease's duration, and a renewal does not reset the pause. A few errors over the life
/// of the process would lose the lease.
async fn compete(manager: LeaseManager, leads: watch::Sender<bool>) {
    loop {
        let next = async {
            match manager.changed().await {
                Ok(held) => {
                    leads.send_replace(held);
                }
                Err(error) => {
                    tracing::warn!(%error, "the lease could not be read or renewed; retrying in {PAUSE:?}");
                    tokio::time::sleep(PAUSE).await;
                }
            }
        };
        tokio::select! {
            biased;
            () = leads.closed() => break,
            () = next => {}
        }
    }
    // If the release fails, the lease expires.
    if let Err(error) = manager.release().await {
        tracing::debug!(%error, "the lease could not be released");
    }
}

impl Leadership {
    /// Returns when the lease does not exist any more or no longer names this process.
    pub async fn lost(&mut self) {
        tokio::select! {
            _ = self.leads.wait_for(|leads| !*leads) => {}
            () = self.lease.deleted(&self.client) => {}
        }
    }

    /// Releases the lease, so that the next leader begins at once.
    pub async fn release(self) {
        drop(self.leads);
        let _ = timeout(RELEASE, self.election).await;
    }
}
