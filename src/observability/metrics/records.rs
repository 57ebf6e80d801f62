//! Gauges of the remediation records.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use jiff::Timestamp;
use prometheus::{
    core::{Collector, Desc},
    proto::MetricFamily,
};

use super::family::{Family, seconds};
use crate::domain::{AccountId, PolicyName, Record, RecordState, Region};

/// Facts of a record for the metrics.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordFacts {
    policy: PolicyName,
    account: AccountId,
    region: Region,
    state: RecordState,
    /// Time of the first Stop, unless the notebook is known to run again.
    down_since: Option<Timestamp>,
}

/// Collector that computes the series from the records. Clones share them.
#[derive(Clone)]
pub(super) struct RecordsCollector {
    descriptions: Vec<Desc>,
    records: Arc<Mutex<BTreeMap<String, RecordFacts>>>,
}

type TargetLabels<'a> = (&'a str, &'a str, &'a str);

/// Records that are not finished, and failed ones. Finished ones are counted by
/// `sudoless_remediations_total`.
const RECORDS: Family<4> = Family {
    name: "sudoless_remediations",
    help: "Remediations in flight or failed, by state. Alert on NeedsAttention above 0 at once, \
           and on Failed above 0 in working hours: both wait for a person.",
    labels: ["policy", "account", "region", "state"],
};

const DOWN: Family<3> = Family {
    name: "sudoless_notebooks_down",
    help: "Notebooks that the operator stopped and has not seen running again. Alert when it stays \
           above 0 for longer than a remediation takes: their users cannot work.",
    labels: ["policy", "account", "region"],
};

const DOWN_SINCE: Family<3> = Family {
    name: "sudoless_notebook_down_since_timestamp_seconds",
    help: "Time at which the operator stopped the notebook that has been down the longest. No \
           series if none is down. Alert when it is longer ago than the policy's timeouts \
           together.",
    labels: ["policy", "account", "region"],
};

/// States with series: those in flight, and those that wait for a person.
const SHOWN: [RecordState; 6] = [
    RecordState::Pending,
    RecordState::Stopping,
    RecordState::Updating,
    RecordState::Starting,
    RecordState::NeedsAttention,
    RecordState::Failed,
];

impl RecordFacts {
    /// Returns the facts of a record.
    #[must_use]
    pub fn of(record: &Record) -> Self {
        let stopped = record.progress.stop_requested_at;
        Self {
            policy: record.intent.policy.clone(),
            account: record.intent.notebook.account.clone(),
            region: record.intent.notebook.region.clone(),
            state: record.progress.state,
            down_since: stopped.filter(|_| record.takes_a_slot()),
        }
    }

    fn labels(&self) -> TargetLabels<'_> {
        (
            self.policy.as_str(),
            self.account.as_str(),
            self.region.as_str(),
        )
    }
}

impl RecordsCollector {
    pub(super) fn new() -> Result<Self, prometheus::Error> {
        Ok(Self {
            descriptions: vec![
                RECORDS.describe()?,
                DOWN.describe()?,
                DOWN_SINCE.describe()?,
            ],
            records: Arc::default(),
        })
    }

    pub(super) fn changed(&self, name: &str, facts: Option<RecordFacts>) {
        let mut records = self.records.lock().unwrap_or_else(PoisonError::into_inner);
        match facts {
            Some(facts) => records.insert(name.to_owned(), facts),
            None => records.remove(name),
        };
    }

    /// Returns the present facts. The series are computed after the lock is released.
    fn current(&self) -> Vec<RecordFacts> {
        let records = self.records.lock().unwrap_or_else(PoisonError::into_inner);
        records.values().cloned().collect()
    }
}

impl Collector for RecordsCollector {
    fn desc(&self) -> Vec<&Desc> {
        self.descriptions.iter().collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let facts = self.current();
        let mut counts: BTreeMap<TargetLabels<'_>, [u32; SHOWN.len()]> = BTreeMap::new();
        let mut down: BTreeMap<TargetLabels<'_>, (u32, Timestamp)> = BTreeMap::new();
        for record in &facts {
            // A finished record keeps its target's series at zero, because a series that vanishes
            // hides its last value.
            let states = counts.entry(record.labels()).or_default();
            for (state, count) in SHOWN.iter().zip(states) {
                *count += u32::from(*state == record.state);
            }
            let (count, oldest) = down.entry(record.labels()).or_insert((0, Timestamp::MAX));
            if let Some(since) = record.down_since {
                *count += 1;
                *oldest = since.min(*oldest);
            }
        }
        let states = counts
            .iter()
            .flat_map(|((policy, account, region), counts)| {
                SHOWN.iter().zip(counts).map(|(state, count)| {
                    (
                        [*policy, *account, *region, state.as_str()],
                        f64::from(*count),
                    )
                })
            });
        let since = down.iter().filter(|(_, (count, _))| *count > 0).map(
            |((policy, account, region), (_, oldest))| {
                ([*policy, *account, *region], seconds(*oldest))
            },
        );
        let counts = down.iter().map(|((policy, account, region), (count, _))| {
            ([*policy, *account, *region], f64::from(*count))
        });
        vec![
            RECORDS.collect(states),
            DOWN.collect(counts),
            DOWN_SINCE.collect(since),
        ]
    }
}
