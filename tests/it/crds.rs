//! The custom resource definitions: the committed file, its schema, and what a real API server
//! makes of it.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use kube::CustomResourceExt;
use local_cluster::Options;
use serde_json::{Value, json};
use strum::VariantArray;
use sudoless::api::{
    ConditionReason, ConditionType, NotebookRemediation, NotebookRootAccessPolicy,
    NotebookRootAccessPolicyStatus, TargetState, Verdict, defaults,
};

use crate::support::served;

/// What is in `crds/`, and the kind that each file defines.
const FILES: [(&str, &str); 2] = [
    (
        "notebookremediations.sudoless.dev.yaml",
        "NotebookRemediation",
    ),
    (
        "notebookrootaccesspolicies.sudoless.dev.yaml",
        "NotebookRootAccessPolicy",
    ),
];

fn folder() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/crds"))
}

fn definition() -> Value {
    serde_json::to_value(NotebookRootAccessPolicy::crd()).unwrap()
}

/// The schema of the whole object.
fn schema() -> Value {
    schema_of(&definition())
}

/// The schema of a record.
fn record_schema() -> Value {
    schema_of(&serde_json::to_value(NotebookRemediation::crd()).unwrap())
}

fn schema_of(definition: &Value) -> Value {
    definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"].clone()
}

/// Calls `visit` with the path and schema of every property, list item and map value below
/// `schema`.
fn walk(path: &str, schema: &Value, visit: &mut impl FnMut(&str, &Value)) {
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        let path = format!("{path}.{name}");
        visit(&path, property);
        walk(&path, property, visit);
    }
    for (key, suffix) in [("items", "[]"), ("additionalProperties", "{}")] {
        if schema[key].is_object() {
            let path = format!("{path}{suffix}");
            visit(&path, &schema[key]);
            walk(&path, &schema[key], visit);
        }
    }
}

/// Every path below `schema` where `wrong` says so.
fn paths_where(schema: &Value, wrong: impl Fn(&str, &Value) -> bool) -> Vec<String> {
    let mut paths = Vec::new();
    walk("", schema, &mut |path, schema| {
        if wrong(path, schema) {
            paths.push(path.to_owned());
        }
    });
    paths
}

#[test]
fn the_files_are_what_the_program_prints() {
    let print = |arguments: &[&str]| {
        let program = Command::new(env!("CARGO_BIN_EXE_sudoless"))
            .arg("crd")
            .args(arguments)
            .output()
            .unwrap();
        assert!(program.status.success());
        String::from_utf8(program.stdout).unwrap()
    };
    let mut committed = Vec::new();
    for (file, kind) in FILES {
        let text = fs::read_to_string(folder().join(file)).unwrap();
        assert!(
            print(&["--only", kind]) == text,
            "crds/{file} is out of date: run `make crds`"
        );
        let parsed: Value = serde_saphyr::from_slice(text.as_bytes()).unwrap();
        assert_eq!(parsed["spec"]["names"]["kind"], kind);
        committed.push(text);
    }
    committed.reverse();
    assert!(
        print(&[]) == committed.join("---\n"),
        "without arguments it prints all"
    );

    let mut files: Vec<_> = fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    files.sort();
    let listed = FILES.map(|(file, _)| file);
    assert_eq!(
        files,
        ["Kustomization", listed[0], listed[1]],
        "crds/ holds what the program prints, a list of it, and nothing else"
    );
}

#[test]
fn every_field_is_documented() {
    let mut fields = 0;
    let is_undocumented = |path: &str, schema: &Value| {
        !path.ends_with(']')
            && !path.ends_with('}')
            && schema["description"]
                .as_str()
                .is_none_or(|text| text.len() < 10)
    };
    assert_eq!(
        paths_where(&record_schema(), is_undocumented),
        Vec::<String>::new()
    );
    let undocumented = paths_where(&schema(), is_undocumented);
    walk("", &schema(), &mut |_, _| fields += 1);
    assert_eq!(undocumented, Vec::<String>::new());
    assert!(fields > 80, "the walk saw only {fields} fields");
}

#[test]
fn everything_in_the_spec_has_a_limit() {
    let unlimited = paths_where(&schema()["properties"]["spec"], |_, schema| {
        match schema["type"].as_str() {
            Some("string") => schema["maxLength"].is_null() && schema["enum"].is_null(),
            Some("array") => schema["maxItems"].is_null(),
            Some("integer") => schema["minimum"].is_null() || schema["maximum"].is_null(),
            Some("object") => schema["properties"].is_null() && schema["maxProperties"].is_null(),
            Some("boolean") => false,
            other => panic!("a type that nobody thought of: {other:?}"),
        }
    });
    assert_eq!(unlimited, Vec::<String>::new());
}

#[test]
fn only_the_mode_has_a_default() {
    assert_eq!(
        paths_where(&schema(), |_, schema| !schema["default"].is_null()),
        [".spec.mode"]
    );
    assert_eq!(
        paths_where(&schema(), |_, schema| !schema["nullable"].is_null()),
        [".status"],
        "a null is dropped by the server, which is what users mean by it"
    );
}

/// What an absent field means is said in two places: in the texts, and in the constants that the
/// operator uses.
#[test]
fn the_texts_name_the_defaults() {
    let spec = &schema()["properties"]["spec"]["properties"];
    let remediation = &spec["remediation"]["properties"];
    let timeouts = &remediation["timeouts"]["properties"];
    let minutes = |duration: Duration| format!("Default {}m.", duration.as_secs() / 60);
    for (field, expected) in [
        (&spec["scanInterval"], minutes(defaults::SCAN_INTERVAL)),
        (
            &remediation["maxConcurrent"],
            format!("Default {}.", defaults::MAX_CONCURRENT),
        ),
        (
            &remediation["maxConcurrentPerRegion"],
            format!("Default {}.", defaults::MAX_CONCURRENT_PER_REGION),
        ),
        (
            &remediation["maxFailures"],
            format!("Default {}.", defaults::MAX_FAILURES),
        ),
        (
            &remediation["restAfterStop"],
            minutes(defaults::REST_AFTER_STOP),
        ),
        (&timeouts["stop"], minutes(defaults::STOP_TIMEOUT)),
        (&timeouts["update"], minutes(defaults::UPDATE_TIMEOUT)),
        (&timeouts["start"], minutes(defaults::START_TIMEOUT)),
        (
            &remediation["windows"]["items"]["properties"]["timeZone"],
            format!("Default {}.", defaults::TIME_ZONE),
        ),
    ] {
        let text = field["description"].as_str().unwrap();
        assert!(text.contains(&expected), "{expected:?} is not in {text:?}");
    }
}

/// A status with every field set, the example of the documentation.
fn status() -> Value {
    json!({
        "observedGeneration": 1,
        "conditions": ConditionType::VARIANTS.iter().map(|kind| json!({
            "type": kind.as_str(),
            "status": "True",
            "observedGeneration": 1,
            "lastTransitionTime": "2026-11-22T10:00:00Z",
            "reason": ConditionReason::PartialScan.as_str(),
            "message": "1 of 4 targets could not be read",
        })).collect::<Vec<_>>(),
        "lastScanTime": "2026-11-22T10:00:00Z",
        "summary": {
            "notebooks": 41, "compliant": 35, "nonCompliant": 3, "exempt": 2, "unknown": 1, "remediating": 0,
            "needsAttention": 0, "failed": 0, "notRestartable": 1, "lifecycleConfigs": 7, "targets": 4, "unreadableTargets": 1,
        },
        "targets": [
            {"account": "444455556666", "region": "eu-west-1", "state": "AccessDenied", "message": "sts:AssumeRole"},
            {"account": "111122223333", "region": "eu-west-1", "state": "Scanned", "notebooks": 20, "nonCompliant": 3},
        ],
        "targetsOmitted": 0,
        "findings": [{
            "account": "111122223333", "region": "eu-west-1", "name": "churn",
            "arn": "arn:aws:sagemaker:eu-west-1:111122223333:notebook-instance/churn",
            "verdict": "NonCompliant", "status": "InService", "rootAccess": "Enabled", "next": "Wait",
            "reason": "Window", "message": "no window is open", "platform": "notebook-al2023-v1", "lifecycleConfig": "setup",
        }],
        "findingsOmitted": 0,
    })
}

#[test]
fn a_status_survives_the_types() {
    let typed: NotebookRootAccessPolicyStatus = serde_json::from_value(status()).unwrap();
    assert_eq!(typed.targets[0].state, TargetState::AccessDenied);
    assert_eq!(typed.findings[0].verdict, Verdict::NonCompliant);
    assert_eq!(serde_json::to_value(typed).unwrap(), status());
}

#[test]
fn a_real_server_takes_it() {
    let cluster = served::start(Options::default());
    let kubectl = |arguments: &[&str]| cluster.run_kubectl(arguments).unwrap();

    let explained = kubectl(&["explain", "nrap", "--recursive"]);
    for field in ["externalId", "maxConcurrentPerRegion", "unreadableTargets"] {
        assert!(explained.contains(field), "{explained}");
    }
    let explained = kubectl(&["explain", "nrap.spec.accounts.externalId"]);
    assert!(explained.contains("trust policy"), "{explained}");

    let sample = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/config/samples/audit-one-account.yaml"
    );
    kubectl(&["apply", "-f", sample]);
    let patch = json!({"status": status()}).to_string();
    kubectl(&[
        "patch",
        "nrap",
        "one-account",
        "--subresource=status",
        "--type=merge",
        "-p",
        &patch,
    ]);
    let stored: Value =
        serde_json::from_str(&kubectl(&["get", "nrap", "one-account", "-o", "json"])).unwrap();
    assert_eq!(
        stored["status"],
        status(),
        "nothing is pruned, nothing is filled in"
    );

    let columns = |arguments: &[&str]| -> Vec<Vec<String>> {
        let table = kubectl(arguments);
        // Cells have two spaces or more between them; headers may have one within.
        let cells = |line: &str| {
            line.split("  ")
                .map(str::trim)
                .filter(|cell| !cell.is_empty())
                .map(str::to_owned)
                .collect()
        };
        table.lines().map(cells).collect()
    };
    let narrow = columns(&["get", "nrap"]);
    assert_eq!(
        narrow[0],
        [
            "NAME",
            "MODE",
            "READY",
            "COMPLIANT",
            "NOTEBOOKS",
            "VIOLATIONS",
            "REMEDIATING",
            "AGE"
        ]
    );
    assert_eq!(
        narrow[1][..7],
        ["one-account", "Audit", "True", "True", "41", "3", "0"]
    );
    let wide = columns(&["get", "nrap", "-o", "wide"]);
    assert_eq!(wide[0][8..], ["LAST SCAN", "REASON"]);
    assert_eq!(wide[1][9..], ["PartialScan"]);

    kubectl(&[
        "wait",
        "--for=condition=Ready",
        "--timeout=10s",
        "nrap/one-account",
    ]);
}
