//! The chart's files: copies, versions, the generated README, and that schema and values name the
//! same.

use std::{collections::BTreeSet, fs, path::Path, process::Command};

use local_cluster::Tool;
use serde_json::{Value, json};

use super::rendered::{CHART, HELMS, helm, path, rendered};

fn read(file: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).unwrap()
}

fn parsed(file: &str) -> Value {
    serde_saphyr::from_str(&read(file)).unwrap()
}

#[test]
fn both_versions_of_helm_lint_it_strictly() {
    for version in HELMS {
        let output = helm(version)
            .args(["lint", "--strict", CHART])
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
    }
}

#[test]
fn copies_are_what_they_are_copies_of() {
    for (copy, source) in [
        ("files/rules.yaml", "config/prometheus/rules.yaml"),
        ("files/dashboard.json", "config/grafana/sudoless.json"),
        (
            "files/crds/notebookremediations.sudoless.dev.yaml",
            "crds/notebookremediations.sudoless.dev.yaml",
        ),
        (
            "files/crds/notebookrootaccesspolicies.sudoless.dev.yaml",
            "crds/notebookrootaccesspolicies.sudoless.dev.yaml",
        ),
    ] {
        assert_eq!(
            read(&format!("charts/sudoless/{copy}")),
            read(source),
            "run `make crds`"
        );
    }
}

/// Equal, where 1.0 is 1: Helm writes it so, and to JSON they are the same.
fn same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Object(one), Value::Object(other)) => {
            one.keys().eq(other.keys()) && one.iter().all(|(key, value)| same(value, &other[key]))
        }
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| same(one, other))
        }
        (Value::Number(one), Value::Number(other)) => one.as_f64() == other.as_f64(),
        (one, other) => one == other,
    }
}

#[test]
fn definitions_are_those_of_the_program() {
    let objects = rendered(&json!({}));
    let mut names = Vec::new();
    for definition in objects.of("CustomResourceDefinition") {
        let name = definition["metadata"]["name"].as_str().unwrap();
        let own = &parsed(&format!("crds/{name}.yaml"))["spec"];
        assert!(same(&definition["spec"], own), "{name} differs");
        names.push(name);
    }
    assert_eq!(names.len(), 2, "{names:?}");
}

#[test]
fn its_version_is_the_programs() {
    let chart = parsed("charts/sudoless/Chart.yaml");
    assert_eq!(chart["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(chart["appVersion"], env!("CARGO_PKG_VERSION"));
}

#[test]
fn the_readme_is_generated_and_explains_every_value() {
    let output = Command::new(path(Tool::HelmDocs))
        .args(["--log-level", "warn", "--chart-search-root", CHART])
        .args(["--sort-values-order", "file", "--dry-run"])
        .output()
        .unwrap();
    assert!(
        output.status.success() && output.stderr.is_empty(),
        "{output:?}"
    );
    let generated = String::from_utf8(output.stdout).unwrap();
    let readme = read("charts/sudoless/README.md");
    assert_eq!(generated.trim_end(), readme.trim_end(), "run `make crds`");
    let rows: Vec<_> = readme
        .lines()
        .filter(|line| line.starts_with("| ") && line.split(" | ").count() == 4)
        .collect();
    assert!(rows.len() > 50, "{readme}");
    for row in rows {
        let explained = row
            .trim_end_matches('|')
            .rsplit(" | ")
            .next()
            .unwrap()
            .trim();
        assert!(!explained.is_empty(), "{row}");
    }
}

/// Paths of a schema's properties.
fn schema_paths(root: &Value, schema: &Value, path: &str, into: &mut BTreeSet<String>) {
    let schema = match schema["$ref"].as_str() {
        Some(reference) => root.pointer(reference.trim_start_matches('#')).unwrap(),
        None => schema,
    };
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        let path = format!("{path}.{name}");
        schema_paths(root, property, &path, into);
        into.insert(path);
    }
}

/// Paths of values.
fn value_paths(value: &Value, path: &str, into: &mut BTreeSet<String>) {
    for (name, value) in value.as_object().into_iter().flatten() {
        let path = format!("{path}.{name}");
        value_paths(value, &path, into);
        into.insert(path);
    }
}

#[test]
fn schema_and_values_name_the_same() {
    let schema: Value = serde_json::from_str(&read("charts/sudoless/values.schema.json")).unwrap();
    let (mut allowed, mut given) = (BTreeSet::new(), BTreeSet::new());
    schema_paths(&schema, &schema, "", &mut allowed);
    value_paths(&parsed("charts/sudoless/values.yaml"), "", &mut given);
    let free = |path: &&String| {
        // What Kubernetes knows better, and what a chart around this one hands down.
        [
            ".global",
            ".enabled",
            ".resources.",
            ".strategy.",
            ".affinity.",
        ]
        .iter()
        .any(|it| path.starts_with(it))
    };
    let unexplained: Vec<_> = allowed
        .difference(&given)
        .filter(|path| !free(path))
        .collect();
    assert!(
        unexplained.is_empty(),
        "in the schema only: {unexplained:?}"
    );
}

#[test]
fn the_schema_is_closed_wherever_it_names_properties() {
    fn closed(schema: &Value, path: &str) {
        match schema {
            Value::Object(fields) => {
                if fields.get("type") == Some(&json!("object")) && fields.contains_key("properties")
                {
                    assert_eq!(
                        fields.get("additionalProperties"),
                        Some(&json!(false)),
                        "{path}"
                    );
                }
                for (name, value) in fields {
                    closed(value, &format!("{path}/{name}"));
                }
            }
            Value::Array(items) => items.iter().for_each(|item| closed(item, path)),
            _ => {}
        }
    }
    let schema: Value = serde_json::from_str(&read("charts/sudoless/values.schema.json")).unwrap();
    closed(&schema, "");
}
