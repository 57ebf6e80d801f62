//! The Helm chart: what its templates make of values, what it refuses, and what a real API server makes of it. With Helm 3 and 4.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs
)]

#[path = "chart/features.rs"]
mod features;
#[path = "chart/files.rs"]
mod files;
#[path = "chart/flags.rs"]
mod flags;
#[path = "chart/installed.rs"]
mod installed;
#[path = "chart/leads.rs"]
mod leads;
#[path = "chart/matrix.rs"]
mod matrix;
#[path = "chart/refused.rs"]
mod refused;
#[path = "chart/rendered.rs"]
mod rendered;
#[path = "chart/sound.rs"]
mod sound;
