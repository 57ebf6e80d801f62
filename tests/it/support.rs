//! Shared parts of the tests.

pub mod alone;
pub mod aws;
pub mod definitions;
pub mod enforced;
pub mod manifests;
pub mod prometheus;
pub mod promql;
pub mod records;
pub mod relay;
pub mod rendered;
pub mod safety;
pub mod seeded;
pub mod served;
pub mod server;
pub mod small;
pub mod spread;
pub mod stage;
