//! `config/` is what the chart installs, but for what only Helm or only kubectl needs.

use std::collections::BTreeMap;

use local_cluster::{LocalCluster, Options};
use serde_json::Value;

use crate::support::rendered;

/// Labels that Helm's objects have, and others not.
const HELMS_LABELS: [&str; 2] = ["helm.sh/chart", "app.kubernetes.io/managed-by"];

/// Annotations of the definitions for those who install the chart.
const HELMS_ANNOTATIONS: [&str; 2] = ["helm.sh/resource-policy", "argocd.argoproj.io/sync-wave"];

/// Kind, namespace and name.
type Key = (String, String, String);

/// Objects by their keys, without what may differ.
fn by_key(objects: Vec<Value>) -> BTreeMap<Key, Value> {
    let count = objects.len();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let keyed = objects.into_iter().map(|mut object| {
        let metadata = object["metadata"].as_object_mut().unwrap();
        without(metadata, "labels", &HELMS_LABELS);
        without(metadata, "annotations", &HELMS_ANNOTATIONS);
        let metadata = &object["metadata"];
        let key = (
            text(&object["kind"]),
            text(&metadata["namespace"]),
            text(&metadata["name"]),
        );
        (key, object)
    });
    let keyed: BTreeMap<Key, Value> = keyed.collect();
    assert_eq!(keyed.len(), count, "one is there twice");
    keyed
}

/// Removes entries, and the whole where nothing is left.
fn without(metadata: &mut serde_json::Map<String, Value>, what: &str, entries: &[&str]) {
    if let Some(Value::Object(all)) = metadata.get_mut(what) {
        all.retain(|entry, _| !entries.contains(&entry.as_str()));
        if all.is_empty() {
            metadata.remove(what);
        }
    }
}

fn assert_equal(chart: &BTreeMap<Key, Value>, kustomization: &BTreeMap<Key, Value>) {
    let keys = |objects: &BTreeMap<Key, Value>| objects.keys().cloned().collect::<Vec<_>>();
    assert_eq!(keys(chart), keys(kustomization));
    for (key, object) in chart {
        assert_eq!(object, &kustomization[key], "{key:?}: chart, kustomization");
    }
}

#[test]
fn the_kustomization_is_the_chart_with_default_values_and_a_namespace() {
    let mut kustomization = by_key(rendered::kustomization("config"));
    let name = rendered::NAMESPACE.to_owned();
    let namespace = kustomization.remove(&("Namespace".to_owned(), String::new(), name));
    let labels = &namespace.unwrap()["metadata"]["labels"];
    for mode in ["enforce", "warn", "audit"] {
        let label = format!("pod-security.kubernetes.io/{mode}");
        assert_eq!(labels[&label], "restricted", "{label}");
    }
    let chart = by_key(rendered::chart(&[]));
    assert!(chart.len() > 10, "{:?}", chart.keys());
    assert_equal(&chart, &kustomization);
}

/// Everything that the value adds to the chart, and nothing that it changes.
#[test]
fn the_verb_for_enforcing_is_the_same_too() {
    let without = by_key(rendered::chart(&[]));
    let mut added = by_key(rendered::chart(&["admissionPolicy.enabled=true"]));
    for (key, object) in &without {
        assert_eq!(added.remove(key).as_ref(), Some(object), "{key:?}");
    }
    assert_eq!(added.len(), 3, "{:?}", added.keys());
    let kustomization = by_key(rendered::kustomization("config/admission"));
    assert_equal(&added, &kustomization);
}

/// The first time, and once more: then there is nothing to do.
#[test]
fn kubectl_installs_it_and_finds_no_difference_afterwards() {
    let cluster = LocalCluster::start(Options::default()).unwrap();
    for folder in ["config", "config/admission"] {
        let folder = rendered::in_checkout(folder);
        let applied = cluster.kubectl(["apply", "-k", &folder]).output().unwrap();
        assert!(applied.status.success(), "{applied:?}");
        let complaints = String::from_utf8_lossy(&applied.stderr);
        assert_eq!(complaints, "", "the server warns");
        let objects = rendered::kustomization(&folder).len();
        let told = String::from_utf8_lossy(&applied.stdout).into_owned();
        assert_eq!(told.lines().count(), objects, "{told}");

        let again = cluster.run_kubectl(["apply", "-k", &folder]).unwrap();
        let is_unchanged = |line: &str| line.ends_with(" unchanged");
        assert!(again.lines().all(is_unchanged), "{again}");
    }
}
