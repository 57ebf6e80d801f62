//! Records of remediations at the API server.
//!
//! Reads before an action never use a cache. Creating a record is the claim: its name is derived
//! from the notebook's ARN, so the API server rejects a second one. Status writes carry the
//! `resourceVersion` that was read, so only one of two writers succeeds.

use std::collections::BTreeMap;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, MicroTime, OwnerReference, Time};
use kube::{
    Api, Client, Error, Resource, ResourceExt,
    api::{
        ApiResource, DeleteParams, DynamicObject, ListParams, ObjectMeta, PartialObjectMeta, Patch,
        PatchParams, PostParams, Preconditions,
    },
};
use serde_json::{Value, json};

use super::FIELD_MANAGER;
use crate::{
    api::{
        NotebookRemediation, NotebookRemediationSpec, NotebookRemediationStatus,
        NotebookRootAccessPolicy, OPERATOR_LABEL, RESTORE_FINALIZER,
    },
    domain::{NotebookRef, PolicyName, RecordName, RecordState, Step},
};

/// Client for the records of one operator.
#[derive(Clone)]
pub struct Records {
    api: Api<NotebookRemediation>,
    /// Same objects, untyped, so that none fails to decode.
    stored: Api<DynamicObject>,
    operator: String,
}

/// Record as stored at the API server.
#[derive(Clone, Debug)]
pub struct StoredRecord {
    /// Name of the record.
    pub name: String,
    /// Undecoded object.
    pub object: Value,
    /// Decoded record, or the decoding error.
    pub decoded: Result<NotebookRemediation, String>,
}

/// Policy that owns a record. A record in flight is deleted with its policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    /// Name of the policy.
    pub name: PolicyName,
    /// UID of the policy.
    pub uid: String,
}

/// Result of writing a record.
#[derive(Debug)]
pub enum Written<T> {
    /// The write is durable.
    Done(T),
    /// Nothing was written, because the record was changed, created or deleted meanwhile.
    Conflict,
}

impl Records {
    /// Creates the client. `operator` is the name of this operator among several.
    #[must_use]
    pub fn new(client: Client, operator: String) -> Self {
        Self {
            stored: Api::all_with(
                client.clone(),
                &ApiResource::erase::<NotebookRemediation>(&()),
            ),
            api: Api::all(client),
            operator,
        }
    }

    /// Returns true if this operator created the record.
    #[must_use]
    pub fn are_ours(&self, record: &NotebookRemediation) -> bool {
        record.labels().get(OPERATOR_LABEL) == Some(&self.operator)
    }

    /// Reads a record from the API server. Returns `None` if it does not exist.
    ///
    /// # Errors
    /// Any other error of the API server.
    pub async fn get(&self, name: &str) -> Result<Option<NotebookRemediation>, Error> {
        self.api.get_opt(name).await
    }

    /// Reads a record from the API server, even if it does not decode. Returns `None` if it does
    /// not exist.
    ///
    /// # Errors
    /// Any other error of the API server.
    pub async fn get_stored(&self, name: &str) -> Result<Option<StoredRecord>, Error> {
        Ok(self.stored.get_opt(name).await?.map(StoredRecord::from))
    }

    /// Lists the open records: those in flight, and failed ones that are not acknowledged.
    ///
    /// # Errors
    /// An error of the API server. A record that does not decode is no error.
    pub async fn open(&self) -> Result<Vec<StoredRecord>, Error> {
        self.list("status.state!=Succeeded,status.state!=Cancelled")
            .await
    }

    /// Lists the open records that count against a policy's budgets.
    ///
    /// # Errors
    /// Same as [`Self::open`].
    pub async fn open_of(&self, policy: &PolicyName) -> Result<Vec<StoredRecord>, Error> {
        let fields = format!(
            "spec.policy={policy},status.state!=Succeeded,status.state!=Cancelled,status.state!=Failed"
        );
        self.list(&fields).await
    }

    /// Lists without a limit and without a `resourceVersion`. Since 1.31 the API server answers
    /// such a list from its watch cache, once the cache is as new as etcd. The list is as fresh as
    /// one from etcd, without reading the records there. With a limit, a server of 1.31 reads every
    /// record from etcd, the whole audit trail included, to find the few that match. Open records
    /// are so few that they need no pages.
    async fn list(&self, fields: &str) -> Result<Vec<StoredRecord>, Error> {
        let objects = self
            .stored
            .list(&ListParams::default().fields(fields))
            .await?;
        Ok(objects.items.into_iter().map(StoredRecord::from).collect())
    }

    /// Creates a record, which claims its notebook.
    ///
    /// # Errors
    /// Any error of the API server except a conflict with an existing record.
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

    /// Deletes a record if it is unchanged since it was read.
    ///
    /// # Errors
    /// Any error of the API server, except that the record changed or does not exist any more.
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

    /// Writes a status if the record is unchanged since it was read. Returns the written record.
    ///
    /// # Errors
    /// Any error of the API server, except that the record changed or does not exist any more.
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

    /// Returns true if the API server would store every field of a record's status. Writes nothing,
    /// because the request is a dry run.
    ///
    /// # Errors
    /// Any answer of the API server except a rejection of the status as invalid.
    pub async fn stores_every_field(&self, record: &NotebookRemediation) -> Result<bool, Error> {
        let parameters = PostParams {
            dry_run: true,
            field_manager: Some(FIELD_MANAGER.to_owned()),
        };
        let status = every_field();
        let changed = NotebookRemediation {
            status: Some(status.clone()),
            ..record.clone()
        };
        let name = record.name_any();
        match self.api.replace_status(&name, &parameters, &changed).await {
            Ok(stored) => Ok(stored.status == Some(status)),
            Err(Error::Api(refused)) if refused.code == 422 => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Removes the finalizer and the owner of a finished record. The record can then be deleted,
    /// and outlives its policy as the audit trail.
    ///
    /// # Errors
    /// Any error of the API server, except that the record changed or does not exist any more.
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
                "ownerReferences": [],
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

/// Returns a status with every field set, to sample values that the definition allows.
fn every_field() -> NotebookRemediationStatus {
    let time = Some(MicroTime(Timestamp::UNIX_EPOCH));
    let text = || Some("Sample".to_owned());
    NotebookRemediationStatus {
        state: Some(RecordState::Pending),
        conditions: vec![Condition {
            type_: "Ready".to_owned(),
            status: "False".to_owned(),
            reason: "Sample".to_owned(),
            message: String::new(),
            observed_generation: Some(1),
            last_transition_time: Time(Timestamp::UNIX_EPOCH),
        }],
        step_since: time.clone(),
        attention_from: Some(Step::Stop),
        last_write_at: time.clone(),
        stop_requested_at: time.clone(),
        unanswered_stop_at: time.clone(),
        update_requested_at: time.clone(),
        start_requested_at: time.clone(),
        start_accepted_at: time.clone(),
        start_attempts: 1,
        rollback_reason: text(),
        last_error: text(),
        failure_reason: text(),
        completed_at: time,
        downtime_seconds: Some(1),
        downtime: text(),
        reason: text(),
        message: text(),
    }
}

/// Returns true if the record's finalizer blocks its deletion.
#[must_use]
pub fn has_finalizer(record: &NotebookRemediation) -> bool {
    record
        .finalizers()
        .iter()
        .any(|finalizer| finalizer == RESTORE_FINALIZER)
}

impl From<DynamicObject> for StoredRecord {
    fn from(object: DynamicObject) -> Self {
        let name = object.name_any();
        // An object decoded from JSON always encodes to JSON.
        let object = serde_json::to_value(object).unwrap_or_default();
        let decoded = serde_json::from_value(object.clone()).map_err(|error| error.to_string());
        Self {
            name,
            object,
            decoded,
        }
    }
}

fn unless_conflict<T>(result: Result<T, Error>) -> Result<Written<T>, Error> {
    match result {
        Ok(done) => Ok(Written::Done(done)),
        Err(Error::Api(status)) if matches!(status.code, 404 | 409) => Ok(Written::Conflict),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use axum::{Json, Router, http::Uri};
    use kube::Config;
    use tokio::net::TcpListener;

    use super::*;

    /// With a limit, a server of 1.31 answers from etcd. With any `resourceVersion`, the list may
    /// be old.
    #[tokio::test]
    async fn lists_are_fresh_and_can_be_answered_from_the_watch_cache() {
        let asked = Arc::<Mutex<Vec<String>>>::default();
        let noted = Arc::clone(&asked);
        let answer = async move |uri: Uri| {
            let query = uri.query().unwrap_or_default().to_owned();
            noted.lock().unwrap().push(query);
            let meta = json!({"resourceVersion": "7"});
            Json(json!({"apiVersion": "v1", "kind": "List", "metadata": meta, "items": []}))
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new().fallback(answer);
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        let client = Client::try_from(Config::new(url.parse().unwrap())).unwrap();
        let records = Records::new(client, "test".to_owned());
        records.open().await.unwrap();
        records.open_of(&"p".into()).await.unwrap();
        let asked = asked.lock().unwrap();
        assert_eq!(asked.len(), 2);
        for query in asked.iter() {
            let names: Vec<_> = query
                .split('&')
                .filter_map(|pair| pair.split('=').next())
                .filter(|name| !name.is_empty())
                .collect();
            assert_eq!(names, ["fieldSelector"], "{query}");
        }
    }
}
