//! What a person may look at: policies and records, as they stand at the API server. Nothing here can write.

use std::fmt::Debug;

use kube::{
    Api, Client, Config, Error, Resource, ResourceExt, api::ListParams, core::DeserializeGuard,
};
use serde::de::DeserializeOwned;

use super::pages::list_all;
use crate::{
    api::{NotebookRemediation, NotebookRootAccessPolicy},
    domain::Undecodable,
};

/// Objects of one page of a list.
const PAGE: u32 = 100;

/// Lists, and has no other way to the API server.
pub struct Reader {
    client: Client,
}

/// All objects of a kind.
#[derive(Clone, Debug)]
pub struct Listed<K> {
    /// Those that decode.
    pub objects: Vec<K>,
    /// Those that do not.
    pub undecodable: Vec<Undecodable>,
}

/// The status code with which the API server refused; of any other error none.
#[must_use]
pub fn refusal(error: &Error) -> Option<u16> {
    match error {
        Error::Api(status) => Some(status.code),
        _ => None,
    }
}

impl Reader {
    /// A reader of the cluster that a configuration names. Nothing is sent yet.
    ///
    /// # Errors
    /// No client can be made of it.
    pub fn new(config: Config) -> Result<Self, Error> {
        Ok(Self {
            client: Client::try_from(config)?,
        })
    }

    /// All policies, those that are being deleted too.
    ///
    /// # Errors
    /// What the API server answers.
    pub async fn policies(&self) -> Result<Listed<NotebookRootAccessPolicy>, Error> {
        self.list().await
    }

    /// All records.
    ///
    /// # Errors
    /// What the API server answers.
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
        for object in list_all(&api, ListParams::default().limit(PAGE)).await? {
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
