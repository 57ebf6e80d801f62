//! A real Kubernetes control plane for tests and the demo: etcd, kube-apiserver and, if requested,
//! kube-controller-manager. Go builds them from their sources, and they run as ordinary processes.
//! It needs no container, no root and no installation.
//!
//! [`LocalCluster::start`] returns when the API server is ready, after about three seconds. The
//! first call on a machine builds the programs, which takes minutes and reports its progress on
//! stderr. Every cluster has its own folder, ports and credentials, so any number can run at once.
//! All its processes end, and its folder is removed, when the [`LocalCluster`] is dropped or its
//! process dies in any way: see [`watchdog`].
//!
//! There is no kubelet and no scheduler, so no pod ever runs.

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
