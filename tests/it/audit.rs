//! Audit end to end: the operator's own program, a real API server, a simulated AWS.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs
)]

#[path = "support/served.rs"]
mod served;
#[path = "support/small.rs"]
mod small;
#[path = "support/stage.rs"]
#[allow(dead_code, reason = "what other tests do with their stages")]
mod stage;

// Named to be the first one that starts: it waits for a minute.
#[path = "audit/at_rest.rs"]
mod at_rest;
#[path = "audit/control.rs"]
mod control;
#[path = "audit/crowd.rs"]
mod crowd;
#[path = "audit/election.rs"]
mod election;
#[path = "audit/events.rs"]
mod events;
#[path = "audit/expectation.rs"]
mod expectation;
#[path = "audit/fleets.rs"]
mod fleets;
#[path = "audit/kubectl.rs"]
mod kubectl;
#[path = "observability/lint.rs"]
mod lint;
#[path = "audit/metrics_page.rs"]
mod metrics_page;
#[path = "audit/outage.rs"]
mod outage;
#[path = "audit/sharing.rs"]
mod sharing;
#[path = "audit/truth.rs"]
mod truth;
#[path = "audit/undecodable.rs"]
mod undecodable;
#[path = "audit/unreadable.rs"]
mod unreadable;
#[path = "audit/wording.rs"]
mod wording;
