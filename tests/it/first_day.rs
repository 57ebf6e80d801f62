//! The first day, from nothing: the chart is installed with Helm, the operator runs as what was
//! installed and with no more rights than its service account has, audits and enforces; Prometheus
//! scrapes it and takes the rules, each panel of the dashboard has something to show, and Argo CD's
//! scripts say how it goes.

use std::{
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use local_cluster::{LocalCluster, Options};
use sagemaker_simulator::{Options as SimulatorOptions, Simulator, Timings};
use serde_json::Value;

use crate::{
    argocd::customizations::{Health, health},
    grafana::{
        dashboard::Choice,
        eventful::{fleet, happens, until_everything_shows},
    },
    support::{
        enforced::{self, FAST},
        prometheus::{Prometheus, Series},
        rendered::{NAMESPACE, in_checkout},
        stage::{Stage, client, eventually},
    },
};

/// `helm install` into a namespace that lets in restricted pods only, with a word from nobody but
/// Helm.
fn install(cluster: &LocalCluster) {
    cluster
        .run_kubectl(["create", "namespace", NAMESPACE])
        .unwrap();
    for mode in ["enforce", "warn"] {
        let label = format!("pod-security.kubernetes.io/{mode}=restricted");
        cluster
            .run_kubectl(["label", "namespace", NAMESPACE, &label])
            .unwrap();
    }
    let chart = in_checkout("charts/sudoless");
    let mut helm = cluster
        .helm(["install", "sudoless", &chart, "--namespace", NAMESPACE])
        .unwrap();
    for [flag, value] in FAST.as_chunks().0 {
        helm.arg("--set-string")
            .arg(format!("flags.{}={value}", camel_case(flag)));
    }
    let output = helm.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.is_empty(), "{said}");
}

/// A flag as the chart's values call it.
fn camel_case(flag: &str) -> String {
    let mut words = flag.trim_start_matches("--").split('-');
    let first = words.next().unwrap_or_default().to_owned();
    words.fold(first, |name, word| {
        let (initial, rest) = word.split_at(1);
        name + &initial.to_uppercase() + rest
    })
}

/// The operator as the Deployment starts it, with its service account's token. No pod runs here: so
/// its port is one of this machine, and its namespace, which a pod finds in a file, is told.
fn installed_operator(cluster: &LocalCluster) -> Command {
    let get = [
        "get",
        "deployment/sudoless",
        "--namespace",
        NAMESPACE,
        "-o",
        "json",
    ];
    let deployment: Value = serde_json::from_str(&cluster.run_kubectl(get).unwrap()).unwrap();
    let pod = &deployment["spec"]["template"]["spec"];
    let args = pod["containers"][0]["args"].as_array().unwrap();
    let args = args.iter().map(|arg| arg.as_str().unwrap());
    let account = pod["serviceAccountName"].as_str().unwrap();
    let token = ["create", "token", account, "--namespace", NAMESPACE];
    let token = cluster.run_kubectl(token).unwrap();

    let mut command = Command::new(env!("CARGO_BIN_EXE_sudoless"));
    command
        .args(args.filter(|arg| !arg.starts_with("--metrics-addr")))
        .args(["--metrics-addr", "127.0.0.1:0"])
        .args(["--lease-namespace", NAMESPACE])
        .env(
            "KUBECONFIG",
            cluster.kubeconfig_for(account, token.trim()).unwrap(),
        );
    command
}

/// How Argo CD sees a policy now.
async fn seen(stage: &Stage, name: &str) -> Health {
    health(&serde_json::to_value(stage.get(name).await).unwrap())
}

/// Waits until Argo CD sees a policy so.
async fn is_seen(stage: &Stage, name: &str, wanted: &str) -> String {
    eventually(&format!("{name} to be {wanted}"), async || {
        let health = seen(stage, name).await;
        (health.status == wanted).then_some(health.message)
    })
    .await
}

/// Waits until a policy is there and at work, while others wait for what comes of it.
async fn is_seen_at_work(stage: &Stage, name: &str) {
    eventually(&format!("{name} to be at work"), async || {
        let policy = stage.policies().get_opt(&stage.policy(name)).await.unwrap();
        let health = health(&serde_json::to_value(policy?).unwrap());
        let at_work = health.status == "Progressing" && health.message.contains("being disabled");
        at_work.then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_day() {
    let since = Instant::now();
    let cluster = LocalCluster::start(Options {
        controller_manager: true,
        ..Options::default()
    })
    .unwrap();
    install(&cluster);
    // Starts are slow, so that a poll now and then sees a notebook under remediation.
    let timings = Timings {
        start: Duration::from_secs(2),
        ..enforced::quick()
    };
    let simulator = Simulator::start(fleet().timings(timings), SimulatorOptions::default());
    let stage = Stage::idle(client(&cluster).await, "first-day", simulator.unwrap(), &[]);
    stage.start_operator_by(installed_operator(&cluster));

    let rules = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/prometheus/rules.yaml");
    let prometheus = Prometheus::start(&[("sudoless", &stage.address())], &[&rules]).await;
    let there = |found: &[Series]| !found.is_empty();
    prometheus.until("sudoless_build_info", there).await;

    tokio::join!(happens(&stage), is_seen_at_work(&stage, "enforce"));

    // An audit that found something is no fault of the policy.
    let message = is_seen(&stage, "audit", "Healthy").await;
    assert!(message.contains("gives its users root"), "{message}");
    let message = is_seen(&stage, "enforce", "Degraded").await;
    assert!(message.contains("needs a person"), "{message}");
    until_everything_shows(&prometheus, since, Choice::all).await;
    assert_eq!(prometheus.failed_rules().await, Vec::<String>::new());

    let suspend = r#"{"spec": {"suspend": true}}"#;
    let policy = format!("nrap/{}", stage.policy("audit"));
    cluster
        .run_kubectl(["patch", &policy, "--type", "merge", "-p", suspend])
        .unwrap();
    is_seen(&stage, "audit", "Suspended").await;
    let (ended, _) = stage.stop_operator();
    assert!(ended.success(), "{ended}");
}
