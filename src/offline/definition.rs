//! The program's own definition of `NotebookRootAccessPolicy`, prepared for checks.

use kube::{CustomResourceExt, Resource};

pub use super::shape::Unsupported;
use super::{place::FieldPath, shape::Shape};
use crate::api::{NotebookRemediation, NotebookRootAccessPolicy};

/// A kind, as manifests name it, and the shape of its objects.
#[derive(Debug)]
pub struct Definition {
    /// `sudoless.dev`.
    pub(super) group: String,
    /// `sudoless.dev/v1alpha1`.
    pub(super) api_version: String,
    /// `NotebookRootAccessPolicy`.
    pub(super) kind: String,
    /// `NotebookRemediation`, which only the operator writes.
    pub(super) record_kind: String,
    /// Shape of an object, without the fields that every object has.
    pub(super) shape: Shape,
}

impl Definition {
    /// Returns the definition of policies.
    ///
    /// # Errors
    /// The definition has a part that cannot be interpreted; a bug, which a test prevents.
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
