//! In-memory state of unfinished remediations, such as the clients of their accounts. All of it can
//! be lost.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::Duration,
};

use kube::ResourceExt;
use tokio::time::Instant;

use super::Context;
use crate::{
    api::{NotebookRemediation, NotebookRemediationStatus},
    aws::{Aws, TargetReader, TargetWriter},
    domain::{Record, TargetKey},
};

/// State of the unfinished remediations.
#[derive(Debug, Default)]
pub(super) struct TargetClients(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    records: HashMap<String, Remembered>,
    /// One client for each access to an account and region, so that its requests share a rate
    /// limit.
    target_clients: HashMap<TargetKey, Weak<TargetClient>>,
    /// True if the API server was seen to store every field of a record's status.
    stores_every_field: bool,
}

#[derive(Debug)]
struct Remembered {
    client: Arc<TargetClient>,
    unreadable: u32,
    pruned: Option<Pruned>,
    /// Status that this process wrote last.
    written: Option<NotebookRemediationStatus>,
    /// Number of the last Start that ended in status Failed.
    failed_start: u32,
    adoption: Adoption,
}

/// State of a record whose own operator may be gone.
#[derive(Debug, Default)]
struct Adoption {
    /// The resourceVersion that needed a write, and the time when this was first seen.
    overdue: Option<(Option<String>, Instant)>,
    /// Time when AWS last denied this process a request for the record's notebook.
    denied_at: Option<Instant>,
}

/// A status that the API server did not store as sent.
#[derive(Debug)]
struct Pruned {
    resource_version: Option<String>,
    sent: NotebookRemediationStatus,
}

/// Clients for one account and region.
#[derive(Debug)]
pub(super) struct TargetClient {
    /// Account, region and access.
    pub(super) key: TargetKey,
    pub(super) reader: TargetReader,
    pub(super) writer: TargetWriter,
}

impl TargetClients {
    /// Returns the client that last reached a record's notebook, at first the client with the
    /// record's access.
    pub(super) fn client(
        &self,
        name: &str,
        record: &Record,
        context: &Context,
    ) -> Arc<TargetClient> {
        let mut state = self.locked();
        if let Some(remembered) = state.records.get(name) {
            return Arc::clone(&remembered.client);
        }
        let client = state.reach(&record.intent.key(), &context.aws);
        let remembered = Remembered {
            client: Arc::clone(&client),
            unreadable: 0,
            pruned: None,
            written: None,
            failed_start: 0,
            adoption: Adoption::default(),
        };
        state.records.insert(name.to_owned(), remembered);
        client
    }

    /// Remembers the client that reached a record's notebook.
    pub(super) fn reached(&self, name: &str, client: &Arc<TargetClient>) {
        if let Some(remembered) = self.locked().records.get_mut(name) {
            remembered.client = Arc::clone(client);
        }
    }

    /// Returns the client of a key. Callers with the same key share it.
    pub(super) fn reach(&self, key: &TargetKey, aws: &Aws) -> Arc<TargetClient> {
        self.locked().reach(key, aws)
    }

    /// Counts a failed read of the notebook. Returns the number of consecutive failures.
    pub(super) fn unreadable(&self, name: &str) -> u32 {
        let mut state = self.locked();
        let Some(remembered) = state.records.get_mut(name) else {
            return 1;
        };
        remembered.unreadable = remembered.unreadable.saturating_add(1);
        remembered.unreadable
    }

    /// Resets the count of failed reads.
    pub(super) fn readable(&self, name: &str) {
        if let Some(remembered) = self.locked().records.get_mut(name) {
            remembered.unreadable = 0;
        }
    }

    /// Remembers the status that this process wrote, as the API server returned it.
    pub(super) fn wrote(&self, stored: &NotebookRemediation) {
        if let Some(remembered) = self.locked().records.get_mut(&stored.name_any()) {
            remembered.written.clone_from(&stored.status);
        }
    }

    /// Returns true if this process wrote the record's present status.
    pub(super) fn is_last_writer(&self, record: &NotebookRemediation) -> bool {
        let state = self.locked();
        let remembered = state.records.get(&record.name_any());
        let written = remembered.and_then(|remembered| remembered.written.as_ref());
        written.is_some() && written == record.status.as_ref()
    }

    /// Returns how long this version of the record has needed a write that no operator made. The
    /// first call for a version returns zero.
    pub(super) fn overdue_for(&self, record: &NotebookRemediation) -> Duration {
        let mut state = self.locked();
        let Some(remembered) = state.records.get_mut(&record.name_any()) else {
            return Duration::ZERO;
        };
        let version = record.resource_version();
        match &remembered.adoption.overdue {
            Some((known, since)) if *known == version => since.elapsed(),
            _ => {
                remembered.adoption.overdue = Some((version, Instant::now()));
                Duration::ZERO
            }
        }
    }

    /// Remembers that AWS denied this process a request for the record's notebook.
    pub(super) fn denied(&self, name: &str) {
        if let Some(remembered) = self.locked().records.get_mut(name) {
            remembered.adoption.denied_at = Some(Instant::now());
        }
    }

    /// Returns true if AWS denied this process a request for the record's notebook less than
    /// `within` ago.
    pub(super) fn was_denied(&self, name: &str, within: Duration) -> bool {
        let state = self.locked();
        let denied_at = state
            .records
            .get(name)
            .and_then(|remembered| remembered.adoption.denied_at);
        denied_at.is_some_and(|denied_at| denied_at.elapsed() < within)
    }

    /// Remembers that the API server stored `stored`, which is less than `sent`. Returns true the
    /// first time for a record.
    pub(super) fn pruned(
        &self,
        stored: &NotebookRemediation,
        sent: NotebookRemediationStatus,
    ) -> bool {
        let mut state = self.locked();
        state.stores_every_field = false;
        let Some(remembered) = state.records.get_mut(&stored.name_any()) else {
            return true;
        };
        let resource_version = stored.resource_version();
        let pruned = Pruned {
            resource_version,
            sent,
        };
        remembered.pruned.replace(pruned).is_none()
    }

    /// Returns true if a dry run showed that the API server stores every field, and no status was
    /// pruned since.
    pub(super) fn every_field_is_stored(&self) -> bool {
        self.locked().stores_every_field
    }

    /// Remembers that a dry run showed that the API server stores every field.
    pub(super) fn stores_every_field(&self) {
        self.locked().stores_every_field = true;
    }

    /// Returns true if the API server once stored a status of this record in part. The record may
    /// then lack the reason of a rollback.
    pub(super) fn has_pruned(&self, name: &str) -> bool {
        let state = self.locked();
        let remembered = state.records.get(name);
        remembered.is_some_and(|remembered| remembered.pruned.is_some())
    }

    /// Returns true if this status was sent for this version of the record and stored in part.
    /// Sending the status again would store no more.
    pub(super) fn was_pruned(
        &self,
        stored: &NotebookRemediation,
        status: &NotebookRemediationStatus,
    ) -> bool {
        let state = self.locked();
        let pruned = state
            .records
            .get(&stored.name_any())
            .and_then(|remembered| remembered.pruned.as_ref());
        pruned.is_some_and(|pruned| {
            pruned.resource_version == stored.resource_version() && pruned.sent == *status
        })
    }

    /// Remembers that the Start with this number ended in status Failed. Returns true the first
    /// time for a Start.
    pub(super) fn is_first_failure(&self, name: &str, start: u32) -> bool {
        let mut state = self.locked();
        let known = state.records.get_mut(name);
        known.is_some_and(|known| std::mem::replace(&mut known.failed_start, start) != start)
    }

    /// Forgets a record that is finished or deleted.
    pub(super) fn forget(&self, name: &str) {
        self.locked().records.remove(name);
    }

    fn locked(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn reach(&mut self, key: &TargetKey, aws: &Aws) -> Arc<TargetClient> {
        if let Some(client) = self.target_clients.get(key).and_then(Weak::upgrade) {
            return client;
        }
        self.target_clients
            .retain(|_, client| client.strong_count() > 0);
        let client = Arc::new(TargetClient {
            key: key.clone(),
            reader: aws.reader(key),
            writer: aws.writer(key),
        });
        self.target_clients
            .insert(key.clone(), Arc::downgrade(&client));
        client
    }
}
