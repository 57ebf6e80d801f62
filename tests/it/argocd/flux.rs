//! Flux's health checks, by the expressions in `config/flux/policies.yaml`, on the fixtures that
//! Argo CD's scripts are tested with.

use std::{collections::BTreeSet, fs, path::Path, sync::Arc};

use cel::{Context, Env};
use serde_json::Value;

use super::customizations::{POLICY, RECORD, files, yaml};

/// How Flux sees a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Seen {
    InProgress,
    Failed,
    Current,
    /// An expression names what is not there; Flux looks again, until its timeout.
    NotYet,
}

use Seen::{Current, Failed, InProgress, NotYet};

const POLICIES: [(&str, Seen); 13] = [
    ("none.yaml", NotYet),
    ("stale-generation.yaml", InProgress),
    ("first-scan.yaml", InProgress),
    ("healthy.yaml", Current),
    ("healthy-with-findings.yaml", Current),
    ("healthy-partial-scan.yaml", Current),
    ("in-flight.yaml", Current),
    ("no-target-read.yaml", InProgress),
    ("suspended.yaml", Current),
    ("stalled-denied.yaml", Failed),
    ("stalled-invalid.yaml", Failed),
    ("needs-attention.yaml", Failed),
    ("terminating.yaml", Current),
];

const RECORDS: [(&str, Seen); 10] = [
    ("none.yaml", NotYet),
    ("pending.yaml", InProgress),
    ("stopping.yaml", InProgress),
    ("updating.yaml", InProgress),
    ("starting.yaml", InProgress),
    ("needs-attention.yaml", Failed),
    ("succeeded.yaml", Current),
    ("failed.yaml", Failed),
    ("cancelled.yaml", Current),
    ("terminating.yaml", InProgress),
];

/// As Flux evaluates an expression: over the resource's own fields, which exist or do not.
fn holds(expression: &str, object: &Value) -> Option<bool> {
    let environment = Arc::new(Env::stdlib());
    let program = environment.compile(expression).unwrap();
    let mut context = Context::with_env(environment);
    for (name, field) in object.as_object().unwrap() {
        context.add_variable(name.as_str(), field).unwrap();
    }
    match program.execute(&context) {
        Ok(cel::Value::Bool(holds)) => Some(holds),
        Ok(other) => panic!("{expression} is {other:?}"),
        Err(_) => None,
    }
}

/// The order is that of Flux (`runtime/cel/status_evaluator.go` of fluxcd/pkg).
fn seen(check: &Value, object: &Value) -> Seen {
    let observed = &object["status"]["observedGeneration"];
    if observed.is_number() && *observed != object["metadata"]["generation"] {
        return InProgress;
    }
    for (field, seen) in [
        ("inProgress", InProgress),
        ("failed", Failed),
        ("current", Current),
    ] {
        let Some(expression) = check[field].as_str() else {
            continue;
        };
        match holds(expression, object) {
            Some(true) => return seen,
            Some(false) => {}
            None => return NotYet,
        }
    }
    InProgress
}

#[test]
fn flux_sees_each_fixture_as_it_is() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/flux/policies.yaml");
    let sample: Value = serde_saphyr::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    assert_eq!(sample["spec"]["wait"], true);
    let checks = sample["spec"]["healthCheckExprs"].as_array().unwrap();
    for (kind, table) in [(POLICY, &POLICIES[..]), (RECORD, &RECORDS[..])] {
        let check = checks.iter().find(|check| check["kind"] == kind).unwrap();
        for (file, wanted) in table {
            let object: Value = yaml(kind, &format!("testdata/{file}"));
            assert_eq!(check["apiVersion"], object["apiVersion"]);
            assert_eq!(seen(check, &object), *wanted, "{kind}/{file}");
        }
        let named: BTreeSet<&str> = table.iter().map(|(file, _)| *file).collect();
        let all = files(kind, "testdata");
        assert_eq!(named, all.iter().map(String::as_str).collect(), "{kind}");
    }
}
