//! What the chart's roles allow, verb by verb.

use std::{collections::BTreeSet, fmt};

use serde_json::{Value, json};

use super::audited::Request;
use crate::support::rendered::NAMESPACE;

/// One verb on one resource.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Grant {
    pub verb: String,
    /// With its subresource, as in `pods/log`.
    pub resource: String,
    pub group: String,
    /// `None`: in the whole cluster.
    pub namespace: Option<String>,
    /// The only one that it is about; `None`: all.
    pub name: Option<String>,
}

impl Grant {
    /// Whether a request is one that this allows.
    pub fn covers(&self, request: &Request) -> bool {
        let is_in =
            |grant: &Option<String>, request: &Option<String>| grant.is_none() || grant == request;
        (&self.verb, &self.resource, &self.group)
            == (&request.verb, &request.resource, &request.group)
            && is_in(&self.namespace, &request.namespace)
            && is_in(&self.name, &request.name)
    }
}

/// As in `patch leases.coordination.k8s.io in sudoless-system`; the name is left out.
impl fmt::Display for Grant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (resource, subresource) = match self.resource.split_once('/') {
            Some((resource, subresource)) => (resource, format!("/{subresource}")),
            None => (&*self.resource, String::new()),
        };
        let dot = if self.group.is_empty() { "" } else { "." };
        write!(
            f,
            "{} {resource}{dot}{}{subresource}",
            self.verb, self.group
        )?;
        self.namespace
            .as_ref()
            .map_or(Ok(()), |namespace| write!(f, " in {namespace}"))
    }
}

/// What a service account of [`NAMESPACE`] may do by the roles and bindings among some objects.
///
/// # Panics
/// If a role says something that this does not understand.
pub fn of(account: &str, objects: &[Value]) -> BTreeSet<Grant> {
    let bindings = objects.iter().filter(|object| {
        let kind = object["kind"].as_str().unwrap();
        ["ClusterRoleBinding", "RoleBinding"].contains(&kind) && binds(object, account)
    });
    bindings
        .flat_map(|binding| {
            let namespace = binding["metadata"]["namespace"].as_str();
            let role = objects.iter().find(|role| {
                role["kind"] == binding["roleRef"]["kind"]
                    && role["metadata"]["name"] == binding["roleRef"]["name"]
                    && (role["kind"] == "ClusterRole"
                        || role["metadata"]["namespace"].as_str() == namespace)
            });
            let role = role.unwrap_or_else(|| panic!("no role for {binding}"));
            assert!(role["aggregationRule"].is_null(), "{role}");
            let rules = role["rules"].as_array().unwrap();
            rules.iter().flat_map(move |rule| of_rule(rule, namespace))
        })
        .collect()
}

fn binds(binding: &Value, account: &str) -> bool {
    let expected = json!([{"kind": "ServiceAccount", "name": account, "namespace": NAMESPACE}]);
    binding["subjects"] == expected
}

fn of_rule(rule: &Value, namespace: Option<&str>) -> Vec<Grant> {
    assert!(rule["nonResourceURLs"].is_null(), "not looked at yet");
    let names: Vec<Option<&str>> = if rule["resourceNames"].is_null() {
        vec![None]
    } else {
        texts(&rule["resourceNames"])
            .into_iter()
            .map(Some)
            .collect()
    };
    let mut grants = Vec::new();
    for group in texts(&rule["apiGroups"]) {
        for resource in texts(&rule["resources"]) {
            for verb in texts(&rule["verbs"]) {
                assert!(
                    ![group, resource, verb].contains(&"*"),
                    "a wildcard: {rule}"
                );
                grants.extend(names.iter().map(|name| Grant {
                    verb: verb.to_owned(),
                    resource: resource.to_owned(),
                    group: group.to_owned(),
                    namespace: namespace.map(str::to_owned),
                    name: name.map(str::to_owned),
                }));
            }
        }
    }
    grants
}

fn texts(list: &Value) -> Vec<&str> {
    let list = list.as_array().unwrap();
    list.iter().map(|text| text.as_str().unwrap()).collect()
}

/// A service account of [`NAMESPACE`] with some rights and no others: everything of that name that
/// has to be applied.
pub fn account_with(name: &str, grants: &BTreeSet<Grant>) -> Vec<Value> {
    let mut objects = vec![json!({
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": {"name": name, "namespace": NAMESPACE},
    })];
    let namespaces: BTreeSet<Option<&str>> = grants
        .iter()
        .map(|grant| grant.namespace.as_deref())
        .collect();
    for namespace in namespaces {
        let rules: Vec<Value> = grants
            .iter()
            .filter(|grant| grant.namespace.as_deref() == namespace)
            .map(|grant| {
                json!({
                    "apiGroups": [grant.group],
                    "resources": [grant.resource],
                    "verbs": [grant.verb],
                    "resourceNames": grant.name.as_ref().map(|name| [name]),
                })
            })
            .collect();
        let kind = if namespace.is_some() {
            "Role"
        } else {
            "ClusterRole"
        };
        objects.push(json!({
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": kind,
            "metadata": {"name": name, "namespace": namespace},
            "rules": rules,
        }));
        objects.push(json!({
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": format!("{kind}Binding"),
            "metadata": {"name": name, "namespace": namespace},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": name},
            "subjects": [{"kind": "ServiceAccount", "name": name, "namespace": NAMESPACE}],
        }));
    }
    objects
}
