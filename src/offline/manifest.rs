//! Finds the manifests in a text, and checks the policies among them.

use std::collections::HashMap;

use jiff::Timestamp;
use kube_cel::cel::Context;
use serde_json::{Map, Value};

use super::{
    document::{Document, Unreadable, documents},
    functions,
    inspect::Inspection,
    metadata::metadata,
    node::{Content, Node},
    operator::operator,
    place::{FieldPath, Position},
    prepare::{drop_nulls, unknown_fields},
    problem::{Flaw, Judge, Mark, Problem, Severity},
    schema::{Definition, Unsupported},
    suggest::meant,
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

/// Kind of an object.
enum Sort {
    Policy,
    /// An object that is meant as one of sudoless's kinds, but is invalid.
    Wrong(Flaw),
    List,
    Foreign,
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
            judge: Judge::Reader,
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
        let mut concerns_us = false;
        while let Some(object) = objects.pop() {
            let sort = self.sort(object);
            concerns_us |= matches!(sort, Sort::Policy | Sort::Wrong(_));
            match sort {
                Sort::Policy => {
                    let (policy, mut flaws) = self.policy(object, now);
                    checked.policies.push(Found {
                        position: object.at,
                        named: object.locate(&name_path(), Mark::Value),
                        // A problem of the text may concern any of its objects.
                        policy: policy.filter(|_| document.flaws.is_empty()),
                    });
                    flaws.extend(twin(object, names));
                    checked.problems.extend(placed(flaws, object));
                }
                Sort::Wrong(flaw) => checked.problems.extend(placed(vec![flaw], object)),
                Sort::Foreign => checked.skipped += 1,
                Sort::List => {
                    if let Some(Content::List(items)) = object.get("items").map(|it| &it.content) {
                        objects.extend(items.iter().rev());
                    }
                }
            }
        }
        if concerns_us {
            checked
                .problems
                .extend(placed(document.flaws.clone(), &document.root));
        }
    }

    fn sort(&self, object: &Node) -> Sort {
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
                return Sort::Policy;
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
                return Sort::List;
            }
            (_, Some(kind)) if has_group => {
                let kinds = [policy_kind.as_str(), record_kind.as_str()];
                let suggestion = meant(kind, kinds.into_iter()).unwrap_or(policy_kind);
                let message = format!("there is no kind {kind}; did you mean {suggestion}?");
                ("kind", message)
            }
            (Some(_), None) if has_group => {
                ("kind", format!("is missing: write kind: {policy_kind}"))
            }
            _ => return Sort::Foreign,
        };
        let path = FieldPath::default().field(field);
        Sort::Wrong(Flaw::error(Judge::Schema, path, message))
    }

    /// Checks a policy in the order of the API server: fields, defaults, shape, rules. The
    /// operator's checks come last.
    fn policy(&self, object: &Node, now: Timestamp) -> (Option<Policy>, Vec<Flaw>) {
        let schema = self.definition.schema();
        let root = FieldPath::default();
        let status = root.field("status");
        let stored = is_stored(object);
        let mut flaws = metadata(object, &self.scope);
        let unknown = unknown_fields(schema, schema, object, &root);
        flaws.extend(
            unknown
                .into_iter()
                .filter(|flaw| !is_common(&flaw.path))
                .filter(|flaw| !(stored && flaw.path.is_within(&status))),
        );
        let mut resource = object.json();
        if let Some(fields) = resource.as_object_mut() {
            if fields
                .remove("status")
                .is_some_and(|status| !stored && !is_empty(&status))
            {
                let message = "has no effect: only the operator writes the status";
                flaws.push(Flaw::warning(Judge::Advice, status, message));
            }
            fields.retain(|name, _| schema.declares(name));
        }
        drop_nulls(schema, &mut resource);
        let mut resource = self.definition.with_defaults(&resource);
        let mut inspection = Inspection {
            written: object,
            scope: &self.scope,
            flaws: Vec::new(),
        };
        inspection.inspect(schema, &resource, &root);
        flaws.append(&mut inspection.flaws);
        self.identify(&mut resource, object);
        let (policy, more) = operator(&resource, object, &flaws, now);
        flaws.extend(more);
        (policy, flaws)
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
fn twin(object: &Node, names: &mut HashMap<String, Position>) -> Option<Flaw> {
    let name = object.get("metadata")?.text("name")?.to_owned();
    let earlier = names.insert(name, object.at)?;
    let message = format!(
        "is also the name of the policy in line {}: the policy that is applied last would remain",
        earlier.line
    );
    Some(Flaw::warning(Judge::Advice, name_path(), message))
}

fn placed(flaws: Vec<Flaw>, object: &Node) -> impl Iterator<Item = Problem> {
    let policy = object
        .get("metadata")
        .and_then(|metadata| metadata.text("name"))
        .map(ToOwned::to_owned);
    flaws.into_iter().map(move |flaw| Problem {
        severity: flaw.severity,
        judge: flaw.judge,
        position: object.locate(&flaw.path, flaw.mark),
        policy: policy.clone(),
        path: flaw.path,
        message: flaw.message,
    })
}
