//! SARIF and OCSF: each keeps to its standard's schema, and says the same as the JSON report.

use std::collections::{BTreeMap, BTreeSet};

use jsonschema::Validator;
use serde_json::{Value, json};

use super::{
    formats::{POLICY, demo, printed, report},
    program::{by_flags, scan, simulate},
};
use crate::support::small::{ACCOUNT, REGION, fleet, rooted, rootless};

const SARIF: &str = include_str!("schemas/sarif-2.1.0.json");
const OCSF: &str = include_str!("schemas/ocsf-1.6.0-compliance-finding.json");

fn validator(schema: &str) -> Validator {
    // SARIF's schema has one bracket too many in the pattern of a language: it means itself in
    // JavaScript, and nothing elsewhere.
    let schema = schema.replace("{2}]?$", "{2}$");
    jsonschema::validator_for(&serde_json::from_str(&schema).unwrap()).unwrap()
}

fn expect_valid(validator: &Validator, document: &Value) {
    let errors = validator.iter_errors(document);
    let errors: Vec<String> = errors
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    assert!(errors.is_empty(), "{errors:#?}");
}

/// A schema that lets everything pass would prove nothing.
fn expect_refused(validator: &Validator, good: &Value, changes: &[(&str, Value)]) {
    for (pointer, value) in changes {
        let mut bad = good.clone();
        *bad.pointer_mut(pointer).expect(pointer) = value.clone();
        assert!(!validator.is_valid(&bad), "{pointer} = {value}");
    }
}

fn sarif() -> Value {
    serde_json::from_str(&printed("sarif")).unwrap()
}

fn ocsf() -> Vec<Value> {
    serde_json::from_str(&printed("ocsf")).unwrap()
}

fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    let found = value.pointer(pointer).and_then(Value::as_str);
    found.unwrap_or_else(|| panic!("{pointer} in {value:#}"))
}

/// What results or events are about, each with its verdict.
fn found(report: &Value) -> BTreeMap<String, String> {
    let policy = &report["policies"][0];
    let notebooks = policy["notebooks"].as_array().unwrap().iter();
    let targets = policy["targets"].as_array().unwrap().iter();
    let unread = targets.filter(|target| target["state"] != "Scanned");
    let notebooks = notebooks.map(|notebook| {
        let verdict = text(notebook, "/verdict").to_owned();
        (text(notebook, "/arn").to_owned(), verdict)
    });
    notebooks
        .chain(unread.map(|target| {
            let place = [text(target, "/account"), text(target, "/region")].join("/");
            (place, "Unknown".to_owned())
        }))
        .collect()
}

#[test]
fn sarif_keeps_to_its_schema() {
    let (validator, log) = (validator(SARIF), sarif());
    expect_valid(&validator, &log);
    expect_refused(
        &validator,
        &log,
        &[
            ("/version", json!("2.0.0")),
            ("/runs/0/tool/driver/name", json!(1)),
            ("/runs/0/results/0/level", json!("bad")),
            ("/runs/0/results/0/message", json!("text")),
            ("/runs/0/results/0/partialFingerprints", json!({"a": 1})),
            (
                "/runs/0/results/0/locations/0/physicalLocation/region/startLine",
                json!(0),
            ),
            ("/runs/0/invocations/0/executionSuccessful", json!("no")),
        ],
    );
}

#[test]
fn sarif_has_what_somebody_must_look_at_and_nothing_else() {
    let log = sarif();
    let run = &log["runs"][0];
    let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
    let mut results = BTreeMap::new();
    for result in run["results"].as_array().unwrap() {
        let rule = &rules[usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap()];
        assert_eq!(rule["id"], result["ruleId"]);
        assert_eq!(rule["defaultConfiguration"]["level"], result["level"]);
        let verdict = match (text(result, "/ruleId"), text(result, "/level")) {
            ("root-access-enabled", "error") => "NonCompliant",
            ("root-access-unknown", "warning") => "Unknown",
            other => panic!("{other:?}"),
        };
        let location = &result["locations"][0];
        let file = text(location, "/physicalLocation/artifactLocation/uri");
        assert!(file.ends_with("/config/demo/policy.yaml"), "{file}");
        assert_eq!(location["physicalLocation"]["region"]["startLine"], 2);
        let name = text(location, "/logicalLocations/0/fullyQualifiedName");
        results.insert(name.to_owned(), verdict.to_owned());
    }
    let mut expected = found(&report());
    expected.retain(|_, verdict| matches!(verdict.as_str(), "NonCompliant" | "Unknown"));
    assert_eq!(results, expected);
    assert_eq!(results.len(), 11);
    let fixed = run["results"].as_array().unwrap().iter().any(|result| {
        text(result, "/message/text").contains(
            "update-notebook-instance --region us-east-1 --notebook-instance-name churn-model --root-access Disabled",
        )
    });
    assert!(fixed, "a violation says how to fix it");
}

/// By the documentation of GitHub's code scanning.
#[test]
fn sarif_has_what_code_scanning_needs() {
    let log = sarif();
    for rule in log["runs"][0]["tool"]["driver"]["rules"]
        .as_array()
        .unwrap()
    {
        let severity: f64 = text(rule, "/properties/security-severity").parse().unwrap();
        assert!((0.1..=10.0).contains(&severity));
        assert!(
            rule["properties"]["tags"]
                .as_array()
                .unwrap()
                .contains(&json!("security"))
        );
        for pointer in [
            "/shortDescription/text",
            "/fullDescription/text",
            "/help/text",
        ] {
            let words = text(rule, pointer).len();
            assert!((20..1024).contains(&words), "{pointer}: {words}");
        }
    }
    let prints = |log: &Value| -> Vec<String> {
        let results = log["runs"][0]["results"].as_array().unwrap().iter();
        results
            .map(|result| text(result, "/partialFingerprints/primaryLocationLineHash").to_owned())
            .collect()
    };
    let first = prints(&log);
    let different: BTreeSet<&String> = first.iter().collect();
    assert_eq!(different.len(), first.len(), "each has its own");
    assert_eq!(prints(&sarif()), first, "and the same in the next scan");
}

#[test]
fn sarif_says_what_the_scan_did_not_see() {
    let log = sarif();
    let invocation = &log["runs"][0]["invocations"][0];
    assert_eq!(invocation["executionSuccessful"], false);
    let notifications = invocation["toolExecutionNotifications"].as_array().unwrap();
    let said: Vec<&str> = notifications
        .iter()
        .map(|notification| text(notification, "/message/text"))
        .collect();
    for words in [
        "777788889999/us-east-1",
        "777788889999/eu-west-1",
        "payroll-secret",
        "scratch",
    ] {
        assert!(
            said.iter().any(|said| said.contains(words)),
            "{words}: {said:?}"
        );
    }
    assert_eq!(said.len(), 4);

    let simulator = simulate(fleet([rootless("tame")]));
    let log = scan(&simulator, &by_flags(&["-o", "sarif"]))
        .expect(0)
        .json();
    let run = &log["runs"][0];
    assert_eq!(run["invocations"][0]["executionSuccessful"], true);
    assert_eq!(
        run["invocations"][0]["toolExecutionNotifications"],
        json!([])
    );
    assert_eq!(run["results"], json!([]));
    expect_valid(&validator(SARIF), &log);
}

#[test]
fn without_a_file_a_result_is_where_its_notebook_is() {
    let simulator = simulate(fleet([rooted("churn")]));
    let log = scan(&simulator, &by_flags(&["-o", "sarif"]))
        .expect(3)
        .json();
    expect_valid(&validator(SARIF), &log);
    let place = &log["runs"][0]["results"][0]["locations"][0]["physicalLocation"];
    assert_eq!(
        place["artifactLocation"]["uri"],
        format!("aws/{ACCOUNT}/{REGION}/notebook-instance/churn")
    );
    assert_eq!(place["region"]["startLine"], 1);
}

#[test]
fn ocsf_keeps_to_its_class() {
    let (validator, events) = (validator(OCSF), ocsf());
    for event in &events {
        expect_valid(&validator, event);
    }
    let event = events
        .iter()
        .find(|event| event["compliance"]["status"] == "Fail");
    expect_refused(
        &validator,
        event.unwrap(),
        &[
            ("/class_uid", json!(2004)),
            ("/type_uid", json!(1)),
            ("/severity_id", json!(7)),
            ("/status_id", json!("New")),
            ("/time", json!("2026-06-01T12:00:00Z")),
            ("/compliance/status_id", json!(4)),
            ("/compliance/standards", json!("NIST")),
            ("/cloud", json!({"region": "eu-west-1"})),
            ("/metadata", json!({"version": "1.6.0"})),
            (
                "/resources",
                json!([{"type": "AwsSageMakerNotebookInstance"}]),
            ),
            ("/remediation", json!({"references": []})),
            ("/unmapped", json!(1)),
        ],
    );
}

#[test]
fn ocsf_has_every_notebook_and_passes_only_what_is_compliant() {
    let report = report();
    let mut events = BTreeMap::new();
    for event in ocsf() {
        let status = (
            event["compliance"]["status_id"].as_u64().unwrap(),
            text(&event, "/compliance/status"),
            event["severity_id"].as_u64().unwrap(),
            event.get("status").and_then(Value::as_str),
        );
        let verdict = match status {
            (1, "Pass", 1, None) => "Compliant",
            (3, "Fail", 4, Some("New")) => "NonCompliant",
            (99, "Exempt", 1, Some("Suppressed")) => "Exempt",
            (0, "Unknown", 3, Some("New")) => "Unknown",
            other => panic!("{other:?}"),
        };
        assert_eq!(event["unmapped"]["complete"], false);
        let uid = text(&event, "/resources/0/uid");
        assert!(uid.contains(text(&event, "/cloud/account/uid")));
        assert!(uid.contains(text(&event, "/cloud/region")));
        let finished: jiff::Timestamp = text(&report, "/finishedAt").parse().unwrap();
        let apart = event["time"].as_i64().unwrap() - finished.as_millisecond();
        assert!(apart.abs() < 600_000, "milliseconds since 1970");
        events.insert(uid.to_owned(), verdict.to_owned());
    }
    assert_eq!(events, found(&report));
    assert_eq!(events.len(), 17);
}

#[test]
fn ocsf_recognizes_what_it_found_before() {
    let uids = |events: &[Value]| -> BTreeSet<String> {
        let uids = events.iter().map(|event| text(event, "/finding_info/uid"));
        uids.map(str::to_owned).collect()
    };
    let first = uids(&ocsf());
    assert_eq!(first.len(), 17, "each has its own");
    let again = scan(&demo(), &["-f", POLICY, "-o", "ocsf"])
        .expect(4)
        .json();
    assert_eq!(uids(again.as_array().unwrap()), first);
}
