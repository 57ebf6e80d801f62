//! Remediation end to end: the operator's own program, a real API server, a simulated AWS that is in a hurry.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs
)]

#[path = "support/aws.rs"]
#[allow(dead_code, reason = "an operator within the test needs a part of it")]
mod aws;
#[path = "support/definitions.rs"]
mod definitions;
#[path = "support/enforced.rs"]
mod enforced;
#[path = "support/records.rs"]
mod records;
#[path = "support/relay.rs"]
#[allow(dead_code, reason = "pausing is for the long runs")]
mod relay;
#[path = "support/safety.rs"]
mod safety;
#[path = "support/seeded.rs"]
mod seeded;
#[path = "support/served.rs"]
mod served;
#[path = "support/spread.rs"]
mod spread;
#[path = "support/stage.rs"]
#[allow(dead_code, reason = "what other tests do with their stages")]
mod stage;

#[path = "remediation/adoption.rs"]
mod adoption;
#[path = "remediation/api_server.rs"]
mod api_server;
#[path = "remediation/attention.rs"]
mod attention;
#[path = "remediation/brake.rs"]
mod brake;
#[path = "remediation/changes.rs"]
mod changes;
#[path = "remediation/claims.rs"]
mod claims;
#[path = "remediation/crash.rs"]
mod crash;
#[path = "remediation/cycle.rs"]
mod cycle;
#[path = "remediation/faults.rs"]
mod faults;
#[path = "remediation/guards.rs"]
mod guards;
#[path = "remediation/kinds.rs"]
mod kinds;
#[path = "remediation/long_runs.rs"]
mod long_runs;
#[path = "remediation/outages.rs"]
mod outages;
#[path = "remediation/owners.rs"]
mod owners;
#[path = "remediation/panics.rs"]
mod panics;
#[path = "remediation/platforms.rs"]
mod platforms;
#[path = "remediation/rests.rs"]
mod rests;
#[path = "remediation/versions.rs"]
mod versions;
