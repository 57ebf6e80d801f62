//! How Argo CD and Flux see policies and records, what Argo CD's actions do, and that nothing
//! drifts from what was applied.

pub mod customizations;
mod drift;
mod fixtures;
mod flux;
mod live;
mod lua;
mod settings;
