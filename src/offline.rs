//! Checks manifests as the API server and the operator would, without either *(pure)*.
//!
//! This module interprets the program's own definition ([`crate::api`]): its structural schema and
//! its CEL rules. No rule of the definition is repeated here. [`crate::decide::validate`] checks
//! the rest.
//!
//! `granit-parser` reads YAML. `kube-cel` compiles the rules, fills in defaults and has Kubernetes'
//! CEL functions. Structure is checked here, because each problem needs a position and a sentence
//! that says what to write instead.
//!
//! One check is stricter than the API server: a field that is written twice is an error, while
//! `kubectl` silently takes the last value. One check is less strict: the status of a stored object
//! (with a `uid`) is ignored, because people do not write it. Owner references, quotas, admission
//! webhooks, and rules that depend on objects in the cluster are not checked.

mod document;
mod functions;
mod inspect;
mod location;
mod manifest;
mod metadata;
mod node;
mod operator;
mod prepare;
mod problem;
mod scalar;
mod schema;
mod suggest;
#[cfg(test)]
mod tests;

pub use location::{FieldPath, Position};
pub use manifest::{Checked, Found, Manifests};
pub use problem::{Problem, Severity, Source};
pub use schema::Unsupported;
