//! Counts the open records for claims *(reads)*.

use std::{collections::BTreeMap, time::Duration};

use tokio::time::Instant;

use crate::{
    controller::{Context, stored::read_stored},
    decide::{Candidate, PartialRecord, Usage},
    domain::{Policy, Record, RecordName},
    kubernetes::StoredRecord,
};

/// Lifetime of one list of the records for claims. Records that this process created since are
/// added.
///
/// A list of 10,000 records of which fifty are open takes 97 ms (measured with Kubernetes 1.36),
/// because the API server waits until its watch cache is as new as etcd. One list per claim would
/// limit the claims of a process to ten a second.
///
/// Within its lifetime a list can only overcount the records of this process. A claim rejected by
/// it is judged again by a fresh list. The list may lack claims of another operator. Those are
/// caught by the count before every Stop (promise P6).
const RECENT: Duration = Duration::from_secs(1);

/// Open records of all policies.
#[derive(Debug)]
pub(in crate::controller) struct Count {
    listed_at: Instant,
    records: BTreeMap<String, Result<Record, PartialRecord>>,
}

impl Count {
    /// Lists the open records, past every cache of this process.
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

    /// Returns true if the count is fresh enough for claims.
    pub(super) fn is_recent(&self) -> bool {
        self.listed_at.elapsed() < RECENT
    }

    /// Adds a record that this process created.
    pub(super) fn add(&mut self, record: &Record) {
        let name = RecordName::of(&record.intent.notebook).to_string();
        self.records.insert(name, Ok(record.clone()));
    }

    /// Adds up the records for a policy. The record of the candidate's own notebook is the one just
    /// read. Only the canary's proof may come from a cache, because a late proof does no harm.
    pub(super) fn usage(
        &self,
        context: &Context,
        policy: &Policy,
        candidate: &Candidate,
        own: Option<&StoredRecord>,
    ) -> Usage {
        let mut usage = Usage::of(&policy.name, []);
        let mut add = |record: &Result<Record, PartialRecord>| match record {
            Ok(record) => usage.add(record),
            Err(partial) => usage.add_partial(partial),
        };
        let is_own = |name: &str| own.is_some_and(|own| own.name == name);
        let others = self.records.iter().filter(|(name, _)| !is_own(name));
        others.for_each(|(_, record)| add(record));
        if let Some(own) = own {
            add(&read_stored(own));
        }
        let (account, region) = (&candidate.account, &candidate.region);
        if context.store.is_canary_passed(account, region) {
            usage.mark_canary_passed(account, region);
        }
        usage
    }
}
