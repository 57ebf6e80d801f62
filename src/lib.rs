//! sudoless keeps root access off Amazon SageMaker notebook instances.
//!
//! Imports point one way: `cli → controller → {inventory, aws, kubernetes, observability} → decide → {domain, api}`;
//! `tests/layering.rs` holds that.

pub mod aws;
pub mod domain;
