//! publish *(writes)*: applies the status by server-side apply, only if it differs.

use kube::{
    Api, Client, Error, Resource, ResourceExt,
    api::{PartialObjectMeta, Patch, PatchParams},
};
use serde_json::json;

use super::FIELD_MANAGER;
use crate::api::{NotebookRootAccessPolicy, NotebookRootAccessPolicyStatus};

/// Resource that a status belongs to.
#[derive(Clone, Debug)]
pub struct Subject {
    /// Name of the resource.
    pub name: String,
    /// UID of the resource. A resource that was deleted and created again under the same name does
    /// not get the old status.
    pub uid: String,
}

impl Subject {
    /// Returns the subject of a resource.
    #[must_use]
    pub fn of(resource: &impl ResourceExt) -> Self {
        Self {
            name: resource.name_any(),
            uid: resource.uid().unwrap_or_default(),
        }
    }
}

/// Applies a status unless it equals the current one. Returns true if the status was written.
///
/// # Errors
/// An error of the API server. A resource that was deleted or replaced is no error.
pub async fn publish(
    client: &Client,
    subject: &Subject,
    current: Option<&NotebookRootAccessPolicyStatus>,
    status: &NotebookRootAccessPolicyStatus,
) -> Result<bool, Error> {
    if current == Some(status) {
        return Ok(false);
    }
    // The answer is the whole resource, which may not decode. Only its metadata is read.
    let api: Api<PartialObjectMeta<NotebookRootAccessPolicy>> = Api::all(client.clone());
    let patch = json!({
        "apiVersion": NotebookRootAccessPolicy::api_version(&()),
        "kind": NotebookRootAccessPolicy::kind(&()),
        "metadata": { "name": subject.name, "uid": subject.uid },
        "status": status,
    });
    let parameters = PatchParams::apply(FIELD_MANAGER).force();
    match api
        .patch_status(&subject.name, &parameters, &Patch::Apply(patch))
        .await
    {
        Ok(_) => Ok(true),
        Err(Error::Api(status)) if matches!(status.code, 404 | 409) => Ok(false),
        Err(error) => Err(error),
    }
}
