//! sudoless finds Amazon `SageMaker` notebook instances whose users have root, from Kubernetes.

pub mod api;
pub mod cli;
