//! An exhaustive search of the real `step`, `on_response`, `admit`, `Usage` and `desired`, together
//! with a model of AWS, of the API server and of people. `README.md` describes the model and its
//! assumptions.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    clippy::struct_excessive_bools,
    reason = "it is a test"
)]

pub mod claim;
pub mod fair;
pub mod mutation;
pub mod nature;
pub mod notebook;
pub mod pass;
pub mod people;
pub mod policy;
pub mod product;
pub mod record;
pub mod scope;
pub mod search;
mod show;
pub mod world;
