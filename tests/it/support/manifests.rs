//! Manifests from files, and what a real API server says about them.

use std::path::{Path, PathBuf};
use std::{fmt, fs};

use kube::api::PostParams;
use kube::core::Request;
use kube::{Client, Resource};
use serde_json::Value;
use sudoless::api::NotebookRootAccessPolicy;

/// A manifest, and what its first line says.
pub struct Manifest {
    pub path: PathBuf,
    pub text: String,
}

impl Manifest {
    /// A part of the answer that names the field.
    ///
    /// # Panics
    /// If there is none.
    pub fn expectation(&self) -> &str {
        let first = self.text.lines().next().unwrap_or_default();
        first
            .strip_prefix("# expect: ")
            .unwrap_or_else(|| panic!("{self}: the first line must be `# expect: …`"))
    }

    /// # Panics
    /// If it is no YAML.
    pub fn body(&self) -> Value {
        serde_saphyr::from_str(&self.text).unwrap_or_else(|error| panic!("{self}: {error}"))
    }
}

impl fmt::Display for Manifest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.path.display().fmt(f)
    }
}

/// The manifests of a folder, in the order of their names.
///
/// # Panics
/// If it cannot be read, or has anything else in it.
pub fn manifests(folder: &str) -> Vec<Manifest> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut paths: Vec<PathBuf> = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.sort();
    let read = |path: PathBuf| {
        assert_eq!(path.extension().unwrap(), "yaml");
        let text = fs::read_to_string(&path).unwrap();
        Manifest { path, text }
    };
    paths.into_iter().map(read).collect()
}

/// What the server would store, or its refusal, as `kubectl create --dry-run=server
/// --validate=strict` asks for it.
///
/// # Errors
/// The refusal.
///
/// # Panics
/// If there is no answer.
pub async fn create(client: &Client, body: &Value) -> Result<Value, String> {
    let parameters = PostParams {
        dry_run: true,
        ..PostParams::default()
    };
    let url = NotebookRootAccessPolicy::url_path(&(), None);
    let mut request = Request::new(url)
        .create(&parameters, serde_json::to_vec(body).unwrap())
        .unwrap();
    let strict = format!("{}&fieldValidation=Strict", request.uri());
    *request.uri_mut() = strict.parse().unwrap();
    match client.request::<Value>(request).await {
        Ok(stored) => Ok(stored),
        Err(kube::Error::Api(status)) => Err(status.message.clone()),
        Err(error) => panic!("no answer: {error}"),
    }
}
