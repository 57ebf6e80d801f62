//! A control plane that serves our resources, as the committed definitions describe them.

use std::path::Path;
use std::time::{Duration, Instant};

use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use local_cluster::{Error, LocalCluster, Options};

/// After the server has said `Established`, until it serves the resource and its documentation; well under a second on an idle
/// machine.
const DEADLINE: Duration = Duration::from_mins(1);

/// Starts a control plane, installs `crds/`, and returns once kubectl knows the resource and can explain it.
///
/// # Panics
/// If that does not succeed, or the server warns about a definition.
pub fn start(options: Options) -> LocalCluster {
    let cluster = LocalCluster::start(options).expect("a control plane");
    install(&cluster);
    cluster
}

/// Installs `crds/`, or changes what is installed into it, and returns once kubectl knows the resource and can explain it.
///
/// # Panics
/// As [`start`].
pub fn install(cluster: &LocalCluster) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("crds");
    let applied = cluster
        .kubectl(["apply", "--server-side", "-f"])
        .arg(folder)
        .output()
        .expect("kubectl runs");
    assert!(applied.status.success(), "{applied:?}");
    assert_eq!(String::from_utf8_lossy(&applied.stderr), "", "a warning");

    let started = Instant::now();
    // Each look is a process of its own, which is pause enough.
    while let Err(error) = look(cluster) {
        assert!(started.elapsed() < DEADLINE, "not served: {error}");
    }
}

fn look(cluster: &LocalCluster) -> Result<(), Error> {
    cluster.run_kubectl(["get", "nrap"])?;
    cluster.run_kubectl(["explain", "nrap"])?;
    Ok(())
}

/// A client with an administrator's rights.
///
/// # Panics
/// If there can be none.
#[allow(dead_code, reason = "some look with kubectl only")]
pub async fn client(cluster: &LocalCluster) -> Client {
    Client::try_from(config(cluster).await).expect("a client")
}

/// The configuration of such a client.
///
/// # Panics
/// If there can be none.
#[allow(dead_code, reason = "some look with kubectl only")]
pub async fn config(cluster: &LocalCluster) -> Config {
    let kubeconfig = Kubeconfig::read_from(cluster.kubeconfig_path()).expect("a kubeconfig");
    Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default())
        .await
        .expect("a configuration")
}
