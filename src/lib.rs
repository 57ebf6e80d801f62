//! sudoless keeps root access off Amazon SageMaker notebook instances.
//!
//! Imports point one way: `cli → controller → {inventory, aws, kubernetes, observability} → decide → {domain, api}`, and
//! within the braces `inventory → {aws, observability}` and `observability → aws`, for the names of operations and
//! outcomes. Beside the controller stands what needs no cluster: `cli → scan → {inventory, aws, report}`, `report → decide`,
//! `cli → offline → {decide, domain, api}` and `cli → generate → domain`; and `cli → explain → {report, decide, domain, api}`, for what
//! `kubernetes` has read. `tests/layering.rs` holds that.

pub mod api;
pub mod aws;
pub mod cli;
pub mod controller;
pub mod decide;
pub mod domain;
pub mod explain;
pub mod generate;
pub mod inventory;
pub mod kubernetes;
pub mod observability;
pub mod offline;
pub mod report;
pub mod scan;
