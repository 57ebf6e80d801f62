//! Checks of the operator on a policy that the API server accepts.

use jiff::Timestamp;
use serde_json::Value;

use super::{
    node::{Content, Node},
    place::{FieldPath, Step},
    problem::{Flaw, Judge, Severity},
};
use crate::{
    api::NotebookRootAccessPolicy,
    decide::{self, FieldError},
    domain::Policy,
};

/// Returns the policy of `resource` and the operator's problems with it. Known `flaws` are not
/// repeated. If they include an error, no policy is returned.
pub(super) fn operator(
    resource: &Value,
    written: &Node,
    flaws: &[Flaw],
    now: Timestamp,
) -> (Option<Policy>, Vec<Flaw>) {
    let refused = flaws.iter().any(|flaw| flaw.severity == Severity::Error);
    let known: Vec<&FieldPath> = flaws
        .iter()
        .filter(|flaw| flaw.severity == Severity::Error && flaw.judge != Judge::Reader)
        .map(|flaw| &flaw.path)
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
            let flaw = Flaw::error(Judge::Operator, FieldPath::default(), message);
            return (None, vec![flaw]);
        }
    };
    match policy {
        Err(errors) => {
            let flaws = errors
                .into_iter()
                .map(|FieldError { path, problem }| {
                    Flaw::error(Judge::Operator, FieldPath::parse(&path), problem)
                })
                .filter(|flaw| known.is_empty() || is_news(flaw, written, &known))
                .collect();
            (None, flaws)
        }
        Ok(policy) => {
            let flaws = policy
                .warnings
                .iter()
                .cloned()
                .chain(decide::expired_exemptions(&policy, now))
                .map(|warning| {
                    let path = FieldPath::parse(&warning.path);
                    Flaw::warning(Judge::Operator, path, warning.sentence)
                })
                .collect();
            (Some(policy).filter(|_| !refused), flaws)
        }
    }
}

/// Returns true if the problem is about a written value without a related known problem. Other
/// problems may only follow from the removed fields.
fn is_news(flaw: &Flaw, written: &Node, known: &[&FieldPath]) -> bool {
    let scalar = written.find(&flaw.path).is_some_and(|node| {
        !matches!(
            node.content,
            Content::List(_) | Content::Map(_) | Content::Null
        )
    });
    let beside = flaw.path.parent();
    let related = known.iter().any(|path| {
        path.is_within(&flaw.path) || flaw.path.is_within(path) || path.parent() == beside
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
