//! Verbs, all pure: no client, no clock, no randomness. The same input gives the same output.

mod evaluate;
#[cfg(test)]
mod fixtures;
mod step;
mod summarize;
mod validate;
mod worsen;

pub use evaluate::evaluate;
pub use step::{
    Decision, Look, NotNow, Reaction, Request, Row, Sighting, Times, Wish, Withdrawal, answered,
    step,
};
pub use summarize::{Pass, Progress, invalid, summarize, suspended};
pub use validate::{FieldError, validate};
pub use worsen::Baseline;
