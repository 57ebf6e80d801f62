//! Steps of the API server before it checks the values: it finds unknown fields, drops nulls and
//! fills in defaults. Source: `pruning` and `defaulting` of k8s.io/apiextensions-apiserver.

use serde_json::Value;

use super::{
    node::{Content, Node},
    place::FieldPath,
    problem::{Flaw, Judge},
    shape::{Others, Shape},
    suggest::meant,
};

/// Returns an error for each unknown field, as strict field validation does.
pub(super) fn unknown_fields(
    root: &Shape,
    shape: &Shape,
    node: &Node,
    path: &FieldPath,
) -> Vec<Flaw> {
    let mut flaws = Vec::new();
    match &node.content {
        Content::Map(entries) => {
            for entry in entries {
                let at = path.field(&entry.name);
                match (shape.field(&entry.name), &shape.others) {
                    (Some(field), _) => {
                        flaws.extend(unknown_fields(root, field, &entry.value, &at));
                    }
                    (None, Others::Any) => {}
                    (None, _) if shape.fields.is_empty() => {}
                    (None, _) => {
                        let message = unknown(root, shape, &entry.name);
                        flaws.push(Flaw::error(Judge::Schema, at, message).at_its_name());
                    }
                }
            }
        }
        Content::List(items) => {
            for (index, item) in items.iter().enumerate() {
                if let Some(shape) = &shape.items {
                    flaws.extend(unknown_fields(root, shape, item, &path.item(index)));
                }
            }
        }
        _ => {}
    }
    flaws
}

fn unknown(root: &Shape, shape: &Shape, name: &str) -> String {
    let names = shape.fields.keys().map(String::as_str);
    if let Some(meant) = meant(name, names.clone()) {
        return format!("there is no such field; did you mean {meant}?");
    }
    match home(root, name, &FieldPath::default()) {
        Some(path) => format!("there is no such field here; it belongs in {path}"),
        None => format!(
            "there is no such field; there are {}",
            names.collect::<Vec<_>>().join(", ")
        ),
    }
}

/// Returns the object that has a field of this name, if exactly one object has it.
fn home(shape: &Shape, name: &str, path: &FieldPath) -> Option<FieldPath> {
    let mut homes = Vec::new();
    collect_homes(shape, name, path, &mut homes);
    match homes.as_slice() {
        [only] => Some(only.clone()),
        _ => None,
    }
}

fn collect_homes(shape: &Shape, name: &str, path: &FieldPath, homes: &mut Vec<FieldPath>) {
    if shape.fields.contains_key(name) && !path.steps().is_empty() {
        homes.push(path.clone());
    }
    for (field, below) in &shape.fields {
        // People do not write a status.
        if !(path.steps().is_empty() && field == "status") {
            collect_homes(below, name, &path.field(field), homes);
        }
    }
    if let Some(items) = &shape.items {
        collect_homes(items, name, path, homes);
    }
}

/// Drops the nulls of fields that may not be null and have no default.
pub(super) fn drop_nulls(shape: &Shape, value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.retain(|name, value| {
                let dropped = shape
                    .field(name)
                    .is_some_and(|field| !field.nullable && field.default.is_none());
                !(value.is_null() && dropped)
            });
            for (name, value) in fields {
                if let Some(field) = shape.field(name) {
                    drop_nulls(field, value);
                }
            }
        }
        Value::Array(items) => {
            if let Some(shape) = &shape.items {
                for item in items {
                    drop_nulls(shape, item);
                }
            }
        }
        _ => {}
    }
}

/// Fills in defaults for absent fields, and for nulls of fields that may not be null.
pub(super) fn fill_in(shape: &Shape, value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for (name, field) in &shape.fields {
                let Some(default) = &field.default else {
                    continue;
                };
                let wanted = fields
                    .get(name)
                    .is_none_or(|value| value.is_null() && !field.nullable);
                if wanted {
                    fields.insert(name.clone(), default.clone());
                }
            }
            for (name, value) in fields {
                if let Some(field) = shape.field(name) {
                    fill_in(field, value);
                }
            }
        }
        Value::Array(items) => {
            if let Some(shape) = &shape.items {
                for item in items {
                    if item.is_null()
                        && !shape.nullable
                        && let Some(default) = &shape.default
                    {
                        *item = default.clone();
                    }
                    fill_in(shape, item);
                }
            }
        }
        _ => {}
    }
}
