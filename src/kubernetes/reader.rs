//! Read-only view of the policies and records at the API server.

use std::fmt::Debug;

use kube::{Api, Client, Config, Error, Resource, ResourceExt, core::DeserializeGuard};
use serde::de::DeserializeOwned;

use super::pages::list_all;
use crate::{
    api::{NotebookRemediation, NotebookRootAccessPolicy},
    domain::Undecodable,
};

/// Client that can only list.
pub struct Reader {
    client: Client,
}

/// All objects of a kind.
#[derive(Clone, Debug)]
pub struct Listed<K> {
    /// Objects that decode.
    pub objects: Vec<K>,
    /// Objects that do not decode.
    pub undecodable: Vec<Undecodable>,
}

/// Returns the status code of a rejection by the API server, or `None` for any other error.
#[must_use]
pub fn refusal(error: &Error) -> Option<u16> {
    match error {
        Error::Api(status) => Some(status.code),
        _ => None,
    }
}

impl Reader {
    /// Creates a reader of the configured cluster. Sends nothing.
    ///
    /// # Errors
    /// The configuration is not usable.
    pub fn new(config: Config) -> Result<Self, Error> {
        Ok(Self {
            client: Client::try_from(config)?,
        })
    }

    /// Returns all policies, those under deletion included.
    ///
    /// # Errors
    /// An error of the API server.
    pub async fn policies(&self) -> Result<Listed<NotebookRootAccessPolicy>, Error> {
        self.list().await
    }

    /// Returns all records.
    ///
    /// # Errors
    /// An error of the API server.
    pub async fn records(&self) -> Result<Listed<NotebookRemediation>, Error> {
        self.list().await
    }

    async fn list<K>(&self) -> Result<Listed<K>, Error>
    where
        K: Resource<DynamicType = ()> + Clone + DeserializeOwned + Debug,
    {
        let api: Api<DeserializeGuard<K>> = Api::all(self.client.clone());
        let mut listed = Listed {
            objects: Vec::new(),
            undecodable: Vec::new(),
        };
        for object in list_all(&api).await? {
            let name = object.name_any();
            match object.0 {
                Ok(object) => listed.objects.push(object),
                Err(invalid) => listed.undecodable.push(Undecodable {
                    name,
                    problem: invalid.error,
                    being_deleted: invalid.metadata.deletion_timestamp.is_some(),
                }),
            }
        }
        Ok(listed)
    }
}
