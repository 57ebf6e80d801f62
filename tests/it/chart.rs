//! The Helm chart: what its templates make of values, what it refuses, and what a real API server
//! makes of it. With Helm 3 and 4.

mod features;
mod files;
mod flags;
mod installed;
mod leads;
mod matrix;
mod refused;
mod rendered;
mod sound;
