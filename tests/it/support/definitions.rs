//! Definitions of the records as an older or a later version has them.

use std::path::Path;

use kube::{
    Api,
    api::{ApiResource, DeleteParams, DynamicObject, PostParams},
};
use local_cluster::LocalCluster;
use serde_json::{Value, json};
use sudoless::api::NotebookRemediation;

use super::stage::{Stage, eventually};

/// Applies the records' definition with another schema, as an upgrade or a rollback does.
pub fn redefine(cluster: &LocalCluster, change: impl FnOnce(&mut Value)) {
    let path = "crds/notebookremediations.sudoless.dev.yaml";
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    let text = std::fs::read_to_string(path).unwrap();
    let mut definition: Value = serde_saphyr::from_str(&text).unwrap();
    let schema = &mut definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"];
    change(&mut schema["properties"]);
    let apply = ["apply", "--server-side", "-f", "-"];
    let applied = cluster.run_kubectl_with(apply, &definition.to_string());
    applied.unwrap();
}

impl Stage {
    /// Waits until the API server would store a record's status as is wanted. The operator must not
    /// run: the record that is asked about is none of its own.
    pub async fn until_stored(&self, status: Value, wanted: impl Fn(&Value) -> bool) {
        let kind = ApiResource::erase::<NotebookRemediation>(&());
        let api: Api<DynamicObject> = Api::all_with(self.client.clone(), &kind);
        let spec = json!({"spec": self.intent("probe")});
        let probe = DynamicObject::new("probe", &kind).data(spec);
        let mut probe = api.create(&PostParams::default(), &probe).await.unwrap();
        probe.data["status"] = status;
        let dry_run = PostParams {
            dry_run: true,
            ..PostParams::default()
        };
        eventually("the definition to take effect", async || {
            let stored = api.replace_status("probe", &dry_run, &probe).await.ok()?;
            wanted(&stored.data["status"]).then_some(())
        })
        .await;
        let deleted = api.delete("probe", &DeleteParams::default()).await;
        let _ = deleted.unwrap();
    }
}
