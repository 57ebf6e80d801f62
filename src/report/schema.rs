//! The published schema of the report's JSON.

use schemars::{
    Schema,
    transform::{Transform, transform_subschemas},
};
use serde_json::Value;

use super::model::Report;

/// Returns the JSON Schema (draft 2020-12) of [`Format::Json`](super::Format::Json). The same build
/// returns the same schema.
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

/// Removes the source's line breaks from descriptions.
struct FoldedLines;

impl Transform for FoldedLines {
    fn transform(&mut self, schema: &mut Schema) {
        transform_subschemas(self, schema);
        if let Some(Value::String(description)) = schema.get_mut("description") {
            *description = description.replace('\n', " ");
        }
    }
}
