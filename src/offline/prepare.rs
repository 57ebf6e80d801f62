//! Steps of the API server before it checks the values: it finds unknown fields and drops nulls.
//! Source: `pruning` and `defaulting` of k8s.io/apiextensions-apiserver.

use serde_json::Value;

use super::{
    location::FieldPath,
    node::{Content, Node},
    problem::{Source, Violation},
    schema::Schema,
    suggest::closest,
};

/// Returns an error for each unknown field, as strict field validation does.
pub(super) fn unknown_fields(
    root: Schema<'_>,
    schema: Schema<'_>,
    node: &Node,
    path: &FieldPath,
) -> Vec<Violation> {
    let mut violations = Vec::new();
    match &node.content {
        Content::Map(entries) => {
            for entry in entries {
                let at = path.field(&entry.name);
                if let Some(field) = schema.field(&entry.name) {
                    violations.extend(unknown_fields(root, field, &entry.value, &at));
                } else if schema.names().next().is_some() {
                    let message = unknown(root, schema, &entry.name);
                    violations.push(Violation::error(Source::Schema, at, message).at_key());
                }
            }
        }
        Content::List(items) => {
            if let Some(schema) = schema.items() {
                for (index, item) in items.iter().enumerate() {
                    violations.extend(unknown_fields(root, schema, item, &path.item(index)));
                }
            }
        }
        _ => {}
    }
    violations
}

fn unknown(root: Schema<'_>, schema: Schema<'_>, name: &str) -> String {
    if let Some(name) = closest(name, schema.names()) {
        return format!("there is no such field; did you mean {name}?");
    }
    let mut paths = Vec::new();
    collect_declaring(root, name, &FieldPath::default(), &mut paths);
    match paths.as_slice() {
        [path] => format!("there is no such field here; it belongs in {path}"),
        _ => format!(
            "there is no such field; there are {}",
            schema.names().collect::<Vec<_>>().join(", ")
        ),
    }
}

/// Adds the paths of the objects in the spec that have a field of this name.
fn collect_declaring(schema: Schema<'_>, name: &str, path: &FieldPath, paths: &mut Vec<FieldPath>) {
    let is_root = path.steps().is_empty();
    if schema.declares(name) && !is_root {
        paths.push(path.clone());
    }
    // People do not write a status.
    for below in schema
        .names()
        .filter(|below| !(is_root && *below == "status"))
    {
        if let Some(field) = schema.field(below) {
            collect_declaring(field, name, &path.field(below), paths);
        }
    }
    if let Some(items) = schema.items() {
        collect_declaring(items, name, path, paths);
    }
}

/// Drops the nulls of fields that may not be null. The API server treats them as absent.
pub(super) fn drop_nulls(schema: Schema<'_>, value: &mut Value) {
    match value {
        Value::Object(fields) => {
            let nullable = |name: &str| schema.field(name).is_none_or(Schema::is_nullable);
            fields.retain(|name, value| !value.is_null() || nullable(name));
            for (name, value) in fields {
                if let Some(field) = schema.field(name) {
                    drop_nulls(field, value);
                }
            }
        }
        Value::Array(items) => {
            if let Some(schema) = schema.items() {
                for item in items {
                    drop_nulls(schema, item);
                }
            }
        }
        _ => {}
    }
}
