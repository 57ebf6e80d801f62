//! What the API server and the operator would say about a manifest, without either of them *(pure)*.
//!
//! The definition that the program carries ([`crate::api`]) is interpreted as it is: its structural schema and its CEL rules.
//! Nothing that it says is said here a second time. What the schema cannot see, [`crate::decide::validate`] judges.
//!
//! What is stricter than the API server: a field that is written twice, of which `kubectl` would silently take the last.
//! What is less strict: the status of an object that was stored already (it has a `uid`) is not looked at. Nobody wrote it.
//! What is not covered: owner references, quotas, admission webhooks, and what depends on objects that are in the cluster.

mod definition;
mod document;
mod functions;
mod inspect;
mod manifest;
mod metadata;
mod node;
mod operator;
mod place;
mod prepare;
mod problem;
mod rule;
mod scalar;
mod shape;
mod suggest;
#[cfg(test)]
mod tests;

pub use definition::{Definition, Unsupported};
pub use manifest::{Checked, Found, Manifests};
pub use place::{FieldPath, Position};
pub use problem::{Judge, Problem, Severity};
