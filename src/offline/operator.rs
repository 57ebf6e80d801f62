//! Checks of the operator on a policy that the API server accepts.

use jiff::Timestamp;
use serde_json::Value;

use super::{
    location::{FieldPath, Step},
    node::{Content, Node},
    problem::{Severity, Source, Violation},
};
use crate::{
    api::NotebookRootAccessPolicy,
    decide::{self, FieldError},
    domain::Policy,
};

/// Returns the policy of `resource` and the operator's problems with it. Known `violations` are not
/// repeated. If they include an error, no policy is returned.
pub(super) fn operator(
    resource: &Value,
    written: &Node,
    violations: &[Violation],
    now: Timestamp,
) -> (Option<Policy>, Vec<Violation>) {
    let refused = violations
        .iter()
        .any(|violation| violation.severity == Severity::Error);
    let known: Vec<&FieldPath> = violations
        .iter()
        .filter(|violation| {
            violation.severity == Severity::Error && violation.source != Source::Reader
        })
        .map(|violation| &violation.path)
        .collect();
    let mut sound = resource.clone();
    // A duration that the API server rejects may exceed the type's range.
    for path in &known {
        remove(&mut sound, path.steps());
    }
    let policy = match serde_json::from_value::<NotebookRootAccessPolicy>(sound) {
        Ok(resource) => decide::validate(&resource),
        // The known errors must be corrected first.
        Err(_) if !known.is_empty() => return (None, Vec::new()),
        Err(error) => {
            let message = format!("the operator cannot read the policy: {error}");
            let violation = Violation::error(Source::Operator, FieldPath::default(), message);
            return (None, vec![violation]);
        }
    };
    match policy {
        Err(errors) => {
            let violations = errors
                .into_iter()
                .map(|FieldError { path, problem }| {
                    Violation::error(Source::Operator, FieldPath::parse(&path), problem)
                })
                .filter(|violation| known.is_empty() || is_new(violation, written, &known))
                .collect();
            (None, violations)
        }
        Ok(policy) => {
            let violations = policy
                .warnings
                .iter()
                .cloned()
                .chain(decide::expired_exemptions(&policy, now))
                .map(|warning| {
                    let path = FieldPath::parse(&warning.path);
                    Violation::warning(Source::Operator, path, warning.sentence)
                })
                .collect();
            (Some(policy).filter(|_| !refused), violations)
        }
    }
}

/// Returns true if the problem is about a written value without a related known problem. Other
/// problems may only follow from the removed fields.
fn is_new(violation: &Violation, written: &Node, known: &[&FieldPath]) -> bool {
    let scalar = written.find(&violation.path).is_some_and(|node| {
        !matches!(
            node.content,
            Content::List(_) | Content::Map(_) | Content::Null
        )
    });
    let beside = violation.path.parent();
    let related = known.iter().any(|path| {
        path.is_within(&violation.path) || violation.path.is_within(path) || path.parent() == beside
    });
    scalar && !related
}

/// Removes a field. Items of lists stay, so that the indices of other items stay the same.
fn remove(value: &mut Value, steps: &[Step]) {
    let Some((step, rest)) = steps.split_first() else {
        return;
    };
    match (step, value) {
        (Step::Field(name), Value::Object(fields)) if rest.is_empty() => drop(fields.remove(name)),
        (Step::Field(name), Value::Object(fields)) => {
            if let Some(below) = fields.get_mut(name) {
                remove(below, rest);
            }
        }
        (Step::Item(index), Value::Array(items)) => {
            if let Some(below) = items.get_mut(*index) {
                remove(below, rest);
            }
        }
        _ => {}
    }
}
