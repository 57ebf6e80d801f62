//! JSON without absent fields.

use serde_json::Value;

/// Removes null fields, because readers of reports treat a present field as a value.
pub(super) fn sparse(value: Value) -> Value {
    match value {
        Value::Object(fields) => fields
            .into_iter()
            .filter(|(_, value)| !value.is_null())
            .map(|(name, value)| (name, sparse(value)))
            .collect(),
        Value::Array(values) => values.into_iter().map(sparse).collect(),
        other => other,
    }
}
