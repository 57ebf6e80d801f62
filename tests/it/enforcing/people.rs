//! People with rights, and what the API server answers them.

use kube::{
    Api, Client,
    api::{DeleteParams, Patch, PatchParams, PostParams},
    core::ObjectMeta,
};
use local_cluster::LocalCluster;
use serde_json::{Value, json};
use sudoless::api::NotebookRootAccessPolicy;

use super::cases::Deed;
use crate::support::served::config;

/// The only policy that [`Person::OfOne`] may enforce.
pub const ONE: &str = "one";

/// A person with certain permissions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Person {
    /// May write policies.
    Writer,
    /// May write policies, and enforce.
    Enforcer,
    /// May write policies, and enforce [`ONE`] of them.
    OfOne,
    /// May do everything, by `*`: an administrator, and Argo CD as it is usually installed.
    Everything,
    /// May write a status, as the operator.
    Operator,
}

impl Person {
    /// Their name.
    fn name(self) -> String {
        format!("{self:?}").to_lowercase()
    }

    /// A client that speaks for them, as `kubectl --as` does.
    pub async fn client(self, cluster: &LocalCluster) -> Client {
        let mut config = config(cluster).await;
        config.auth_info.impersonate = Some(self.name());
        Client::try_from(config).unwrap()
    }
}

/// Gives everybody their rights. `sudoless-enforcer` is bound before it is there.
pub fn introduce(cluster: &LocalCluster) {
    let role = |name: &str, rule: Value| {
        json!({
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "ClusterRole",
            "metadata": {"name": name},
            "rules": [rule],
        })
    };
    let policies = |resource: &str, verbs: &[&str]| {
        json!({
            "apiGroups": ["sudoless.dev"],
            "resources": [resource],
            "verbs": verbs,
        })
    };
    let write = ["get", "list", "create", "update", "patch", "delete"];
    let mut one = policies("notebookrootaccesspolicies", &["enforce"]);
    one["resourceNames"] = json!([ONE]);
    let bind = |person: Person, role: &str| {
        json!({
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "ClusterRoleBinding",
            "metadata": {"name": format!("{}-{role}", person.name())},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role},
            "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": person.name()}],
        })
    };
    let all = json!({
        "apiVersion": "v1",
        "kind": "List",
        "items": [
            role("write", policies("notebookrootaccesspolicies", &write)),
            role("enforce-one", one),
            role("report", policies("notebookrootaccesspolicies/status", &["patch"])),
            bind(Person::Writer, "write"),
            bind(Person::Enforcer, "write"),
            bind(Person::Enforcer, "sudoless-enforcer"),
            bind(Person::OfOne, "write"),
            bind(Person::OfOne, "enforce-one"),
            bind(Person::Everything, "cluster-admin"),
            bind(Person::Operator, "report"),
        ],
    });
    let applied = cluster.run_kubectl_with(["apply", "-f", "-"], &all.to_string());
    applied.unwrap();
}

/// A policy.
pub fn policy(name: &str, spec: Value) -> NotebookRootAccessPolicy {
    NotebookRootAccessPolicy {
        metadata: ObjectMeta {
            name: Some(name.to_owned()),
            ..ObjectMeta::default()
        },
        spec: serde_json::from_value(spec).unwrap(),
        status: None,
    }
}

/// Creates a policy, or says why not.
pub async fn create(client: &Client, policy: &NotebookRootAccessPolicy) -> Result<(), String> {
    let api: Api<NotebookRootAccessPolicy> = Api::all(client.clone());
    answer(api.create(&PostParams::default(), policy).await)
}

/// The same, without storing it.
pub async fn try_to_create(
    client: &Client,
    policy: &NotebookRootAccessPolicy,
) -> Result<(), String> {
    let api: Api<NotebookRootAccessPolicy> = Api::all(client.clone());
    let parameters = PostParams {
        dry_run: true,
        ..PostParams::default()
    };
    answer(api.create(&parameters, policy).await)
}

/// Does it.
pub async fn act(client: &Client, name: &str, deed: &Deed) -> Result<(), String> {
    let api: Api<NotebookRootAccessPolicy> = Api::all(client.clone());
    match deed {
        Deed::Create(spec) => create(client, &policy(name, spec.clone())).await,
        Deed::Apply(spec) => {
            let whole = serde_json::to_value(policy(name, spec.clone())).unwrap();
            let parameters = PatchParams::apply("somebody").force();
            answer(api.patch(name, &parameters, &Patch::Apply(whole)).await)
        }
        Deed::Merge(patch) => {
            let parameters = PatchParams::default();
            answer(api.patch(name, &parameters, &Patch::Merge(patch)).await)
        }
        Deed::Delete => answer(api.delete(name, &DeleteParams::default()).await),
    }
}

/// Changes a status by a merge patch.
pub async fn patch_status(client: &Client, name: &str, patch: &Value) -> Result<(), String> {
    let api: Api<NotebookRootAccessPolicy> = Api::all(client.clone());
    let parameters = PatchParams::default();
    answer(
        api.patch_status(name, &parameters, &Patch::Merge(patch))
            .await,
    )
}

/// Refusals are those of the admission policy: a reason of 403.
fn answer<T>(answered: Result<T, kube::Error>) -> Result<(), String> {
    match answered {
        Ok(_) => Ok(()),
        Err(kube::Error::Api(status)) if status.code == 403 => Err(status.message.clone()),
        Err(error) => panic!("no refusal: {error}"),
    }
}
