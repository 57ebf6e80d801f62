//! The records of remediations at the API server.
//!
//! Reads before acting are never of a cache. A record's create is the claim: its name follows from the notebook's ARN, so that
//! the API server refuses a second one. Status writes carry the resourceVersion that was read: of two writers one wins.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use kube::{
    Api, Client, Error, Resource, ResourceExt,
    api::{
        DeleteParams, ListParams, ObjectMeta, PartialObjectMeta, Patch, PatchParams, PostParams,
        Preconditions,
    },
};
use serde_json::json;

use super::{FIELD_MANAGER, pages::list_all};
use crate::{
    api::{
        NotebookRemediation, NotebookRemediationSpec, NotebookRemediationStatus,
        NotebookRootAccessPolicy, OPERATOR_LABEL, RESTORE_FINALIZER,
    },
    domain::{NotebookRef, PolicyName, RecordName},
};

/// Records of one page of a list.
const PAGE: u32 = 500;

/// The records, as one operator sees and makes them.
#[derive(Clone)]
pub struct Records {
    api: Api<NotebookRemediation>,
    operator: String,
}

/// The policy that a record belongs to: with it the record goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    /// Its name.
    pub name: PolicyName,
    /// Its uid.
    pub uid: String,
}

/// How a write of a record ended.
#[derive(Debug)]
pub enum Written<T> {
    /// It is durable.
    Done(T),
    /// Somebody else was faster: the record is another one by now, is there already, or is gone. Nothing was written.
    Conflict,
}

impl Records {
    /// The records; `operator` names this one among several.
    #[must_use]
    pub fn new(client: Client, operator: String) -> Self {
        Self {
            api: Api::all(client),
            operator,
        }
    }

    /// Whether this operator made a record.
    #[must_use]
    pub fn are_ours(&self, record: &NotebookRemediation) -> bool {
        record.labels().get(OPERATOR_LABEL) == Some(&self.operator)
    }

    /// A record as it is now.
    ///
    /// # Errors
    /// What the API server answers, but that it is not there.
    pub async fn get(&self, name: &str) -> Result<Option<NotebookRemediation>, Error> {
        self.api.get_opt(name).await
    }

    /// The records that are not done with: those under way, and those that failed and that nobody acknowledged.
    ///
    /// # Errors
    /// What the API server answers; a record that does not decode fails the whole.
    pub async fn open(&self) -> Result<Vec<NotebookRemediation>, Error> {
        self.list("status.state!=Succeeded,status.state!=Cancelled")
            .await
    }

    /// Those of them that count against a policy's budgets.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub async fn open_of(&self, policy: &PolicyName) -> Result<Vec<NotebookRemediation>, Error> {
        let fields = format!(
            "spec.policy={policy},status.state!=Succeeded,status.state!=Cancelled,status.state!=Failed"
        );
        self.list(&fields).await
    }

    async fn list(&self, fields: &str) -> Result<Vec<NotebookRemediation>, Error> {
        let parameters = ListParams::default().fields(fields).limit(PAGE);
        list_all(&self.api, parameters).await
    }

    /// Makes a record: the claim of its notebook.
    ///
    /// # Errors
    /// What the API server answers, but that there is one already.
    pub async fn create(
        &self,
        notebook: &NotebookRef,
        spec: NotebookRemediationSpec,
        owner: &Owner,
    ) -> Result<Written<NotebookRemediation>, Error> {
        let record = NotebookRemediation {
            metadata: ObjectMeta {
                name: Some(RecordName::of(notebook).to_string()),
                labels: Some(BTreeMap::from([(
                    OPERATOR_LABEL.to_owned(),
                    self.operator.clone(),
                )])),
                finalizers: Some(vec![RESTORE_FINALIZER.to_owned()]),
                owner_references: Some(vec![OwnerReference {
                    api_version: NotebookRootAccessPolicy::api_version(&()).into_owned(),
                    kind: NotebookRootAccessPolicy::kind(&()).into_owned(),
                    name: owner.name.to_string(),
                    uid: owner.uid.clone(),
                    controller: Some(true),
                    block_owner_deletion: None,
                }]),
                ..ObjectMeta::default()
            },
            spec,
            status: None,
        };
        let parameters = PostParams {
            field_manager: Some(FIELD_MANAGER.to_owned()),
            ..PostParams::default()
        };
        match self.api.create(&parameters, &record).await {
            Ok(created) => Ok(Written::Done(created)),
            Err(Error::Api(status)) if status.code == 409 => Ok(Written::Conflict),
            Err(error) => Err(error),
        }
    }

    /// Deletes a record, if it is still the very one that was read.
    ///
    /// # Errors
    /// What the API server answers, but that it is another one by now, or gone.
    pub async fn delete(&self, record: &NotebookRemediation) -> Result<Written<()>, Error> {
        let parameters = DeleteParams {
            preconditions: Some(Preconditions {
                uid: record.uid(),
                resource_version: record.resource_version(),
            }),
            ..DeleteParams::default()
        };
        let deleted = self.api.delete(&record.name_any(), &parameters).await;
        unless_conflict(deleted.map(drop))
    }

    /// Writes a status, if the record is still the very one that was read; returns it as it is then.
    ///
    /// # Errors
    /// What the API server answers, but that it is another one by now, or gone.
    pub async fn write_status(
        &self,
        record: &NotebookRemediation,
        status: NotebookRemediationStatus,
    ) -> Result<Written<NotebookRemediation>, Error> {
        let parameters = PostParams {
            field_manager: Some(FIELD_MANAGER.to_owned()),
            ..PostParams::default()
        };
        let changed = NotebookRemediation {
            status: Some(status),
            ..record.clone()
        };
        let name = record.name_any();
        unless_conflict(self.api.replace_status(&name, &parameters, &changed).await)
    }

    /// Lets a record go that is finished: it can be deleted from now on.
    ///
    /// # Errors
    /// What the API server answers, but that it is another one by now, or gone.
    pub async fn remove_finalizer(
        &self,
        record: &NotebookRemediation,
    ) -> Result<Written<()>, Error> {
        let finalizers: Vec<&String> = record
            .finalizers()
            .iter()
            .filter(|finalizer| *finalizer != RESTORE_FINALIZER)
            .collect();
        let patch = json!({
            "metadata": {
                "uid": record.uid(),
                "resourceVersion": record.resource_version(),
                "finalizers": finalizers,
            },
        });
        let parameters = PatchParams {
            field_manager: Some(FIELD_MANAGER.to_owned()),
            ..PatchParams::default()
        };
        let name = record.name_any();
        let api: &Api<NotebookRemediation> = &self.api;
        let patched: Result<PartialObjectMeta<NotebookRemediation>, Error> = api
            .patch_metadata(&name, &parameters, &Patch::Merge(patch))
            .await;
        unless_conflict(patched.map(drop))
    }
}

/// Whether a record may still hold up its deletion.
#[must_use]
pub fn has_finalizer(record: &NotebookRemediation) -> bool {
    record
        .finalizers()
        .iter()
        .any(|finalizer| finalizer == RESTORE_FINALIZER)
}

fn unless_conflict<T>(result: Result<T, Error>) -> Result<Written<T>, Error> {
    match result {
        Ok(done) => Ok(Written::Done(done)),
        Err(Error::Api(status)) if matches!(status.code, 404 | 409) => Ok(Written::Conflict),
        Err(error) => Err(error),
    }
}
