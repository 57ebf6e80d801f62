//! The pages that Prometheus and the kubelet read, and the logs, as others see them.

pub mod fixture;
mod http;
pub mod lint;
mod metrics;
mod server;
mod telemetry;

use std::time::Duration;

/// Far longer than anything here takes.
const DEADLINE: Duration = Duration::from_secs(20);
