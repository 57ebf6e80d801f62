//! A record, as far as decisions depend on it, and its real form and back.
//!
//! `now` is always the same instant. Ages are classes: each stands for one age that a record can have at that instant.

use std::time::Duration;

use jiff::Timestamp;
use sudoless::{
    decide::Times,
    domain::{EndReason, Intent, Progress, Record, RecordState, Step},
};

/// The instant at which everything is decided.
pub const NOW: Timestamp = Timestamp::constant(1_780_315_200, 0);

/// The operator's times. A write can arrive for as long as it takes to settle: the most adverse setting, in which a request
/// is sent again while the first may still be under way.
pub const TIMES: Times = Times {
    resend_after: Duration::from_mins(1),
    settle: Duration::from_mins(2),
    write_bound: Duration::from_mins(2),
};

/// How long ago the last write was noted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Age {
    /// Just now.
    Fresh,
    /// Past `resend_after`; it may still arrive.
    Due,
    /// Past everything.
    Settled,
}

/// A record, without what no decision depends on (see [`Rec::real`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Rec {
    /// `spec.wasRunning`.
    pub was_running: bool,
    /// `spec.recurrence`.
    pub recurrence: u8,
    /// `metadata.deletionTimestamp` is set.
    pub being_deleted: bool,
    /// `status.state`.
    pub state: RecordState,
    /// Where it stood when it began to need attention.
    pub attention_from: Option<Step>,
    /// Whether the step's timeout has passed.
    pub at_deadline: bool,
    /// `status.lastWriteAt`.
    pub last_write: Option<Age>,
    /// `status.unansweredStopAt`.
    pub unanswered_stop: Option<Age>,
    /// Whether `status.stopRequestedAt` is set.
    pub stop_requested: bool,
    /// `status.startAttempts`, two for all that are more: the third is due when the second is.
    pub start_attempts: u8,
    /// `status.rollback_reason`.
    pub rollback_reason: Option<EndReason>,
    /// Not of the record, but of the search: it needed attention once, and gave back the policy's slot (promise P6).
    pub needed_attention: bool,
}

impl Rec {
    /// One that was just created.
    #[must_use]
    pub fn new(was_running: bool, recurrence: u8) -> Self {
        Self {
            was_running,
            recurrence,
            being_deleted: false,
            state: RecordState::Pending,
            attention_from: None,
            at_deadline: false,
            last_write: None,
            unanswered_stop: None,
            stop_requested: false,
            start_attempts: 0,
            rollback_reason: None,
            needed_attention: false,
        }
    }

    /// A minute passes. What can no longer arrive is forgotten, as it is by [`Rec::with`].
    pub fn grow_older(&mut self) {
        self.last_write = self.last_write.map(Age::older);
        let older = self.unanswered_stop.map(Age::older);
        self.unanswered_stop = older.filter(|age| *age != Age::Settled);
    }

    /// Whether nothing will happen to it any more.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.state.is_finished()
    }

    /// Whether it counts as a notebook that is taken down.
    #[must_use]
    pub fn takes_a_slot(&self) -> bool {
        self.was_running && !self.is_finished()
    }

    /// The real record. `noted` fills what the search leaves out, because nothing may depend on it.
    #[must_use]
    pub fn real(&self, intent: Intent, noted: Option<Timestamp>) -> Record {
        Record {
            intent: Intent {
                was_running: self.was_running,
                recurrence: self.recurrence.into(),
                ..intent
            },
            progress: Progress {
                state: self.state,
                step_since: Some(if self.at_deadline { long_ago() } else { NOW }),
                attention_from: self.attention_from,
                last_write_at: self.last_write.map(Age::instant),
                unanswered_stop_at: self.unanswered_stop.map(Age::instant),
                stop_requested_at: self.stop_requested.then(long_ago),
                update_requested_at: noted,
                start_requested_at: noted,
                start_accepted_at: None,
                start_attempts: self.start_attempts.into(),
                rollback_reason: self.rollback_reason,
                last_error: None,
                failure_reason: None,
                completed_at: self.is_finished().then(long_ago),
                end: None,
            },
            created_at: long_ago(),
            being_deleted: self.being_deleted,
            has_status: true,
        }
    }

    /// The record with another progress.
    #[must_use]
    pub fn with(&self, progress: &Progress) -> Self {
        let fresh = Self::new(self.was_running, self.recurrence);
        if progress.state.is_finished() {
            return Self {
                state: progress.state,
                being_deleted: self.being_deleted,
                ..fresh
            };
        }
        let since = progress.step_since.expect("the real form has one");
        assert!(since == NOW || since == long_ago(), "{since}");
        Self {
            being_deleted: self.being_deleted,
            state: progress.state,
            attention_from: progress.attention_from,
            at_deadline: since != NOW,
            last_write: progress.last_write_at.map(Age::of),
            unanswered_stop: progress
                .unanswered_stop_at
                .map(Age::of)
                .filter(|age| *age != Age::Settled),
            stop_requested: progress.stop_requested_at.is_some(),
            start_attempts: u8::try_from(progress.start_attempts.min(2)).expect("at most two"),
            rollback_reason: progress.rollback_reason,
            needed_attention: self.needed_attention
                || progress.state == RecordState::NeedsAttention,
            ..fresh
        }
    }
}

impl Age {
    fn instant(self) -> Timestamp {
        let seconds = match self {
            Self::Fresh => 0,
            Self::Due => 70,
            Self::Settled => 130,
        };
        NOW - Duration::from_secs(seconds)
    }

    fn of(instant: Timestamp) -> Self {
        [Self::Fresh, Self::Due, Self::Settled]
            .into_iter()
            .find(|age| age.instant() == instant)
            .expect("every instant is one that a class stands for")
    }

    /// A minute later.
    #[must_use]
    pub fn older(self) -> Self {
        match self {
            Self::Fresh => Self::Due,
            Self::Due | Self::Settled => Self::Settled,
        }
    }
}

/// Longer ago than any timeout.
fn long_ago() -> Timestamp {
    NOW - Duration::from_hours(48)
}
