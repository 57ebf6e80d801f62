//! A control plane that serves our resources, as the committed definitions describe them.

use std::path::Path;

use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use local_cluster::{LocalCluster, Options};

/// Starts a control plane, installs `crds/`, and returns once kubectl knows the resource and can
/// explain it.
///
/// # Panics
/// If that does not succeed, or the server warns about a definition.
pub fn start(options: Options) -> LocalCluster {
    let cluster = LocalCluster::start(options).expect("a control plane");
    install(&cluster);
    cluster
}

/// Installs `crds/`, or changes what is installed into it, and returns once kubectl knows the
/// resource and can explain it.
///
/// # Panics
/// As [`start`].
pub fn install(cluster: &LocalCluster) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("crds");
    let warnings = cluster.install(&folder, "nrap").expect("definitions");
    assert_eq!(warnings, "", "a warning");
}

/// A client with an administrator's rights.
///
/// # Panics
/// If there can be none.
pub async fn client(cluster: &LocalCluster) -> Client {
    Client::try_from(config(cluster).await).expect("a client")
}

/// The configuration of such a client.
///
/// # Panics
/// If there can be none.
pub async fn config(cluster: &LocalCluster) -> Config {
    let kubeconfig = Kubeconfig::read_from(cluster.kubeconfig_path()).expect("a kubeconfig");
    Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default())
        .await
        .expect("a configuration")
}
