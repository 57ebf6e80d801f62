//! `config/argocd`: what is added to Argo CD's settings, and the samples.

use std::{collections::BTreeMap, fs, path::Path};

use kube::{CustomResourceExt, Resource};
use local_cluster::LocalCluster;
use serde_json::Value;
use sudoless::api::{NotebookRemediation, NotebookRootAccessPolicy};

use super::customizations::{POLICY, RECORD, files, text};
use crate::support::{enforced::cluster, rendered::chart};

const SETTINGS: &str = "config/argocd/argocd-cm.yaml";

fn sample(path: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    serde_saphyr::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

fn settings() -> BTreeMap<String, String> {
    serde_json::from_value(sample(SETTINGS)["data"].clone()).unwrap()
}

#[test]
fn the_settings_contain_the_scripts_byte_by_byte() {
    let mut settings = settings();
    let mut take = |what: &str, kind: &str| {
        let key = format!("resource.customizations.{what}.sudoless.dev_{kind}");
        settings.remove(&key).unwrap_or_else(|| panic!("no {key}"))
    };
    for kind in [POLICY, RECORD] {
        assert_eq!(take("health", kind), text(kind, "health.lua"));
    }
    let actions: Value = serde_saphyr::from_str(&take("actions", POLICY)).unwrap();
    assert_eq!(
        actions["discovery.lua"],
        text(POLICY, "actions/discovery.lua")
    );
    let definitions = actions["definitions"].as_array().unwrap();
    let names: Vec<&str> = definitions
        .iter()
        .map(|each| each["name"].as_str().unwrap())
        .collect();
    let folders = files(POLICY, "actions");
    let is_action = |name: &&String| !name.contains('.') && *name != "testdata";
    assert_eq!(names, folders.iter().filter(is_action).collect::<Vec<_>>());
    for definition in definitions {
        let script = format!(
            "actions/{}/action.lua",
            definition["name"].as_str().unwrap()
        );
        assert_eq!(definition["action.lua"], text(POLICY, &script));
    }

    let ignored: Value = serde_saphyr::from_str(&take("ignoreResourceUpdates", POLICY)).unwrap();
    assert_eq!(
        ignored,
        serde_json::json!({"jsonPointers": ["/status/lastScanTime"]})
    );
    assert!(settings.is_empty(), "{:?}", settings.keys());
}

/// As the documentation says: what was there stays.
#[test]
fn the_settings_are_added_to_those_that_are_there() {
    let cluster: &LocalCluster = cluster();
    let run = |arguments: &[&str]| cluster.run_kubectl(arguments).unwrap();
    run(&["create", "namespace", "argocd"]);
    run(&[
        "create",
        "configmap",
        "argocd-cm",
        "--namespace=argocd",
        "--from-literal=url=https://argocd.example.com",
    ]);
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(SETTINGS);
    let file = file.to_str().unwrap();
    run(&[
        "apply",
        "--server-side",
        "--field-manager=sudoless",
        "-f",
        file,
    ]);
    let found = run(&[
        "get",
        "configmap",
        "argocd-cm",
        "--namespace=argocd",
        "-o",
        "json",
    ]);
    let found: Value = serde_json::from_str(&found).unwrap();
    let found: BTreeMap<String, String> = serde_json::from_value(found["data"].clone()).unwrap();
    let mut wanted = settings();
    wanted.insert("url".to_owned(), "https://argocd.example.com".to_owned());
    assert_eq!(found, wanted);
}

#[test]
fn the_project_allows_both_kinds_and_no_secrets() {
    let project = sample("config/argocd/project.yaml");
    let allowed = project["spec"]["clusterResourceWhitelist"]
        .as_array()
        .unwrap();
    let allows = |group: &str, kind: &str| {
        allowed
            .iter()
            .any(|each| each["group"] == group && each["kind"] == kind)
    };
    assert!(allows(
        &NotebookRootAccessPolicy::group(&()),
        &NotebookRootAccessPolicy::kind(&())
    ));
    assert!(allows(
        &NotebookRemediation::group(&()),
        &NotebookRemediation::kind(&())
    ));
    assert!(allows("apiextensions.k8s.io", "CustomResourceDefinition"));
    assert!(
        !allowed
            .iter()
            .any(|each| each["group"] == "*" || each["kind"] == "*")
    );
    assert_eq!(
        project["spec"]["namespaceResourceBlacklist"][0]["kind"],
        "Secret"
    );
    // Neither kind has a namespace: the whitelist for the cluster is the one that counts.
    for definition in [NotebookRootAccessPolicy::crd(), NotebookRemediation::crd()] {
        assert_eq!(definition.spec.scope, "Cluster");
    }
}

/// All that the chart can be asked for.
const OPTIONS: [&str; 6] = [
    "admissionPolicy.enabled=true",
    "networkPolicy.enabled=true",
    "metrics.serviceMonitor.enabled=true",
    "metrics.prometheusRule.enabled=true",
    "metrics.dashboard.enabled=true",
    "replicas=2",
];

#[test]
fn the_project_allows_the_chart_as_a_whole() {
    let project = sample("config/argocd/project.yaml");
    let list = |field: &str| project["spec"][field].as_array().unwrap().clone();
    let (allowed, forbidden) = (
        list("clusterResourceWhitelist"),
        list("namespaceResourceBlacklist"),
    );
    let destinations = list("destinations");
    let objects = chart(&OPTIONS);
    for object in &objects {
        let kind = &object["kind"];
        let version = object["apiVersion"].as_str().unwrap();
        let group = version.rsplit_once('/').map_or("", |(group, _)| group);
        let is_named = |list: &[Value]| {
            let mut each = list.iter();
            each.any(|each| each["group"] == group && each["kind"] == *kind)
        };
        let namespace = &object["metadata"]["namespace"];
        if namespace.is_null() {
            assert!(is_named(&allowed), "{group}/{kind}");
        } else {
            assert!(!is_named(&forbidden), "{group}/{kind}");
            let mut destinations = destinations.iter();
            let goes = destinations.any(|each| each["namespace"] == *namespace);
            assert!(goes, "{kind} in {namespace}");
        }
    }
    let definitions = objects
        .iter()
        .filter(|object| object["kind"] == "CustomResourceDefinition");
    for definition in definitions.clone() {
        let wave = &definition["metadata"]["annotations"]["argocd.argoproj.io/sync-wave"];
        assert_eq!(wave, "-1", "before what is in wave 0");
    }
    assert_eq!(definitions.count(), 2);
}

#[test]
fn the_applications_stay_within_the_project() {
    let project = sample("config/argocd/project.yaml");
    let wave = |application: &Value| -> i32 {
        let annotations = &application["metadata"]["annotations"];
        annotations["argocd.argoproj.io/sync-wave"]
            .as_str()
            .unwrap()
            .parse()
            .unwrap()
    };
    let applications = [
        "config/argocd/application.yaml",
        "config/argocd/policies.yaml",
    ]
    .map(sample);
    for application in &applications {
        let spec = &application["spec"];
        assert_eq!(spec["project"], project["metadata"]["name"]);
        let sources = project["spec"]["sourceRepos"].as_array().unwrap();
        assert!(sources.contains(&spec["source"]["repoURL"]), "{spec}");
        let options = spec["syncPolicy"]["syncOptions"].as_array().unwrap();
        assert!(
            options.contains(&"ServerSideApply=true".into()),
            "{options:?}"
        );
    }
    let [operator, policies] = &applications;
    assert!(
        wave(operator) < wave(policies),
        "the definitions come first"
    );
    assert_eq!(operator["spec"]["syncPolicy"]["automated"]["prune"], false);
}
