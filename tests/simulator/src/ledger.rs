//! Log of requests: counters, the ordered log of writes, and a bounded log of all requests.

use std::{
    borrow::Cow,
    collections::{BTreeMap, HashMap, VecDeque},
};

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;

use crate::{Operation, RootAccess, Service, Status};

/// Outcome of a successful request.
pub const OK: &str = "OK";
/// Outcome of a request that was left hanging.
pub const HANG: &str = "Hang";
/// Outcome of a request whose connection was reset before it was judged.
pub const RESET: &str = "Reset";
/// Outcome of a request whose client disconnected before it was judged.
pub const GONE: &str = "ClientGone";
/// Outcome of a late request before it arrives. Its own outcome is in the log of writes.
pub const LATE: &str = "Late";

/// Number of requests of one kind with the same outcome.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct RequestCount {
    /// Account of the caller. For `AssumeRole` it is the role's account, and for unknown keys
    /// `unknown`.
    pub account: String,
    /// Region of the credential scope.
    pub region: String,
    /// Service of the operation.
    pub service: Service,
    /// Operation.
    pub operation: Operation,
    /// `OK`, an error code, `Hang`, `Reset`, `Late` or `ClientGone`.
    pub outcome: String,
    /// Number of requests.
    pub count: u64,
}

/// Number of requests in flight at the same time.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct InFlight {
    /// Same as in [`RequestCount`].
    pub account: String,
    /// Same as in [`RequestCount`].
    pub region: String,
    /// Operation.
    pub operation: Operation,
    /// Number at the time of the snapshot.
    pub now: u64,
    /// Largest number since the last reset.
    pub max: u64,
}

/// Sorted snapshot of all counters.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counters {
    /// Finished requests.
    pub requests: Vec<RequestCount>,
    /// Requests in flight by account, region and operation.
    pub in_flight: Vec<InFlight>,
    /// Largest number of requests in flight at the same time, of all kinds together.
    pub max_in_flight: u64,
}

impl Counters {
    /// Returns the number of requests that `filter` accepts.
    pub fn sum(&self, filter: impl Fn(&RequestCount) -> bool) -> u64 {
        let matching = self.requests.iter().filter(|count| filter(count));
        matching.map(|count| count.count).sum()
    }

    /// Returns the number of all requests.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.sum(|_| true)
    }

    /// Returns the number of an operation's requests.
    #[must_use]
    pub fn of(&self, operation: Operation) -> u64 {
        self.sum(|count| count.operation == operation)
    }

    /// Returns the number of an operation's requests with this outcome.
    #[must_use]
    pub fn outcome(&self, operation: Operation, outcome: &str) -> u64 {
        self.sum(|count| count.operation == operation && count.outcome == outcome)
    }

    /// Returns the number of requests of writing operations, accepted or not.
    #[must_use]
    pub fn writes(&self) -> u64 {
        self.sum(|count| count.operation.writes())
    }

    /// Returns the largest number of an operation's requests in flight at the same time in one
    /// account and region.
    #[must_use]
    pub fn max_in_flight_of(&self, operation: Operation) -> u64 {
        let matching = self.in_flight.iter().filter(|i| i.operation == operation);
        matching.map(|in_flight| in_flight.max).max().unwrap_or(0)
    }
}

/// A write, accepted or rejected. Writes are in the order in which they took effect.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Write {
    /// Sequence number, from one, without gaps, never reset.
    pub sequence: u64,
    /// Time at which the write took effect or was rejected.
    pub time: Timestamp,
    /// Same as in [`RequestCount`].
    pub account: String,
    /// Same as in [`RequestCount`].
    pub region: String,
    /// Name of the notebook. Empty if the request named none.
    pub notebook: String,
    /// Operation.
    pub operation: Operation,
    /// Request body as received.
    pub body: Value,
    /// `OK` or the error code. `Hang` and `Reset` if nothing was applied.
    pub outcome: String,
    /// True if an answer was sent to the client.
    pub answered: bool,
    /// True status of the notebook before the write. `None` if it did not exist.
    pub status_before: Option<Status>,
    /// `RootAccess` of the notebook before the write.
    pub root_access_before: Option<RootAccess>,
}

/// A request of any kind.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RequestRecord {
    /// Time at which the request ended.
    pub time: Timestamp,
    /// Same as in [`RequestCount`].
    pub account: String,
    /// Same as in [`RequestCount`].
    pub region: String,
    /// Operation.
    pub operation: Operation,
    /// Name of the notebook, if the request named one.
    pub notebook: Option<String>,
    /// Same as in [`RequestCount`].
    pub outcome: String,
}

/// Identifies the tally of a request in flight.
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
    /// Creates a ledger. Its request log keeps the last requests, up to `request_log`.
    pub(crate) fn new(request_log: usize) -> Self {
        Self {
            request_log,
            ..Self::default()
        }
    }

    /// Counts a request as in flight.
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

    /// Counts the outcome of a request. The request is in flight until [`Ledger::end`].
    pub(crate) fn outcome(&mut self, id: TallyId, outcome: Cow<'static, str>) {
        if let Some(tally) = self.tallies.get_mut(id) {
            *tally.outcomes.entry(outcome).or_default() += 1;
        }
    }

    /// Counts a request as no longer in flight.
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

    /// Adds a write, and sets its sequence number.
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

    /// Resets the counters and empties the request log. Requests in flight stay counted as such.
    pub(crate) fn reset(&mut self) {
        for tally in &mut self.tallies {
            tally.outcomes.clear();
            tally.max = tally.now;
        }
        self.max = self.now;
        self.requests.clear();
    }
}
