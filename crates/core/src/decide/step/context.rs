//! The terms of the table.

use std::time::Duration;

use jiff::Timestamp;

use super::{Deferral, Desired, Observation, Times};
use crate::domain::{EndReason, NotebookStatus, Record, RecordState, RootAccess, Step};

/// The minimum time from an accepted Start to a change of a stopped notebook that shows that the
/// notebook ran in between. A start takes 2 to 4 minutes. An accepted Start that has no effect
/// changes nothing.
const RAN_AGAIN: Duration = Duration::from_mins(10);

/// The maximum difference of two equal `CreationTime`s. Deleting a notebook takes longer.
const SAME_CREATION: Duration = Duration::from_secs(1);

/// The maximum factor of the delay between failed Starts, in multiples of `resend_after`.
const SLOWEST_START: u32 = 10;

/// The notebook's phase.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum NotebookPhase {
    Unreadable,
    Missing,
    Stopped,
    Failed,
    InService,
    /// Every other status, known or not.
    InTransition,
}

/// The inputs of a pass.
pub(super) struct Context<'a> {
    pub(super) record: &'a Record,
    pub(super) phase: NotebookPhase,
    /// The root access. Unknown also if the policies' wish is unknown, because root access alone
    /// must then not allow an action.
    pub(super) root_access: RootAccess,
    pub(super) now: Timestamp,
    last_modified: Option<Timestamp>,
    desired: Desired,
    times: &'a Times,
}

impl<'a> Context<'a> {
    pub(super) fn new(
        record: &'a Record,
        seen: &Observation,
        desired: Desired,
        now: Timestamp,
        times: &'a Times,
    ) -> Self {
        let (phase, root_access) = match seen {
            Observation::Unreadable => (NotebookPhase::Unreadable, RootAccess::Unknown),
            Observation::Missing => (NotebookPhase::Missing, RootAccess::Unknown),
            Observation::Described { created_at, .. } if is_another(record, *created_at) => {
                (NotebookPhase::Missing, RootAccess::Unknown)
            }
            Observation::Described {
                status,
                root_access,
                ..
            } => (NotebookPhase::of(status), *root_access),
        };
        let last_modified = match seen {
            Observation::Described { last_modified, .. } => *last_modified,
            Observation::Unreadable | Observation::Missing => None,
        };
        // The deletion of the record is a withdrawal, whatever the policy says.
        let desired = if record.being_deleted {
            Desired::Abort(super::Withdrawal::RecordDeleted)
        } else {
            desired
        };
        Self {
            record,
            phase,
            root_access: match (root_access, desired) {
                (RootAccess::Enabled, Desired::Unknown) => RootAccess::Unknown,
                (known, _) => known,
            },
            now,
            last_modified,
            desired,
            times,
        }
    }

    pub(super) fn is_finished(&self) -> bool {
        self.record.is_finished()
    }

    /// *Stopped by us*: `wasRunning` and `stopRequestedAt` are set.
    pub(super) fn was_stopped_by_us(&self) -> bool {
        self.record.was_stopped_by_us()
    }

    pub(super) fn is_stop_requested(&self) -> bool {
        self.record.progress.stop_requested_at.is_some()
    }

    pub(super) fn was_not_running(&self) -> bool {
        !self.record.intent.was_running
    }

    /// Returns true if the notebook is being restored. A record that a person edited by hand may
    /// have a rollback reason although nobody stopped the notebook. Such a notebook is not started
    /// (promise P3).
    pub(super) fn is_rolling_back(&self) -> bool {
        self.rollback_reason().is_some() && self.record.intent.was_running
    }

    /// Returns the reason of the rollback. This version cannot continue from a state of a later
    /// version, so it restores a notebook that may be down.
    pub(super) fn rollback_reason(&self) -> Option<EndReason> {
        let progress = &self.record.progress;
        let stopped_by_later_version =
            progress.state == RecordState::Unrecognized && self.was_stopped_by_us();
        progress
            .rollback_reason
            .or(stopped_by_later_version.then_some(EndReason::Unrecognized))
    }

    /// Returns true if a later version wrote the state, and nothing says that the notebook was
    /// stopped. Nothing is then done unless a person deletes the record.
    pub(super) fn is_unrecognized(&self) -> bool {
        self.record.progress.state == RecordState::Unrecognized
            && self.rollback_reason().is_none()
            && !self.is_withdrawn()
    }

    /// Returns true if the notebook ran again after the operator's Start and was stopped since, so
    /// that its owner stopped it (promise P3). Returns false if an unanswered Stop could have
    /// arrived after that Start, because a stop may take an hour.
    pub(super) fn ran_again(&self) -> bool {
        let progress = &self.record.progress;
        let (Some(accepted), Some(modified)) = (progress.start_accepted_at, self.last_modified)
        else {
            return false;
        };
        let was_stop_over = progress
            .unanswered_stop_at
            .is_none_or(|sent| has_passed(sent, self.times.write_bound, accepted));
        self.was_stopped_by_us() && was_stop_over && has_passed(accepted, RAN_AGAIN, modified)
    }

    /// Returns true if the record may have been restored from a backup: the notebook was running,
    /// and no request is recorded. Any other record sends its first request within seconds. The
    /// notebook stays down until a person starts it or deletes the record, even if the policy is
    /// gone, because a restore may create records first.
    pub(super) fn may_be_down_unrecorded(&self) -> bool {
        let progress = &self.record.progress;
        let untouched = progress.last_write_at.is_none() && progress.stop_requested_at.is_none();
        let settled = self.times.settled_after();
        let is_old = has_passed(self.record.created_at, settled, self.now);
        // A claim takes only seconds from its Describe of a running notebook to the record.
        let was_down_before = self
            .last_modified
            .is_some_and(|modified| has_passed(modified, settled, self.record.created_at));
        // No other record is in its start step without a Stop. A later version may have replaced
        // that mark by its own state.
        let is_marked =
            self.step() == Step::Start || self.record.progress.state == RecordState::Unrecognized;
        self.record.intent.was_running
            && untouched
            && (is_marked || is_old || was_down_before)
            && !self.record.being_deleted
    }

    pub(super) fn needs_attention(&self) -> bool {
        self.record.progress.state == RecordState::NeedsAttention
    }

    /// *Withdrawn*: the policies no longer want the remediation, or the record is being deleted.
    pub(super) fn is_withdrawn(&self) -> bool {
        matches!(self.desired, Desired::Abort(_))
    }

    /// *Undisturbable*: withdrawn, or the notebook's users must not be disturbed now.
    pub(super) fn is_undisturbable(&self) -> bool {
        self.is_withdrawn() || matches!(self.desired, Desired::Defer(_))
    }

    /// Returns true if the notebook came to Stopped minutes ago by another hand than the
    /// operator's, so that its owner may be about to start it.
    pub(super) fn is_recently_stopped(&self) -> bool {
        self.desired == Desired::Defer(Deferral::RecentlyStopped)
    }

    /// Returns true if an Update was sent since the step began. An Update that was not sent after
    /// all is taken back.
    pub(super) fn is_update_sent(&self) -> bool {
        let progress = &self.record.progress;
        self.step() == Step::Update
            && progress
                .last_write_at
                .is_some_and(|last| last >= self.record.step_since())
    }

    pub(super) fn why_cancelled(&self) -> EndReason {
        if self.is_withdrawn() {
            EndReason::Withdrawn
        } else {
            EndReason::Deferred
        }
    }

    /// Returns the step in progress.
    pub(super) fn step(&self) -> Step {
        self.record.step()
    }

    /// *At the deadline*: the step's timeout has passed since it began.
    pub(super) fn is_at_deadline(&self) -> bool {
        let timeout = self.step().timeout(&self.record.intent.timeouts);
        has_passed(self.record.step_since(), timeout, self.now)
    }

    /// *Settled*: no sent write can take effect any more.
    pub(super) fn is_settled(&self) -> bool {
        self.is_since_last_write(self.times.settled_after())
    }

    pub(super) fn is_first_write(&self) -> bool {
        self.record.progress.last_write_at.is_none()
    }

    /// Returns true if the last request had no effect in time.
    pub(super) fn is_resend_due(&self) -> bool {
        self.is_since_last_write(self.times.resend_after)
    }

    /// Returns true if the last Stop can no longer take effect, even if it was lost.
    pub(super) fn may_stop_again(&self) -> bool {
        self.is_since_last_write(self.times.write_bound)
    }

    /// Returns true if an unanswered Stop may still take effect.
    pub(super) fn may_be_stopped_late(&self) -> bool {
        let unanswered = self.record.progress.unanswered_stop_at;
        unanswered.is_some_and(|sent| !has_passed(sent, self.times.write_bound, self.now))
    }

    /// Returns true if the next Start is due, because the last one had no effect or ended in
    /// Failed.
    pub(super) fn is_start_due(&self) -> bool {
        let doublings = self.record.progress.start_attempts.saturating_sub(1).min(4);
        let factor = (1 << doublings).min(SLOWEST_START);
        self.is_since_last_write(self.times.resend_after.saturating_mul(factor))
    }

    fn is_since_last_write(&self, duration: Duration) -> bool {
        self.record
            .progress
            .last_write_at
            .is_none_or(|last| has_passed(last, duration, self.now))
    }
}

impl NotebookPhase {
    pub(super) fn of(status: &NotebookStatus) -> Self {
        match status {
            NotebookStatus::Stopped => Self::Stopped,
            NotebookStatus::Failed => Self::Failed,
            NotebookStatus::InService => Self::InService,
            NotebookStatus::Pending
            | NotebookStatus::Stopping
            | NotebookStatus::Deleting
            | NotebookStatus::Updating
            | NotebookStatus::Other(_) => Self::InTransition,
        }
    }
}

/// Returns true if the notebook was created at another time than the record's notebook.
fn is_another(record: &Record, created_at: Option<Timestamp>) -> bool {
    let (Some(recorded), Some(seen)) = (record.intent.notebook.created_at, created_at) else {
        return false;
    };
    seen.duration_since(recorded).unsigned_abs() >= SAME_CREATION
}

/// Returns true if a duration has passed. A clock that was set back delays actions and never
/// advances them.
pub(super) fn has_passed(since: Timestamp, duration: Duration, now: Timestamp) -> bool {
    Duration::try_from(now.duration_since(since)).is_ok_and(|passed| passed >= duration)
}
