//! A record, as far as decisions depend on it, and its real form and back.
//!
//! `now` is always the same instant. Ages are classes: each stands for one age that a record can have at that instant.

use std::time::Duration;

use jiff::Timestamp;
use sudoless_core::{
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

/// The age of the last write, or of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Age {
    /// Just now.
    Fresh,
    /// Past `resend_after`; a request may still arrive.
    Due,
    /// Past everything, the lease of another operator included.
    Settled,
}

/// The age of the last Start that AWS accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Accepted {
    /// Less than ten minutes.
    Recently,
    /// Ten minutes or more: a change of the notebook since is not the Start's own.
    LongAgo,
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
    /// Returns false if it does not decode: a later version wrote it.
    pub readable: bool,
    /// `metadata.creationTimestamp`. Settled once a Stop was requested, because nothing depends on it then.
    pub created: Age,
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
    /// `status.startAcceptedAt`.
    pub start_accepted: Option<Accepted>,
    /// `status.unansweredStopAt` is older than can arrive, and was not when AWS accepted the Start.
    pub stop_may_follow: bool,
    /// `status.rollbackReason`.
    pub rollback_reason: Option<EndReason>,
    /// When it was written last. Settled where there is no adoption, because nothing else depends on it.
    pub touched: Age,
    /// Of the search: it needed attention after a Stop, and gave back the policy's slot (promise P6).
    pub gave_slot_back: bool,
    /// Of the search: a backup was restored, so that the record may say less than was done.
    pub restored: bool,
}

impl Rec {
    /// One that was just created.
    #[must_use]
    pub fn new(was_running: bool, recurrence: u8) -> Self {
        Self {
            was_running,
            recurrence,
            being_deleted: false,
            readable: true,
            // Of a notebook that was stopped anyway nothing depends on it.
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

    /// A minute passes, or ten, once nothing is under way any more. What can no longer arrive is forgotten, as it is by
    /// [`Rec::with`].
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

    /// Returns false if nothing changes by [`Rec::grow_older`].
    #[must_use]
    pub fn can_grow_older(&self) -> bool {
        !self.is_settled()
            || self.created != Age::Settled
            || self.touched != Age::Settled
            || self.start_accepted == Some(Accepted::Recently)
    }

    /// Without the ages that matter to one notebook only.
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

    /// Returns true if nothing was sent about it, as far as it says.
    #[must_use]
    pub fn is_untouched(&self) -> bool {
        self.last_write.is_none() && !self.stop_requested
    }

    /// Returns true if its notebook is down because of the operator, and needs a person.
    #[must_use]
    pub fn is_down_and_needs_attention(&self) -> bool {
        self.was_running && self.stop_requested && self.state == RecordState::NeedsAttention
    }

    /// The real record. `noted` fills what the search leaves out, because nothing may depend on it.
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

    /// When it was created.
    #[must_use]
    pub fn created_at(&self) -> Timestamp {
        match self.created {
            Age::Settled => long_ago(),
            age => age.instant(),
        }
    }

    /// The record once it is finished, in a state.
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

    /// The record with another progress.
    #[must_use]
    pub fn with(&self, progress: &Progress) -> Self {
        if progress.state.is_finished() {
            return self.finished(progress.state);
        }
        let since = progress.step_since.expect("the real form has one");
        assert!(since == NOW || since == long_ago(), "{since}");
        // An unanswered Stop of long ago matters only to the Start that was accepted just after it.
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
    /// The instant that it stands for.
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

    /// A minute later.
    #[must_use]
    pub fn older(self) -> Self {
        match self {
            Self::Fresh => Self::Due,
            Self::Due | Self::Settled => Self::Settled,
        }
    }
}

impl Accepted {
    /// The instant that it stands for.
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

/// A Stop that was sent so long before a Start was accepted may arrive after it.
const JUST_BEFORE: Duration = Duration::from_mins(1);

/// Longer ago than any timeout.
#[must_use]
pub fn long_ago() -> Timestamp {
    NOW - Duration::from_hours(48)
}
