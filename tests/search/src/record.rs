//! A record, as far as decisions depend on it, and its conversion to the real form and back.
//!
//! `now` is always the same instant. Ages are classes. Each stands for one age that a record can
//! have at that instant.

use std::time::Duration;

use jiff::Timestamp;
use sudoless_core::{
    decide::Times,
    domain::{EndReason, Intent, Progress, Record, RecordState, Step},
};

/// Instant of all decisions.
pub const NOW: Timestamp = Timestamp::constant(1_780_315_200, 0);

/// Times of the operator. A write can arrive for as long as it takes to settle. This is the most
/// adverse setting: a request is sent again while the first may still be in flight.
pub const TIMES: Times = Times {
    resend_after: Duration::from_mins(1),
    settle: Duration::from_mins(2),
    write_bound: Duration::from_mins(2),
};

/// Age of a record or of its last write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Age {
    /// Just now.
    Fresh,
    /// More than `resend_after`. A request may still arrive.
    Due,
    /// More than every time, the lease of another operator included.
    Settled,
}

/// Age of the last Start that AWS accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Accepted {
    /// Less than ten minutes.
    Recently,
    /// Ten minutes or more. A later change of the notebook is not caused by the Start.
    LongAgo,
}

/// A record without the fields that no decision depends on (see [`Rec::real`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Rec {
    /// `spec.wasRunning`.
    pub was_running: bool,
    /// `spec.recurrence`.
    pub recurrence: u8,
    /// `metadata.deletionTimestamp` is set.
    pub being_deleted: bool,
    /// False if the record does not decode, because a later version wrote it.
    pub readable: bool,
    /// `metadata.creationTimestamp`. Settled after a Stop was requested, because nothing depends on
    /// it then.
    pub created: Age,
    /// `status.state`.
    pub state: RecordState,
    /// Step at which the record began to need attention.
    pub attention_from: Option<Step>,
    /// True if the step's timeout has passed.
    pub at_deadline: bool,
    /// `status.lastWriteAt`.
    pub last_write: Option<Age>,
    /// `status.unansweredStopAt`.
    pub unanswered_stop: Option<Age>,
    /// True if `status.stopRequestedAt` is set.
    pub stop_requested: bool,
    /// `status.startAttempts`, where two stands for all larger numbers: the third attempt is due
    /// when the second is.
    pub start_attempts: u8,
    /// `status.startAcceptedAt`.
    pub start_accepted: Option<Accepted>,
    /// True if `status.unansweredStopAt` is too old to arrive now, but was not when AWS accepted
    /// the Start.
    pub stop_may_follow: bool,
    /// `status.rollbackReason`.
    pub rollback_reason: Option<EndReason>,
    /// Age of the last write of the record. Settled without adoption, because nothing else depends
    /// on it.
    pub touched: Age,
    /// For the search: true if the record needed attention after a Stop, and gave back the policy's
    /// slot (promise P6).
    pub gave_slot_back: bool,
    /// For the search: true if a backup was restored, so that the record may lack actions.
    pub restored: bool,
}

impl Rec {
    /// Returns a new record.
    #[must_use]
    pub fn new(was_running: bool, recurrence: u8) -> Self {
        Self {
            was_running,
            recurrence,
            being_deleted: false,
            readable: true,
            // Nothing depends on the age if the notebook was stopped anyway.
            created: if was_running {
                Age::Fresh
            } else {
                Age::Settled
            },
            state: RecordState::Pending,
            attention_from: None,
            at_deadline: false,
            last_write: None,
            unanswered_stop: None,
            stop_requested: false,
            start_attempts: 0,
            start_accepted: None,
            stop_may_follow: false,
            rollback_reason: None,
            touched: Age::Settled,
            gave_slot_back: false,
            restored: false,
        }
    }

    /// Lets a minute pass, or ten if nothing is in flight any more. Requests that can no longer
    /// arrive are dropped, as in [`Rec::with`].
    pub fn grow_older(&mut self, nothing_under_way: bool) {
        if nothing_under_way && self.is_settled() && self.start_accepted.is_some() {
            self.start_accepted = Some(Accepted::LongAgo);
        }
        self.created = self.created.older();
        self.touched = self.touched.older();
        self.last_write = self.last_write.map(Age::older);
        let older = self.unanswered_stop.map(Age::older);
        self.unanswered_stop = older.filter(|age| *age != Age::Settled);
        self.stop_may_follow |= older == Some(Age::Settled) && self.start_accepted.is_some();
    }

    /// Returns false if [`Rec::grow_older`] changes nothing.
    #[must_use]
    pub fn can_grow_older(&self) -> bool {
        !self.is_settled()
            || self.created != Age::Settled
            || self.touched != Age::Settled
            || self.start_accepted == Some(Accepted::Recently)
    }

    /// Removes the ages that matter to one notebook only.
    #[must_use]
    pub fn ageless(&self) -> Self {
        let is_new = self.was_running && !self.is_finished() && !self.stop_requested;
        Self {
            created: if is_new && !self.restored {
                Age::Fresh
            } else {
                Age::Settled
            },
            start_accepted: None,
            stop_may_follow: false,
            ..*self
        }
    }

    fn is_settled(&self) -> bool {
        self.last_write.is_none_or(|age| age == Age::Settled) && self.unanswered_stop.is_none()
    }

    /// Returns true if the record is finished.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.state.is_finished()
    }

    /// Returns true if the record counts as a notebook that is taken down.
    #[must_use]
    pub fn takes_a_slot(&self) -> bool {
        self.was_running && !self.is_finished()
    }

    /// Returns true if the record shows no sent request.
    #[must_use]
    pub fn is_untouched(&self) -> bool {
        self.last_write.is_none() && !self.stop_requested
    }

    /// Returns true if the notebook is down because of the operator, and needs attention.
    #[must_use]
    pub fn is_down_and_needs_attention(&self) -> bool {
        self.was_running && self.stop_requested && self.state == RecordState::NeedsAttention
    }

    /// Converts to the real record. `noted` fills the fields that the search omits, because nothing
    /// may depend on them.
    #[must_use]
    pub fn real(&self, intent: Intent, noted: Option<Timestamp>) -> Record {
        let accepted = self.start_accepted.map(Accepted::instant);
        let unanswered = self.unanswered_stop.map(Age::instant);
        let before_start = accepted.map(|accepted| accepted - JUST_BEFORE);
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
                unanswered_stop_at: if self.stop_may_follow {
                    before_start
                } else {
                    unanswered
                },
                stop_requested_at: self.stop_requested.then(long_ago),
                update_requested_at: noted,
                start_requested_at: noted,
                start_accepted_at: accepted,
                start_attempts: self.start_attempts.into(),
                rollback_reason: self.rollback_reason,
                last_error: None,
                failure_reason: None,
                completed_at: self.is_finished().then(long_ago),
                end: None,
            },
            created_at: self.created_at(),
            being_deleted: self.being_deleted,
            has_status: true,
        }
    }

    /// Returns the time of creation.
    #[must_use]
    pub fn created_at(&self) -> Timestamp {
        match self.created {
            Age::Settled => long_ago(),
            age => age.instant(),
        }
    }

    /// Returns the record, finished in a state.
    #[must_use]
    pub fn finished(&self, state: RecordState) -> Self {
        Self {
            state,
            being_deleted: self.being_deleted,
            readable: self.readable,
            created: Age::Settled,
            ..Self::new(self.was_running, self.recurrence)
        }
    }

    /// Returns the record with another progress.
    #[must_use]
    pub fn with(&self, progress: &Progress) -> Self {
        if progress.state.is_finished() {
            return self.finished(progress.state);
        }
        let since = progress.step_since.expect("the real form has one");
        assert!(since == NOW || since == long_ago(), "{since}");
        // An old unanswered Stop matters only to a Start that was accepted just after it.
        let accepted = self.start_accepted.map(Accepted::instant);
        let before_start = accepted.map(|accepted| accepted - JUST_BEFORE);
        let is_over = self.stop_may_follow && progress.unanswered_stop_at == before_start;
        let stop_requested = progress.stop_requested_at.is_some();
        let needs_attention = progress.state == RecordState::NeedsAttention;
        Self {
            created: if stop_requested {
                Age::Settled
            } else {
                self.created
            },
            state: progress.state,
            attention_from: progress.attention_from,
            at_deadline: since != NOW,
            last_write: progress.last_write_at.map(Age::of),
            unanswered_stop: progress
                .unanswered_stop_at
                .filter(|_| !is_over)
                .map(Age::of)
                .filter(|age| *age != Age::Settled),
            stop_may_follow: is_over && progress.start_accepted_at == accepted,
            stop_requested,
            start_attempts: u8::try_from(progress.start_attempts.min(2)).expect("at most two"),
            start_accepted: progress.start_accepted_at.map(Accepted::of),
            rollback_reason: progress.rollback_reason,
            gave_slot_back: self.gave_slot_back || (stop_requested && needs_attention),
            ..*self
        }
    }
}

impl Age {
    /// Returns the instant of the age class.
    #[must_use]
    pub fn instant(self) -> Timestamp {
        let seconds = match self {
            Self::Fresh => 0,
            Self::Due => 70,
            Self::Settled => 140,
        };
        NOW - Duration::from_secs(seconds)
    }

    fn of(instant: Timestamp) -> Self {
        [Self::Fresh, Self::Due, Self::Settled]
            .into_iter()
            .find(|age| age.instant() == instant)
            .expect("every instant is one that a class stands for")
    }

    /// Returns the age class a minute later.
    #[must_use]
    pub fn older(self) -> Self {
        match self {
            Self::Fresh => Self::Due,
            Self::Due | Self::Settled => Self::Settled,
        }
    }
}

impl Accepted {
    /// Returns the instant of the age class.
    #[must_use]
    pub fn instant(self) -> Timestamp {
        match self {
            Self::Recently => NOW - Duration::from_mins(3),
            Self::LongAgo => NOW - Duration::from_mins(11),
        }
    }

    fn of(instant: Timestamp) -> Self {
        if instant == Self::LongAgo.instant() {
            Self::LongAgo
        } else {
            Self::Recently
        }
    }
}

/// Time between a sent Stop and an accepted Start within which the Stop may arrive after the Start.
const JUST_BEFORE: Duration = Duration::from_mins(1);

/// Returns a time longer ago than any timeout.
#[must_use]
pub fn long_ago() -> Timestamp {
    NOW - Duration::from_hours(48)
}
