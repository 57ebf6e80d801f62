//! The fixtures that go with the scripts, as Argo CD's own tests run them.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;
use sudoless::{
    api::{NotebookRemediation, NotebookRootAccessPolicy},
    decide::{Desired, ReportContext, Withdrawal, read_record, report},
};

use super::customizations::{HealthTests, POLICY, RECORD, act, files, health, offered, yaml};

/// `action_test.yaml`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ActionTests {
    discovery_tests: Vec<DiscoveryTest>,
    action_tests: Vec<ActionTest>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct DiscoveryTest {
    input_path: String,
    result: Vec<Offered>,
}

#[derive(Deserialize)]
struct Offered {
    name: String,
    disabled: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ActionTest {
    action: String,
    input_path: String,
    expected_output_path: String,
}

#[test]
fn each_fixture_has_its_health() {
    for (kind, least) in [(POLICY, 9), (RECORD, 9)] {
        let table: HealthTests = yaml(kind, "health_test.yaml");
        let mut seen = BTreeSet::new();
        for test in &table.tests {
            let object: Value = yaml(kind, &test.input_path);
            let name = format!("{kind}/{}", test.input_path);
            assert_eq!(health(&object), test.health_status, "{name}");
            seen.insert(test.input_path.replace("testdata/", ""));
        }
        let all: BTreeSet<String> = files(kind, "testdata").into_iter().collect();
        assert_eq!(seen, all, "each fixture of {kind} is in the table");
        assert!(all.len() >= least, "{all:?}");
    }
}

/// What is in a fixture and not in the resource would be a status that nobody ever writes.
#[test]
fn each_fixture_is_what_the_resource_can_be() {
    for file in files(POLICY, "testdata") {
        is_whole::<NotebookRootAccessPolicy>(POLICY, &format!("testdata/{file}"));
    }
    for file in files(POLICY, "actions/testdata") {
        is_whole::<NotebookRootAccessPolicy>(POLICY, &format!("actions/testdata/{file}"));
    }
    for file in files(RECORD, "testdata") {
        is_whole::<NotebookRemediation>(RECORD, &format!("testdata/{file}"));
    }
}

/// The statuses of the records are those that the operator writes, word for word.
#[test]
fn each_record_says_what_the_operator_says() {
    for file in files(RECORD, "testdata") {
        let resource: NotebookRemediation = yaml(RECORD, &format!("testdata/{file}"));
        let Some(status) = &resource.status else {
            continue;
        };
        let record = read_record(&resource).unwrap();
        let context = ReportContext {
            // Only what was called off says why.
            desired: Some(Desired::Abort(Withdrawal::Audit)),
            generation: Some(1),
            previous: Some(status),
            now: jiff::Timestamp::now(),
        };
        assert_eq!(report(&record, context), *status, "{file}");
    }
}

/// Nothing of a fixture is lost when it is read and written again.
fn is_whole<T: DeserializeOwned + Serialize>(kind: &str, path: &str) {
    let fixture: Value = yaml(kind, path);
    let typed: T = serde_json::from_value(fixture.clone())
        .unwrap_or_else(|error| panic!("{kind}/{path}: {error}"));
    let mut lost = Vec::new();
    compare(
        "",
        &fixture,
        &serde_json::to_value(typed).unwrap(),
        &mut lost,
    );
    assert!(lost.is_empty(), "{kind}/{path}: {lost:?}");
}

/// Collects what is in `fixture` and not in `typed`, times with or without fractions being the
/// same.
fn compare(path: &str, fixture: &Value, typed: &Value, lost: &mut Vec<String>) {
    match (fixture, typed) {
        (Value::Object(fields), Value::Object(found)) => {
            for (name, field) in fields {
                let path = format!("{path}.{name}");
                match found.get(name) {
                    Some(found) => compare(&path, field, found, lost),
                    None => lost.push(path),
                }
            }
        }
        (Value::Array(items), Value::Array(found)) if items.len() == found.len() => {
            for (index, (item, found)) in items.iter().zip(found).enumerate() {
                compare(&format!("{path}[{index}]"), item, found, lost);
            }
        }
        (fixture, typed) if fixture == typed => {}
        // Durations and times have more than one spelling.
        (Value::String(_), Value::String(_)) => {}
        _ => lost.push(path.to_owned()),
    }
}

#[test]
fn actions_are_offered_where_they_apply() {
    let tests: ActionTests = yaml(POLICY, "actions/action_test.yaml");
    for test in &tests.discovery_tests {
        let policy: Value = yaml(POLICY, &format!("actions/{}", test.input_path));
        let wanted = test.result.iter();
        let mut wanted: Vec<_> = wanted
            .map(|each| (each.name.clone(), each.disabled))
            .collect();
        wanted.sort();
        assert_eq!(offered(&policy), wanted, "{}", test.input_path);
    }
}

#[test]
fn actions_do_what_their_fixtures_say() {
    let tests: ActionTests = yaml(POLICY, "actions/action_test.yaml");
    let done: BTreeSet<&str> = tests
        .action_tests
        .iter()
        .map(|test| test.action.as_str())
        .collect();
    assert_eq!(done, BTreeSet::from(["resume", "scan-now", "suspend"]));
    for test in &tests.action_tests {
        let policy: Value = yaml(POLICY, &format!("actions/{}", test.input_path));
        let mut wanted: Value = yaml(POLICY, &format!("actions/{}", test.expected_output_path));
        let mut changed = act(&test.action, &policy);
        if test.action == "scan-now" {
            let value = |object: &mut Value| {
                object["metadata"]["annotations"]["sudoless.dev/scan-now"].take()
            };
            let (now, then) = (value(&mut changed), value(&mut wanted));
            let now: jiff::Timestamp = now.as_str().unwrap().parse().unwrap();
            let then: jiff::Timestamp = then.as_str().unwrap().parse().unwrap();
            assert!(now > then, "the time, as a fixture once had it");
        }
        assert_eq!(changed, wanted, "{}", test.action);
    }
}
