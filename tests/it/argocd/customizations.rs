//! The scripts and fixtures in `config/argocd/resource_customizations`, which is laid out as Argo
//! CD's own folder of that name.

use std::{fs, path::PathBuf};

use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;

/// Both kinds.
pub const POLICY: &str = "NotebookRootAccessPolicy";
pub const RECORD: &str = "NotebookRemediation";

/// Status and message, as Argo CD shows them.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Health {
    pub status: String,
    #[serde(default)]
    pub message: String,
}

/// `health_test.yaml`.
#[derive(Deserialize)]
pub struct HealthTests {
    pub tests: Vec<HealthTest>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HealthTest {
    pub input_path: String,
    pub health_status: Health,
}

pub fn folder(kind: &str) -> PathBuf {
    let folder = "config/argocd/resource_customizations/sudoless.dev";
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join(folder)
        .join(kind)
}

pub fn text(kind: &str, path: &str) -> String {
    let path = folder(kind).join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

pub fn yaml<T: DeserializeOwned>(kind: &str, path: &str) -> T {
    let text = text(kind, path);
    serde_saphyr::from_str(&text).unwrap_or_else(|error| panic!("{kind}/{path}: {error}"))
}

/// The names of the files in a folder, sorted.
pub fn files(kind: &str, path: &str) -> Vec<String> {
    let entries = fs::read_dir(folder(kind).join(path)).unwrap();
    let name =
        |entry: std::io::Result<fs::DirEntry>| entry.unwrap().file_name().into_string().unwrap();
    let mut names: Vec<String> = entries.map(name).collect();
    names.sort();
    names
}

/// How Argo CD sees an object.
pub fn health(object: &Value) -> Health {
    let kind = object["kind"].as_str().unwrap();
    let returned = super::lua::run(&text(kind, "health.lua"), object);
    serde_json::from_value(returned).unwrap()
}

/// What an action makes of a policy.
pub fn act(action: &str, policy: &Value) -> Value {
    let script = text(POLICY, &format!("actions/{action}/action.lua"));
    super::lua::act(&script, policy)
}

/// The names of the actions that are offered for a policy, sorted, and whether each is disabled.
pub fn offered(policy: &Value) -> Vec<(String, bool)> {
    let found = super::lua::run(&text(POLICY, "actions/discovery.lua"), policy);
    let actions = found.as_object().unwrap().iter();
    let mut actions: Vec<_> = actions
        .map(|(name, action)| (name.clone(), action["disabled"].as_bool().unwrap()))
        .collect();
    actions.sort();
    actions
}
