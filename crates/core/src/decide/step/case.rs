//! The words that the table is written in.

use std::time::Duration;

use jiff::Timestamp;

use super::{NotNow, Sighting, Times, Wish};
use crate::domain::{EndReason, NotebookStatus, Record, RecordState, RootAccess, Step};

/// So long after a Start that AWS accepted, a change of a stopped notebook is not the Start's own: it ran in between. A start takes 2 to 4
/// minutes; a Start that was accepted and did not take changes nothing.
const RAN_AGAIN: Duration = Duration::from_mins(10);

/// Two `CreationTime`s that are closer than this are the same: deleting a notebook takes longer.
const SAME_CREATION: Duration = Duration::from_secs(1);

/// A Start that fails is sent again after `resend_after`, then ever more seldom, up to this many times as long.
const SLOWEST_START: u32 = 10;

/// Where the notebook was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Place {
    Unreadable,
    Missing,
    Stopped,
    Failed,
    InService,
    /// Every other status, known or not.
    InTransition,
}

/// All that a pass knows.
pub(super) struct Case<'a> {
    pub(super) record: &'a Record,
    pub(super) place: Place,
    /// Unknown too where it cannot be told whether the policy wants it: then nothing that root access alone allows may happen.
    pub(super) root_access: RootAccess,
    pub(super) now: Timestamp,
    last_modified: Option<Timestamp>,
    wish: Wish,
    times: &'a Times,
}

impl<'a> Case<'a> {
    pub(super) fn new(
        record: &'a Record,
        seen: &Sighting,
        wish: Wish,
        now: Timestamp,
        times: &'a Times,
    ) -> Self {
        let (place, root_access) = match seen {
            Sighting::Unreadable => (Place::Unreadable, RootAccess::Unknown),
            Sighting::Missing => (Place::Missing, RootAccess::Unknown),
            Sighting::Seen { created_at, .. } if is_another(record, *created_at) => {
                (Place::Missing, RootAccess::Unknown)
            }
            Sighting::Seen {
                status,
                root_access,
                ..
            } => (Place::of(status), *root_access),
        };
        let last_modified = match seen {
            Sighting::Seen { last_modified, .. } => *last_modified,
            Sighting::Unreadable | Sighting::Missing => None,
        };
        // Whoever deletes the record withdraws it, whatever the policy says.
        let wish = if record.being_deleted {
            Wish::Withdrawn(super::Withdrawal::RecordDeleted)
        } else {
            wish
        };
        Self {
            record,
            place,
            root_access: match (root_access, wish) {
                (RootAccess::Enabled, Wish::Unclear) => RootAccess::Unknown,
                (known, _) => known,
            },
            now,
            last_modified,
            wish,
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

    /// It is brought back. Of a record that somebody edited by hand it may say so where nobody stopped the notebook: then it is not
    /// started (promise P3).
    pub(super) fn is_rolling_back(&self) -> bool {
        self.rollback_reason().is_some() && self.record.intent.was_running
    }

    /// Why it is brought back as it is. A state of a later version says nothing that this version could go on with: what may be down
    /// is brought back.
    pub(super) fn rollback_reason(&self) -> Option<EndReason> {
        let progress = &self.record.progress;
        let stopped_by_later_version =
            progress.state == RecordState::Unrecognized && self.was_stopped_by_us();
        progress
            .rollback_reason
            .or(stopped_by_later_version.then_some(EndReason::Unrecognized))
    }

    /// A later version wrote its state, and nothing in it says that its notebook was stopped: nothing is done, unless a person deletes
    /// the record.
    pub(super) fn is_unrecognized(&self) -> bool {
        self.record.progress.state == RecordState::Unrecognized
            && self.rollback_reason().is_none()
            && !self.is_withdrawn()
    }

    /// It ran again after the operator's Start, and stopped since: somebody else stopped it (promise P3). Not if a Stop that was not
    /// answered could arrive after that Start, because a stop may take an hour.
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

    /// The record says that the notebook was running, and names no request that was sent since: a backup may have been restored. Any other
    /// record sends its first request within seconds. The notebook stays down until a person starts it or deletes the record, even if
    /// the policy is gone: a backup may restore records first.
    pub(super) fn may_be_down_unrecorded(&self) -> bool {
        let progress = &self.record.progress;
        let untouched = progress.last_write_at.is_none() && progress.stop_requested_at.is_none();
        let settled = self.times.settled_after();
        let is_old = has_passed(self.record.created_at, settled, self.now);
        // A claim takes seconds from its Describe of a running notebook to the record.
        let was_down_before = self
            .last_modified
            .is_some_and(|modified| has_passed(modified, settled, self.record.created_at));
        // No other record is at its Start without a Stop.
        let is_marked = self.step() == Step::Start;
        self.record.intent.was_running
            && untouched
            && (is_marked || is_old || was_down_before)
            && !self.record.being_deleted
    }

    pub(super) fn needs_attention(&self) -> bool {
        self.record.progress.state == RecordState::NeedsAttention
    }

    /// *Withdrawn*: nobody wants it any more, or the record is being deleted.
    pub(super) fn is_withdrawn(&self) -> bool {
        matches!(self.wish, Wish::Withdrawn(_))
    }

    /// *Undisturbable*: withdrawn, or nobody who works on it may be disturbed now.
    pub(super) fn is_undisturbable(&self) -> bool {
        self.is_withdrawn() || matches!(self.wish, Wish::NotNow(_))
    }

    /// Somebody else stopped it minutes ago, and may be about to start it.
    pub(super) fn is_recently_stopped(&self) -> bool {
        self.wish == Wish::NotNow(NotNow::RecentlyStopped)
    }

    /// An Update was sent since the step began. One that was not sent after all is taken back.
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

    /// The step that is under way.
    pub(super) fn step(&self) -> Step {
        self.record.step()
    }

    /// *At the deadline*: the step's timeout has passed since it began.
    pub(super) fn is_at_deadline(&self) -> bool {
        let timeout = self.step().timeout(&self.record.intent.timeouts);
        has_passed(self.record.step_since(), timeout, self.now)
    }

    /// *Settled*: no write that was sent can arrive any more.
    pub(super) fn is_settled(&self) -> bool {
        self.is_since_last_write(self.times.settled_after())
    }

    pub(super) fn is_first_write(&self) -> bool {
        self.record.progress.last_write_at.is_none()
    }

    /// What was sent last did not take in time.
    pub(super) fn is_resend_due(&self) -> bool {
        self.is_since_last_write(self.times.resend_after)
    }

    /// The last Stop, if it was lost, cannot arrive any more.
    pub(super) fn may_stop_again(&self) -> bool {
        self.is_since_last_write(self.times.write_bound)
    }

    /// A Stop was not answered, and may still arrive.
    pub(super) fn may_be_stopped_late(&self) -> bool {
        let unanswered = self.record.progress.unanswered_stop_at;
        unanswered.is_some_and(|sent| !has_passed(sent, self.times.write_bound, self.now))
    }

    /// The last Start did not take, or ended in Failed, and was given time.
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

impl Place {
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

/// Whether a notebook of the same name was created at another time than the record's.
fn is_another(record: &Record, created_at: Option<Timestamp>) -> bool {
    let (Some(recorded), Some(seen)) = (record.intent.notebook.created_at, created_at) else {
        return false;
    };
    seen.duration_since(recorded).unsigned_abs() >= SAME_CREATION
}

/// Whether so long has passed. A clock that was set back makes it wait, never hurry.
pub(super) fn has_passed(since: Timestamp, duration: Duration, now: Timestamp) -> bool {
    Duration::try_from(now.duration_since(since)).is_ok_and(|passed| passed >= duration)
}
