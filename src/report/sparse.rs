//! JSON without what is absent.

use serde_json::Value;

/// The same without fields that are null: what reads reports takes a field that is there for one that says something.
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
