//! The chart and the kustomization, as Helm and kubectl write them out.

use std::{path::Path, process::Command};

use local_cluster::{Tool, Toolbox};
use serde_json::Value;

/// The namespace that everything is installed into.
pub const NAMESPACE: &str = "sudoless-system";

/// What `helm template` makes of the chart.
pub fn chart(values: &[&str]) -> Vec<Value> {
    let toolbox = provided(Tool::Helm);
    let mut helm = Command::new(toolbox.path(Tool::Helm));
    helm.args(["template", "sudoless", &in_checkout("charts/sudoless")]);
    helm.args(["--namespace", NAMESPACE]);
    for value in values {
        helm.args(["--set", value]);
    }
    objects(helm)
}

/// What `kubectl kustomize` makes of a folder of the checkout.
pub fn kustomization(folder: &str) -> Vec<Value> {
    let toolbox = provided(Tool::Kubectl);
    let mut kubectl = Command::new(toolbox.path(Tool::Kubectl));
    kubectl.args(["kustomize", &in_checkout(folder)]);
    objects(kubectl)
}

/// The path of something in the checkout.
pub fn in_checkout(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    path.to_str().unwrap().to_owned()
}

fn provided(tool: Tool) -> Toolbox {
    let toolbox = Toolbox::open().unwrap();
    toolbox.provide(&[tool]).unwrap();
    toolbox
}

/// The objects that a command prints.
fn objects(mut command: Command) -> Vec<Value> {
    let output = command.output().unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let text = String::from_utf8(output.stdout).unwrap();
    let all: Vec<Value> = serde_saphyr::from_multiple(&text).unwrap();
    // A template that has nothing to say leaves an empty document.
    all.into_iter().filter(|object| !object.is_null()).collect()
}
