//! Metrics, probes and logs of the operator.
//!
//! Nothing in this module makes decisions, or sends requests to AWS or to the API server.

mod metrics;
mod readiness;
mod server;
mod telemetry;

pub use metrics::{
    BuildInfo, Controller, ExemptionExpiry, Metrics, PolicyFacts, ReconciliationResult,
    RecordFacts, StartFailure, TargetFacts,
};
pub use readiness::{Readiness, ReadinessCheck};
pub use server::{ListenError, Server, listen};
pub use telemetry::{Color, LogFormat, LogLevels, TelemetryError, start, subscriber};
