//! Checks manifests as the API server and the operator would, without either *(pure)*.
//!
//! This module interprets the program's own definition ([`crate::api`]): its structural schema and
//! its CEL rules. No rule of the definition is repeated here. [`crate::decide::validate`] checks
//! the rest.
//!
//! One check is stricter than the API server: a field that is written twice is an error, while
//! `kubectl` silently takes the last value. One check is less strict: the status of a stored object
//! (with a `uid`) is ignored, because people do not write it. Owner references, quotas, admission
//! webhooks, and rules that depend on objects in the cluster are not checked.

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
mod scalar;
mod schema;
mod suggest;
#[cfg(test)]
mod tests;

pub use manifest::{Checked, Found, Manifests};
pub use place::{FieldPath, Position};
pub use problem::{Judge, Problem, Severity};
pub use schema::Unsupported;
