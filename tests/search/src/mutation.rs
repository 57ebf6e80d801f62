//! Mutations of the product. The search must find each, because a search that cannot fail proves
//! nothing.

use std::time::Duration;

use sudoless_core::{
    decide::{Request, Row, Times},
    domain::{RecordState, Step, WriteOutcome},
};

use crate::{
    product::{Answered, Decided},
    record::{Age, Rec, TIMES},
    scope::{FOR_ADOPTION, FOR_BUDGETS, FOR_ONE, FOR_TWO_OPERATORS, Scope},
};

/// A mutation of the product.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mutation {
    /// `rollbackReason` is not written, so the next pass does not know that the notebook has to be
    /// rolled back.
    ForgetRollback,
    /// A running notebook's record is finished before the last write has settled.
    FinishUnsettled,
    /// The Stop is recorded after it was sent.
    StopBeforeIntent,
    /// A first Stop without an answer counts as rejected.
    ForgetUnclearStop,
    /// Every stopped notebook is started, even if it was not running before.
    StartWhatWasStopped,
    /// A remediation ends with the Update.
    ForgetStart,
    /// A Start without an effect is not sent again.
    StartOnce,
    /// A claim does not count notebooks that are starting again.
    NotCountedWhileStarting,
    /// The budget is not counted again before a Stop.
    NoSecondCount,
    /// An operator that lost the lease continues to send.
    SendWithoutLease,
    /// Writes ignore the `resourceVersion`.
    IgnoreConflicts,
    /// A record that needs attention gets no more passes.
    GiveUpAtAttention,
    /// A deleted record is removed at once.
    NoFinalizer,
    /// A record that needs attention before its Stop gives its slot back, and each recount leaves
    /// out the other records that need attention.
    AttentionBeforeStop,
    /// A request that is not sent takes the whole record back.
    TakeAllBack,
    /// A pass fails if policies cannot be listed.
    NeedPolicies,
    /// A record with a state or reason of a later version gets no passes.
    IgnoreLaterVersions,
    /// A record whose operator is gone gets no passes.
    NoAdoption,
    /// A notebook that ran again after a Start is started once more.
    IgnoreModified,
    /// The rejection of a first Stop takes the Stop back, without another Describe of the notebook.
    TrustFirstRefusal,
    /// A notebook that was created again counts as the previous one.
    IgnoreCreation,
    /// A Start that is denied waits for its deadline.
    WaitForDeniedStart,
    /// A restored record without a status counts as a new one.
    TrustRestored,
    /// `startAcceptedAt` survives the next Stop and the next Update.
    KeepAcceptedStart,
    /// A record that does not decode is not counted.
    NotCountedUndecodable,
}

impl Mutation {
    /// All mutations.
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

    /// Returns the scope in which the mutation is searched for.
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

    /// Changes the decision of `step`.
    pub(crate) fn spoil(self, row: Row, before: &Rec, decided: &mut Decided) {
        let record = &mut decided.record;
        match self {
            // The former behaviour: the record is retried.
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

    /// Changes the decision of `answered`.
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
                    && answer.answer == WriteOutcome::Unclear
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

    /// Changes the records that a claim counts.
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
