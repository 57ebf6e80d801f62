//! Leader election: of several operators that look after the same policies, one is at work.

use std::time::Duration;

use k8s_openapi::api::coordination::v1 as coordination;
use kube::{Api, Client};
use kube_lease_manager::{LeaseManager, LeaseManagerBuilder};
use tokio::{sync::watch, task::JoinHandle, time::timeout};

use super::FIELD_MANAGER;

/// Seconds after which a lease that is not renewed is anybody's: what Kubernetes' own controllers use.
pub(super) const LEASE_SECONDS: u64 = 15;

/// The same as a duration.
pub const LEASE: Duration = Duration::from_secs(LEASE_SECONDS);

/// Seconds before that at which it is renewed: two more tries fit before it is lost, and a whole write
/// to AWS (`fence.rs` holds the two together).
pub(super) const RENEW_SECONDS_BEFORE: u64 = 10;

/// Between two tries to set up the election, or to renew the lease, while the API server does not answer or refuses: at least three
/// tries fit between a renewal that failed at once and the lease's end.
const PAUSE: Duration = Duration::from_secs(2);

/// Between two looks at whether the lease is still there.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// How long giving the lease back may take. Without it the next leader waits until it runs out.
const RELEASE: Duration = Duration::from_secs(2);

/// The lease that operators compete for.
#[derive(Clone, Debug)]
pub struct Lease {
    /// The name of the `Lease`.
    pub name: String,
    /// Its namespace.
    pub namespace: String,
    /// This process, unlike every other one that competes.
    pub identity: String,
}

/// The lease, held.
pub struct Leadership {
    lease: Lease,
    client: Client,
    leads: watch::Receiver<bool>,
    election: JoinHandle<()>,
}

impl Lease {
    /// Returns once this process leads, however long that takes. Until then `waits` is told what for.
    pub async fn acquire(&self, client: &Client, mut waits: impl FnMut(String)) -> Leadership {
        loop {
            let manager = match self.manager(client).await {
                Ok(manager) => manager,
                Err(error) => {
                    waits(format!(
                        "lease {}/{}, which cannot be used: {error}",
                        self.namespace, self.name
                    ));
                    tokio::time::sleep(PAUSE).await;
                    continue;
                }
            };
            waits(format!(
                "its turn: another operator may hold the lease {}/{}",
                self.namespace, self.name
            ));
            let (sender, mut leads) = watch::channel(false);
            let election = tokio::spawn(compete(manager, sender));
            tokio::select! {
                // The election ends only after its last receiver is dropped, which is this one.
                _ = leads.wait_for(|leads| *leads) => {}
                // It is made only when an election begins.
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

    /// Returns when the lease is gone. The election does not notice: it would go on without one for ever, and whoever
    /// starts next would lead as well.
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

/// Competes for the lease, renews it, and publishes whether it is held. Gives the lease back when `leads` has no receiver any more.
///
/// [`LeaseManager::watch`] is not used: its pause after an error doubles up to thirty seconds, twice the lease's duration, and a
/// renewal does not reset the pause. A few errors within the life of the process would cost the lease.
async fn compete(manager: LeaseManager, leads: watch::Sender<bool>) {
    loop {
        let next = async {
            match manager.changed().await {
                Ok(held) => {
                    leads.send_replace(held);
                }
                Err(error) => {
                    tracing::warn!(%error, "the lease could not be read or renewed; trying again in {PAUSE:?}");
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
    // The lease runs out if it cannot be given back.
    if let Err(error) = manager.release().await {
        tracing::debug!(%error, "the lease could not be given back");
    }
}

impl Leadership {
    /// Returns when the lease no longer names this process, or is gone.
    pub async fn lost(&mut self) {
        tokio::select! {
            _ = self.leads.wait_for(|leads| !*leads) => {}
            () = self.lease.deleted(&self.client) => {}
        }
    }

    /// Gives the lease back, so that the next leader begins at once.
    pub async fn release(self) {
        drop(self.leads);
        let _ = timeout(RELEASE, self.election).await;
    }
}
