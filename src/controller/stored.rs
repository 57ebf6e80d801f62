//! Separates the listed records into valid and invalid ones *(pure)*.

use serde_json::Value;

use crate::{
    decide::{PartialRecord, read_record},
    domain::Record,
    kubernetes::StoredRecord,
};

/// Reads a record.
///
/// # Errors
/// The readable parts of an invalid record.
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

/// Returns the name of a record that does not decode, all that the watch knows about it. The record
/// blocks its own notebook. A claim reads the object itself, and counts its notebook as down if it
/// may be.
pub(super) fn named(name: &str, problem: String) -> PartialRecord {
    PartialRecord {
        may_be_down: false,
        ..PartialRecord::new(name, &Value::Null, problem)
    }
}
