//! Records between the API server and the decisions *(pure)*. They are read once at the boundary,
//! and written in full.

mod partial;
#[cfg(test)]
mod tests;

use std::time::Duration;

pub use self::partial::PartialRecord;
use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;

use crate::{
    api::{
        NotebookRemediation, NotebookRemediationSpec, NotebookRemediationStatus,
        RemediatedNotebook, RemediationAccess, RemediationTimeouts,
    },
    domain::{
        Access, EndReason, Intent, InvalidIdentifier, NotebookRef, Progress, Record, RecordState,
        Timeouts,
    },
};

/// The error of an invalid record. The operator writes records itself, so another program or
/// another version wrote this one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidRecord {
    /// An account, region, role or external id is invalid.
    #[error(transparent)]
    Identifier(#[from] InvalidIdentifier),
    /// The record has no creation time, unlike every stored object.
    #[error("the record has no creation time")]
    NoCreation,
}

/// Reads a record as stored at the API server.
///
/// # Errors
/// The reason why the record is invalid. No action is taken for an invalid record.
pub fn read_record(resource: &NotebookRemediation) -> Result<Record, InvalidRecord> {
    let created_at = resource
        .metadata
        .creation_timestamp
        .as_ref()
        .ok_or(InvalidRecord::NoCreation)?
        .0;
    Ok(Record {
        intent: intent(&resource.spec)?,
        progress: progress(resource.status.as_ref()),
        created_at,
        being_deleted: resource.metadata.deletion_timestamp.is_some(),
        has_status: resource.status.is_some(),
    })
}

/// Converts an intent for storage.
#[must_use]
pub fn write_intent(intent: &Intent) -> NotebookRemediationSpec {
    let notebook = &intent.notebook;
    let access = &intent.access;
    let duration = |duration: Duration| duration.into();
    NotebookRemediationSpec {
        policy: intent.policy.to_string(),
        notebook: RemediatedNotebook {
            arn: notebook.arn.to_string(),
            account: notebook.account.to_string(),
            region: notebook.region.to_string(),
            name: notebook.name.clone(),
            created_at: notebook.created_at.map(MicroTime),
        },
        access: RemediationAccess {
            role: access.role.as_ref().map(ToString::to_string),
            external_id: access.external_id.as_ref().map(|id| id.as_str().to_owned()),
        },
        was_running: intent.was_running,
        timeouts: RemediationTimeouts {
            stop: duration(intent.timeouts.stop),
            update: duration(intent.timeouts.update),
            start: duration(intent.timeouts.start),
        },
        recurrence: intent.recurrence,
    }
}

/// Converts the progress for storage. `report` adds conditions, reason and message.
#[must_use]
pub fn write_progress(progress: &Progress) -> NotebookRemediationStatus {
    let time = |time: Option<Timestamp>| time.map(MicroTime);
    let downtime = downtime(progress);
    NotebookRemediationStatus {
        state: Some(progress.state),
        step_since: time(progress.step_since),
        attention_from: progress.attention_from,
        last_write_at: time(progress.last_write_at),
        stop_requested_at: time(progress.stop_requested_at),
        unanswered_stop_at: time(progress.unanswered_stop_at),
        update_requested_at: time(progress.update_requested_at),
        start_requested_at: time(progress.start_requested_at),
        start_accepted_at: time(progress.start_accepted_at),
        start_attempts: progress.start_attempts,
        rollback_reason: progress.rollback_reason.map(|reason| reason.to_string()),
        last_error: progress.last_error.clone(),
        failure_reason: progress.failure_reason.clone(),
        completed_at: time(progress.completed_at),
        downtime_seconds: downtime
            .map(|downtime| u32::try_from(downtime.as_secs()).unwrap_or(u32::MAX)),
        downtime: downtime.map(|downtime| readable(downtime.as_secs())),
        reason: progress.end.map(|reason| reason.to_string()),
        ..NotebookRemediationStatus::default()
    }
}

/// Returns the time for which the operator kept a finished notebook down, from the stop request
/// until the notebook was seen running again. `None` if it was never down or was deleted.
#[must_use]
pub fn downtime(progress: &Progress) -> Option<Duration> {
    let was_down = progress.update_requested_at.is_some() || progress.start_requested_at.is_some();
    let (Some(stopped), Some(completed)) = (progress.stop_requested_at, progress.completed_at)
    else {
        return None;
    };
    if !was_down || progress.end == Some(EndReason::Deleted) {
        return None;
    }
    Duration::try_from(completed.duration_since(stopped)).ok()
}

/// Returns the time when a finished record has been kept long enough. `None` if the record is
/// unfinished or failed. A failed record stays until a person deletes it.
#[must_use]
pub fn expiry(record: &Record, retention: Duration) -> Option<Timestamp> {
    if !matches!(
        record.progress.state,
        RecordState::Succeeded | RecordState::Cancelled
    ) {
        return None;
    }
    let completed = record.progress.completed_at?;
    completed
        .checked_add(jiff::SignedDuration::try_from(retention).ok()?)
        .ok()
}

/// Returns true if all writes of a record are so old that its operator may be gone. `touches` are
/// the times of the writes.
#[must_use]
pub fn is_abandoned(touches: &[Timestamp], after: Duration, now: Timestamp) -> bool {
    let is_old =
        |touched| Duration::try_from(now.duration_since(touched)).is_ok_and(|since| since > after);
    touches.iter().copied().all(is_old)
}

/// Truncates a time to the API server's precision, so that the time reads back as written.
#[must_use]
pub fn whole_microseconds(time: Timestamp) -> Timestamp {
    Timestamp::from_microsecond(time.as_microsecond()).unwrap_or(time)
}

fn intent(spec: &NotebookRemediationSpec) -> Result<Intent, InvalidIdentifier> {
    let RemediatedNotebook {
        arn,
        account,
        region,
        name,
        created_at,
    } = &spec.notebook;
    let access = &spec.access;
    let RemediationTimeouts {
        stop,
        update,
        start,
    } = spec.timeouts;
    Ok(Intent {
        policy: spec.policy.as_str().into(),
        notebook: NotebookRef {
            arn: arn.as_str().into(),
            account: account.parse()?,
            region: region.parse()?,
            name: name.clone(),
            created_at: created_at.as_ref().map(|time| time.0),
        },
        access: Access {
            role: access.role.as_deref().map(str::parse).transpose()?,
            external_id: access.external_id.as_deref().map(str::parse).transpose()?,
        },
        was_running: spec.was_running,
        timeouts: Timeouts {
            stop: stop.into(),
            update: update.into(),
            start: start.into(),
        },
        recurrence: spec.recurrence,
    })
}

/// Reads the progress of a status. An unknown reason or state becomes `Unrecognized`, so that a
/// notebook that is down is still brought back.
fn progress(status: Option<&NotebookRemediationStatus>) -> Progress {
    let Some(status) = status else {
        return Progress::default();
    };
    let time = |time: &Option<MicroTime>| time.as_ref().map(|time| time.0);
    let state = match status.state.unwrap_or_default() {
        // The record is finished, whatever a later version calls the state.
        RecordState::Unrecognized if status.completed_at.is_some() => RecordState::Cancelled,
        state => state,
    };
    // The reason of an unfinished record is not an end reason.
    let end = status.reason.as_deref().filter(|_| state.is_finished());
    Progress {
        state,
        step_since: time(&status.step_since),
        attention_from: status.attention_from,
        last_write_at: time(&status.last_write_at),
        stop_requested_at: time(&status.stop_requested_at),
        unanswered_stop_at: time(&status.unanswered_stop_at),
        update_requested_at: time(&status.update_requested_at),
        start_requested_at: time(&status.start_requested_at),
        start_accepted_at: time(&status.start_accepted_at),
        start_attempts: status.start_attempts,
        rollback_reason: status.rollback_reason.as_deref().map(reason),
        last_error: status.last_error.clone(),
        failure_reason: status.failure_reason.clone(),
        completed_at: time(&status.completed_at),
        end: end.map(reason),
    }
}

fn reason(text: &str) -> EndReason {
    text.parse().unwrap_or(EndReason::Unrecognized)
}

fn readable(seconds: u64) -> String {
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, seconds) => format!("{seconds}s"),
        (0, minutes, seconds) => format!("{minutes}m{seconds}s"),
        (hours, minutes, _) => format!("{hours}h{minutes}m"),
    }
}
