//! People who ask, each with a token of their own, and what they are told.

use std::{
    os::unix::fs::symlink,
    path::PathBuf,
    process::{Command, Output},
    sync::{
        OnceLock,
        atomic::{AtomicUsize, Ordering},
    },
};

use local_cluster::{LocalCluster, Options};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    rbac::audited::{AuditLog, Request},
    support::{served, stage::eventually},
};

/// The chart's and the kustomization's roles for people; `tests/it/kustomize.rs` compares the two.
const ROLES: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/config/operator/user-roles.yaml"
);

const PROGRAM: &str = env!("CARGO_BIN_EXE_sudoless");

const NAMESPACE: &str = "people";

/// A person with certain permissions.
#[derive(Clone, Copy, Debug)]
pub enum Person {
    /// Has the `ClusterRole` `sudoless-viewer`.
    Viewer,
    /// Has it too; what they ask is counted.
    Watched,
    /// Has no rights.
    Stranger,
}

/// What came of it.
#[derive(Debug)]
pub struct Asked {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

/// The API server of all tests here, with its people.
pub fn cluster() -> &'static LocalCluster {
    static CLUSTER: OnceLock<LocalCluster> = OnceLock::new();
    CLUSTER.get_or_init(|| {
        let cluster = served::start(Options {
            audit_log: true,
            ..Options::default()
        });
        cluster.run_kubectl(["apply", "-f", ROLES]).unwrap();
        cluster
            .run_kubectl(["create", "namespace", NAMESPACE])
            .unwrap();
        for person in [Person::Viewer, Person::Watched, Person::Stranger] {
            let name = person.name();
            let create = ["create", "serviceaccount", &name, "--namespace", NAMESPACE];
            cluster.run_kubectl(create).unwrap();
        }
        for person in [Person::Viewer, Person::Watched] {
            let name = person.name();
            let account = format!("--serviceaccount={NAMESPACE}:{name}");
            let bind = [
                "create",
                "clusterrolebinding",
                &name,
                "--clusterrole=sudoless-viewer",
                &account,
            ];
            cluster.run_kubectl(bind).unwrap();
        }
        cluster
    })
}

impl Person {
    fn name(self) -> String {
        format!("{self:?}").to_lowercase()
    }

    fn kubeconfig(self) -> PathBuf {
        // A file for each time: several tests ask at the same time.
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let name = self.name();
        let token = ["create", "token", &name, "--namespace", NAMESPACE];
        let token = cluster().run_kubectl(token).unwrap();
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        cluster()
            .kubeconfig_for(&format!("{name}-{number}"), token.trim())
            .unwrap()
    }
}

/// Runs the program as a person.
pub fn ask(person: Person, arguments: &[&str]) -> Asked {
    let mut command = Command::new(PROGRAM);
    command.args(arguments);
    Asked::of(
        command
            .env("KUBECONFIG", person.kubeconfig())
            .output()
            .unwrap(),
    )
}

/// Runs it as kubectl's plugin.
pub fn ask_kubectl(person: Person, arguments: &[&str]) -> Asked {
    let folder = TempDir::new().unwrap();
    symlink(PROGRAM, folder.path().join("kubectl-sudoless")).unwrap();
    let kubectl = cluster().kubectl([""; 0]).get_program().to_owned();
    let mut command = Command::new(kubectl);
    command.arg("sudoless").args(arguments);
    command
        .env("KUBECONFIG", person.kubeconfig())
        .env("PATH", folder.path());
    Asked::of(command.output().unwrap())
}

/// Returns the person's requests to the API server, once there are at least `at_least`.
pub async fn requests(person: Person, at_least: usize) -> Vec<Request> {
    let log = AuditLog::new(cluster().audit_log());
    let user = format!("system:serviceaccount:{NAMESPACE}:{}", person.name());
    eventually("the requests to be logged", async || {
        let requests = log.of(&user);
        (requests.len() >= at_least).then_some(requests)
    })
    .await
}

impl Asked {
    fn of(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// The JSON about a notebook that was found.
    pub fn found(&self) -> Value {
        assert_eq!(self.code, 0, "{self:?}");
        let answer: Value = serde_json::from_str(&self.stdout).unwrap();
        assert_eq!(answer["kind"], json!("NotebookExplanation"));
        answer
    }
}
