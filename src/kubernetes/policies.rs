//! All policies of the cluster, those of other operators included, because every exemption holds
//! against all of them.

use std::collections::BTreeMap;

use kube::{Api, Client, Error, Resource, ResourceExt, core::DeserializeGuard};

use super::{Owner, pages::list_all};
use crate::{api::NotebookRootAccessPolicy, decide::Policies, domain::PolicyName};

/// Policies of one list.
#[derive(Clone, Debug, Default)]
pub struct PolicyList {
    /// Checked policies.
    pub policies: Policies,
    /// Name and UID of each policy, without policies under deletion.
    pub owners: BTreeMap<PolicyName, Owner>,
}

/// Lists all policies, past every cache. Returns none if their kind is not defined.
///
/// # Errors
/// All other errors of the API server. A policy that does not decode is no error: it is listed as
/// invalid.
pub async fn list_policies(client: &Client) -> Result<PolicyList, Error> {
    let api: Api<DeserializeGuard<NotebookRootAccessPolicy>> = Api::all(client.clone());
    let mut listed = PolicyList::default();
    let resources = match list_all(&api).await {
        Err(Error::Api(status)) if status.code == 404 => Vec::new(),
        listed => listed?,
    };
    for resource in resources {
        listed.add(&resource);
    }
    Ok(listed)
}

impl PolicyList {
    fn add(&mut self, resource: &DeserializeGuard<NotebookRootAccessPolicy>) {
        match &resource.0 {
            Ok(policy) => {
                self.policies.add(policy);
                if policy.metadata.deletion_timestamp.is_none() {
                    let owner = Owner {
                        name: policy.name_any().as_str().into(),
                        uid: policy.uid().unwrap_or_default(),
                    };
                    self.owners.insert(owner.name.clone(), owner);
                }
            }
            Err(_) if resource.meta().deletion_timestamp.is_some() => {}
            Err(_) => self.policies.add_undecodable(&resource.name_any()),
        }
    }
}
