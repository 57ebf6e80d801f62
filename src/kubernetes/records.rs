//! The records of remediations at the API server.
//!
//! Reads before acting are never of a cache. A record's create is the claim: its name follows from the notebook's ARN, so that
//! the API server refuses a second one. Status writes carry the resourceVersion that was read: of two writers one wins.

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
        NotebookRootAccessPolicy, OPERATOR_LABEL, RESTORE_FINALIZER, RemediationState,
        RemediationStep,
    },
    domain::{NotebookRef, PolicyName, RecordName},
};

/// The records, as one operator sees and makes them.
#[derive(Clone)]
pub struct Records {
    api: Api<NotebookRemediation>,
    /// The same objects, none of which fails to decode.
    stored: Api<DynamicObject>,
    operator: String,
}

/// A record as the API server stores it.
#[derive(Clone, Debug)]
pub struct StoredRecord {
    /// Its name.
    pub name: String,
    /// The object.
    pub object: Value,
    /// The record, or why the object does not decode.
    pub decoded: Result<NotebookRemediation, String>,
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
            stored: Api::all_with(
                client.clone(),
                &ApiResource::erase::<NotebookRemediation>(&()),
            ),
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

    /// A record as it is now, if only as the object that it is stored as.
    ///
    /// # Errors
    /// What the API server answers, but that it is not there.
    pub async fn get_stored(&self, name: &str) -> Result<Option<StoredRecord>, Error> {
        Ok(self.stored.get_opt(name).await?.map(StoredRecord::from))
    }

    /// The records that are not done with: those under way, and those that failed and that nobody acknowledged.
    ///
    /// # Errors
    /// What the API server answers. A record that does not decode is no error.
    pub async fn open(&self) -> Result<Vec<StoredRecord>, Error> {
        self.list("status.state!=Succeeded,status.state!=Cancelled")
            .await
    }

    /// Those of them that count against a policy's budgets.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub async fn open_of(&self, policy: &PolicyName) -> Result<Vec<StoredRecord>, Error> {
        let fields = format!(
            "spec.policy={policy},status.state!=Succeeded,status.state!=Cancelled,status.state!=Failed"
        );
        self.list(&fields).await
    }

    /// Lists without a limit and without a resourceVersion. Since 1.31 the API server answers such a list from its watch cache, once the
    /// cache is as new as etcd: the list is as fresh as one of etcd, and etcd reads no record for it. With a limit, a server of 1.31 reads
    /// every record from etcd, the finished ones of the whole audit trail included, to find the few that match. Open records are so few
    /// that they need no pages.
    async fn list(&self, fields: &str) -> Result<Vec<StoredRecord>, Error> {
        let objects = self
            .stored
            .list(&ListParams::default().fields(fields))
            .await?;
        Ok(objects.items.into_iter().map(StoredRecord::from).collect())
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

    /// Returns true if the API server would store every field of a record's status. Nothing is written: the request is a dry run.
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

    /// Lets a record go that is finished: it can be deleted from now on, and it outlives its policy, as the audit trail.
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

/// A status in which every field is set, with sample values that the definition allows.
fn every_field() -> NotebookRemediationStatus {
    let time = Some(MicroTime(Timestamp::UNIX_EPOCH));
    let text = || Some("Sample".to_owned());
    NotebookRemediationStatus {
        state: Some(RemediationState::Pending),
        conditions: vec![Condition {
            type_: "Ready".to_owned(),
            status: "False".to_owned(),
            reason: "Sample".to_owned(),
            message: String::new(),
            observed_generation: Some(1),
            last_transition_time: Time(Timestamp::UNIX_EPOCH),
        }],
        step_since: time.clone(),
        attention_from: Some(RemediationStep::Stop),
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

/// Whether a record may still hold up its deletion.
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
        // An object that was read as JSON can be written as JSON.
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

    /// A server of 1.31 answers a list with a limit from etcd, and one of any resourceVersion may be old.
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
