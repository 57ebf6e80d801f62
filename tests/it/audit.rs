//! Audit end to end: the operator's own program, a real API server, a simulated AWS.

// Named to be the first one that starts: it waits for a minute.
mod at_rest;
mod control;
mod crowd;
mod election;
mod events;
mod expectation;
pub mod fleets;
mod kubectl;
mod metrics_page;
mod outage;
mod sharing;
mod truth;
mod undecodable;
mod unreadable;
mod wording;
