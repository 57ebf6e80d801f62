//! Templates over a matrix of values: each feature alone, none, and all that go together at once,
//! with both versions of Helm. So each pair of features is seen with both, one and none of the two
//! turned on.

use std::collections::{BTreeMap, BTreeSet};

use local_cluster::Tool;
use serde_json::{Value, json};

use super::{
    features::{features, together},
    rendered::{CHART, HELMS, NAMESPACE, Objects, helm, render, rendered, texts, with_values},
    sound,
};

#[test]
fn each_feature_comes_to_what_it_says_alone_and_with_all_others() {
    for version in HELMS {
        let all = render(version, &together()).unwrap();
        sound::check(&all);
        for feature in features() {
            let alone = render(version, &feature.values)
                .unwrap_or_else(|complaint| panic!("{}: {complaint}", feature.name));
            sound::check(&alone);
            for objects in [&alone, &all] {
                feature.check(objects);
            }
        }
    }
}

#[test]
fn both_versions_of_helm_make_the_same() {
    for values in [json!({}), together()] {
        let [three, four] = HELMS.map(|version| render(version, &values).unwrap().0);
        let sorted = |objects: Vec<Value>| -> BTreeSet<String> {
            objects.iter().map(Value::to_string).collect()
        };
        assert_eq!(sorted(three), sorted(four));
    }
}

#[test]
fn rules_and_dashboard_are_handed_through() {
    let objects = rendered(&together());
    let rules = include_str!("../../../config/prometheus/rules.yaml");
    let rules: Value = serde_saphyr::from_str(rules).unwrap();
    assert!(rules["groups"].is_array());
    assert_eq!(objects.only("PrometheusRule")["spec"], rules);
    let dashboard = include_str!("../../../config/grafana/sudoless.json");
    assert_eq!(
        objects.only("ConfigMap")["data"]["sudoless.json"],
        dashboard
    );
}

#[test]
fn by_default_there_is_what_is_needed_and_nothing_more() {
    let objects = rendered(&json!({}));
    sound::check(&objects);
    let names: BTreeSet<_> = objects
        .0
        .iter()
        .map(|object| {
            let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
            let metadata = &object["metadata"];
            [
                text(&object["kind"]),
                text(&metadata["namespace"]),
                text(&metadata["name"]),
            ]
            .join(" ")
        })
        .collect();
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    assert_eq!(
        names,
        [
            "ClusterRole - sudoless",
            "ClusterRole - sudoless-editor",
            "ClusterRole - sudoless-viewer",
            "ClusterRoleBinding - sudoless",
            "CustomResourceDefinition - notebookremediations.sudoless.dev",
            "CustomResourceDefinition - notebookrootaccesspolicies.sudoless.dev",
            "Deployment sudoless-system sudoless",
            "NetworkPolicy sudoless-system sudoless",
            "Role default sudoless-events",
            "Role sudoless-system sudoless-leader-election",
            "RoleBinding default sudoless-events",
            "RoleBinding sudoless-system sudoless-leader-election",
            "Service sudoless-system sudoless",
            "ServiceAccount sudoless-system sudoless",
        ]
    );
    for definition in objects.of("CustomResourceDefinition") {
        let annotations = &definition["metadata"]["annotations"];
        assert_eq!(annotations["helm.sh/resource-policy"], "keep");
    }
    assert_eq!(
        objects.env("AWS_EC2_METADATA_DISABLED").unwrap()["value"],
        "true"
    );
    assert_eq!(
        objects.args()[1..],
        [
            "--leader-elect=true",
            "--log-format=json",
            "--metrics-addr=0.0.0.0:8080"
        ]
    );
    let viewer = &objects.named("ClusterRole", "sudoless-viewer")["metadata"]["labels"];
    assert_eq!(
        viewer["rbac.authorization.k8s.io/aggregate-to-view"],
        "true"
    );
}

/// The table "Rights in Kubernetes" of SECURITY.md: resources, and the verbs on each.
fn documented_rights() -> BTreeMap<String, BTreeSet<String>> {
    let security = include_str!("../../../SECURITY.md");
    let (_, section) = security.split_once("\n## Rights in Kubernetes\n").unwrap();
    let quoted = |text: &str| -> Vec<String> {
        text.split('`')
            .skip(1)
            .step_by(2)
            .map(str::to_owned)
            .collect()
    };
    section
        .lines()
        .skip_while(|line| !line.starts_with("|---"))
        .skip(1)
        .take_while(|line| line.starts_with('|'))
        .map(|line| {
            let cells: Vec<_> = line.split(" | ").collect();
            let resource = quoted(cells[0]).swap_remove(0);
            (resource, quoted(cells[1]).into_iter().collect())
        })
        .collect()
}

#[test]
fn the_operator_has_the_rights_that_security_md_lists() {
    let objects = rendered(&json!({}));
    let roles = [
        objects.named("ClusterRole", "sudoless"),
        objects.named("Role", "sudoless-events"),
        objects.named("Role", "sudoless-leader-election"),
    ];
    let mut rights: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for rule in roles
        .iter()
        .flat_map(|role| role["rules"].as_array().unwrap())
    {
        for resource in texts(&rule["resources"]) {
            // As SECURITY.md writes it: resource, group, and then the subresource.
            let (resource, sub) = resource
                .split_once('/')
                .map_or((resource, None), |(it, sub)| (it, Some(sub)));
            let group = texts(&rule["apiGroups"])[0];
            let name = format!(
                "{resource}.{group}{}",
                sub.map_or(String::new(), |sub| format!("/{sub}"))
            );
            rights
                .entry(name)
                .or_default()
                .extend(texts(&rule["verbs"]).into_iter().map(str::to_owned));
        }
    }
    assert_eq!(rights, documented_rights());
    let lease = &objects.named("Role", "sudoless-leader-election")["rules"];
    assert_eq!(lease[0]["verbs"], json!(["create"]));
    assert_eq!(lease[1]["resourceNames"], json!(["sudoless"]));
}

#[test]
fn people_cannot_make_or_change_records() {
    let objects = rendered(&json!({}));
    for (name, verbs) in [
        ("sudoless-viewer", &["get", "list", "watch"][..]),
        ("sudoless-editor", &["get", "list", "watch", "delete"]),
    ] {
        let role = objects.named("ClusterRole", name);
        for rule in role["rules"].as_array().unwrap() {
            if texts(&rule["resources"])
                .iter()
                .any(|it| it.starts_with("notebookremediations"))
            {
                assert_eq!(texts(&rule["verbs"]), verbs);
            }
        }
    }
}

#[test]
fn what_is_turned_off_is_not_there() {
    let off = json!({
        "serviceAccount": {"create": false, "name": "mine"},
        "rbac": {"create": false, "userRoles": {"create": false}},
        "crds": {"enabled": false},
        "networkPolicy": {"enabled": false},
        "service": {"enabled": false},
        "metrics": {"podMonitor": {"enabled": true}},
        "resources": null, "livenessProbe": null, "readinessProbe": null, "nodeSelector": null,
    });
    for version in HELMS {
        let objects = render(version, &off).unwrap();
        sound::check(&objects);
        let kinds: Vec<_> = objects
            .0
            .iter()
            .map(|it| it["kind"].as_str().unwrap())
            .collect();
        assert_eq!(kinds, ["Deployment", "PodMonitor"]);
        assert_eq!(objects.pod()["spec"]["serviceAccountName"], "mine");
        assert_eq!(
            objects.only("PodMonitor")["spec"]["podMetricsEndpoints"],
            json!([{"port": "metrics", "path": "/metrics"}])
        );
        let container = objects.container().as_object().unwrap();
        for key in ["resources", "livenessProbe", "readinessProbe"] {
            assert!(!container.contains_key(key), "{key}");
        }
    }
}

#[test]
fn only_several_replicas_are_kept_apart_and_from_eviction() {
    for replicas in [0, 1] {
        let objects = rendered(&json!({"replicas": replicas}));
        assert!(!objects.has("PodDisruptionBudget"));
        assert!(objects.pod()["spec"]["affinity"].is_null());
    }
    let objects =
        rendered(&json!({"replicas": 3, "podDisruptionBudget": {"maxUnavailable": "50%"}}));
    let budget = &objects.only("PodDisruptionBudget")["spec"];
    assert_eq!(budget["maxUnavailable"], "50%");
    assert!(objects.pod()["spec"]["affinity"]["podAntiAffinity"].is_object());
    let objects = rendered(&json!({"replicas": 3, "podDisruptionBudget": {"enabled": false}}));
    assert!(!objects.has("PodDisruptionBudget"));
}

#[test]
fn metrics_are_for_the_cluster_unless_said_otherwise() {
    let ingress = |values| rendered(&values).only("NetworkPolicy")["spec"]["ingress"].clone();
    let ports = json!([{"port": 8080, "protocol": "TCP"}]);
    let from = json!([{"namespaceSelector": {}}]);
    assert_eq!(ingress(json!({})), json!([{"ports": ports, "from": from}]));
    let all = ingress(json!({"networkPolicy": {"metricsFrom": []}}));
    assert_eq!(all, json!([{"ports": ports}]));
}

#[test]
fn without_a_lease_one_operator_ends_before_the_next_starts() {
    let objects = rendered(&json!({"flags": {"leaderElect": false}}));
    sound::check(&objects);
    assert_eq!(
        objects.only("Deployment")["spec"]["strategy"],
        json!({"type": "Recreate"})
    );
    assert_eq!(objects.args()[1], "--leader-elect=false");
    assert!(
        !objects
            .0
            .iter()
            .any(|object| object["metadata"]["name"] == "sudoless-leader-election")
    );
    let elected = rendered(&json!({}));
    let strategy = &elected.only("Deployment")["spec"]["strategy"];
    assert_eq!(
        strategy["rollingUpdate"],
        json!({"maxSurge": 1, "maxUnavailable": 0})
    );
}

#[test]
fn names_follow_the_release_and_are_never_too_long() {
    let name = |release: &str, values: Value| {
        let text = with_values(
            helm(Tool::Helm).args(["template", release, CHART, "--namespace", NAMESPACE]),
            &values,
        );
        let objects = Objects::parse(&text.unwrap());
        sound::check(&objects);
        objects.only("Deployment")["metadata"]["name"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    assert_eq!(name("sudoless", json!({})), "sudoless");
    assert_eq!(name("ml-sudoless", json!({})), "ml-sudoless");
    assert_eq!(name("ml", json!({})), "ml-sudoless");
    assert_eq!(name("ml", json!({"nameOverride": "root"})), "ml-root");
    assert_eq!(name("ml", json!({"fullnameOverride": "root"})), "root");
    let longest = "a".repeat(53);
    assert_eq!(name(&longest, json!({})), longest[..45]);
}
