//! step *(pure)*: the next action on one notebook with a record.
//!
//! The table below is the table of `docs/remediation.md`, in the same order. The first matching row
//! wins. A case without a matching row waits. The table was searched exhaustively together with a
//! model of AWS (`tests/search`). Change it only with a search that shows that the change is safe.

mod context;
mod on_response;
#[cfg(test)]
mod tests;

use std::time::Duration;

use jiff::Timestamp;

use self::context::{Context, NotebookPhase};
pub use self::on_response::{ResponseDecision, on_response};
use crate::domain::{
    Call, EndReason, NotebookDetails, NotebookStatus, Progress, Record, RecordState, RootAccess,
    Step,
};

/// The notebook as seen just now.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Observation {
    /// The notebook could not be described: denied, throttled, no response.
    Unreadable,
    /// The notebook does not exist.
    Missing,
    /// The notebook was described.
    Described {
        /// The notebook's status.
        status: NotebookStatus,
        /// The root access of the notebook's users.
        root_access: RootAccess,
        /// The notebook's `CreationTime`, if AWS reported it.
        created_at: Option<Timestamp>,
        /// The notebook's `LastModifiedTime`, if AWS reported it.
        last_modified: Option<Timestamp>,
    },
}

/// The present wish of the policies for the notebook.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Desired {
    /// Disable root access. A restart may begin.
    Proceed,
    /// Disable root access, but do not disturb the notebook's users now.
    Defer(Deferral),
    /// No longer disable root access. A notebook that is down is restored as it was.
    Abort(Withdrawal),
    /// Unknown: the policies cannot be listed, or they use tags that cannot be read.
    Unknown,
}

/// The reason why a notebook must not be disturbed now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Deferral {
    /// The policy is suspended.
    Suspended,
    /// No window is open.
    WindowClosed,
    /// `whenRunning` is `Wait`.
    WhenRunning,
    /// More notebooks are already down than the policy allows.
    Budget,
    /// Too many notebooks of the policy are down and need attention, so no other is stopped.
    Halted,
    /// AWS will not start the notebook again.
    NotRestartable,
    /// The notebook came to Stopped minutes ago, by another hand than the operator's. Its owner may
    /// be about to start it.
    RecentlyStopped,
    /// The policy is invalid, or another policy that names this account and region is.
    InvalidPolicy,
}

/// The reason of a withdrawal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Withdrawal {
    /// The policy was deleted, or is being deleted.
    PolicyDeleted,
    /// The policy is in Audit.
    Audit,
    /// The policy no longer names the account and region, or does not select the notebook.
    NotCovered,
    /// An exemption matches, of this policy or of another that selects the notebook.
    Exempt,
    /// The record was deleted.
    RecordDeleted,
}

/// The waiting times from the operator's flags.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Times {
    /// The delay before resending a request that had no effect.
    pub resend_after: Duration,
    /// The time after which a sent request can no longer take effect.
    pub settle: Duration,
    /// The maximum time from `lastWriteAt` until the request is over or lost. It is the sum of the
    /// maximum age of the intent when the request is sent, the request's whole timeout, and the
    /// clock skew.
    pub write_bound: Duration,
}

/// The actions of a pass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// The matching row of the table.
    pub row: Row,
    /// The new progress. It must be durable before `request` is sent.
    pub progress: Progress,
    /// The request to AWS that follows.
    pub request: Option<Request>,
    /// The time of the next look.
    pub requeue: Requeue,
}

/// A request to AWS. The variant tells the call and the meaning of a rejection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Request {
    /// An Update of a running notebook. AWS checks permission before status, so the rejection shows
    /// whether an Update will be allowed, before the notebook is stopped.
    Probe,
    /// Stops the notebook.
    Stop,
    /// Disables root access.
    Update,
    /// Starts the notebook.
    Start,
}

/// The time of the next look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Requeue {
    /// After the poll interval.
    Soon,
    /// After a growing delay, because the notebook could not be read.
    BackOff,
    /// Never, because the record is finished.
    Never,
}

/// The rows of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "the table itself says what each is")]
pub enum Row {
    Finished,
    Unrecognized,
    Unreadable,
    Deleted,
    Fixed,
    StoppedByOwner,
    BringBack,
    BroughtBack,
    StartAgain,
    RestoredFromBackup,
    FixedWhileStopped,
    WithdrawnWhileDown,
    UpdateWhileDown,
    WithdrawnWhileStopped,
    UpdateWhileStopped,
    StartedByOwner,
    NotDisturbed,
    Probe,
    LetItRun,
    StopAgain,
    UnknownWhileDown,
    UnknownOtherwise,
    InTransition,
    /// No row matches, so nothing is done. A test shows that this never happens.
    NoRow,
}

/// A row: its cases and its action.
struct Rule {
    row: Row,
    number: &'static str,
    root_access: &'static [RootAccess],
    phases: &'static [NotebookPhase],
    when: fn(&Context<'_>) -> bool,
    then: fn(&Context<'_>) -> Decision,
}

const ANY: &[RootAccess] = &[
    RootAccess::Enabled,
    RootAccess::Disabled,
    RootAccess::Unknown,
];
const ENABLED: &[RootAccess] = &[RootAccess::Enabled];
const DISABLED: &[RootAccess] = &[RootAccess::Disabled];
const UNKNOWN: &[RootAccess] = &[RootAccess::Unknown];

const ANYWHERE: &[NotebookPhase] = &[
    NotebookPhase::Unreadable,
    NotebookPhase::Missing,
    NotebookPhase::Stopped,
    NotebookPhase::Failed,
    NotebookPhase::InService,
    NotebookPhase::InTransition,
];
const NOT_MISSING: &[NotebookPhase] = &[
    NotebookPhase::Unreadable,
    NotebookPhase::Stopped,
    NotebookPhase::Failed,
    NotebookPhase::InService,
    NotebookPhase::InTransition,
];
const UNREADABLE: &[NotebookPhase] = &[NotebookPhase::Unreadable];
const MISSING: &[NotebookPhase] = &[NotebookPhase::Missing];
const DOWN: &[NotebookPhase] = &[NotebookPhase::Stopped, NotebookPhase::Failed];
const STOPPED: &[NotebookPhase] = &[NotebookPhase::Stopped];
const RUNNING: &[NotebookPhase] = &[NotebookPhase::InService];
const DOWN_OR_RUNNING: &[NotebookPhase] = &[
    NotebookPhase::Stopped,
    NotebookPhase::Failed,
    NotebookPhase::InService,
];
const IN_TRANSITION: &[NotebookPhase] = &[NotebookPhase::InTransition];

const fn rule(
    (number, row): (&'static str, Row),
    (root_access, phases): (&'static [RootAccess], &'static [NotebookPhase]),
    when: fn(&Context<'_>) -> bool,
    then: fn(&Context<'_>) -> Decision,
) -> Rule {
    Rule {
        row,
        number,
        root_access,
        phases,
        when,
        then,
    }
}

/// The table. [`Context`] defines *stopped by us*, *withdrawn*, *undisturbable*, *settled* and *at
/// the deadline*.
#[rustfmt::skip]
#[expect(clippy::redundant_closure_for_method_calls, reason = "a method of a type with a lifetime is no such function")]
const TABLE: [Rule; 23] = [
    rule(("0",  Row::Finished),              (ANY,      ANYWHERE),        |c| c.is_finished(),                  nothing),
    rule(("0a", Row::Unrecognized),          (ANY,      NOT_MISSING),     |c| c.is_unrecognized(),              nothing),
    rule(("-",  Row::Unreadable),            (ANY,      UNREADABLE),      always,                             wait_for_an_answer),
    rule(("1",  Row::Deleted),               (ANY,      MISSING),         always,                             succeed_deleted),
    rule(("2",  Row::Fixed),                 (DISABLED, RUNNING),         always,                             succeed_running),
    rule(("2a", Row::StoppedByOwner),        (ANY,      STOPPED),         |c| c.ran_again(),                    end_stopped_by_owner),
    rule(("3",  Row::BringBack),             (ANY,      DOWN),            |c| c.is_rolling_back(),                 start),
    rule(("4",  Row::BroughtBack),           (ANY,      RUNNING),         |c| c.is_rolling_back(),                 end_once_settled),
    rule(("5",  Row::StartAgain),            (DISABLED, DOWN),            |c| c.was_stopped_by_us(),            start),
    rule(("5a", Row::RestoredFromBackup),    (ANY,      DOWN),            |c| c.may_be_down_unrecorded(),       need_attention),
    rule(("6",  Row::FixedWhileStopped),     (DISABLED, DOWN),            always,                             succeed),
    rule(("7",  Row::WithdrawnWhileDown),    (ENABLED,  DOWN),            |c| c.was_stopped_by_us() && c.is_withdrawn(), restore_withdrawn),
    rule(("8",  Row::UpdateWhileDown),       (ENABLED,  DOWN),            |c| c.was_stopped_by_us(),            update_or_restore),
    rule(("9",  Row::WithdrawnWhileStopped), (ENABLED,  DOWN),            |c| c.is_withdrawn(),                 cancel),
    rule(("10", Row::UpdateWhileStopped),    (ENABLED,  DOWN),            always,                             update_or_fail),
    rule(("11", Row::StartedByOwner),        (ENABLED,  RUNNING),         |c| c.was_not_running(),              cancel_started_once_settled),
    rule(("12", Row::NotDisturbed),          (ENABLED,  RUNNING),         |c| !c.is_stop_requested() && c.is_undisturbable(), cancel_once_settled),
    rule(("13", Row::Probe),                 (ENABLED,  RUNNING),         |c| !c.is_stop_requested(),         probe),
    rule(("14", Row::LetItRun),              (ENABLED,  RUNNING),         |c| c.is_undisturbable(),             cancel_once_settled),
    rule(("15", Row::StopAgain),             (ENABLED,  RUNNING),         always,                             stop_again),
    rule(("16", Row::UnknownWhileDown),      (UNKNOWN,  DOWN),            |c| c.was_stopped_by_us(),            wait_or_restore),
    rule(("17", Row::UnknownOtherwise),      (UNKNOWN,  DOWN_OR_RUNNING), always,                             wait_or_end),
    rule(("18", Row::InTransition),          (ANY,      IN_TRANSITION),   always,                             wait_in_transition),
];

/// Decides the actions of a pass. The function is total, and the same input gives the same output.
#[must_use]
pub fn step(
    record: &Record,
    seen: &Observation,
    desired: Desired,
    now: Timestamp,
    times: &Times,
) -> Decision {
    let context = Context::new(record, seen, desired, now, times);
    TABLE
        .iter()
        .find(|rule| rule.matches(&context))
        .map_or_else(
            || wait(&context),
            |rule| Decision {
                row: rule.row,
                ..(rule.then)(&context)
            },
        )
}

impl Rule {
    fn matches(&self, context: &Context<'_>) -> bool {
        self.root_access.contains(&context.root_access)
            && self.phases.contains(&context.phase)
            && (self.when)(context)
    }
}

fn always(_: &Context<'_>) -> bool {
    true
}

// ---- Actions -------------------------------------------------------------------------------

fn wait(context: &Context<'_>) -> Decision {
    decided(context.record.progress.clone())
}

fn decided(progress: Progress) -> Decision {
    Decision {
        row: Row::NoRow,
        requeue: if progress.state.is_finished() {
            Requeue::Never
        } else {
            Requeue::Soon
        },
        progress,
        request: None,
    }
}

fn nothing(context: &Context<'_>) -> Decision {
    wait(context)
}

fn wait_for_an_answer(context: &Context<'_>) -> Decision {
    Decision {
        requeue: Requeue::BackOff,
        ..wait_in_transition(context)
    }
}

/// Waits, because nothing can be sent. At the deadline a person is told. A record that may have
/// been restored from a backup is marked by its step, because its notebook looks like any other
/// once the transition is over.
fn wait_in_transition(context: &Context<'_>) -> Decision {
    let mut progress = context.record.progress.clone();
    if context.phase == NotebookPhase::InTransition && context.may_be_down_unrecorded() {
        progress.transition_to(RecordState::Starting, context.now);
    }
    if context.is_at_deadline() {
        // The state of a later version is lost here. Keep the reason of the rollback.
        progress.rollback_reason = context.rollback_reason();
        progress.need_attention(context.now);
    }
    decided(progress)
}

fn succeed(context: &Context<'_>) -> Decision {
    end(
        context,
        RecordState::Succeeded,
        EndReason::RootAccessDisabled,
    )
}

/// Marks a record that was restored from a backup: the notebook was running, the record never got a
/// status, and later actions are unknown.
fn need_attention(context: &Context<'_>) -> Decision {
    let mut progress = context.record.progress.clone();
    progress.transition_to(RecordState::Starting, context.now);
    progress.need_attention(context.now);
    decided(progress)
}

/// Ends the record of a notebook that ran again after the operator's Start and was stopped since.
/// The result is the same as if the notebook were running.
fn end_stopped_by_owner(context: &Context<'_>) -> Decision {
    let rollback = context.record.progress.rollback_reason;
    let state = match (rollback, context.root_access) {
        (None, RootAccess::Disabled) => RecordState::Succeeded,
        (None | Some(EndReason::Withdrawn), _) => RecordState::Cancelled,
        (Some(_), _) => RecordState::Failed,
    };
    end(context, state, EndReason::StoppedByOwner)
}

/// Succeeds once no unanswered Stop can take effect any more. Until then the record must exist to
/// restore the notebook.
fn succeed_running(context: &Context<'_>) -> Decision {
    if context.may_be_stopped_late() {
        wait_in_transition(context)
    } else {
        succeed(context)
    }
}

fn succeed_deleted(context: &Context<'_>) -> Decision {
    end(context, RecordState::Succeeded, EndReason::Deleted)
}

fn end(context: &Context<'_>, state: RecordState, reason: EndReason) -> Decision {
    let mut progress = context.record.progress.clone();
    progress.finish(state, reason, context.now);
    decided(progress)
}

/// Ends the record once the last write has settled. A late Stop may still stop a running notebook.
fn once_settled(context: &Context<'_>, state: RecordState, reason: EndReason) -> Decision {
    if context.is_settled() {
        end(context, state, reason)
    } else {
        wait_in_transition(context)
    }
}

fn cancel(context: &Context<'_>) -> Decision {
    end(context, RecordState::Cancelled, context.why_cancelled())
}

fn cancel_once_settled(context: &Context<'_>) -> Decision {
    once_settled(context, RecordState::Cancelled, context.why_cancelled())
}

fn cancel_started_once_settled(context: &Context<'_>) -> Decision {
    once_settled(context, RecordState::Cancelled, EndReason::StartedByOwner)
}

fn end_once_settled(context: &Context<'_>) -> Decision {
    let reason = context.rollback_reason().unwrap_or(EndReason::Withdrawn);
    let state = match reason {
        EndReason::Withdrawn => RecordState::Cancelled,
        _ => RecordState::Failed,
    };
    once_settled(context, state, reason)
}

fn restore(context: &Context<'_>, reason: EndReason) -> Decision {
    start_with(context, Some(reason))
}

fn restore_withdrawn(context: &Context<'_>) -> Decision {
    restore(context, EndReason::Withdrawn)
}

fn start(context: &Context<'_>) -> Decision {
    start_with(context, context.rollback_reason())
}

/// Starts the notebook, with retries that never end (promise P2).
fn start_with(context: &Context<'_>, rollback_reason: Option<EndReason>) -> Decision {
    let mut progress = context.record.progress.clone();
    progress.rollback_reason = rollback_reason;
    let begins = progress.transition_to(RecordState::Starting, context.now);
    let is_due = begins || context.is_start_due();
    if !begins && context.is_at_deadline() {
        progress.need_attention(context.now);
    }
    if !is_due {
        return decided(progress);
    }
    progress.start_requested_at.get_or_insert(context.now);
    progress.start_attempts = progress.start_attempts.saturating_add(1);
    sending(progress, Request::Start, context.now)
}

fn sending(mut progress: Progress, request: Request, now: Timestamp) -> Decision {
    progress.last_write_at = Some(now);
    if request == Request::Stop {
        progress.unanswered_stop_at = Some(now);
    }
    if request != Request::Probe {
        // From now on the operator itself changes the notebook after the accepted Start. A Start
        // that is sent again means that the accepted one had no effect.
        progress.start_accepted_at = None;
    }
    Decision {
        request: Some(request),
        ..decided(progress)
    }
}

fn update_or_restore(context: &Context<'_>) -> Decision {
    if context.step() == Step::Update && context.is_at_deadline() {
        return restore(context, EndReason::UpdateTimedOut);
    }
    update(context)
}

/// Updates the notebook unless it was stopped minutes ago by another hand than the operator's. Then
/// the record ends, and the plan claims the notebook again after its rest. The operator's own
/// Update moves `LastModifiedTime` too, so this check applies only before the first Update.
fn update_or_fail(context: &Context<'_>) -> Decision {
    if context.is_recently_stopped() && !context.is_update_sent() {
        return cancel(context);
    }
    if context.step() == Step::Update && context.is_at_deadline() {
        return end(context, RecordState::Failed, EndReason::UpdateTimedOut);
    }
    update(context)
}

fn update(context: &Context<'_>) -> Decision {
    let mut progress = context.record.progress.clone();
    let begins = progress.transition_to(RecordState::Updating, context.now);
    if !begins && !context.is_resend_due() {
        return decided(progress);
    }
    progress.update_requested_at.get_or_insert(context.now);
    sending(progress, Request::Update, context.now)
}

/// Probes whether an Update will be allowed. It writes `lastWriteAt` only.
///
/// At the deadline nothing was stopped, and nothing will be. The record ends, so that its slot is
/// free and the next plan decides again. Otherwise many records could wait for AWS to recover, and
/// then all stop their notebooks at once (promise P6).
fn probe(context: &Context<'_>) -> Decision {
    if context.is_at_deadline() || context.needs_attention() {
        return if context.is_settled() {
            end(context, RecordState::Cancelled, EndReason::TimedOut)
        } else {
            wait(context)
        };
    }
    let progress = context.record.progress.clone();
    if context.is_first_write() || context.is_resend_due() {
        return sending(progress, Request::Probe, context.now);
    }
    decided(progress)
}

/// Sends the Stop again. Two Stops must not be in progress at the same time, because the later one
/// would stop a notebook that was restored meanwhile.
fn stop_again(context: &Context<'_>) -> Decision {
    let mut progress = context.record.progress.clone();
    let begins = progress.transition_to(RecordState::Stopping, context.now);
    if !begins && context.is_at_deadline() {
        progress.need_attention(context.now);
    }
    if context.is_resend_due() && context.may_stop_again() {
        return sending(progress, Request::Stop, context.now);
    }
    decided(progress)
}

fn wait_or_restore(context: &Context<'_>) -> Decision {
    if context.is_withdrawn() {
        restore(context, EndReason::Withdrawn)
    } else if context.is_at_deadline() {
        restore(context, EndReason::RootAccessUnknown)
    } else {
        wait(context)
    }
}

fn wait_or_end(context: &Context<'_>) -> Decision {
    let runs = context.phase == NotebookPhase::InService;
    let unknown = EndReason::RootAccessUnknown;
    if !context.is_stop_requested() && runs && context.is_withdrawn() {
        once_settled(context, RecordState::Cancelled, EndReason::Withdrawn)
    } else if !context.is_at_deadline() {
        wait(context)
    } else if !context.is_stop_requested() && runs {
        once_settled(context, RecordState::Cancelled, unknown)
    } else if !context.is_stop_requested() {
        end(context, RecordState::Cancelled, unknown)
    } else {
        once_settled(context, RecordState::Failed, unknown)
    }
}

impl From<&NotebookDetails> for Observation {
    fn from(details: &NotebookDetails) -> Self {
        Self::Described {
            status: details.status.clone(),
            root_access: details.root_access,
            created_at: details.created_at,
            last_modified: details.last_modified,
        }
    }
}

impl Row {
    /// Returns the row's number in the table of `docs/remediation.md`.
    #[must_use]
    pub fn number(self) -> &'static str {
        TABLE
            .iter()
            .find(|rule| rule.row == self)
            .map_or("none", |rule| rule.number)
    }

    /// Returns every row of the table.
    pub fn all() -> impl Iterator<Item = Self> {
        TABLE.iter().map(|rule| rule.row)
    }
}

impl Request {
    /// Returns the call of the request.
    #[must_use]
    pub fn call(self) -> Call {
        match self {
            Self::Probe | Self::Update => Call::Update,
            Self::Stop => Call::Stop,
            Self::Start => Call::Start,
        }
    }
}

impl Times {
    /// Returns the time after which no sent request can take effect, whatever the flag says.
    #[must_use]
    pub fn settled_after(&self) -> Duration {
        self.settle.max(self.write_bound)
    }
}
