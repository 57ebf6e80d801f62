//! Checks of `metadata`, which Kubernetes defines, not the kind.
//!
//! Source of the rules: `ValidateObjectMetaAccessor` of k8s.io/apimachinery. Owner references and
//! managed fields are not checked.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube_cel::cel::{Context, Program, Value as CelValue};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::{
    inspect::in_cel,
    location::FieldPath,
    node::Node,
    problem::{Source, Violation},
    suggest::closest,
};

/// Rule and message of a DNS name. Only the length of the whole name is limited.
const NAME: (&str, &str) = (
    r"self.size() <= 253 && self.matches(r'^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$')",
    "write a name of lower-case letters, digits, - and ., which begins and ends with a letter or digit, such as no-root",
);
/// Rule and message of a name's prefix. The API server appends letters and digits.
const NAME_PREFIX: (&str, &str) = (
    r"self.size() <= 253 && (self + 'x').matches(r'^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$')",
    "write the beginning of a name: lower-case letters, digits, - and ., such as no-root-",
);
const KEY: (&str, &str) = (
    "!format.qualifiedName().validate(self).hasValue()",
    "write a key of letters, digits, -, _ and ., optionally after a domain and /, such as example.com/team",
);
const LABEL: (&str, &str) = (
    "!format.labelValue().validate(self).hasValue()",
    "write at most 63 letters, digits, -, _ and ., beginning and ending with a letter or digit",
);

/// Fields of `ObjectMeta`.
const FIELDS: [&str; 15] = [
    "annotations",
    "creationTimestamp",
    "deletionGracePeriodSeconds",
    "deletionTimestamp",
    "finalizers",
    "generateName",
    "generation",
    "labels",
    "managedFields",
    "name",
    "namespace",
    "ownerReferences",
    "resourceVersion",
    "selfLink",
    "uid",
];

/// The most bytes of all annotations together.
const MAX_ANNOTATIONS: usize = 256 * 1024;

/// Returns the problems in the metadata of an object that is not namespaced.
pub(super) fn metadata(document: &Node, scope: &Context<'static>) -> Vec<Violation> {
    let path = FieldPath::default().field("metadata");
    let mut check = Check {
        scope,
        violations: Vec::new(),
    };
    let written = document.get("metadata").map(Node::json);
    match written {
        None | Some(Value::Null) => check.named(&path, &Map::new()),
        Some(Value::Object(fields)) => check.fields(&path, &fields),
        Some(_) => check.reject(&path, "must be a map of fields, such as {name: no-root}"),
    }
    check.violations
}

struct Check<'a> {
    scope: &'a Context<'static>,
    violations: Vec<Violation>,
}

impl Check<'_> {
    fn reject(&mut self, path: &FieldPath, message: impl Into<String>) {
        self.violations
            .push(Violation::error(Source::Schema, path.clone(), message));
    }

    fn fields(&mut self, path: &FieldPath, fields: &Map<String, Value>) {
        for (name, value) in fields.iter().filter(|(_, value)| !value.is_null()) {
            let at = path.field(name);
            if !FIELDS.contains(&name.as_str()) {
                self.reject(
                    &at,
                    match closest(name, FIELDS.into_iter()) {
                        Some(name) => format!("there is no such field; did you mean {name}?"),
                        None => "there is no such field".to_owned(),
                    },
                );
                continue;
            }
            match (name.as_str(), value) {
                ("labels", Value::Object(labels)) => self.texts(&at, labels, Some(LABEL)),
                ("annotations", Value::Object(annotations)) => {
                    self.texts(&at, annotations, None);
                    let size: usize = annotations
                        .iter()
                        .map(|(key, value)| key.len() + value.as_str().map_or(0, str::len))
                        .sum();
                    if size > MAX_ANNOTATIONS {
                        self.reject(
                            &at,
                            format!("has {size} bytes: at most {MAX_ANNOTATIONS} are allowed"),
                        );
                    }
                }
                _ => self.typed(&at, name, value),
            }
        }
        self.named(path, fields);
        if fields
            .get("namespace")
            .and_then(Value::as_str)
            .is_some_and(|it| !it.is_empty())
        {
            self.violations.push(Violation::warning(
                Source::Advice,
                path.field("namespace"),
                "has no effect: policies are cluster-scoped",
            ));
        }
        for (index, finalizer) in fields
            .get("finalizers")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .enumerate()
        {
            self.rule(&path.field("finalizers").item(index), finalizer, KEY);
        }
    }

    fn named(&mut self, path: &FieldPath, fields: &Map<String, Value>) {
        let given = |name: &str| {
            fields
                .get(name)
                .filter(|value| value.as_str() != Some("") && !value.is_null())
        };
        match (given("name"), given("generateName")) {
            (Some(name), _) => self.rule(&path.field("name"), name, NAME),
            (None, Some(_)) => {}
            (None, None) => self.reject(&path.field("name"), "is missing: the policy needs a name"),
        }
        if let Some(prefix) = given("generateName") {
            self.rule(&path.field("generateName"), prefix, NAME_PREFIX);
        }
    }

    fn texts(
        &mut self,
        path: &FieldPath,
        entries: &Map<String, Value>,
        value_rule: Option<(&str, &str)>,
    ) {
        for (key, value) in entries {
            let at = path.field(key);
            // Keys of annotations may have capitals in their domain. Keys of labels may not.
            let checked = if value_rule.is_some() {
                key.clone()
            } else {
                key.to_lowercase()
            };
            self.rule(&at, &Value::String(checked), KEY);
            match (value, value_rule) {
                (Value::String(_), Some(rule)) => self.rule(&at, value, rule),
                (Value::String(_) | Value::Null, _) => {}
                _ => self.reject(&at, "must be a string: put it in quotes"),
            }
        }
    }

    /// Checks that Kubernetes' own type accepts the value.
    fn typed(&mut self, path: &FieldPath, name: &str, value: &Value) {
        let alone = Value::Object(Map::from_iter([(name.to_owned(), value.clone())]));
        if let Err(error) = ObjectMeta::deserialize(alone) {
            self.reject(path, error.to_string());
        }
    }

    fn rule(&mut self, path: &FieldPath, value: &Value, (rule, message): (&str, &str)) {
        if !value.is_string() {
            // Already reported.
            return;
        }
        let mut scope = self.scope.new_inner_scope();
        scope.add_variable_from_value("self", in_cel(value));
        let holds = Program::compile(rule)
            .ok()
            .and_then(|program| program.execute(&scope).ok());
        if holds != Some(CelValue::Bool(true)) {
            self.reject(path, message);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_those_of_object_meta() {
        // A new field of the type does not compile here.
        let ObjectMeta {
            annotations: _,
            creation_timestamp: _,
            deletion_grace_period_seconds: _,
            deletion_timestamp: _,
            finalizers: _,
            generate_name: _,
            generation: _,
            labels: _,
            managed_fields: _,
            name: _,
            namespace: _,
            owner_references: _,
            resource_version: _,
            self_link: _,
            uid: _,
        } = ObjectMeta::default();
        for name in FIELDS {
            // No field accepts this list. Unknown fields are ignored.
            let text = format!("{{\"{name}\": [1]}}");
            assert!(serde_json::from_str::<ObjectMeta>(&text).is_err(), "{name}");
        }
    }
}
