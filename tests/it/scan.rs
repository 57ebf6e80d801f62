//! `sudoless scan`: the real program against a simulated AWS, beside the operator on a real API server where the two must agree.
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
#[allow(dead_code, reason = "what other tests do with the small fleet")]
mod small;
#[path = "support/stage.rs"]
#[allow(dead_code, reason = "what other tests do with their stages")]
mod stage;

#[path = "scan/agreement.rs"]
mod agreement;
#[path = "scan/by_hand.rs"]
mod by_hand;
#[path = "audit/fleets.rs"]
#[allow(dead_code, reason = "what other tests do with fleets")]
mod fleets;
#[path = "scan/formats.rs"]
mod formats;
#[path = "scan/input.rs"]
mod input;
#[path = "scan/interruption.rs"]
mod interruption;
#[path = "scan/program.rs"]
mod program;
#[path = "scan/standards.rs"]
mod standards;
#[path = "scan/unread.rs"]
mod unread;
