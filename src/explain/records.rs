//! The notebook's records.

use jiff::Timestamp;

use super::{Facts, NotebookReference, RecordView};
use crate::{
    api::NotebookRemediation,
    decide::read_record,
    domain::{Record, RecordState},
};

/// Returns the records of the notebook, the newest first. Usually there is one, because a later
/// record replaces the earlier.
pub(super) fn views(facts: &Facts, notebook: &NotebookReference) -> Vec<RecordView> {
    let mut views: Vec<RecordView> = facts
        .records
        .iter()
        .filter(|record| {
            let arn = notebook.arn.as_ref();
            arn.is_some_and(|arn| record.spec.notebook.arn == arn.as_str())
        })
        .map(view)
        .collect();
    views.sort_by_key(|view| std::cmp::Reverse(view.created_at));
    views
}

fn view(resource: &NotebookRemediation) -> RecordView {
    let status = resource.status.as_ref();
    let read = read_record(resource);
    let record = read.as_ref().ok();
    let under_way = record.filter(|record| !record.is_finished());
    RecordView {
        name: resource.metadata.name.clone().unwrap_or_default(),
        policy: resource.spec.policy.clone(),
        state: status.and_then(|status| status.state),
        reason: status.and_then(|status| status.reason.clone()),
        message: status.and_then(|status| status.message.clone()),
        created_at: resource
            .metadata
            .creation_timestamp
            .as_ref()
            .map(|time| time.0),
        step_since: under_way.map(Record::step_since),
        step_deadline: under_way
            .filter(|record| record.progress.state != RecordState::NeedsAttention)
            .and_then(deadline),
        completed_at: record.and_then(|record| record.progress.completed_at),
        downtime: status.and_then(|status| status.downtime.clone()),
        was_running: resource.spec.was_running,
        recurrence: resource.spec.recurrence,
        being_deleted: resource.metadata.deletion_timestamp.is_some(),
        problem: read.as_ref().err().map(ToString::to_string),
    }
}

fn deadline(record: &Record) -> Option<Timestamp> {
    let timeout = record.step().timeout(&record.intent.timeouts);
    record.step_since().checked_add(timeout).ok()
}
