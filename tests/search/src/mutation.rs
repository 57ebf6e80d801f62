//! Ways to break the product. Each must be found: a search that cannot fail proves nothing.

use std::time::Duration;

use sudoless::{
    decide::{Request, Times},
    domain::{AnswerKind, RecordState, Step},
};

use crate::{
    product::{Answered, Decided},
    record::{Age, Rec, TIMES},
};

/// A way to break it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mutation {
    /// `rollbackReason` is not written, so that the next pass does not know that it is to be brought back as it is.
    ForgetRollback,
    /// What runs is finished before the last write has settled.
    FinishUnsettled,
    /// The Stop is noted after it was sent.
    StopBeforeIntent,
    /// A first Stop without an answer is taken for refused.
    ForgetUnclearStop,
    /// Whatever was stopped is started, running before or not.
    StartWhatWasStopped,
    /// A remediation ends with the Update.
    ForgetStart,
    /// A Start that did not take is not sent again.
    StartOnce,
    /// The claim counts what is down only until it starts again.
    NotCountedWhileStarting,
    /// The budget is not counted again before the first Stop.
    NoSecondCount,
    /// Whoever lost the lease goes on to send.
    SendWithoutLease,
    /// Writes do not look at the resourceVersion.
    IgnoreConflicts,
    /// A record that needs attention is left alone.
    GiveUpAtAttention,
    /// A deleted record is removed at once.
    NoFinalizer,
}

impl Mutation {
    /// Every way.
    pub const ALL: [Self; 13] = [
        Self::ForgetRollback,
        Self::FinishUnsettled,
        Self::StopBeforeIntent,
        Self::ForgetUnclearStop,
        Self::StartWhatWasStopped,
        Self::ForgetStart,
        Self::StartOnce,
        Self::NotCountedWhileStarting,
        Self::NoSecondCount,
        Self::SendWithoutLease,
        Self::IgnoreConflicts,
        Self::GiveUpAtAttention,
        Self::NoFinalizer,
    ];

    /// Whether it takes two operators to see it.
    #[must_use]
    pub fn takes_two(self) -> bool {
        matches!(
            self,
            Self::NoSecondCount
                | Self::SendWithoutLease
                | Self::IgnoreConflicts
                | Self::NotCountedWhileStarting
        )
    }

    pub(crate) fn times(self) -> Times {
        match self {
            Self::FinishUnsettled => Times {
                settle: Duration::ZERO,
                write_bound: Duration::ZERO,
                ..TIMES
            },
            _ => TIMES,
        }
    }

    /// Spoils what `step` decided.
    pub(crate) fn spoil(self, before: &Rec, decided: &mut Decided) {
        let record = &mut decided.record;
        match self {
            Self::ForgetRollback if before.rollback_reason.is_none() => {
                record.rollback_reason = None;
            }
            Self::StartWhatWasStopped
                if !before.was_running
                    && before.state == RecordState::Updating
                    && record.state == RecordState::Succeeded =>
            {
                *decided = Decided {
                    record: Rec {
                        state: RecordState::Starting,
                        last_write: Some(Age::Fresh),
                        ..*before
                    },
                    request: Some(Request::Start),
                };
            }
            Self::ForgetStart if decided.request == Some(Request::Start) => {
                *decided = Decided {
                    record: Rec {
                        state: RecordState::Succeeded,
                        ..Rec::new(before.was_running, before.recurrence)
                    },
                    request: None,
                };
            }
            Self::StartOnce
                if decided.request == Some(Request::Start) && before.start_attempts > 0 =>
            {
                decided.request = None;
                record.last_write = before.last_write;
            }
            Self::GiveUpAtAttention if before.state == RecordState::NeedsAttention => {
                decided.request = None;
                *record = *before;
            }
            _ => {}
        }
    }

    /// Spoils what `answered` decided.
    pub(crate) fn spoil_reaction(self, answer: &Answered, decided: &mut Decided) {
        match self {
            Self::ForgetRollback => decided.record.rollback_reason = answer.record.rollback_reason,
            Self::StopBeforeIntent
                if answer.request == Request::Probe && decided.request == Some(Request::Stop) =>
            {
                decided.record.stop_requested = false;
            }
            Self::ForgetUnclearStop
                if answer.request == Request::Stop && answer.answer == AnswerKind::Unclear =>
            {
                if let Some(before) = answer.before {
                    decided.record = before;
                }
            }
            _ => {}
        }
    }

    /// Spoils what a claim counts.
    pub(crate) fn miscount(self, listed: &mut Rec) {
        let starting = listed.state == RecordState::Starting
            || (listed.state == RecordState::NeedsAttention
                && listed.attention_from == Some(Step::Start));
        if self == Self::NotCountedWhileStarting && starting {
            listed.state = RecordState::Cancelled;
        }
    }
}
