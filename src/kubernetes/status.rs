//! publish *(writes)*: the status, by server-side apply, only if it differs.

use kube::{
    Api, Client, Error, Resource, ResourceExt,
    api::{PartialObjectMeta, Patch, PatchParams},
};
use serde_json::json;

use super::FIELD_MANAGER;
use crate::api::{NotebookRootAccessPolicy, NotebookRootAccessPolicyStatus};

/// Which resource a status is of.
#[derive(Clone, Debug)]
pub struct Subject {
    /// Its name.
    pub name: String,
    /// Its uid: a resource that was deleted and made anew under the same name does not get the old one's status.
    pub uid: String,
}

impl Subject {
    /// The subject that a resource is.
    #[must_use]
    pub fn of(resource: &impl ResourceExt) -> Self {
        Self {
            name: resource.name_any(),
            uid: resource.uid().unwrap_or_default(),
        }
    }
}

/// Applies a status, unless it is what is there already. Returns whether it was written.
///
/// # Errors
/// What the API server answers. A resource that is gone, or is another one by now, is no error.
pub async fn publish(
    client: &Client,
    subject: &Subject,
    current: Option<&NotebookRootAccessPolicyStatus>,
    status: &NotebookRootAccessPolicyStatus,
) -> Result<bool, Error> {
    if current == Some(status) {
        return Ok(false);
    }
    // The answer is the whole resource, and is not read: it may be one that does not decode.
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
