//! What people do with policies, and whether it needs the verb.

use std::collections::BTreeSet;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use serde_json::{Value, json};

/// One request of a person.
pub struct Case {
    pub what: &'static str,
    /// The spec of the policy as it is before, if it is there.
    pub before: Option<Value>,
    pub deed: Deed,
    /// Whether it needs no more than the right to write policies.
    pub is_free: bool,
}

/// How.
pub enum Deed {
    Create(Value),
    /// Server-side apply, which creates what is not there.
    Apply(Value),
    /// A merge patch of the whole resource.
    Merge(Value),
    Delete,
}

/// A spec over one account, with more fields or others.
pub fn spec(more: Value) -> Value {
    let mut spec = json!({
        "accounts": [{"id": "111122223333", "role": "sudoless"}],
        "regions": ["eu-west-1"],
        "selector": {"names": ["team-a-*"]},
        "exemptions": [{"reason": "rootful Docker", "names": ["legacy-*"]}],
    });
    let Value::Object(more) = more else {
        panic!("fields, not {more}")
    };
    spec.as_object_mut().unwrap().extend(more);
    spec
}

/// The fields of a policy's spec.
pub fn fields_of_the_definition(definition: &CustomResourceDefinition) -> BTreeSet<String> {
    let schema = definition.spec.versions[0].schema.as_ref().unwrap();
    let schema = schema.open_api_v3_schema.as_ref().unwrap();
    let spec = &schema.properties.as_ref().unwrap()["spec"];
    spec.properties.as_ref().unwrap().keys().cloned().collect()
}

/// Those that [`docs/enforcing.md`] lists, and then some.
pub fn all() -> Vec<Case> {
    let cases = creations().into_iter();
    cases.chain(audits()).chain(enforcements()).collect()
}

fn creations() -> Vec<Case> {
    let audit = || spec(json!({"mode": "Audit"}));
    let enforce = || spec(json!({"mode": "Enforce"}));
    let create = |what, spec, is_free| Case {
        what,
        before: None,
        deed: Deed::Create(spec),
        is_free,
    };
    vec![
        create("create in Audit", audit(), true),
        create("create without a mode", spec(json!({})), true),
        create("create in Enforce", enforce(), false),
        create(
            "create in Enforce, suspended",
            spec(json!({"mode": "Enforce", "suspend": true})),
            false,
        ),
        Case {
            what: "apply a new one in Enforce",
            before: None,
            deed: Deed::Apply(enforce()),
            is_free: false,
        },
        Case {
            what: "apply a new one in Audit",
            before: None,
            deed: Deed::Apply(audit()),
            is_free: true,
        },
    ]
}

/// Of a policy in Audit.
fn audits() -> Vec<Case> {
    let change = |what, patch, is_free| Case {
        what,
        before: Some(spec(json!({}))),
        deed: Deed::Merge(patch),
        is_free,
    };
    vec![
        change(
            "Audit to Enforce",
            json!({"spec": {"mode": "Enforce"}}),
            false,
        ),
        change(
            "Audit to Enforce, suspended",
            json!({"spec": {"mode": "Enforce", "suspend": true}}),
            false,
        ),
        change("widen an audit", json!({"spec": {"selector": null}}), true),
        change(
            "end an exemption that an audit declares",
            json!({"spec": {"exemptions": null}}),
            true,
        ),
        change("suspend an audit", json!({"spec": {"suspend": true}}), true),
    ]
}

/// Of a policy that enforces.
fn enforcements() -> Vec<Case> {
    let apply = Case {
        what: "apply what is there",
        before: Some(enforcing(json!({}))),
        deed: Deed::Apply(enforcing(json!({}))),
        is_free: true,
    };
    let delete = Case {
        what: "delete",
        before: Some(enforcing(json!({}))),
        deed: Deed::Delete,
        is_free: true,
    };
    let free = free_changes().into_iter();
    let free = free.map(|(what, patch)| change(what, json!({}), patch, true));
    let guarded = guarded_changes().into_iter();
    let guarded = guarded.map(|(what, patch)| change(what, json!({}), patch, false));
    let suspended = changes_of_suspended().into_iter();
    let suspended =
        suspended.map(|(what, patch)| change(what, json!({"suspend": true}), patch, false));
    let all = free.chain(guarded).chain(suspended);
    all.chain([apply, delete]).collect()
}

fn change(what: &'static str, more: Value, patch: Value, is_free: bool) -> Case {
    Case {
        what,
        before: Some(enforcing(more)),
        deed: Deed::Merge(patch),
        is_free,
    }
}

fn enforcing(more: Value) -> Value {
    let mut spec = spec(more);
    spec["mode"] = json!("Enforce");
    spec
}

fn free_changes() -> Vec<(&'static str, Value)> {
    let to_audit = json!({"spec": {"mode": "Audit"}});
    let to_audit_and_wider = json!({"spec": {"mode": "Audit", "selector": null}});
    let scan = json!({"metadata": {"annotations": {"sudoless.dev/scan-now": "1"}}});
    let label = json!({"metadata": {"labels": {"app.kubernetes.io/instance": "platform"}}});
    let finalizer = json!({"metadata": {"finalizers": ["example.com/hold"]}});
    vec![
        ("Enforce to Audit", to_audit),
        ("Enforce to no mode", json!({"spec": {"mode": null}})),
        ("Enforce to Audit, and wider", to_audit_and_wider),
        ("suspend", json!({"spec": {"suspend": true}})),
        ("ask for a scan", scan),
        ("label it, as Argo CD does", label),
        ("hold it by a finalizer", finalizer),
    ]
}

fn guarded_changes() -> Vec<(&'static str, Value)> {
    let exempt = json!({"spec": {"exemptions": [
        {"reason": "rootful Docker", "names": ["legacy-*"]},
        {"reason": "rootful Docker", "names": ["churn"]},
    ]}});
    let suspend_and = |field: &str, value: Value| json!({"spec": {"suspend": true, field: value}});
    vec![
        (
            "widen what is enforced",
            json!({"spec": {"selector": null}}),
        ),
        ("end an exemption", json!({"spec": {"exemptions": null}})),
        ("add an exemption", exempt),
        (
            "take down more at a time",
            json!({"spec": {"remediation": {"maxConcurrent": 9}}}),
        ),
        (
            "suspend, and a field more",
            suspend_and("scanInterval", json!("1h")),
        ),
        (
            "suspend, and a field less",
            suspend_and("selector", Value::Null),
        ),
        (
            "suspend, and a field otherwise",
            suspend_and("regions", json!(["us-east-1"])),
        ),
    ]
}

fn changes_of_suspended() -> Vec<(&'static str, Value)> {
    vec![
        ("resume", json!({"spec": {"suspend": false}})),
        (
            "resume by leaving it out",
            json!({"spec": {"suspend": null}}),
        ),
        (
            "widen what is suspended",
            json!({"spec": {"selector": null}}),
        ),
    ]
}
