#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod answers;
mod properties;
mod rows;
mod stories;

use jiff::SignedDuration;

use super::*;
use crate::decide::fixtures::{self, ACCOUNT, REGION, notebook, now};

const MINUTE: i64 = 60;
/// The default timeouts of a policy: see `api::defaults`.
const STOP_TIMEOUT: i64 = 30 * MINUTE;
const UPDATE_TIMEOUT: i64 = 15 * MINUTE;
const START_TIMEOUT: i64 = 60 * MINUTE;

const TIMES: Times = Times {
    resend_after: Duration::from_mins(1),
    settle: Duration::from_mins(2),
    write_bound: Duration::from_secs(45),
};

const WANTED: Desired = Desired::Proceed;
const NOT_NOW: Desired = Desired::Defer(Deferral::WindowClosed);
const RESTING: Desired = Desired::Defer(Deferral::RecentlyStopped);
const WITHDRAWN: Desired = Desired::Abort(Withdrawal::Audit);
const UNCLEAR: Desired = Desired::Unknown;

fn ago(seconds: i64) -> Timestamp {
    now() - SignedDuration::from_secs(seconds)
}

/// A record, built from words.
#[derive(Clone, Debug)]
struct Given(Record);

/// Returns a record of a notebook that was stopped at its creation, in a state since this many
/// seconds.
fn stopped(state: RecordState, seconds: i64) -> Given {
    let mut given = pristine(state, seconds);
    given.0.intent.was_running = false;
    given
}

/// Returns a record of a notebook that was running. No Stop was requested.
fn pristine(state: RecordState, seconds: i64) -> Given {
    let churn = notebook("churn", "InService", RootAccess::Enabled);
    let mut record = fixtures::record((ACCOUNT, REGION), &churn);
    record.created_at = ago(5 * 24 * 60 * MINUTE);
    record.has_status = true;
    record.progress.state = state;
    record.progress.step_since = Some(ago(seconds));
    if state.is_finished() {
        record
            .progress
            .finish(state, EndReason::Deferred, ago(seconds));
    }
    Given(record)
}

/// Returns a record of a notebook that was running, with a requested Stop.
fn ours(state: RecordState, seconds: i64) -> Given {
    let mut given = pristine(state, seconds);
    given.0.progress.stop_requested_at = Some(ago(24 * 60 * MINUTE));
    given
}

/// Returns a record with a requested Stop that is being rolled back.
fn rolling_back(reason: EndReason, state: RecordState, seconds: i64) -> Given {
    let mut given = ours(state, seconds);
    given.0.progress.rollback_reason = Some(reason);
    given
}

impl Given {
    /// Sets the step that needs attention.
    fn from(mut self, step: Step) -> Self {
        assert_eq!(self.0.progress.state, RecordState::NeedsAttention);
        self.0.progress.attention_from = Some(step);
        self
    }

    /// Sets the last write to this many seconds ago.
    fn wrote(mut self, seconds: i64) -> Self {
        self.0.progress.last_write_at = Some(ago(seconds));
        self
    }

    /// Sets the number of sent Starts, the last this many seconds ago.
    fn starts(mut self, attempts: u32, seconds: i64) -> Self {
        self.0.progress.start_attempts = attempts;
        self.0.progress.start_requested_at = Some(ago(2 * 60 * MINUTE));
        self.wrote(seconds)
    }

    /// Adds an unanswered Stop, sent this many seconds ago.
    fn stop_unanswered(mut self, seconds: i64) -> Self {
        self.0.progress.unanswered_stop_at = Some(ago(seconds));
        self
    }

    /// Adds a Start that AWS accepted this many seconds ago.
    fn start_accepted(mut self, seconds: i64) -> Self {
        self.0.progress.start_accepted_at = Some(ago(seconds));
        self
    }

    /// Sets the record's creation to this many seconds ago, and removes its status.
    fn without_status(mut self, seconds: i64) -> Self {
        self.0.created_at = ago(seconds);
        self.0.has_status = false;
        self
    }

    /// Adds the `CreationTime` of the record's notebook.
    fn created(mut self, seconds: i64) -> Self {
        self.0.intent.notebook.created_at = Some(ago(seconds));
        self
    }

    fn deleted(mut self) -> Self {
        self.0.being_deleted = true;
        self
    }
}

fn seen(status: &str, root_access: RootAccess) -> Observation {
    Observation::Described {
        status: status.into(),
        root_access,
        created_at: None,
        last_modified: None,
    }
}

/// Adds AWS's times: creation and last change, this many seconds ago.
fn at(seen: Observation, created: i64, modified: i64) -> Observation {
    match seen {
        Observation::Described {
            status,
            root_access,
            ..
        } => Observation::Described {
            status,
            root_access,
            created_at: Some(ago(created)),
            last_modified: Some(ago(modified)),
        },
        other => other,
    }
}

/// The consequence. All other progress stays as it was.
#[derive(Clone, Copy, Debug)]
enum Then {
    /// Nothing changes.
    Wait,
    /// The record begins to need attention.
    NeedAttention,
    /// The record begins to need attention at its start step, about which nothing is known.
    NeedAttentionAtStart,
    /// The record finishes.
    End(RecordState, EndReason),
    /// Another step begins, and nothing is sent.
    Enter(RecordState),
    /// The record is, or gets, in this state, and this request is sent.
    Send(Request, RecordState),
    /// A rollback for this reason: no more Update, and a Start is sent.
    Restore(EndReason),
    /// The same rollback without a Start, because one was sent just before.
    RestoreOnly(EndReason),
}

impl Then {
    fn progress(self, before: &Progress, now: Timestamp) -> Progress {
        let mut after = before.clone();
        match self {
            Self::Wait => {}
            Self::NeedAttention => move_to(&mut after, RecordState::NeedsAttention, now),
            Self::NeedAttentionAtStart => {
                move_to(&mut after, RecordState::Starting, now);
                move_to(&mut after, RecordState::NeedsAttention, now);
            }
            Self::End(state, reason) => {
                move_to(&mut after, state, now);
                after.step_since = Some(now);
                after.completed_at = Some(now);
                after.end = Some(reason);
            }
            Self::Enter(state) => move_to(&mut after, state, now),
            Self::Send(request, state) => {
                move_to(&mut after, state, now);
                after.last_write_at = Some(now);
                if request != Request::Probe {
                    after.start_accepted_at = None;
                }
                match request {
                    Request::Probe | Request::Stop => {}
                    Request::Update => {
                        after.update_requested_at = after.update_requested_at.or(Some(now));
                    }
                    Request::Start => {
                        after.start_requested_at = after.start_requested_at.or(Some(now));
                        after.start_attempts += 1;
                    }
                }
            }
            Self::Restore(reason) => {
                after = Self::Send(Request::Start, RecordState::Starting).progress(before, now);
                after.rollback_reason = Some(reason);
            }
            Self::RestoreOnly(reason) => after.rollback_reason = Some(reason),
        }
        after
    }

    fn request(self) -> Option<Request> {
        match self {
            Self::Send(request, _) => Some(request),
            Self::Restore(_) => Some(Request::Start),
            Self::Wait
            | Self::NeedAttention
            | Self::NeedAttentionAtStart
            | Self::End(..)
            | Self::Enter(_)
            | Self::RestoreOnly(_) => None,
        }
    }
}

/// Changes the state. `stepSince` moves with the state, and with nothing else.
fn move_to(progress: &mut Progress, state: RecordState, now: Timestamp) {
    if progress.state != state {
        progress.attention_from = (state == RecordState::NeedsAttention).then(|| progress.step());
        progress.step_since = Some(now);
        progress.state = state;
    }
}

#[test]
fn the_rows_are_numbered_as_in_the_table() {
    let numbers: Vec<&str> = Row::all().map(Row::number).collect();
    let mut expected: Vec<String> = (0..=18).map(|number: u8| number.to_string()).collect();
    for (before, number) in [("6", "5a"), ("3", "2a"), ("1", "-"), ("-", "0a")] {
        let place = expected.iter().position(|each| each == before).unwrap();
        expected.insert(place, number.to_owned());
    }
    assert_eq!(numbers, expected);
    assert_eq!(Row::NoRow.number(), "none");
}

#[test]
fn a_probe_is_an_update() {
    use Request::{Probe, Start, Stop, Update};
    assert_eq!(
        [Probe, Stop, Update, Start].map(Request::call),
        [Call::Update, Call::Stop, Call::Update, Call::Start]
    );
}
