//! Integration tests, as one program: shared code is compiled and linked once.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs
)]

mod admission;
mod argocd;
mod audit;
mod aws_reads;
mod aws_writes;
mod chart;
mod commands;
mod crds;
mod describe;
mod documentation;
mod enforcing;
mod explain;
mod fence;
mod first_day;
mod grafana;
mod iam;
mod inventory;
mod kube_state_metrics;
mod kustomize;
mod layering;
mod observability;
mod prometheus;
mod rbac;
mod remediation;
mod scan;
mod support;
mod validate;
