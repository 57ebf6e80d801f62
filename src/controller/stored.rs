//! Records as they are listed, told apart: those that can be understood, and the rest *(pure)*.

use serde_json::Value;

use crate::{
    decide::{PartialRecord, read_record},
    domain::Record,
    kubernetes::StoredRecord,
};

/// Reads a record.
///
/// # Errors
/// What can be read of one that cannot be understood.
pub(super) fn read_stored(stored: &StoredRecord) -> Result<Record, PartialRecord> {
    let problem = match &stored.decoded {
        Ok(resource) => match read_record(resource) {
            Ok(record) => return Ok(record),
            Err(problem) => problem.to_string(),
        },
        Err(problem) => problem.clone(),
    };
    Err(PartialRecord::new(&stored.name, &stored.object, problem))
}

/// What the watch tells of a record that does not decode: its name. It holds its own notebook; a claim reads the object itself, and counts
/// it as down if it may be.
pub(super) fn named(name: &str, problem: String) -> PartialRecord {
    PartialRecord {
        may_be_down: false,
        ..PartialRecord::new(name, &Value::Null, problem)
    }
}
