//! The published schema of the report's JSON.

use schemars::{
    Schema,
    transform::{Transform, transform_subschemas},
};
use serde_json::Value;

use super::model::Report;

/// JSON Schema (draft 2020-12) of what [`Format::Json`](super::Format::Json) writes: the same bytes for the same build.
#[must_use]
pub fn schema() -> Schema {
    let mut schema = schemars::schema_for!(Report);
    schema.insert(
        "title".to_owned(),
        Value::String("Report of sudoless scan".to_owned()),
    );
    FoldedLines.transform(&mut schema);
    schema
}

/// Descriptions without the line breaks of the source.
struct FoldedLines;

impl Transform for FoldedLines {
    fn transform(&mut self, schema: &mut Schema) {
        transform_subschemas(self, schema);
        if let Some(Value::String(description)) = schema.get_mut("description") {
            *description = description.replace('\n', " ");
        }
    }
}
