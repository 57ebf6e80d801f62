//! What people do with policies, and whether it needs the verb.

use std::collections::BTreeSet;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use serde_json::{Value, json};

/// One thing that somebody does.
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
    let of = |more: Value| {
        let mut spec = spec(more);
        spec["mode"] = json!("Enforce");
        spec
    };
    let case = |what, before, deed, is_free| Case {
        what,
        before: Some(before),
        deed,
        is_free,
    };
    let change = |what, patch, is_free| case(what, of(json!({})), Deed::Merge(patch), is_free);
    let suspended = || of(json!({"suspend": true}));
    vec![
        change(
            "widen what is enforced",
            json!({"spec": {"selector": null}}),
            false,
        ),
        change(
            "end an exemption",
            json!({"spec": {"exemptions": null}}),
            false,
        ),
        change(
            "add an exemption",
            json!({"spec": {"exemptions": [
                {"reason": "rootful Docker", "names": ["legacy-*"]},
                {"reason": "rootful Docker", "names": ["churn"]},
            ]}}),
            false,
        ),
        change(
            "take down more at a time",
            json!({"spec": {"remediation": {"maxConcurrent": 9}}}),
            false,
        ),
        change("Enforce to Audit", json!({"spec": {"mode": "Audit"}}), true),
        change("Enforce to no mode", json!({"spec": {"mode": null}}), true),
        change(
            "Enforce to Audit, and wider",
            json!({"spec": {"mode": "Audit", "selector": null}}),
            true,
        ),
        change("suspend", json!({"spec": {"suspend": true}}), true),
        change(
            "suspend, and a field more",
            json!({"spec": {"suspend": true, "scanInterval": "1h"}}),
            false,
        ),
        change(
            "suspend, and a field less",
            json!({"spec": {"suspend": true, "selector": null}}),
            false,
        ),
        change(
            "suspend, and a field otherwise",
            json!({"spec": {"suspend": true, "regions": ["us-east-1"]}}),
            false,
        ),
        case(
            "resume",
            suspended(),
            Deed::Merge(json!({"spec": {"suspend": false}})),
            false,
        ),
        case(
            "resume by leaving it out",
            suspended(),
            Deed::Merge(json!({"spec": {"suspend": null}})),
            false,
        ),
        case(
            "widen what is suspended",
            suspended(),
            Deed::Merge(json!({"spec": {"selector": null}})),
            false,
        ),
        change(
            "ask for a scan",
            json!({"metadata": {"annotations": {"sudoless.dev/scan-now": "1"}}}),
            true,
        ),
        change(
            "label it, as Argo CD does",
            json!({"metadata": {"labels": {"app.kubernetes.io/instance": "platform"}}}),
            true,
        ),
        change(
            "hold it by a finalizer",
            json!({"metadata": {"finalizers": ["example.com/hold"]}}),
            true,
        ),
        case(
            "apply what is there",
            of(json!({})),
            Deed::Apply(of(json!({}))),
            true,
        ),
        change("delete", json!({}), true).by(Deed::Delete),
    ]
}

impl Case {
    fn by(self, deed: Deed) -> Self {
        Self { deed, ..self }
    }
}
