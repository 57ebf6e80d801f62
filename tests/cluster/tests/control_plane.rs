//! The real API server: it starts, serves, goes away and comes back.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use local_cluster::{Error, LocalCluster, Options};

/// One for all the tests that do not disturb it.
fn shared() -> &'static LocalCluster {
    static CLUSTER: OnceLock<LocalCluster> = OnceLock::new();
    CLUSTER.get_or_init(|| {
        LocalCluster::start(Options {
            controller_manager: true,
            audit_log: true,
            ..Options::default()
        })
        .unwrap()
    })
}

const WIDGETS: &str = r#"
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: widgets.example.com}
spec:
  group: example.com
  scope: Cluster
  names: {kind: Widget, plural: widgets}
  versions:
  - name: v1
    served: true
    storage: true
    schema:
      openAPIV3Schema:
        type: object
        properties:
          spec:
            type: object
            properties:
              id: {type: string, pattern: "^[0-9]{12}$"}
            x-kubernetes-validations:
            - {rule: "self.id != '000000000000'", message: "an id is not all zeros: write the account's"}
"#;

#[test]
fn a_resource_definition_is_served_and_its_rules_hold() {
    let cluster = shared();
    cluster
        .run_kubectl_with(["apply", "--server-side", "-f", "-"], WIDGETS)
        .unwrap();
    cluster
        .run_kubectl([
            "wait",
            "--for=condition=Established",
            "crd/widgets.example.com",
            "--timeout=60s",
        ])
        .unwrap();

    let widget = |id: &str| {
        let text = format!(
            "{{apiVersion: example.com/v1, kind: Widget, metadata: {{name: w}}, spec: {{id: '{id}'}}}}"
        );
        cluster.run_kubectl_with(["apply", "-f", "-"], &text)
    };
    assert!(
        widget("12").unwrap_err().to_string().contains("spec.id"),
        "the pattern does not hold"
    );
    assert!(
        widget("000000000000")
            .unwrap_err()
            .to_string()
            .contains("write the account's"),
        "CEL does not hold"
    );
    assert_eq!(
        widget("111122223333").unwrap().trim(),
        "widget.example.com/w created"
    );
}

#[test]
fn the_server_tells_the_version_that_it_was_built_from() {
    let go_mod = include_str!("../tools/go.mod");
    let version = shared().run_kubectl(["version"]).unwrap();
    let server = version
        .lines()
        .find_map(|line| line.strip_prefix("Server Version: "))
        .unwrap();
    assert!(
        go_mod.contains(&format!("k8s.io/kubernetes {server} ")),
        "{version}"
    );
}

#[test]
fn a_service_account_has_the_rights_of_its_role_and_no_others() {
    let cluster = shared();
    let token = cluster.run_kubectl(["create", "token", "default"]).unwrap();
    let kubeconfig = cluster
        .kubeconfig_for("default-account", token.trim())
        .unwrap();
    let as_account = |what: &str| {
        let kubeconfig = format!("--kubeconfig={}", kubeconfig.display());
        cluster.run_kubectl(["get", what, "-A", kubeconfig.as_str()])
    };

    let refusal = as_account("secrets").unwrap_err().to_string();
    assert!(
        refusal.contains(r#"User "system:serviceaccount:default:default" cannot list"#),
        "{refusal}"
    );
    let role = [
        "create",
        "clusterrole",
        "secrets",
        "--verb=list",
        "--resource=secrets",
    ];
    cluster.run_kubectl(role).unwrap();
    let binding = [
        "create",
        "clusterrolebinding",
        "secrets",
        "--clusterrole=secrets",
        "--serviceaccount=default:default",
    ];
    cluster.run_kubectl(binding).unwrap();
    // The authorizer sees the binding through a watch, a moment later.
    eventually(|| as_account("secrets").map(drop));
    the_log_tells_of_a_service_account_only(cluster);
}

fn the_log_tells_of_a_service_account_only(cluster: &LocalCluster) {
    let lines_with = |words: &[&str]| {
        let log = std::fs::read_to_string(cluster.audit_log()).unwrap();
        let told = |line: &&str| words.iter().all(|word| line.contains(word));
        log.lines().filter(told).count()
    };
    let account = r#""username":"system:serviceaccount:default:default""#;
    for decision in [r#"decision":"forbid""#, r#"decision":"allow""#] {
        // A line may be written a moment after its answer.
        let started = Instant::now();
        while lines_with(&[account, "secrets", decision]) == 0 {
            assert!(started.elapsed() < Duration::from_mins(1), "no {decision}");
        }
    }
    assert_eq!(lines_with(&[r#""username":"admin""#]), 0);
}

#[test]
fn the_controller_manager_collects_what_nobody_owns() {
    let cluster = shared();
    cluster
        .run_kubectl(["create", "configmap", "owner"])
        .unwrap();
    let uid = cluster
        .run_kubectl([
            "get",
            "configmap",
            "owner",
            "-o",
            "jsonpath={.metadata.uid}",
        ])
        .unwrap();
    let owned = format!(
        "{{apiVersion: v1, kind: ConfigMap, metadata: {{name: owned, ownerReferences: [\
         {{apiVersion: v1, kind: ConfigMap, name: owner, uid: {uid}}}]}}}}"
    );
    cluster
        .run_kubectl_with(["create", "-f", "-"], &owned)
        .unwrap();

    cluster
        .run_kubectl(["delete", "configmap", "owner"])
        .unwrap();

    cluster
        .run_kubectl(["wait", "--for=delete", "configmap/owned", "--timeout=60s"])
        .unwrap();
}

#[test]
fn what_was_written_is_there_after_an_outage_at_the_same_address() {
    let cluster = LocalCluster::start(Options::default()).unwrap();
    cluster
        .run_kubectl(["create", "configmap", "kept", "--from-literal=a=b"])
        .unwrap();
    let read = |cluster: &LocalCluster| {
        cluster.run_kubectl(["get", "configmap", "kept", "-o", "jsonpath={.data.a}"])
    };

    cluster.stop_api_server();
    let refusal = read(&cluster).unwrap_err().to_string();
    assert!(refusal.contains("refused"), "{refusal}");

    cluster.start_api_server().unwrap();
    assert_eq!(read(&cluster).unwrap(), "b");
}

#[test]
fn a_paused_server_does_not_answer_and_a_resumed_one_does() {
    let cluster = LocalCluster::start(Options::default()).unwrap();
    let get = |timeout: &str| {
        cluster.run_kubectl(["get", "--raw", "/readyz", "--request-timeout", timeout])
    };

    cluster.pause_api_server().unwrap();
    let silence = get("1s").unwrap_err().to_string();
    assert!(
        silence.contains("Timeout") || silence.contains("deadline exceeded"),
        "{silence}"
    );

    cluster.resume_api_server().unwrap();
    assert_eq!(get("60s").unwrap(), "ok");
}

#[test]
fn clusters_do_not_know_of_each_other() {
    let other = std::thread::spawn(|| LocalCluster::start(Options::default()).unwrap())
        .join()
        .unwrap();
    other
        .run_kubectl(["create", "configmap", "only-here"])
        .unwrap();
    assert_ne!(shared().url(), other.url());
    let missing = shared()
        .run_kubectl(["get", "configmap", "only-here"])
        .unwrap_err()
        .to_string();
    assert!(missing.contains("NotFound"), "{missing}");
}

#[test]
fn a_missed_deadline_tells_what_was_awaited() {
    let options = Options {
        deadline: Duration::ZERO,
        ..Options::default()
    };
    match LocalCluster::start(options).unwrap_err() {
        Error::NotReady { last, .. } => assert!(last.contains("refused"), "{last}"),
        other => panic!("{other}"),
    }
}

#[test]
fn an_adopted_program_ends_with_the_cluster() {
    let cluster = LocalCluster::start(Options::default()).unwrap();
    let mut program = cluster
        .adopt(Command::new("cat").stdin(Stdio::piped()))
        .spawn()
        .unwrap();
    let _open = program.stdin.take();
    drop(cluster);
    assert!(!program.wait().unwrap().success(), "ended by itself");
}

/// Tries until it succeeds; after a minute shows why it does not.
fn eventually(mut attempt: impl FnMut() -> Result<(), Error>) {
    let started = Instant::now();
    while let Err(error) = attempt() {
        assert!(started.elapsed() < Duration::from_mins(1), "{error}");
    }
}
