//! Counts the open records for claims *(reads)*.

use std::{collections::BTreeMap, time::Duration};

use tokio::time::Instant;

use crate::{
    controller::{Context, stored::read_stored},
    decide::{Candidate, PartialRecord, Tally},
    domain::{Policy, Record, RecordName},
    kubernetes::StoredRecord,
};

/// How long claims go by one list of the records, with what this process has made since.
///
/// A list of 10,000 records of which fifty are open takes 97 ms (measured with Kubernetes 1.36): as long as the API server waits until its
/// watch cache is as new as etcd. One list per claim would bound the claims of a process to ten a second. Within this time a count can only
/// say too much of what this process does, and a claim that is refused by it is judged again by a fresh one. Claims of another operator that
/// it does not have are caught by the count that precedes every Stop (promise P6).
const RECENT: Duration = Duration::from_secs(1);

/// The open records, of every policy.
#[derive(Debug)]
pub(in crate::controller) struct Count {
    listed_at: Instant,
    records: BTreeMap<String, Result<Record, PartialRecord>>,
}

impl Count {
    /// Lists them, past every cache of this process.
    pub(super) async fn list(context: &Context) -> Result<Self, kube::Error> {
        let listed_at = Instant::now();
        let open = context.records.open().await?;
        let records = open
            .iter()
            .map(|stored| (stored.name.clone(), read_stored(stored)));
        Ok(Self {
            listed_at,
            records: records.collect(),
        })
    }

    /// Returns true if claims may go by it.
    pub(super) fn is_recent(&self) -> bool {
        self.listed_at.elapsed() < RECENT
    }

    /// Adds a record that this process made.
    pub(super) fn add(&mut self, record: &Record) {
        let name = RecordName::of(&record.intent.notebook).to_string();
        self.records.insert(name, Ok(record.clone()));
    }

    /// Adds up the records for a policy. The record of the candidate's notebook is as it was read just then. Only the canary's evidence
    /// may be of a cache: it does no harm if it is late.
    pub(super) fn tally(
        &self,
        context: &Context,
        policy: &Policy,
        candidate: &Candidate,
        own: Option<&StoredRecord>,
    ) -> Tally {
        let mut tally = Tally::of(&policy.name, []);
        let mut add = |record: &Result<Record, PartialRecord>| match record {
            Ok(record) => tally.add(record),
            Err(partial) => tally.add_partial(partial),
        };
        let is_own = |name: &str| own.is_some_and(|own| own.name == name);
        let others = self.records.iter().filter(|(name, _)| !is_own(name));
        others.for_each(|(_, record)| add(record));
        if let Some(own) = own {
            add(&read_stored(own));
        }
        let (account, region) = (&candidate.account, &candidate.region);
        if context.known.is_proven(account, region) {
            tally.prove(account, region);
        }
        tally
    }
}
