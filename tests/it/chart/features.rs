//! `features.yaml`: values, and what they must come to.

use serde::Deserialize;
use serde_json::{Value, json};

use super::rendered::{Objects, over};

/// Some values, and what they must come to, whatever others there are.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Feature {
    pub name: String,
    pub values: Value,
    gives: Vec<Expectation>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Expectation {
    of: String,
    at: Vec<Value>,
    is: Value,
}

/// All of them.
pub fn features() -> Vec<Feature> {
    serde_saphyr::from_str(include_str!("features.yaml")).unwrap()
}

/// The values of all at once: they go together.
pub fn together() -> Value {
    features()
        .iter()
        .fold(json!({}), |all, feature| over(&all, &feature.values))
}

impl Feature {
    /// Asserts that the objects are what it says.
    pub fn check(&self, objects: &Objects) {
        assert!(!self.gives.is_empty());
        for Expectation { of, at, is } in &self.gives {
            let mut found = 0;
            for object in objects.0.iter().filter(|object| selects(of, object)) {
                found += 1;
                let there = lookup(object, at);
                assert_eq!(there, *is, "{}: {of} at {at:?}", self.name);
            }
            assert!(
                found > 0 && (found == 1 || of == "*"),
                "{}: {found} {of}",
                self.name
            );
        }
    }
}

/// Whether the object is of a kind, or a kind and name; `*` is any.
fn selects(of: &str, object: &Value) -> bool {
    match of.split_once(' ') {
        Some((kind, name)) => object["kind"] == kind && object["metadata"]["name"] == name,
        None => of == "*" || object["kind"] == of,
    }
}

/// What is at a path: names, positions, and `key=value` for the element of a list. Null if nothing
/// is.
fn lookup(object: &Value, path: &[Value]) -> Value {
    let found = path.iter().try_fold(object, |at, step| match step {
        Value::Number(position) => at.get(usize::try_from(position.as_u64()?).ok()?),
        step => {
            let step = step.as_str()?;
            match (at, step.split_once('=')) {
                (Value::Array(list), Some((key, value))) => list.iter().find(|it| it[key] == value),
                _ => at.get(step),
            }
        }
    });
    found.cloned().unwrap_or_default()
}

#[test]
fn paths_lead_where_they_say() {
    let object = json!({"a": [{"name": "x", "b/c": 1}]});
    assert_eq!(
        lookup(&object, &[json!("a"), json!("name=x"), json!("b/c")]),
        1
    );
    assert_eq!(lookup(&object, &[json!("a"), json!(0), json!("name")]), "x");
    assert_eq!(lookup(&object, &[json!("a"), json!("name=y")]), Value::Null);
}
