//! Records as seen by the watch, for planning and for the metrics. They may be outdated, so no
//! action is based on them alone.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use kube::ResourceExt;

use crate::{
    api::{NotebookRemediation, RecordState},
    decide::{PartialRecord, Usage, read_record},
    domain::{AccountId, PolicyName, Record, Region},
    kubernetes::has_finalizer,
    observability::{Metrics, RecordFacts},
};

/// Cache of the records that the watch has seen.
#[derive(Debug)]
pub(super) struct RemediationStore {
    metrics: Metrics,
    records: Mutex<BTreeMap<String, Arc<Record>>>,
    invalid: Mutex<BTreeMap<String, PartialRecord>>,
    told: Mutex<HashMap<String, Told>>,
    /// Records with a finalizer.
    held: Mutex<HashSet<String>>,
}

/// UID and deletion of a record, as other writers than this operator change them.
type Told = (Option<String>, bool);

impl RemediationStore {
    pub(super) fn new(metrics: Metrics) -> Self {
        Self {
            metrics,
            records: Mutex::default(),
            invalid: Mutex::default(),
            told: Mutex::default(),
            held: Mutex::default(),
        }
    }

    /// Adds or replaces a record. Returns its policy if the policy's plan may have changed.
    pub(super) fn changed(&self, resource: &NotebookRemediation) -> Option<PolicyName> {
        let name = resource.name_any();
        match read_record(resource) {
            Ok(record) => self.add(&name, record),
            Err(problem) => {
                tracing::warn!(record = name, %problem, "record is invalid; its notebook is left alone");
                let object = serde_json::to_value(resource).unwrap_or_default();
                self.add_invalid(PartialRecord::new(&name, &object, problem.to_string()));
                None
            }
        }
    }

    /// Returns the policy of a cancelled record that lost its finalizer. Only now can another
    /// record take its place, and the plan after its last state may have come too early.
    pub(super) fn released(&self, resource: &NotebookRemediation) -> Option<PolicyName> {
        let name = resource.name_any();
        let mut held = self.held_locked();
        if has_finalizer(resource) {
            held.insert(name);
            return None;
        }
        let state = resource.status.as_ref().and_then(|status| status.state);
        let is_released = held.remove(&name) && state == Some(RecordState::Cancelled);
        is_released.then(|| resource.spec.policy.as_str().into())
    }

    /// Adds an invalid record.
    pub(super) fn add_invalid(&self, record: PartialRecord) {
        self.locked().remove(&record.name);
        self.metrics.record_changed(&record.name, None);
        self.invalid_locked().insert(record.name.clone(), record);
    }

    /// Adds up all records for a policy's plan.
    pub(super) fn usage(&self, policy: &PolicyName) -> Usage {
        let mut usage = Usage::of(policy, self.all().iter().map(Arc::as_ref));
        for record in self.invalid_locked().values() {
            usage.add_partial(record);
        }
        usage
    }

    /// Adds a record that was just created, unless the watch has already seen it. The watch's
    /// version is newer.
    pub(super) fn add_created(&self, name: &str, record: Record) {
        let created_at = record.created_at;
        self.put(name, record, |known| known.created_at < created_at);
    }

    fn add(&self, name: &str, record: Record) -> Option<PolicyName> {
        self.put(name, record, |_| true)
    }

    /// Replaces the known record if `replaces` returns true for it. Returns the policy if the
    /// record's state changed.
    fn put(
        &self,
        name: &str,
        record: Record,
        replaces: impl FnOnce(&Record) -> bool,
    ) -> Option<PolicyName> {
        let record = Arc::new(record);
        let mut records = self.locked();
        let known = records.get(name);
        if known.is_some_and(|known| !replaces(known)) {
            return None;
        }
        let is_news = known.is_none_or(|known| known.progress.state != record.progress.state);
        self.metrics
            .record_changed(name, Some(RecordFacts::of(&record)));
        self.invalid_locked().remove(name);
        records.insert(name.to_owned(), Arc::clone(&record));
        is_news.then(|| record.intent.policy.clone())
    }

    /// Returns true if the record was created or deleted by another writer since the last call.
    /// Status changes do not count, because each pass itself schedules the next.
    pub(super) fn is_news(&self, record: &impl ResourceExt) -> bool {
        let told = (record.uid(), record.meta().deletion_timestamp.is_some());
        let mut all = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        all.insert(record.name_any(), told.clone()) != Some(told)
    }

    /// Removes a record, and returns its policy.
    pub(super) fn gone(&self, name: &str) -> Option<PolicyName> {
        self.told
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(name);
        self.held_locked().remove(name);
        self.metrics.record_changed(name, None);
        self.invalid_locked().remove(name);
        let record = self.locked().remove(name)?;
        Some(record.intent.policy.clone())
    }

    /// Removes the records that do not exist any more, and returns their policies. Objects deleted
    /// while the watch was down send no event; they are merely absent from the relist.
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

    /// Returns true if a restarted notebook came back in an account and region, which proves the
    /// canary.
    pub(super) fn is_canary_passed(&self, account: &AccountId, region: &Region) -> bool {
        self.locked().values().any(|record| {
            record.shows_a_return()
                && record.intent.notebook.account == *account
                && record.intent.notebook.region == *region
        })
    }

    fn held_locked(&self) -> MutexGuard<'_, HashSet<String>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn invalid_locked(&self) -> MutexGuard<'_, BTreeMap<String, PartialRecord>> {
        self.invalid.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn locked(&self) -> MutexGuard<'_, BTreeMap<String, Arc<Record>>> {
        self.records.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{domain::RecordState, observability::BuildInfo};

    fn resource(created_at: &str, state: &str) -> NotebookRemediation {
        let arn = "arn:aws:sagemaker:eu-west-1:111122223333:notebook-instance/churn";
        let resource = json!({
            "apiVersion": "sudoless.dev/v1alpha1",
            "kind": "NotebookRemediation",
            "metadata": {"name": "churn", "creationTimestamp": created_at},
            "spec": {
                "policy": "no-root",
                "notebook": {"arn": arn, "account": "111122223333", "region": "eu-west-1", "name": "churn"},
                "access": {"role": "sudoless"},
                "wasRunning": false,
                "timeouts": {"stop": "30m", "update": "15m", "start": "60m"},
                "recurrence": 0,
            },
            "status": {"state": state},
        });
        serde_json::from_value(resource).unwrap()
    }

    /// The watch may see a record, and its end, before the create is answered.
    #[test]
    fn a_created_record_replaces_only_an_older_one() {
        for (told, is_replaced) in [
            (resource("2026-06-01T12:00:00Z", "Succeeded"), true),
            (resource("2026-06-01T12:00:05Z", "Updating"), false),
            (resource("2026-06-01T12:00:05Z", "Succeeded"), false),
            (resource("2026-06-01T12:00:09Z", "Pending"), false),
        ] {
            let known = RemediationStore::new(Metrics::new(BuildInfo::current()).unwrap());
            known.changed(&told);
            let before = known.all();
            let created = read_record(&resource("2026-06-01T12:00:05Z", "Pending")).unwrap();
            known.add_created("churn", created.clone());
            let after = known.all();
            assert_eq!(after.len(), 1);
            let expected = if is_replaced { &created } else { &*before[0] };
            assert_eq!(*after[0], *expected, "{told:?}");
        }
        let known = RemediationStore::new(Metrics::new(BuildInfo::current()).unwrap());
        let created = read_record(&resource("2026-06-01T12:00:05Z", "Pending")).unwrap();
        known.add_created("churn", created);
        assert_eq!(known.all()[0].progress.state, RecordState::Pending);
    }
}
