//! The rights that the chart gives the operator in Kubernetes are enough, and each is needed.
//!
//! Operators with service accounts of their own play the same scenario at once, on one API server:
//! one has the chart's roles, each of the others has all rights but one. What they asked and were
//! refused is read in the API server's audit log.

pub mod audited;
mod grants;
mod needed;
mod scenario;

use std::{
    collections::BTreeSet,
    path::PathBuf,
    sync::{LazyLock, OnceLock},
};

use k8s_openapi::api::authorization::v1::{
    ResourceAttributes, SubjectAccessReview, SubjectAccessReviewSpec,
};
use kube::{Api, Client, api::PostParams};
use local_cluster::{LocalCluster, Options};
use serde_json::{Value, json};

use audited::{AuditLog, Request};
use grants::Grant;
use scenario::{Act, Play};

use crate::support::{
    rendered::{self, NAMESPACE},
    served,
    stage::{self, eventually},
};

/// The service account of the chart.
const ACCOUNT: &str = "sudoless";

/// What the chart consists of.
static CHART: LazyLock<Vec<Value>> = LazyLock::new(|| rendered::chart(&[]));

/// What its service account may do.
static GRANTED: LazyLock<BTreeSet<Grant>> = LazyLock::new(|| grants::of(ACCOUNT, &CHART));

static AUDIT_LOG: LazyLock<AuditLog> = LazyLock::new(|| AuditLog::new(cluster().audit_log()));

/// The API server of all operators, with the chart's roles, and without its operator.
fn cluster() -> &'static LocalCluster {
    static CLUSTER: OnceLock<LocalCluster> = OnceLock::new();
    CLUSTER.get_or_init(|| {
        let cluster = served::start(Options {
            audit_log: true,
            ..Options::default()
        });
        let namespace = ["create", "namespace", NAMESPACE];
        cluster.run_kubectl(namespace).unwrap();
        let is_right = |object: &&Value| {
            let kind = object["kind"].as_str().unwrap();
            kind == "ServiceAccount" || kind.contains("Role")
        };
        let rights: Vec<Value> = CHART.iter().filter(is_right).cloned().collect();
        apply(&cluster, &rights);
        cluster
    })
}

fn apply(cluster: &LocalCluster, objects: &[Value]) {
    let list = json!({"apiVersion": "v1", "kind": "List", "items": objects});
    let applied = cluster.run_kubectl_with(["apply", "-f", "-"], &list.to_string());
    applied.unwrap();
}

/// A kubeconfig with a token of a service account.
fn kubeconfig(account: &str) -> PathBuf {
    let token = ["create", "token", account, "--namespace", NAMESPACE];
    let token = cluster().run_kubectl(token).unwrap();
    cluster().kubeconfig_for(account, token.trim()).unwrap()
}

fn user(account: &str) -> String {
    format!("system:serviceaccount:{NAMESPACE}:{account}")
}

/// Waits until the API server, which hears of roles by a watch, gives an account its rights.
async fn until_it_may(client: &Client, account: &str, rights: &BTreeSet<Grant>) {
    for grant in rights {
        let what = format!("{account} to have the right to {grant}");
        eventually(&what, async || {
            let is_allowed = is_allowed(client, account, grant).await;
            is_allowed.then_some(())
        })
        .await;
    }
}

async fn is_allowed(client: &Client, account: &str, grant: &Grant) -> bool {
    let (resource, subresource) = match grant.resource.split_once('/') {
        Some((resource, subresource)) => (resource, Some(subresource.to_owned())),
        None => (&*grant.resource, None),
    };
    let review = SubjectAccessReview {
        spec: SubjectAccessReviewSpec {
            user: Some(user(account)),
            resource_attributes: Some(ResourceAttributes {
                group: Some(grant.group.clone()),
                namespace: grant.namespace.clone(),
                resource: Some(resource.to_owned()),
                subresource,
                verb: Some(grant.verb.clone()),
                name: grant.name.clone(),
                ..ResourceAttributes::default()
            }),
            ..SubjectAccessReviewSpec::default()
        },
        ..SubjectAccessReview::default()
    };
    let api: Api<SubjectAccessReview> = Api::all(client.clone());
    let reviewed = api.create(&PostParams::default(), &review).await.unwrap();
    reviewed.status.unwrap().allowed
}

#[tokio::test(flavor = "multi_thread")]
async fn the_operator_gets_by_on_the_rights_of_the_chart_and_uses_all_of_them() {
    let kubeconfig = kubeconfig(ACCOUNT);
    let client = stage::client(cluster()).await;
    until_it_may(&client, ACCOUNT, &GRANTED).await;
    let play = Play::new(client, ACCOUNT, kubeconfig);
    play.perform_until(Act::Leaves).await;
    let log = play.stage.log();
    play.perform(Act::Leaves).await;

    let complaints: Vec<&String> = log
        .iter()
        // The API server says both; a time may have these digits too.
        .filter(|line| line.to_lowercase().contains("forbidden"))
        .collect();
    assert!(complaints.is_empty(), "{complaints:#?}");
    let requests = AUDIT_LOG.of(&user(ACCOUNT));
    let refused: Vec<&Request> = requests.iter().filter(|it| it.is_refused).collect();
    assert!(refused.is_empty(), "refused: {refused:#?}");
    let is_used = |grant: &&Grant| requests.iter().any(|request| grant.covers(request));
    let unused: Vec<String> = GRANTED
        .iter()
        .filter(|grant| !is_used(grant))
        .map(ToString::to_string)
        .collect();
    assert_eq!(unused, [""; 0], "granted, and never used");
    let is_granted = |request: &&Request| GRANTED.iter().any(|grant| grant.covers(request));
    let others: Vec<&Request> = requests.iter().filter(|it| !is_granted(it)).collect();
    assert!(others.is_empty(), "allowed by others: {others:#?}");
}

#[test]
fn security_md_lists_the_rights_of_the_chart() {
    let section = include_str!("../../SECURITY.md");
    let section = section.split("\n## Rights in Kubernetes\n").nth(1).unwrap();
    let rows = section.lines().filter(|line| line.starts_with("| `"));
    let mut listed = BTreeSet::new();
    for row in rows {
        let cells: Vec<&str> = row.split('|').collect();
        let (what, verbs) = (cells[1], cells[2]);
        let mut words = quoted(what).into_iter();
        let resource = words.next().unwrap();
        let (resource, subresource) = match resource.split_once('/') {
            Some((resource, subresource)) => (resource, format!("/{subresource}")),
            None => (resource, String::new()),
        };
        let (resource, group) = resource.split_once('.').unwrap();
        let namespace = match words.next() {
            Some(namespace) => Some(namespace.to_owned()),
            None if what.contains("in the operator's namespace") => Some(NAMESPACE.to_owned()),
            None => {
                assert!(what.contains("in the cluster"), "{row}");
                None
            }
        };
        for verb in quoted(verbs) {
            let _ = listed.insert(Grant {
                verb: verb.to_owned(),
                resource: format!("{resource}{subresource}"),
                group: group.to_owned(),
                namespace: namespace.clone(),
                name: None,
            });
        }
    }
    let granted: BTreeSet<Grant> = GRANTED
        .iter()
        .map(|grant| Grant {
            name: None,
            ..grant.clone()
        })
        .collect();
    assert_eq!(listed, granted);
}

/// What stands between backticks, flags left out.
fn quoted(text: &str) -> Vec<&str> {
    let words = text.split('`').skip(1).step_by(2);
    words.filter(|word| !word.starts_with("--")).collect()
}
