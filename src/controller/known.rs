//! The records as the watch tells of them, for planning and for the metrics. They may be late: nothing is done by them alone.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use kube::ResourceExt;

use crate::{
    api::NotebookRemediation,
    decide::{PartialRecord, read_record},
    domain::{AccountId, PolicyName, Record, Region},
    observability::{Metrics, RecordFacts},
};

/// The records as they are known.
#[derive(Debug)]
pub(super) struct KnownRecords {
    metrics: Metrics,
    records: Mutex<BTreeMap<String, Arc<Record>>>,
    invalid: Mutex<BTreeMap<String, PartialRecord>>,
    told: Mutex<HashMap<String, Told>>,
}

/// What others than this operator can change about a record: it is deleted, or one of its name is made anew.
type Told = (Option<String>, bool);

impl KnownRecords {
    pub(super) fn new(metrics: Metrics) -> Self {
        Self {
            metrics,
            records: Mutex::default(),
            invalid: Mutex::default(),
            told: Mutex::default(),
        }
    }

    /// A record is there, or changed. Returns its policy where that policy's plan may be another one now.
    pub(super) fn changed(&self, resource: &NotebookRemediation) -> Option<PolicyName> {
        let name = resource.name_any();
        match read_record(resource) {
            Ok(record) => self.add(&name, record),
            Err(problem) => {
                tracing::warn!(record = name, %problem, "record cannot be understood; its notebook is left alone");
                let object = serde_json::to_value(resource).unwrap_or_default();
                self.add_invalid(PartialRecord::new(&name, &object, problem.to_string()));
                None
            }
        }
    }

    /// A record is there that cannot be understood.
    pub(super) fn add_invalid(&self, record: PartialRecord) {
        self.locked().remove(&record.name);
        self.metrics.record_changed(&record.name, None);
        self.invalid_locked().insert(record.name.clone(), record);
    }

    /// The records that cannot be understood.
    pub(super) fn invalid(&self) -> Vec<PartialRecord> {
        self.invalid_locked().values().cloned().collect()
    }

    /// The same of one that was just made.
    pub(super) fn add(&self, name: &str, record: Record) -> Option<PolicyName> {
        self.metrics
            .record_changed(name, Some(RecordFacts::of(&record)));
        self.invalid_locked().remove(name);
        let record = Arc::new(record);
        let before = self.locked().insert(name.to_owned(), Arc::clone(&record));
        let is_news = before.is_none_or(|before| before.progress.state != record.progress.state);
        is_news.then(|| record.intent.policy.clone())
    }

    /// Whether a record was made or deleted by somebody since this was last asked. Its own status says nothing new: each pass tells
    /// when the next is due.
    pub(super) fn is_news(&self, record: &impl ResourceExt) -> bool {
        let told = (record.uid(), record.meta().deletion_timestamp.is_some());
        let mut all = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        all.insert(record.name_any(), told.clone()) != Some(told)
    }

    /// A record is gone; returns its policy.
    pub(super) fn gone(&self, name: &str) -> Option<PolicyName> {
        self.told
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(name);
        self.metrics.record_changed(name, None);
        self.invalid_locked().remove(name);
        let record = self.locked().remove(name)?;
        Some(record.intent.policy.clone())
    }

    /// Forgets what is not there any more: what went while the watch was interrupted is told of by its absence only.
    pub(super) fn forget_others(&self, is_there: impl Fn(&str) -> bool) -> Vec<PolicyName> {
        let mut names: Vec<String> = self.locked().keys().cloned().collect();
        names.extend(self.invalid_locked().keys().cloned());
        names
            .iter()
            .filter(|name| !is_there(name))
            .filter_map(|name| self.gone(name))
            .collect()
    }

    pub(super) fn all(&self) -> Vec<Arc<Record>> {
        self.locked().values().cloned().collect()
    }

    /// Whether a restarted notebook came back in an account and region: the canary's evidence.
    pub(super) fn is_proven(&self, account: &AccountId, region: &Region) -> bool {
        self.locked().values().any(|record| {
            record.shows_a_return()
                && record.intent.notebook.account == *account
                && record.intent.notebook.region == *region
        })
    }

    fn invalid_locked(&self) -> MutexGuard<'_, BTreeMap<String, PartialRecord>> {
        self.invalid.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn locked(&self) -> MutexGuard<'_, BTreeMap<String, Arc<Record>>> {
        self.records.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
