//! A real Kubernetes control plane for tests and the demo: etcd, kube-apiserver and, where asked, kube-controller-manager,
//! built from their sources by Go and run as ordinary processes. No container, no root, nothing installed.
//!
//! [`LocalCluster::start`] returns when the API server is ready, about three seconds after the call; the first call on a machine
//! builds the programs, which takes minutes and reports its progress on stderr. Every cluster has a folder, ports and
//! credentials of its own, so any number can run at once. Everything ends, and the folder goes, when the [`LocalCluster`] is
//! dropped or its process dies, however it dies: see [`watchdog`].
//!
//! Not covered: there is no kubelet and no scheduler, so no pod ever runs.

mod cluster;
mod error;
mod feed;
mod kubeconfig;
mod ports;
mod program;
mod tools;
pub mod watchdog;

pub use cluster::{LocalCluster, Options};
pub use error::Error;
pub use feed::feed;
pub use tools::{Tool, Toolbox};
