//! Reads and changes notebooks in AWS. No other module names the AWS SDK.
//!
//! One [`Aws`] serves the process. It has one HTTP connector, and one session with its credentials
//! for each account and role that a [`TargetReader`] or [`TargetWriter`] still uses. Only
//! `writer.rs` sends writes.
//!
//! The SDK's logs at level `trace` contain requests with their credentials. Telemetry must filter
//! them out.

mod assumed_role;
mod attempts;
mod client;
mod convert;
mod fault;
mod foundation;
mod identity;
mod limit;
mod options;
mod outcome;
mod pages;
mod rate;
mod reader;
mod reads;
mod session;
mod wording;
mod writer;

pub use self::{
    attempts::RequestObserver,
    client::Aws,
    options::Options,
    outcome::{Operation, Outcome},
    reader::TargetReader,
    reads::AwsReads,
    writer::TargetWriter,
};
