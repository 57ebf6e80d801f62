//! Ways to break the product. Each must be found: a search that cannot fail proves nothing.

use std::time::Duration;

use sudoless_core::{
    decide::{Request, Row, Times},
    domain::{AnswerKind, RecordState, Step},
};

use crate::{
    product::{Answered, Decided},
    record::{Age, Rec, TIMES},
    scope::{FOR_ADOPTION, FOR_BUDGETS, FOR_ONE, FOR_TWO_OPERATORS, Scope},
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
    /// The budget is not counted again before a Stop.
    NoSecondCount,
    /// Whoever lost the lease goes on to send.
    SendWithoutLease,
    /// Writes do not look at the resourceVersion.
    IgnoreConflicts,
    /// A record that needs attention is left alone.
    GiveUpAtAttention,
    /// A deleted record is removed at once.
    NoFinalizer,
    /// A record that needs attention before its Stop gives its slot back, and each recount leaves the others out that need attention.
    AttentionBeforeStop,
    /// A request that is not sent takes the whole record back.
    TakeAllBack,
    /// A pass fails if policies cannot be listed.
    NeedPolicies,
    /// A record with a state or reason of a later version is left alone.
    IgnoreLaterVersions,
    /// A record whose operator is gone is left alone.
    NoAdoption,
    /// A notebook that ran again after a Start is started once more.
    IgnoreModified,
    /// The refusal of a first Stop takes it back, without another look at the notebook.
    TrustFirstRefusal,
    /// A notebook that was created again is taken for the one before.
    IgnoreCreation,
    /// A Start that is forbidden waits for its deadline.
    WaitForDeniedStart,
    /// A restored record without a status is taken for a new one.
    TrustRestored,
    /// `startAcceptedAt` outlasts the next Stop and the next Update.
    KeepAcceptedStart,
    /// A record that does not decode is not counted.
    NotCountedUndecodable,
}

impl Mutation {
    /// Every way.
    pub const ALL: [Self; 25] = [
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
        Self::AttentionBeforeStop,
        Self::TakeAllBack,
        Self::NeedPolicies,
        Self::IgnoreLaterVersions,
        Self::NoAdoption,
        Self::IgnoreModified,
        Self::TrustFirstRefusal,
        Self::IgnoreCreation,
        Self::WaitForDeniedStart,
        Self::TrustRestored,
        Self::KeepAcceptedStart,
        Self::NotCountedUndecodable,
    ];

    /// Where it is looked for.
    #[must_use]
    pub fn scope(self) -> Scope {
        match self {
            Self::NoSecondCount
            | Self::SendWithoutLease
            | Self::IgnoreConflicts
            | Self::NotCountedWhileStarting => FOR_TWO_OPERATORS,
            Self::AttentionBeforeStop | Self::NotCountedUndecodable => FOR_BUDGETS,
            Self::NoAdoption => FOR_ADOPTION,
            _ => FOR_ONE,
        }
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
    pub(crate) fn spoil(self, row: Row, before: &Rec, decided: &mut Decided) {
        let record = &mut decided.record;
        match self {
            // As it was: it goes on to try.
            Self::AttentionBeforeStop
                if row == Row::Probe
                    && (before.at_deadline || before.state == RecordState::NeedsAttention) =>
            {
                let is_due = before.last_write.is_none_or(|age| age != Age::Fresh);
                *decided = Decided {
                    record: Rec {
                        state: RecordState::NeedsAttention,
                        attention_from: Some(Step::Stop),
                        at_deadline: before.at_deadline
                            && before.state == RecordState::NeedsAttention,
                        last_write: if is_due {
                            Some(Age::Fresh)
                        } else {
                            before.last_write
                        },
                        ..*before
                    },
                    request: is_due.then_some(Request::Probe),
                };
            }
            Self::TrustRestored if row == Row::RestoredFromBackup => {
                *decided = Decided::nothing(before.finished(RecordState::Succeeded));
            }
            Self::KeepAcceptedStart
                if matches!(decided.request, Some(Request::Stop | Request::Update)) =>
            {
                record.start_accepted = before.start_accepted;
            }
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
                *decided = Decided::nothing(before.finished(RecordState::Succeeded));
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
                if answer.request == Request::Stop
                    && answer.answer == AnswerKind::Unclear
                    && !answer.unsent.stop_requested =>
            {
                decided.record = answer.unsent;
            }
            Self::WaitForDeniedStart if answer.request == Request::Start => {
                decided.record = answer.record;
            }
            _ => {}
        }
    }

    /// Spoils what a claim counts.
    pub(crate) fn miscount(self, listed: &mut Rec) {
        let starting = listed.state == RecordState::Starting
            || (listed.state == RecordState::NeedsAttention
                && listed.attention_from == Some(Step::Start));
        let is_left_out = match self {
            Self::NotCountedWhileStarting => starting,
            Self::NotCountedUndecodable => !listed.readable,
            Self::AttentionBeforeStop => listed.state == RecordState::NeedsAttention,
            _ => false,
        };
        if is_left_out {
            listed.state = RecordState::Cancelled;
            listed.readable = true;
        }
    }
}
