//! The pages that Prometheus and the kubelet read, and the logs, as others see them.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

#[path = "observability/fixture.rs"]
mod fixture;
#[path = "observability/http.rs"]
mod http;
#[path = "observability/lint.rs"]
mod lint;
#[path = "observability/metrics.rs"]
mod metrics;
#[path = "observability/server.rs"]
mod server;
#[path = "observability/telemetry.rs"]
mod telemetry;

use std::time::Duration;

/// Far longer than anything here takes.
const DEADLINE: Duration = Duration::from_secs(20);
