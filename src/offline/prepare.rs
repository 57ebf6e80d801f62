//! Steps of the API server before it checks the values: it finds unknown fields and drops nulls.
//! Source: `pruning` and `defaulting` of k8s.io/apiextensions-apiserver.

use serde_json::Value;

use super::{
    node::{Content, Node},
    place::FieldPath,
    problem::{Flaw, Judge},
    schema::Schema,
    suggest::meant,
};

/// Returns an error for each unknown field, as strict field validation does.
pub(super) fn unknown_fields(
    root: Schema<'_>,
    schema: Schema<'_>,
    node: &Node,
    path: &FieldPath,
) -> Vec<Flaw> {
    let mut flaws = Vec::new();
    match &node.content {
        Content::Map(entries) => {
            for entry in entries {
                let at = path.field(&entry.name);
                if let Some(field) = schema.field(&entry.name) {
                    flaws.extend(unknown_fields(root, field, &entry.value, &at));
                } else if schema.names().next().is_some() {
                    let message = unknown(root, schema, &entry.name);
                    flaws.push(Flaw::error(Judge::Schema, at, message).at_its_name());
                }
            }
        }
        Content::List(items) => {
            if let Some(schema) = schema.items() {
                for (index, item) in items.iter().enumerate() {
                    flaws.extend(unknown_fields(root, schema, item, &path.item(index)));
                }
            }
        }
        _ => {}
    }
    flaws
}

fn unknown(root: Schema<'_>, schema: Schema<'_>, name: &str) -> String {
    if let Some(meant) = meant(name, schema.names()) {
        return format!("there is no such field; did you mean {meant}?");
    }
    let mut homes = Vec::new();
    collect_homes(root, name, &FieldPath::default(), &mut homes);
    match homes.as_slice() {
        [home] => format!("there is no such field here; it belongs in {home}"),
        _ => format!(
            "there is no such field; there are {}",
            schema.names().collect::<Vec<_>>().join(", ")
        ),
    }
}

/// Adds the paths of the objects in the spec that have a field of this name.
fn collect_homes(schema: Schema<'_>, name: &str, path: &FieldPath, homes: &mut Vec<FieldPath>) {
    let is_root = path.steps().is_empty();
    if schema.declares(name) && !is_root {
        homes.push(path.clone());
    }
    // People do not write a status.
    for below in schema
        .names()
        .filter(|below| !(is_root && *below == "status"))
    {
        if let Some(field) = schema.field(below) {
            collect_homes(field, name, &path.field(below), homes);
        }
    }
    if let Some(items) = schema.items() {
        collect_homes(items, name, path, homes);
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
                items.iter_mut().for_each(|item| drop_nulls(schema, item));
            }
        }
        _ => {}
    }
}
