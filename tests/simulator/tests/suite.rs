//! The simulator, driven over HTTP through the real AWS SDK. One file for each thing that is
//! exercised.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod admin;
mod binary;
mod clients;
mod faults;
mod fleets;
mod ledger;
mod paging;
mod platforms;
mod protocol;
mod restarters;
mod sessions;
mod start_faults;
mod states;
mod times;
mod write_faults;
