//! Verbs, all pure: no client, no clock, no randomness. The same input gives the same output.

mod evaluate;
#[cfg(test)]
mod fixtures;
mod summarize;
mod validate;
mod windows;
mod worsen;

pub use evaluate::evaluate;
pub use summarize::{Pass, Progress, invalid, summarize, suspended};
pub use validate::{FieldError, validate};
pub use windows::{Opening, TYPICAL_CYCLE, may_begin, opening};
pub use worsen::Baseline;
