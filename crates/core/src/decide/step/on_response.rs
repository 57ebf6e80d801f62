//! The meaning of a write's response for the record: the rest of the table's right-hand column.

use jiff::Timestamp;

use super::{Observation, Request};
use crate::domain::{EndReason, NotebookStatus, Progress, Record, RecordState, WriteOutcome};

/// The consequences of a response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResponseDecision {
    /// The new progress. It must be durable before `request` is sent.
    pub progress: Progress,
    /// The request that follows in the same pass. A rejected request is not a write.
    pub request: Option<Request>,
}

/// Judges a response. `before` is the progress before the request was recorded. `record` is the
/// record when the request was sent. `seen` is the notebook as the pass saw it. After a first Stop
/// that was rejected for the status, `seen` is the notebook as it was described again.
///
/// A response that proves nothing changes nothing. The next pass looks again.
#[must_use]
pub fn on_response(
    record: &Record,
    before: &Progress,
    (request, answer): (Request, WriteOutcome),
    seen: &Observation,
    now: Timestamp,
) -> ResponseDecision {
    let mut progress = record.progress.clone();
    if request == Request::Stop && (answer == WriteOutcome::Accepted || answer.is_refusal()) {
        // The Stop has arrived. AWS sets the status to Stopping before it responds (API reference
        // of that operation).
        progress.unanswered_stop_at = None;
    }
    match request {
        Request::Probe => probed(progress, answer, now),
        Request::Stop if before.stop_requested_at.is_none() => {
            first_stop(progress, before, answer, (seen, now))
        }
        // The Stop is sent again when it is due, whatever the response.
        Request::Stop => nothing_more(progress),
        Request::Start => started(progress, before, answer, now),
        Request::Update => updated(record, answer, seen, now),
    }
}

fn nothing_more(progress: Progress) -> ResponseDecision {
    ResponseDecision {
        progress,
        request: None,
    }
}

/// Handles the response to a probe (row 13).
fn probed(mut progress: Progress, answer: WriteOutcome, now: Timestamp) -> ResponseDecision {
    match answer {
        WriteOutcome::Denied => {
            progress.finish(RecordState::Failed, EndReason::AccessDenied, now);
            nothing_more(progress)
        }
        WriteOutcome::WrongStatus => {
            progress.stop_requested_at = Some(now);
            progress.last_write_at = Some(now);
            progress.unanswered_stop_at = Some(now);
            progress.transition_to(RecordState::Stopping, now);
            ResponseDecision {
                progress,
                request: Some(Request::Stop),
            }
        }
        // The notebook is down, or about to be. The operator is responsible for it from now on.
        WriteOutcome::Accepted => {
            progress.stop_requested_at = Some(now);
            progress.transition_to(RecordState::Stopping, now);
            nothing_more(progress)
        }
        WriteOutcome::LimitExceeded
        | WriteOutcome::NotFound
        | WriteOutcome::Throttled
        | WriteOutcome::Unclear => nothing_more(progress),
    }
}

/// Handles the response to a Start (rows 3 and 5), which is sent again when it is due. A permission
/// error lasts until a person acts.
fn started(
    mut progress: Progress,
    before: &Progress,
    answer: WriteOutcome,
    now: Timestamp,
) -> ResponseDecision {
    match answer {
        WriteOutcome::Accepted => progress.start_accepted_at = Some(now),
        WriteOutcome::Denied => progress.need_attention(now),
        // The previous Start took effect late.
        WriteOutcome::WrongStatus => progress.start_accepted_at = before.start_accepted_at,
        WriteOutcome::LimitExceeded
        | WriteOutcome::NotFound
        | WriteOutcome::Throttled
        | WriteOutcome::Unclear => {}
    }
    nothing_more(progress)
}

/// Handles the response to a first Stop. AWS may carry out a Stop twice and answer with the second
/// rejection. Only a notebook that is not on its way down proves that the operator did not stop it.
fn first_stop(
    mut progress: Progress,
    before: &Progress,
    answer: WriteOutcome,
    (seen, now): (&Observation, Timestamp),
) -> ResponseDecision {
    match answer {
        WriteOutcome::Denied => {
            progress.stop_requested_at = None;
            progress.finish(RecordState::Failed, EndReason::AccessDenied, now);
        }
        WriteOutcome::WrongStatus | WriteOutcome::NotFound | WriteOutcome::LimitExceeded
            if !is_going_down(seen) =>
        {
            progress.take_back_sent(before);
        }
        WriteOutcome::WrongStatus
        | WriteOutcome::NotFound
        | WriteOutcome::LimitExceeded
        | WriteOutcome::Accepted
        | WriteOutcome::Throttled
        | WriteOutcome::Unclear => {}
    }
    nothing_more(progress)
}

/// Returns true if a notebook that was running a moment ago is, or may be, on its way down. A
/// notebook that is being started again was down, and its start may fail.
fn is_going_down(seen: &Observation) -> bool {
    match seen {
        Observation::Missing => false,
        Observation::Unreadable => true,
        Observation::Described { status, .. } => *status != NotebookStatus::InService,
    }
}

/// Handles the response to an Update (rows 8 and 10).
fn updated(
    record: &Record,
    answer: WriteOutcome,
    seen: &Observation,
    now: Timestamp,
) -> ResponseDecision {
    let mut progress = record.progress.clone();
    let failed = matches!(
        seen,
        Observation::Described {
            status: NotebookStatus::Failed,
            ..
        }
    );
    let reason = match answer {
        WriteOutcome::Denied if record.was_stopped_by_us() => EndReason::UpdateDenied,
        WriteOutcome::Denied => EndReason::AccessDenied,
        WriteOutcome::WrongStatus if failed => EndReason::UpdateRefused,
        WriteOutcome::WrongStatus
        | WriteOutcome::Accepted
        | WriteOutcome::LimitExceeded
        | WriteOutcome::NotFound
        | WriteOutcome::Throttled
        | WriteOutcome::Unclear => return nothing_more(progress),
    };
    if record.was_stopped_by_us() {
        progress.rollback_reason = Some(reason);
    } else {
        progress.finish(RecordState::Failed, reason, now);
    }
    nothing_more(progress)
}
