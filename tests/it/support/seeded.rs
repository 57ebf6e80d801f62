//! Records that another operator, another version or a backup left behind.

use kube::{
    Api, Resource, ResourceExt,
    api::{ApiResource, DynamicObject, PostParams},
};
use serde_json::{Value, json};
use sudoless::{
    api::{NotebookRemediation, OPERATOR_LABEL, RESTORE_FINALIZER},
    domain::{NotebookRef, RecordName},
};

use super::{enforced::REGION, stage::Stage};

/// The operator whose records these are.
const ANOTHER: &str = "another";

impl Stage {
    /// A notebook of the stage as a record names it.
    pub fn reference(&self, notebook: &str) -> NotebookRef {
        let account = self.account();
        let arn = format!("arn:aws:sagemaker:{REGION}:{account}:notebook-instance/{notebook}");
        NotebookRef {
            arn: arn.as_str().into(),
            account: account.parse().unwrap(),
            region: REGION.parse().unwrap(),
            name: notebook.to_owned(),
            created_at: None,
        }
    }

    /// The spec of a record for the policy `p` over a notebook that was running.
    pub fn intent(&self, notebook: &str) -> Value {
        let reference = self.reference(notebook);
        json!({
            "policy": self.policy("p"),
            "notebook": {
                "arn": reference.arn.as_str(),
                "account": self.account(),
                "region": REGION,
                "name": notebook,
            },
            "access": {"role": "sudoless"},
            "wasRunning": true,
            "timeouts": {"stop": "30m", "update": "15m", "start": "60m"},
            "recurrence": 0,
        })
    }

    /// Makes a record of a notebook, with a status unless it is null. The schema is all that has a
    /// say in both.
    pub async fn seed(&self, notebook: &str, spec: Value, status: Value) -> DynamicObject {
        let kind = ApiResource::erase::<NotebookRemediation>(&());
        let api: Api<DynamicObject> = Api::all_with(self.client.clone(), &kind);
        let name = RecordName::of(&self.reference(notebook));
        let mut record = DynamicObject::new(name.as_str(), &kind).data(json!({"spec": spec}));
        record
            .labels_mut()
            .insert(OPERATOR_LABEL.to_owned(), ANOTHER.to_owned());
        record.finalizers_mut().push(RESTORE_FINALIZER.to_owned());
        // Their kind may be absent.
        if let Ok(policy) = self.policies().get(&self.policy("p")).await {
            record
                .owner_references_mut()
                .push(policy.controller_owner_ref(&()).unwrap());
        }
        let parameters = PostParams::default();
        let mut created = api.create(&parameters, &record).await.unwrap();
        if status.is_null() {
            return created;
        }
        created.data["status"] = status;
        let replaced = api
            .replace_status(name.as_str(), &parameters, &created)
            .await;
        replaced.unwrap()
    }
}
