//! The alerts in `config/prometheus`: Prometheus accepts them, each is tested firing and not
//! firing, uses metrics that exist, and has a runbook.

mod runbooks;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use local_cluster::{Tool, Toolbox};
use serde_json::{Value, json};

use crate::{
    observability::{fixture, lint},
    support::{prometheus::Prometheus, promql::Vocabulary},
};

/// Where people read the runbooks. `Cargo.toml` says where the repository is.
const RUNBOOKS: &str = concat!(env!("CARGO_PKG_REPOSITORY"), "/blob/main/docs/runbooks");

fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn rules_file() -> PathBuf {
    repository().join("config/prometheus/rules.yaml")
}

fn yaml(path: &Path) -> Value {
    serde_saphyr::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

/// The alerts, in their order.
fn alerts(rules: &Value) -> Vec<&Value> {
    let groups = rules["groups"].as_array().unwrap().iter();
    groups
        .flat_map(|group| group["rules"].as_array().unwrap())
        .collect()
}

fn names(rules: &Value) -> BTreeSet<String> {
    let names = alerts(rules).into_iter().map(|rule| &rule["alert"]);
    names
        .map(|name| name.as_str().unwrap().to_owned())
        .collect()
}

/// The files of tests for promtool.
fn test_files() -> Vec<PathBuf> {
    let folder = repository().join("config/prometheus/tests");
    let mut files: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    assert!(!files.is_empty());
    files
}

/// Whether promtool is content, and what it says.
fn promtool(arguments: &[&str], files: &[PathBuf]) -> (bool, String) {
    let toolbox = Toolbox::open().unwrap();
    toolbox.provide(&[Tool::Promtool]).unwrap();
    let output = Command::new(toolbox.path(Tool::Promtool))
        .args(arguments)
        .args(files)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    (output.status.success(), said.into_owned())
}

#[test]
fn promtool_takes_the_rules() {
    let arguments = ["check", "rules", "--lint=all", "--lint-fatal"];
    let (is_good, said) = promtool(&arguments, &[rules_file()]);
    assert!(is_good, "{said}");
    let count = alerts(&yaml(&rules_file())).len();
    assert!(said.contains(&format!("{count} rules found")), "{said}");
}

#[test]
fn the_alerts_fire_when_they_should() {
    let (is_good, said) = promtool(&["test", "rules"], &test_files());
    assert!(is_good, "{said}");
}

/// Each alert has a test that sees it fire, and one that sees it silent: rules that never fire fail
/// the one, rules that always do the other.
#[test]
fn each_alert_is_tested_firing_and_silent() {
    let rules = yaml(&rules_file());
    for expression in ["vector(0) > 1", "vector(1)"] {
        let mut broken = rules.clone();
        for group in broken["groups"].as_array_mut().unwrap() {
            for rule in group["rules"].as_array_mut().unwrap() {
                rule["expr"] = json!(expression);
                rule.as_object_mut().unwrap().remove("for");
            }
        }
        let folder = tempfile::tempdir().unwrap();
        let tests = folder.path().join("tests");
        fs::create_dir(&tests).unwrap();
        fs::write(folder.path().join("rules.yaml"), broken.to_string()).unwrap();
        let copies: Vec<PathBuf> = test_files()
            .iter()
            .map(|file| {
                let copy = tests.join(file.file_name().unwrap());
                fs::copy(file, &copy).unwrap();
                copy
            })
            .collect();
        let (is_good, said) = promtool(&["test", "rules"], &copies);
        assert!(!is_good, "{said}");
        for name in names(&rules) {
            assert!(
                said.contains(&format!("alertname: {name}, ")),
                "no test of {name} fails where each alert is {expression}:\n{said}"
            );
        }
    }
}

#[test]
fn each_alert_says_what_it_means_and_what_to_do() {
    let rules = yaml(&rules_file());
    for rule in alerts(&rules) {
        let name = rule["alert"].as_str().unwrap();
        let severity = rule["labels"]["severity"].as_str().unwrap();
        assert!(
            ["critical", "warning", "info"].contains(&severity),
            "{name}"
        );
        let annotations: BTreeMap<String, String> =
            serde_json::from_value(rule["annotations"].clone()).unwrap();
        let kinds: Vec<_> = annotations.keys().collect();
        assert_eq!(kinds, ["description", "runbook_url", "summary"], "{name}");
        let url = format!("{RUNBOOKS}/{name}.md");
        assert_eq!(annotations["runbook_url"], url);
        // One line that reads alone; a description that says more.
        let (summary, description) = (&annotations["summary"], &annotations["description"]);
        assert!(!summary.ends_with('.') && !summary.contains("{{"), "{name}");
        assert!(description.ends_with('.'), "{name}");
        assert!(description.len() > summary.len(), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_alerts_speak_of_what_the_operator_serves() {
    let rules = yaml(&rules_file());
    let page = fixture::remediating_metrics().render().unwrap();
    let families = lint::families(&page);
    let server = Prometheus::start(&[], &[&rules_file()]).await;
    let mut problems = Vec::new();
    for rule in alerts(&rules) {
        let tree = server.parse(rule["expr"].as_str().unwrap()).await.unwrap();
        let found = Vocabulary::of(&families).problems(&tree);
        problems.extend(
            found
                .iter()
                .map(|each| format!("{}: {each}", rule["alert"])),
        );
    }
    assert_eq!(problems, Vec::<String>::new());
    assert_eq!(server.failed_rules().await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_word_that_nobody_serves_is_found() {
    let page = fixture::remediating_metrics().render().unwrap();
    let families = lint::families(&page);
    let server = Prometheus::start(&[], &[]).await;
    let up = "sudoless_halted_targets";
    for (query, problem) in [
        ("sudoless_halted", "there is no metric sudoless_halted"),
        (
            "rate(sudoless_scan_duration_seconds[5m])",
            "there is no metric sudoless_scan_duration_seconds",
        ),
        (
            "sudoless_halted_targets{region=\"a\"}",
            "sudoless_halted_targets has no label region",
        ),
        (
            "sudoless_targets{state=~\"Scanned|Denied\"}",
            "state of sudoless_targets is never \"Denied\"",
        ),
        (
            "sum by (le) (rate(sudoless_scan_duration_seconds_count[5m]))",
            "by le, which is not there",
        ),
        (
            &format!("{up} and on (policy, mode) sudoless_policy_info"),
            "on, at the left, mode, which is not there",
        ),
        (
            &format!("sudoless_policy_info unless on (mode) max by (policy) ({up})"),
            "on, at the right, mode, which is not there",
        ),
        (&format!("max by (instance, policy) ({up}) > 0"), ""),
    ] {
        let tree = server.parse(query).await.unwrap();
        let found = Vocabulary::of(&families).problems(&tree);
        let expected: Vec<&str> = Some(problem)
            .filter(|text| !text.is_empty())
            .into_iter()
            .collect();
        assert_eq!(found, expected, "{query}");
    }
}
