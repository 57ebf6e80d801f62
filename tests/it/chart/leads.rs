//! The operator, with the arguments and the service account's own token that the chart gives it,
//! gets its Lease: the role names the very Lease that the operator computes, and no other.

use std::{
    io::{BufRead as _, BufReader},
    process::{Command, Stdio},
    sync::mpsc,
    thread,
    time::Duration,
};

use serde_json::{Value, json};

use super::{
    installed::{Empty, install},
    rendered::{NAMESPACE, Objects, rendered},
};

/// What takes a second.
const DEADLINE: Duration = Duration::from_mins(1);

/// The variables that the chart gives the container.
fn environment(objects: &Objects) -> Vec<(&str, &str)> {
    let variables = objects.container()["env"].as_array().unwrap();
    variables
        .iter()
        .map(|it| (it["name"].as_str().unwrap(), it["value"].as_str().unwrap()))
        .collect()
}

/// Starts the operator as the chart would, and waits until it says that it leads; the name of its
/// Lease.
fn lease_of_operator(values: &Value) -> String {
    let (cluster, _empty) = Empty::cluster();
    install(cluster, local_cluster::Tool::Helm, values);
    let token = cluster.run_kubectl(["create", "token", "sudoless", "--namespace", NAMESPACE]);
    let kubeconfig = cluster
        .kubeconfig_for("sudoless", token.unwrap().trim())
        .unwrap();

    let mut command = Command::new(env!("CARGO_BIN_EXE_sudoless"));
    let objects = rendered(values);
    command
        .args(
            objects
                .args()
                .into_iter()
                .filter(|arg| !arg.starts_with("--metrics-addr")),
        )
        // Outside of a pod it does not know its namespace.
        .args(["--metrics-addr=127.0.0.1:0", "--lease-namespace", NAMESPACE])
        .envs(environment(&objects))
        .env("KUBECONFIG", kubeconfig)
        .stderr(Stdio::piped());
    let mut operator = cluster.adopt(&mut command).spawn().unwrap();
    let log = BufReader::new(operator.stderr.take().unwrap());
    let (sender, lines) = mpsc::channel();
    thread::spawn(move || {
        log.lines()
            .map_while(Result::ok)
            .try_for_each(|line| sender.send(line))
    });
    let lease = loop {
        let line = lines.recv_timeout(DEADLINE).unwrap();
        assert!(!line.contains("cannot be used"), "{line}");
        let entry: Value = serde_json::from_str(&line).unwrap();
        if entry["message"] == "leading" {
            break entry["lease"].as_str().unwrap().to_owned();
        }
    };
    operator.kill().unwrap();
    operator.wait().unwrap();

    let may = |name: &str| {
        let account = format!("--as=system:serviceaccount:{NAMESPACE}:sudoless");
        let lease = format!("lease/{name}");
        let mut ask = cluster.kubectl([
            "auth",
            "can-i",
            "patch",
            &lease,
            "--namespace",
            NAMESPACE,
            &account,
        ]);
        ask.output().unwrap().status.success()
    };
    assert!(may(&lease) && !may("other"));
    lease
}

#[test]
fn the_operator_gets_its_lease_and_no_other() {
    assert_eq!(lease_of_operator(&json!({})), "sudoless");
    // Its name ends in a digest of the selector.
    let named = lease_of_operator(&json!({"flags": {"watchLabelSelector": "team in (a, b)"}}));
    assert!(named.starts_with("sudoless-"), "{named}");
    assert_eq!(
        lease_of_operator(&json!({"flags": {"leaseName": "own"}})),
        "own"
    );
}
