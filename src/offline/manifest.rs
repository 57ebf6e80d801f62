//! Finds the manifests in a text, and checks the policies among them.

use std::collections::HashMap;

use jiff::Timestamp;
use kube_cel::cel::Context;
use serde_json::{Map, Value};

use super::{
    document::{Document, Unreadable, documents},
    functions,
    inspect::Inspection,
    location::{FieldPath, Position},
    metadata::metadata,
    node::{Content, Node},
    operator::operator,
    prepare::{drop_nulls, unknown_fields},
    problem::{Label, Problem, Severity, Source, Violation},
    schema::{Definition, Unsupported},
    suggest::closest,
};
use crate::domain::Policy;

/// A checker of texts.
pub struct Manifests {
    definition: Definition,
    scope: Context<'static>,
}

/// Result of a check.
#[derive(Debug, Default)]
pub struct Checked {
    /// The policies, including those that would be rejected.
    pub policies: Vec<Found>,
    /// Number of skipped objects of other kinds.
    pub skipped: usize,
    /// Problems, in the order of the text.
    pub problems: Vec<Problem>,
}

/// A policy in a text.
#[derive(Clone, Debug)]
pub struct Found {
    /// Start of the policy.
    pub position: Position,
    /// Position of its name, or where a missing name belongs.
    pub named: Position,
    /// The policy as the operator reads it. `None` if the problems include an error of it.
    pub policy: Option<Policy>,
}

/// Class of an object.
enum Class {
    Policy,
    /// An object that is meant as one of sudoless's kinds, but is invalid.
    Misnamed(Violation),
    List,
    Other,
}

impl Manifests {
    /// Compiles the definition and its rules.
    ///
    /// # Errors
    /// The definition has a part that cannot be interpreted; a bug.
    pub fn new() -> Result<Self, Unsupported> {
        Ok(Self {
            definition: Definition::new()?,
            scope: functions::context(),
        })
    }

    /// Checks the policies of a text. `now` only decides which exemptions have expired.
    #[must_use]
    pub fn check(&self, text: &str, now: Timestamp) -> Checked {
        let mut checked = Checked::default();
        let mut names = HashMap::new();
        for document in documents(text) {
            match document {
                Ok(document) => self.document(&document, now, &mut names, &mut checked),
                Err(unreadable) => {
                    checked.problems.push(self.unreadable(&unreadable, text));
                }
            }
        }
        checked
            .problems
            .sort_by_key(|problem| (problem.position, problem.severity));
        checked
    }

    /// Returns the problem of an unreadable document. Without a mention of sudoless's group or
    /// kind, it is only a warning: the text may belong to another program, such as a template.
    fn unreadable(&self, unreadable: &Unreadable, text: &str) -> Problem {
        let hint = if text.contains("{{") {
            "; a template must be rendered first"
        } else {
            ""
        };
        Problem {
            severity: if text.contains(&self.definition.group)
                || text.contains(&self.definition.kind)
            {
                Severity::Error
            } else {
                Severity::Warning
            },
            source: Source::Reader,
            position: unreadable.at,
            policy: None,
            path: FieldPath::default(),
            message: format!("{}{hint}", unreadable.message),
        }
    }

    fn document<'d>(
        &self,
        document: &'d Document,
        now: Timestamp,
        names: &mut HashMap<String, Position>,
        checked: &mut Checked,
    ) {
        let mut objects: Vec<&'d Node> = vec![&document.root];
        let mut is_ours = false;
        while let Some(object) = objects.pop() {
            let class = self.classify(object);
            is_ours |= matches!(class, Class::Policy | Class::Misnamed(_));
            match class {
                Class::Policy => {
                    let (policy, mut violations) = self.policy(object, now);
                    checked.policies.push(Found {
                        position: object.at,
                        named: object.locate(&name_path(), Label::Value),
                        // A problem of the text may concern any of its objects.
                        policy: policy.filter(|_| document.violations.is_empty()),
                    });
                    violations.extend(duplicate_name(object, names));
                    checked.problems.extend(located(violations, object));
                }
                Class::Misnamed(violation) => {
                    checked.problems.extend(located(vec![violation], object));
                }
                Class::Other => checked.skipped += 1,
                Class::List => {
                    if let Some(Content::List(items)) = object.get("items").map(|it| &it.content) {
                        objects.extend(items.iter().rev());
                    }
                }
            }
        }
        if is_ours {
            checked
                .problems
                .extend(located(document.violations.clone(), &document.root));
        }
    }

    fn classify(&self, object: &Node) -> Class {
        let Definition {
            group,
            api_version,
            kind: policy_kind,
            record_kind,
            ..
        } = &self.definition;
        let (version, kind) = (object.text("apiVersion"), object.text("kind"));
        let has_group = version
            .and_then(|version| version.split_once('/'))
            .is_some_and(|(name, _)| name == group);
        let (field, message) = match (version, kind) {
            (Some(version), Some(kind)) if version == api_version && kind == policy_kind => {
                return Class::Policy;
            }
            (_, Some(kind)) if kind == policy_kind => {
                let missing = if version.is_none() {
                    "is missing: "
                } else {
                    ""
                };
                let message = format!("{missing}a {kind} has apiVersion: {api_version}");
                ("apiVersion", message)
            }
            (_, Some(kind)) if has_group && kind == record_kind => (
                "kind",
                format!(
                    "only the operator creates a {kind}, as its record of a remediation: remove it"
                ),
            ),
            (_, Some(kind)) if kind == "List" || kind == format!("{policy_kind}List") => {
                return Class::List;
            }
            (_, Some(kind)) if has_group => {
                let kinds = [policy_kind.as_str(), record_kind.as_str()];
                let suggestion = closest(kind, kinds.into_iter()).unwrap_or(policy_kind);
                let message = format!("there is no kind {kind}; did you mean {suggestion}?");
                ("kind", message)
            }
            (Some(_), None) if has_group => {
                ("kind", format!("is missing: write kind: {policy_kind}"))
            }
            _ => return Class::Other,
        };
        let path = FieldPath::default().field(field);
        Class::Misnamed(Violation::error(Source::Schema, path, message))
    }

    /// Checks a policy in the order of the API server: fields, defaults, shape, rules. The
    /// operator's checks come last.
    fn policy(&self, object: &Node, now: Timestamp) -> (Option<Policy>, Vec<Violation>) {
        let schema = self.definition.schema();
        let root = FieldPath::default();
        let status = root.field("status");
        let stored = is_stored(object);
        let mut violations = metadata(object, &self.scope);
        let unknown = unknown_fields(schema, schema, object, &root);
        violations.extend(
            unknown
                .into_iter()
                .filter(|violation| !is_common(&violation.path))
                .filter(|violation| !(stored && violation.path.is_within(&status))),
        );
        let mut resource = object.json();
        if let Some(fields) = resource.as_object_mut() {
            if fields
                .remove("status")
                .is_some_and(|status| !stored && !is_empty(&status))
            {
                let message = "has no effect: only the operator writes the status";
                violations.push(Violation::warning(Source::Advice, status, message));
            }
            fields.retain(|name, _| schema.declares(name));
        }
        drop_nulls(schema, &mut resource);
        let mut resource = self.definition.with_defaults(&resource);
        let mut inspection = Inspection {
            written: object,
            scope: &self.scope,
            violations: Vec::new(),
        };
        inspection.inspect(schema, &resource, &root);
        violations.append(&mut inspection.violations);
        self.identify(&mut resource, object);
        let (policy, more) = operator(&resource, object, &violations, now);
        violations.extend(more);
        (policy, violations)
    }

    /// Adds the fields that the operator needs to read the policy. Of the metadata only the name
    /// matters; the rest was already checked.
    fn identify(&self, resource: &mut Value, object: &Node) {
        let name = object
            .get("metadata")
            .and_then(|metadata| metadata.text("name"));
        if let Some(fields) = resource.as_object_mut() {
            let text = |text: &str| Value::String(text.to_owned());
            fields.insert("apiVersion".to_owned(), text(&self.definition.api_version));
            fields.insert("kind".to_owned(), text(&self.definition.kind));
            let name = ("name".to_owned(), text(name.unwrap_or_default()));
            fields.insert("metadata".to_owned(), Value::Object(Map::from_iter([name])));
        }
    }
}

/// Returns true for a field that every object has and no definition describes.
fn is_common(path: &FieldPath) -> bool {
    ["apiVersion", "kind", "metadata"]
        .into_iter()
        .any(|name| *path == FieldPath::default().field(name))
}

fn name_path() -> FieldPath {
    FieldPath::default().field("metadata").field("name")
}

/// Returns true for an object from an API server, as printed by `kubectl get -o yaml`. Its status
/// was written by the operator, in any version.
fn is_stored(object: &Node) -> bool {
    object
        .get("metadata")
        .and_then(|metadata| metadata.text("uid"))
        .is_some()
}

fn is_empty(value: &Value) -> bool {
    value.is_null() || value.as_object().is_some_and(Map::is_empty)
}

/// Warns about a second policy of the same name in one text. `kubectl` would apply one, then the
/// other.
fn duplicate_name(object: &Node, names: &mut HashMap<String, Position>) -> Option<Violation> {
    let name = object.get("metadata")?.text("name")?.to_owned();
    let earlier = names.insert(name, object.at)?;
    let message = format!(
        "is also the name of the policy in line {}: the policy that is applied last would remain",
        earlier.line
    );
    Some(Violation::warning(Source::Advice, name_path(), message))
}

fn located(violations: Vec<Violation>, object: &Node) -> impl Iterator<Item = Problem> {
    let policy = object
        .get("metadata")
        .and_then(|metadata| metadata.text("name"))
        .map(ToOwned::to_owned);
    violations.into_iter().map(move |violation| Problem {
        severity: violation.severity,
        source: violation.source,
        position: object.locate(&violation.path, violation.label),
        policy: policy.clone(),
        path: violation.path,
        message: violation.message,
    })
}
