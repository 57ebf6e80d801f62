//! The definition of `NotebookRootAccessPolicy` that the program carries, ready to judge by.

use kube::{CustomResourceExt, Resource};

pub use super::shape::Unsupported;
use super::{place::FieldPath, shape::Shape};
use crate::api::{NotebookRemediation, NotebookRootAccessPolicy};

/// A kind, as a manifest names it, and what its objects must be.
#[derive(Debug)]
pub struct Definition {
    /// `sudoless.dev`.
    pub(super) group: String,
    /// `sudoless.dev/v1alpha1`.
    pub(super) api_version: String,
    /// `NotebookRootAccessPolicy`.
    pub(super) kind: String,
    /// `NotebookRemediation`, which nobody writes.
    pub(super) record_kind: String,
    /// Of a whole object, but for what every object has.
    pub(super) shape: Shape,
}

impl Definition {
    /// The policy's.
    ///
    /// # Errors
    /// It says something that cannot be interpreted here; a bug, which a test keeps out.
    pub fn of_policies() -> Result<Self, Unsupported> {
        let crd = NotebookRootAccessPolicy::crd();
        let schema = crd
            .spec
            .versions
            .first()
            .and_then(|version| version.schema.as_ref())
            .and_then(|schema| schema.open_api_v3_schema.as_ref())
            .ok_or_else(|| Unsupported {
                path: String::new(),
                what: "no schema".to_owned(),
            })?;
        Ok(Self {
            group: crd.spec.group.clone(),
            api_version: NotebookRootAccessPolicy::api_version(&()).into_owned(),
            kind: NotebookRootAccessPolicy::kind(&()).into_owned(),
            record_kind: NotebookRemediation::kind(&()).into_owned(),
            shape: Shape::new(schema, &FieldPath::default())?,
        })
    }
}
