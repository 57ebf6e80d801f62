//! The chart on a real API server: its objects are accepted, and it is installed, upgraded and
//! uninstalled by both versions of Helm, in a namespace that enforces the Pod Security Standard
//! *restricted*.

use std::{
    process::Command,
    sync::{Mutex, MutexGuard, OnceLock, PoisonError},
};

use local_cluster::{LocalCluster, Options, Tool, feed};
use serde_json::{Value, json};

use super::{
    features::together,
    rendered::{CHART, HELMS, NAMESPACE, Objects, RELEASE, render, rendered, with_values},
};

/// The definitions of both kinds.
const DEFINITIONS: [&str; 2] = [
    "crd/notebookrootaccesspolicies.sudoless.dev",
    "crd/notebookremediations.sudoless.dev",
];

/// The cluster of all tests here, with a namespace for the release, *restricted* as far as a
/// namespace can be.
fn cluster() -> &'static LocalCluster {
    static CLUSTER: OnceLock<LocalCluster> = OnceLock::new();
    CLUSTER.get_or_init(|| {
        let options = Options {
            controller_manager: true,
            ..Options::default()
        };
        let cluster = LocalCluster::start(options).unwrap();
        for namespace in [NAMESPACE, "leases", "monitoring"] {
            cluster
                .run_kubectl(["create", "namespace", namespace])
                .unwrap();
        }
        let labels = ["enforce", "warn", "audit"]
            .map(|mode| format!("pod-security.kubernetes.io/{mode}=restricted"));
        let label = ["label", "namespace", NAMESPACE].map(str::to_owned);
        cluster.run_kubectl(label.iter().chain(&labels)).unwrap();
        cluster
    })
}

/// For one test at a time the cluster without a release and without what one leaves behind.
pub struct Empty(#[expect(dead_code, reason = "it is held")] MutexGuard<'static, ()>);

impl Empty {
    pub fn cluster() -> (&'static LocalCluster, Self) {
        static LOCK: Mutex<()> = Mutex::new(());
        let cluster = cluster();
        let lock = LOCK.lock().unwrap_or_else(PoisonError::into_inner);
        clear(cluster);
        (cluster, Self(lock))
    }
}

fn clear(cluster: &LocalCluster) {
    let mut command = helm(
        cluster,
        Tool::Helm,
        &["uninstall", RELEASE, "--ignore-not-found", "--wait"],
    );
    let output = command.output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let delete = [
        "delete",
        "--ignore-not-found",
        DEFINITIONS[0],
        DEFINITIONS[1],
    ];
    cluster.run_kubectl(delete).unwrap();
}

/// A Helm command against the cluster.
fn helm(cluster: &LocalCluster, version: Tool, args: &[&str]) -> Command {
    let mut command = cluster.helm::<&str>([]).unwrap();
    if version != Tool::Helm {
        let mut other = Command::new(cluster.tool(version).unwrap());
        let env = command
            .get_envs()
            .filter_map(|(key, value)| Some((key, value?)));
        other.envs(env);
        cluster.adopt(&mut other);
        command = other;
    }
    command.args(args).args(["--namespace", NAMESPACE]);
    command
}

/// Installs or upgrades the release without a warning, and returns its notes.
pub fn install(cluster: &LocalCluster, version: Tool, values: &Value) -> String {
    let mut command = helm(cluster, version, &["upgrade", "--install", RELEASE, CHART]);
    with_values(&mut command, values).unwrap()
}

fn uninstall(cluster: &LocalCluster, version: Tool) {
    let output = helm(cluster, version, &["uninstall", RELEASE, "--wait"])
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
}

/// Whether an object is there.
fn is_there(cluster: &LocalCluster, object: &str) -> bool {
    let name = cluster.run_kubectl([
        "get",
        object,
        "--namespace",
        NAMESPACE,
        "--ignore-not-found",
        "-o",
        "name",
    ]);
    !name.unwrap().is_empty()
}

/// The policy in the notes, as a shell would hand it to kubectl.
fn policy_in(notes: &str) -> Value {
    let (_, after) = notes.split_once("<<END\n").unwrap();
    let (policy, _) = after.split_once("\nEND\n").unwrap();
    serde_saphyr::from_str(policy).unwrap()
}

/// Has the API server look at an object as if it were applied: what it complains or warns of.
fn complaint(cluster: &LocalCluster, object: &Value) -> Option<String> {
    let mut command = cluster.kubectl([
        "apply",
        "--server-side",
        "--dry-run=server",
        "--validate=strict",
        "-f",
        "-",
    ]);
    fed(&mut command, object).err()
}

/// That it accepts objects: nothing unknown in them, no warning.
fn is_accepted(cluster: &LocalCluster, objects: &[Value]) {
    let list = json!({"apiVersion": "v1", "kind": "List", "items": objects});
    assert_eq!(complaint(cluster, &list), None);
}

/// Runs a command with an object on its stdin: what it printed, or what it complained or warned of.
fn fed(command: &mut Command, object: &Value) -> Result<String, String> {
    let output = feed(command, &object.to_string()).unwrap();
    if output.status.success() && output.stderr.is_empty() {
        Ok(String::from_utf8(output.stdout).unwrap())
    } else {
        Err(String::from_utf8(output.stderr).unwrap())
    }
}

/// Of the Prometheus operator, from its own sources.
fn monitoring_definitions() -> Vec<Value> {
    let output = Command::new("go")
        .args([
            "mod",
            "download",
            "-json",
            "github.com/prometheus-operator/prometheus-operator",
        ])
        .current_dir(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/tests/it/chart/prometheus-operator"
        ))
        .env("GOWORK", "off")
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let module: Value = serde_json::from_slice(&output.stdout).unwrap();
    ["servicemonitors", "podmonitors", "prometheusrules"]
        .into_iter()
        .map(|kind| {
            let folder = module["Dir"].as_str().unwrap();
            let path = format!(
                "{folder}/example/prometheus-operator-crd/monitoring.coreos.com_{kind}.yaml"
            );
            serde_saphyr::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
        })
        .collect()
}

#[test]
fn the_api_server_accepts_every_object() {
    // Alone: a release of another test would be merged with what is looked at.
    let (cluster, _empty) = Empty::cluster();
    let definitions = monitoring_definitions();
    let mut apply = cluster.kubectl(["apply", "--server-side", "-f", "-"]);
    let list = json!({"apiVersion": "v1", "kind": "List", "items": definitions});
    fed(&mut apply, &list).unwrap();
    for definition in &definitions {
        let name = definition["metadata"]["name"].as_str().unwrap();
        cluster
            .run_kubectl([
                "wait",
                "--for=condition=Established",
                &format!("crd/{name}"),
                "--timeout=60s",
            ])
            .unwrap();
    }

    is_accepted(cluster, &rendered(&json!({})).0);
    is_accepted(cluster, &rendered(&together()).0);
    is_accepted(
        cluster,
        &rendered(&json!({"metrics": {"podMonitor": {"enabled": true, "interval": "1m"}}})).0,
    );
    // It would refuse something else.
    let mut wrong = rendered(&together()).only("ServiceMonitor").clone();
    wrong["spec"]["endpoints"][0]["intervall"] = json!("30s");
    let complaint = complaint(cluster, &wrong).unwrap();
    assert!(complaint.contains("intervall"), "{complaint}");
}

#[test]
fn pods_are_admitted_where_restricted_is_enforced() {
    let cluster = cluster();
    let create = || cluster.kubectl(["create", "--dry-run=server", "--validate=strict", "-f", "-"]);
    let pod = |objects: &Objects| {
        let mut pod = objects.pod().clone();
        pod["apiVersion"] = json!("v1");
        pod["kind"] = json!("Pod");
        pod["metadata"]["name"] = json!("sudoless-1");
        pod["metadata"]["namespace"] = json!(NAMESPACE);
        pod
    };
    for values in [json!({}), together()] {
        fed(&mut create(), &pod(&rendered(&values))).unwrap();
    }
    // Without any one of these it would not be.
    for path in [
        "/spec/securityContext/runAsNonRoot",
        "/spec/securityContext/seccompProfile",
        "/spec/containers/0/securityContext/allowPrivilegeEscalation",
        "/spec/containers/0/securityContext/capabilities",
    ] {
        let mut broken = pod(&rendered(&json!({})));
        *broken.pointer_mut(path).unwrap() = Value::Null;
        let complaint = fed(&mut create(), &broken).unwrap_err();
        assert!(
            complaint.contains("violates PodSecurity \"restricted"),
            "{path}: {complaint}"
        );
    }
    let root = pod(&rendered(&json!({"podSecurityContext": {"runAsUser": 0}})));
    assert!(fed(&mut create(), &root).is_err());
}

#[test]
fn it_is_installed_upgraded_and_uninstalled() {
    let (cluster, _empty) = Empty::cluster();
    for version in HELMS {
        // As the first of both versions finds it, nothing is there.
        let notes = install(cluster, version, &json!({}));
        assert!(
            notes.contains("kubectl wait --for=condition=Ready nrap/look"),
            "{notes}"
        );
        assert!(
            notes.contains("Before you uninstall") && notes.contains("stay after"),
            "{notes}"
        );
        for definition in DEFINITIONS {
            cluster
                .run_kubectl([
                    "wait",
                    "--for=condition=Established",
                    definition,
                    "--timeout=60s",
                ])
                .unwrap();
        }
        let mut apply = cluster.kubectl(["apply", "-f", "-"]);
        fed(&mut apply, &policy_in(&notes)).unwrap();

        // An upgrade changes objects, makes new ones, and reaches the definitions.
        assert!(!is_there(cluster, "pdb/sudoless"));
        install(
            cluster,
            version,
            &json!({"replicas": 2, "crds": {"labels": {"seen": "yes"}}}),
        );
        assert!(is_there(cluster, "pdb/sudoless"));
        for definition in DEFINITIONS {
            let label =
                cluster.run_kubectl(["get", definition, "-o", "jsonpath={.metadata.labels.seen}"]);
            assert_eq!(label.unwrap(), "yes");
        }
        let replicas = cluster.run_kubectl([
            "get",
            "deployment/sudoless",
            "-n",
            NAMESPACE,
            "-o",
            "jsonpath={.spec.replicas}",
        ]);
        assert_eq!(replicas.unwrap(), "2");

        // Definitions and policies stay, everything else goes.
        uninstall(cluster, version);
        for definition in DEFINITIONS {
            assert!(is_there(cluster, definition));
        }
        let policies = cluster.run_kubectl(["get", "nrap", "-o", "name"]).unwrap();
        assert!(!policies.is_empty());
        let own = "deployment,service,serviceaccount,role,rolebinding,clusterrole,clusterrolebinding,networkpolicy,pdb";
        let left = cluster.run_kubectl([
            "get",
            own,
            "-A",
            "-l",
            "app.kubernetes.io/instance=sudoless",
            "-o",
            "name",
        ]);
        assert_eq!(left.unwrap(), "");

        // What stayed is taken up again, and goes if that is wanted.
        install(cluster, version, &json!({"crds": {"keep": false}}));
        uninstall(cluster, version);
        for definition in DEFINITIONS {
            cluster
                .run_kubectl(["wait", "--for=delete", definition, "--timeout=60s"])
                .unwrap();
        }
    }
}

#[test]
fn helm_4_goes_on_with_what_helm_3_installed() {
    let (cluster, _empty) = Empty::cluster();
    install(cluster, Tool::Helm3, &json!({}));
    install(cluster, Tool::Helm, &json!({"replicas": 2}));
    assert!(is_there(cluster, "pdb/sudoless"));
    uninstall(cluster, Tool::Helm);
    assert!(!is_there(cluster, "deployment/sudoless"));
}

#[test]
fn a_pod_that_is_not_restricted_makes_helm_warn() {
    let (cluster, _empty) = Empty::cluster();
    for version in HELMS {
        let mut command = helm(
            cluster,
            version,
            &[
                "upgrade",
                "--install",
                RELEASE,
                CHART,
                "--set",
                "securityContext=null",
            ],
        );
        let output = command.output().unwrap();
        let warned = String::from_utf8_lossy(&output.stderr);
        assert!(warned.contains("would violate PodSecurity"), "{output:?}");
        uninstall(cluster, version);
    }
}

#[test]
fn definitions_that_were_applied_before_are_taken_over_where_asked() {
    let (cluster, _empty) = Empty::cluster();
    let crds = concat!(env!("CARGO_MANIFEST_DIR"), "/crds");
    for version in HELMS {
        cluster
            .run_kubectl(["apply", "--server-side", "-f", crds])
            .unwrap();
        let refused = helm(cluster, version, &["install", RELEASE, CHART])
            .output()
            .unwrap();
        let complaint = String::from_utf8_lossy(&refused.stderr);
        assert!(
            !refused.status.success() && complaint.contains("ownership"),
            "{refused:?}"
        );
        let taken = helm(
            cluster,
            version,
            &["install", RELEASE, CHART, "--take-ownership"],
        )
        .output()
        .unwrap();
        assert!(taken.status.success(), "{taken:?}");
        let owner = [
            "get",
            DEFINITIONS[0],
            "-o",
            r"jsonpath={.metadata.annotations.meta\.helm\.sh/release-name}",
        ];
        assert_eq!(cluster.run_kubectl(owner).unwrap(), RELEASE);
        uninstall(cluster, version);
        cluster
            .run_kubectl(["delete", DEFINITIONS[0], DEFINITIONS[1]])
            .unwrap();
    }
}

#[test]
fn both_versions_render_what_they_install() {
    // `helm get manifest` is what was installed: the same as `helm template`, so that GitOps and
    // Helm do not differ.
    let (cluster, _empty) = Empty::cluster();
    for version in HELMS {
        install(cluster, version, &json!({}));
        let output = helm(cluster, version, &["get", "manifest", RELEASE])
            .output()
            .unwrap();
        let installed = Objects::parse(&String::from_utf8(output.stdout).unwrap());
        assert_eq!(installed.0, render(version, &json!({})).unwrap().0);
    }
}
