//! What Helm makes of the chart, as values.

use std::{path::PathBuf, process::Command, sync::OnceLock};

use local_cluster::{Tool, Toolbox, feed};
use serde_json::{Value, json};

pub const CHART: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/charts/sudoless");

/// Where the tests install it. The release has the chart's name.
pub const NAMESPACE: &str = "sudoless-system";
pub const RELEASE: &str = "sudoless";

/// Helm 3 built by Go alone takes a version of ten years ago for the cluster's where there is none.
pub const KUBERNETES: &str = "v1.36.0";

/// The versions of Helm that the chart is for.
pub const HELMS: [Tool; 2] = [Tool::Helm3, Tool::Helm];

/// Rendered objects.
pub struct Objects(pub Vec<Value>);

/// The tools of the chart's tests, built.
fn toolbox() -> &'static Toolbox {
    static TOOLBOX: OnceLock<Toolbox> = OnceLock::new();
    TOOLBOX.get_or_init(|| {
        let toolbox = Toolbox::open().unwrap();
        toolbox
            .provide(&[Tool::Helm, Tool::Helm3, Tool::HelmDocs])
            .unwrap();
        toolbox
    })
}

pub fn path(tool: Tool) -> PathBuf {
    toolbox().path(tool)
}

/// A Helm command without a cluster, and without the user's own settings.
pub fn helm(version: Tool) -> Command {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("helm");
    let mut command = Command::new(path(version));
    command
        .env("KUBECONFIG", "/dev/null")
        .env("HELM_CACHE_HOME", folder.join("cache"))
        .env("HELM_CONFIG_HOME", folder.join("config"))
        .env("HELM_DATA_HOME", folder.join("data"));
    command
}

/// Runs a command with values on its stdin: what it printed, or what it complained of.
pub fn with_values(command: &mut Command, values: &Value) -> Result<String, String> {
    // JSON is YAML.
    let output = feed(command.args(["--values", "-"]), &values.to_string()).unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    if output.status.success() {
        assert_eq!(stderr, "", "a warning");
        Ok(String::from_utf8(output.stdout).unwrap())
    } else {
        Err(stderr)
    }
}

/// `helm template`, with values over the chart's own.
pub fn render(version: Tool, values: &Value) -> Result<Objects, String> {
    let text = with_values(
        helm(version).args([
            "template",
            RELEASE,
            CHART,
            "--namespace",
            NAMESPACE,
            "--kube-version",
            KUBERNETES,
        ]),
        values,
    )?;
    Ok(Objects::parse(&text))
}

/// The same, with the newest Helm, of values that are right.
pub fn rendered(values: &Value) -> Objects {
    render(Tool::Helm, values).unwrap()
}

/// `values` with others over them, as Helm does it: objects are merged, everything else is
/// replaced.
pub fn over(values: &Value, others: &Value) -> Value {
    match (values, others) {
        (Value::Object(values), Value::Object(others)) => {
            let mut merged = values.clone();
            for (key, other) in others {
                let value = merged.get(key).map(|value| over(value, other));
                merged.insert(key.clone(), value.unwrap_or_else(|| other.clone()));
            }
            Value::Object(merged)
        }
        (_, other) => other.clone(),
    }
}

impl Objects {
    /// The parser refuses a key that is there twice.
    pub fn parse(text: &str) -> Self {
        let objects: Vec<Value> = serde_saphyr::from_multiple(text).unwrap();
        Self(objects.into_iter().filter(|it| !it.is_null()).collect())
    }

    pub fn of<'objects>(&'objects self, kind: &str) -> impl Iterator<Item = &'objects Value> {
        self.0.iter().filter(move |object| object["kind"] == kind)
    }

    /// Whether there is one of a kind.
    pub fn has(&self, kind: &str) -> bool {
        self.of(kind).next().is_some()
    }

    /// The only one of a kind.
    pub fn only(&self, kind: &str) -> &Value {
        let all: Vec<_> = self.of(kind).collect();
        let [one] = all[..] else {
            panic!("{} of kind {kind}", all.len())
        };
        one
    }

    /// The one of a kind and name.
    pub fn named(&self, kind: &str, name: &str) -> &Value {
        self.of(kind)
            .find(|object| object["metadata"]["name"] == name)
            .unwrap_or_else(|| panic!("no {kind} {name}"))
    }

    /// The Deployment's pod.
    pub fn pod(&self) -> &Value {
        &self.only("Deployment")["spec"]["template"]
    }

    /// Its only container.
    pub fn container(&self) -> &Value {
        let containers = self.pod()["spec"]["containers"].as_array().unwrap();
        assert_eq!(containers.len(), 1);
        &containers[0]
    }

    /// Its arguments.
    pub fn args(&self) -> Vec<&str> {
        texts(&self.container()["args"])
    }

    /// A variable of its environment, as it is written there.
    pub fn env(&self, name: &str) -> Option<&Value> {
        self.container()["env"]
            .as_array()
            .into_iter()
            .flatten()
            .find(|variable| variable["name"] == name)
    }
}

/// The texts of a list.
pub fn texts(list: &Value) -> Vec<&str> {
    list.as_array()
        .unwrap_or_else(|| panic!("no list: {list}"))
        .iter()
        .map(|text| text.as_str().unwrap())
        .collect()
}

#[test]
fn values_go_over_others_as_in_helm() {
    let values = json!({"a": {"b": 1, "c": [1, 2]}, "d": 1});
    let others = json!({"a": {"c": [3]}, "e": {"f": 1}});
    assert_eq!(
        over(&values, &others),
        json!({"a": {"b": 1, "c": [3]}, "d": 1, "e": {"f": 1}})
    );
}
