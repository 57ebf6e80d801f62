//! What came in: counters, the ordered log of writes, and a bounded log of all requests.

use std::{
    borrow::Cow,
    collections::{BTreeMap, HashMap, VecDeque},
};

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;

use crate::{Operation, RootAccess, Service, Status};

/// The outcome of a request that was answered with success.
pub const OK: &str = "OK";
/// The outcome of a request that was left hanging.
pub const HANG: &str = "Hang";
/// The outcome of a request whose connection was reset before it was looked at.
pub const RESET: &str = "Reset";
/// The outcome of a request whose client went away before it was looked at.
pub const GONE: &str = "ClientGone";
/// The outcome of a request that arrives late, until it does. Its own outcome is in the write log.
pub const LATE: &str = "Late";

/// How many requests of one kind ended in one way.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct RequestCount {
    /// The caller's account; for `AssumeRole`, the role's; `unknown` for keys that nobody handed out.
    pub account: String,
    /// Of the credential scope.
    pub region: String,
    /// The operation's service.
    pub service: Service,
    /// The operation.
    pub operation: Operation,
    /// `OK`, an error code, `Hang`, `Reset`, `Late` or `ClientGone`.
    pub outcome: String,
    /// How many.
    pub count: u64,
}

/// How many requests were under way at the same time.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct InFlight {
    /// As in [`RequestCount`].
    pub account: String,
    /// As in [`RequestCount`].
    pub region: String,
    /// The operation.
    pub operation: Operation,
    /// At the moment of the snapshot.
    pub now: u64,
    /// The most since the last reset.
    pub max: u64,
}

/// A snapshot of all counters, sorted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counters {
    /// Finished requests.
    pub requests: Vec<RequestCount>,
    /// Concurrency per account, region and operation.
    pub in_flight: Vec<InFlight>,
    /// The most requests under way at the same time, of all kinds together.
    pub max_in_flight: u64,
}

impl Counters {
    /// How many requests there were that `filter` says yes to.
    pub fn sum(&self, filter: impl Fn(&RequestCount) -> bool) -> u64 {
        let matching = self.requests.iter().filter(|count| filter(count));
        matching.map(|count| count.count).sum()
    }

    /// All requests.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.sum(|_| true)
    }

    /// All requests of one operation.
    #[must_use]
    pub fn of(&self, operation: Operation) -> u64 {
        self.sum(|count| count.operation == operation)
    }

    /// All requests of one operation that ended in one way.
    #[must_use]
    pub fn outcome(&self, operation: Operation, outcome: &str) -> u64 {
        self.sum(|count| count.operation == operation && count.outcome == outcome)
    }

    /// All requests of operations that change notebooks, accepted or not.
    #[must_use]
    pub fn writes(&self) -> u64 {
        self.sum(|count| count.operation.writes())
    }

    /// The most requests of one operation under way at the same time in any one account and region.
    #[must_use]
    pub fn max_in_flight_of(&self, operation: Operation) -> u64 {
        let matching = self.in_flight.iter().filter(|i| i.operation == operation);
        matching.map(|in_flight| in_flight.max).max().unwrap_or(0)
    }
}

/// A request to change a notebook, accepted or refused, in the order in which they took effect.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Write {
    /// From one, without gaps, never reset.
    pub sequence: u64,
    /// When it took effect or was refused.
    pub time: Timestamp,
    /// As in [`RequestCount`].
    pub account: String,
    /// As in [`RequestCount`].
    pub region: String,
    /// The notebook; empty if the request named none.
    pub notebook: String,
    /// The operation.
    pub operation: Operation,
    /// The body as it was received.
    pub body: Value,
    /// `OK` or the error code; `Hang` and `Reset` where nothing was applied.
    pub outcome: String,
    /// Whether the client was meant to get the answer.
    pub answered: bool,
    /// The notebook's true status before; absent if it did not exist.
    pub status_before: Option<Status>,
    /// The notebook's `RootAccess` before.
    pub root_access_before: Option<RootAccess>,
}

/// A request of any kind.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RequestRecord {
    /// When it ended.
    pub time: Timestamp,
    /// As in [`RequestCount`].
    pub account: String,
    /// As in [`RequestCount`].
    pub region: String,
    /// The operation.
    pub operation: Operation,
    /// The notebook, if the request named one.
    pub notebook: Option<String>,
    /// As in [`RequestCount`].
    pub outcome: String,
}

/// Names the tally that a request under way is counted in.
pub(crate) type TallyId = usize;

type Operations = BTreeMap<(Service, Operation), TallyId>;

#[derive(Debug, Default)]
struct Tally {
    account: String,
    region: String,
    operation: Option<(Service, Operation)>,
    now: u64,
    max: u64,
    outcomes: BTreeMap<Cow<'static, str>, u64>,
}

#[derive(Debug, Default)]
pub(crate) struct Ledger {
    tallies: Vec<Tally>,
    /// By account, then region.
    index: HashMap<String, HashMap<String, Operations>>,
    now: u64,
    max: u64,
    writes: Vec<Write>,
    last_sequence: u64,
    requests: VecDeque<RequestRecord>,
    request_log: usize,
}

impl Ledger {
    /// A ledger whose request log keeps the last so many.
    pub(crate) fn new(request_log: usize) -> Self {
        Self {
            request_log,
            ..Self::default()
        }
    }

    /// Counts a request as under way.
    pub(crate) fn begin(
        &mut self,
        account: &str,
        region: &str,
        operation: (Service, Operation),
    ) -> TallyId {
        let known = self
            .index
            .get(account)
            .and_then(|regions| regions.get(region));
        let known = known
            .and_then(|operations| operations.get(&operation))
            .copied();
        let id = known.unwrap_or_else(|| {
            let id = self.tallies.len();
            self.tallies.push(Tally {
                account: account.to_owned(),
                region: region.to_owned(),
                operation: Some(operation),
                ..Tally::default()
            });
            let regions = self.index.entry(account.to_owned()).or_default();
            let operations = regions.entry(region.to_owned()).or_default();
            operations.insert(operation, id);
            id
        });
        if let Some(tally) = self.tallies.get_mut(id) {
            tally.now += 1;
            tally.max = tally.max.max(tally.now);
        }
        self.now += 1;
        self.max = self.max.max(self.now);
        id
    }

    /// Counts how a request ended. It is under way until [`Ledger::end`].
    pub(crate) fn outcome(&mut self, id: TallyId, outcome: Cow<'static, str>) {
        if let Some(tally) = self.tallies.get_mut(id) {
            *tally.outcomes.entry(outcome).or_default() += 1;
        }
    }

    /// Counts a request as no longer under way.
    pub(crate) fn end(&mut self, id: TallyId) {
        self.now = self.now.saturating_sub(1);
        if let Some(tally) = self.tallies.get_mut(id) {
            tally.now = tally.now.saturating_sub(1);
        }
    }

    pub(crate) fn log_request(&mut self, record: impl FnOnce() -> RequestRecord) {
        if self.request_log == 0 {
            return;
        }
        if self.requests.len() >= self.request_log {
            self.requests.pop_front();
        }
        self.requests.push_back(record());
    }

    /// Adds a write; its sequence number is set here.
    pub(crate) fn log_write(&mut self, mut write: Write) {
        self.last_sequence += 1;
        write.sequence = self.last_sequence;
        self.writes.push(write);
    }

    pub(crate) fn writes(&self) -> &[Write] {
        &self.writes
    }

    pub(crate) fn clear_writes(&mut self) {
        self.writes.clear();
    }

    pub(crate) fn requests(&self) -> Vec<RequestRecord> {
        self.requests.iter().cloned().collect()
    }

    pub(crate) fn counters(&self) -> Counters {
        let mut counters = Counters {
            max_in_flight: self.max,
            ..Counters::default()
        };
        for tally in &self.tallies {
            let Some((service, operation)) = tally.operation else {
                continue;
            };
            for (outcome, count) in &tally.outcomes {
                counters.requests.push(RequestCount {
                    account: tally.account.clone(),
                    region: tally.region.clone(),
                    service,
                    operation,
                    outcome: outcome.clone().into_owned(),
                    count: *count,
                });
            }
            if tally.max > 0 {
                counters.in_flight.push(InFlight {
                    account: tally.account.clone(),
                    region: tally.region.clone(),
                    operation,
                    now: tally.now,
                    max: tally.max,
                });
            }
        }
        counters.requests.sort_unstable();
        counters.in_flight.sort_unstable();
        counters
    }

    /// Zeroes the counters and empties the request log. Requests under way stay counted as such.
    pub(crate) fn reset(&mut self) {
        for tally in &mut self.tallies {
            tally.outcomes.clear();
            tally.max = tally.now;
        }
        self.max = self.now;
        self.requests.clear();
    }
}
