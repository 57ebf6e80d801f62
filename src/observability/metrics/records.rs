//! What the records of remediations say, as gauges.

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

/// What a record says, as far as the metrics go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordFacts {
    policy: PolicyName,
    account: AccountId,
    region: Region,
    state: RecordState,
    /// When the notebook was asked to stop, if it is not known to run again.
    down_since: Option<Timestamp>,
}

/// Turns the records into series. Clones share them.
#[derive(Clone)]
pub(super) struct RecordsCollector {
    descriptions: Vec<Desc>,
    records: Arc<Mutex<BTreeMap<String, RecordFacts>>>,
}

type TargetLabels<'a> = (&'a str, &'a str, &'a str);

/// What is not done with: the finished ones are counted by `sudoless_remediations_total`.
const RECORDS: Family<4> = Family {
    name: "sudoless_remediations",
    help: "Remediations that are under way or failed, by state. Alert on NeedsAttention above 0 at once, and on Failed above 0 in \
           working hours: both wait for a person.",
    labels: ["policy", "account", "region", "state"],
};

const DOWN: Family<3> = Family {
    name: "sudoless_notebooks_down",
    help: "Notebooks that the operator stopped and has not seen running again. Alert when it stays above 0 for longer than a \
           remediation takes: somebody cannot work.",
    labels: ["policy", "account", "region"],
};

const DOWN_SINCE: Family<3> = Family {
    name: "sudoless_notebook_down_since_timestamp_seconds",
    help: "When the operator stopped the notebook that has been down the longest. No series: none is down. Alert when it is longer \
           ago than the policy's timeouts together.",
    labels: ["policy", "account", "region"],
};

/// The states that have series: what is under way, and what waits for a person.
const SHOWN: [RecordState; 6] = [
    RecordState::Pending,
    RecordState::Stopping,
    RecordState::Updating,
    RecordState::Starting,
    RecordState::NeedsAttention,
    RecordState::Failed,
];

impl RecordFacts {
    /// The facts of a record.
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

    /// The facts at this moment. Series are made from them with the lock released.
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
            // One that is done with keeps its target's series, at zero: a series that vanishes hides what it fell from.
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
