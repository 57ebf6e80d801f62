//! What holds for whatever values are given.

use std::{collections::BTreeSet, process::Command};

use serde_json::{Value, json};

use super::rendered::{Objects, texts};

/// Kinds that are in no namespace.
const CLUSTER_SCOPED: [&str; 5] = [
    "ClusterRole",
    "ClusterRoleBinding",
    "CustomResourceDefinition",
    "ValidatingAdmissionPolicy",
    "ValidatingAdmissionPolicyBinding",
];

/// Ends of the names of roles for people, which the chart binds to nobody.
const FOR_PEOPLE: [&str; 3] = ["-viewer", "-editor", "-enforcer"];

/// Asserts everything that holds always.
pub fn check(objects: &Objects) {
    named_and_labelled(objects);
    rights_are_few(objects);
    service_account_is_bound(objects);
    selectors_match(objects);
    pod_is_confined(objects);
    the_program_takes(&objects.args());
    egress_is_bounded(objects);
}

fn named_and_labelled(objects: &Objects) {
    let mut seen = BTreeSet::new();
    for object in &objects.0 {
        let metadata = &object["metadata"];
        let kind = object["kind"].as_str().unwrap();
        let name = metadata["name"].as_str().unwrap();
        let namespace = metadata["namespace"].as_str();
        assert!(name.len() <= 63, "{name}");
        assert_eq!(
            namespace.is_none(),
            CLUSTER_SCOPED.contains(&kind),
            "{kind} {name}: {namespace:?}"
        );
        assert!(seen.insert((kind, namespace, name)), "{kind} {name} twice");
        for label in [
            "app.kubernetes.io/name",
            "app.kubernetes.io/instance",
            "app.kubernetes.io/version",
            "app.kubernetes.io/managed-by",
            "helm.sh/chart",
        ] {
            let value = metadata["labels"][label].as_str();
            assert!(
                value.is_some_and(|it| !it.is_empty()),
                "{kind} {name}: {label}"
            );
        }
        assert_ne!(
            metadata["annotations"],
            Value::Object(serde_json::Map::new())
        );
    }
}

/// Of every role in the chart, for people too: no wildcard, no secret, nothing that gives rights,
/// no record made.
fn rights_are_few(objects: &Objects) {
    for role in objects.of("Role").chain(objects.of("ClusterRole")) {
        let name = role["metadata"]["name"].as_str().unwrap();
        for rule in role["rules"].as_array().unwrap() {
            for key in ["apiGroups", "resources", "verbs"] {
                assert!(!texts(&rule[key]).is_empty());
                assert!(!texts(&rule[key]).contains(&"*"), "{name}: {rule}");
            }
            assert!(rule["nonResourceURLs"].is_null());
            for group in texts(&rule["apiGroups"]) {
                let known = ["sudoless.dev", "events.k8s.io", "coordination.k8s.io"];
                assert!(known.contains(&group), "{name}: {group}");
            }
        }
    }
}

fn service_account_is_bound(objects: &Objects) {
    let account = objects.pod()["spec"]["serviceAccountName"]
        .as_str()
        .unwrap();
    let namespace = &objects.only("Deployment")["metadata"]["namespace"];
    let bindings = || {
        objects
            .of("ClusterRoleBinding")
            .chain(objects.of("RoleBinding"))
    };
    for binding in bindings() {
        let [subject] = &binding["subjects"].as_array().unwrap()[..] else {
            panic!("{binding}")
        };
        assert_eq!(subject["kind"], "ServiceAccount");
        assert_eq!(subject["name"], account);
        assert_eq!(subject["namespace"], *namespace);
        let role = &binding["roleRef"];
        let there = objects.named(
            role["kind"].as_str().unwrap(),
            role["name"].as_str().unwrap(),
        );
        assert_eq!(
            there["metadata"]["namespace"],
            binding["metadata"]["namespace"]
        );
    }
    // Nobody but the operator is bound to anything, and every role but those for people is bound.
    let roles = objects.of("Role").chain(objects.of("ClusterRole"));
    let own = roles.filter(|role| {
        let name = role["metadata"]["name"].as_str().unwrap();
        !FOR_PEOPLE.iter().any(|end| name.ends_with(end))
    });
    assert_eq!(own.count(), bindings().count());
}

/// Everything that selects the pods does.
fn selectors_match(objects: &Objects) {
    let labels = objects.pod()["metadata"]["labels"].as_object().unwrap();
    let paths = [
        ("Deployment", "/spec/selector/matchLabels"),
        ("Service", "/spec/selector"),
        ("NetworkPolicy", "/spec/podSelector/matchLabels"),
        ("PodDisruptionBudget", "/spec/selector/matchLabels"),
        ("PodMonitor", "/spec/selector/matchLabels"),
    ];
    for (kind, path) in paths {
        for object in objects.of(kind) {
            let selector = object.pointer(path).unwrap().as_object().unwrap();
            assert_eq!(selector.len(), 2, "{kind}: {selector:?}");
            for (label, value) in selector {
                assert_eq!(labels.get(label), Some(value), "{kind}");
            }
        }
    }
    for monitor in objects.of("ServiceMonitor") {
        let service = objects.only("Service")["metadata"]["labels"].clone();
        for (label, value) in monitor["spec"]["selector"]["matchLabels"]
            .as_object()
            .unwrap()
        {
            assert_eq!(service[label], *value);
        }
    }
    let port = &objects.container()["ports"][0];
    assert_eq!(port["name"], "metrics");
    for policy in objects.of("NetworkPolicy") {
        assert_eq!(
            policy["spec"]["ingress"][0]["ports"][0]["port"],
            port["containerPort"]
        );
    }
}

/// More than *restricted* asks for, which the API server checks itself.
fn pod_is_confined(objects: &Objects) {
    let (spec, container) = (&objects.pod()["spec"], objects.container());
    let own = &container["securityContext"];
    assert_eq!(own["readOnlyRootFilesystem"], true);
    assert_eq!(own["capabilities"], json!({"drop": ["ALL"]}));
    assert_ne!(spec["securityContext"]["runAsUser"].as_u64().unwrap(), 0);
    assert_eq!(spec["securityContext"]["runAsNonRoot"], true);
    for key in ["hostNetwork", "hostPID", "hostIPC", "initContainers"] {
        assert!(spec[key].is_null(), "{key}");
    }
}

/// Asserts that the operator's own program takes its arguments: whatever stands before `--help` is
/// checked first.
pub fn the_program_takes(args: &[&str]) {
    let output = Command::new(env!("CARGO_BIN_EXE_sudoless"))
        .args(args)
        .arg("--help")
        .output()
        .unwrap();
    let complaint = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{args:?}: {complaint}");
    assert_eq!(args[0], "run");
}

/// No rule for what leaves is without addresses, but for DNS, or without ports; the instance
/// metadata service is named only by one who asked for it.
fn egress_is_bounded(objects: &Objects) {
    let asked = objects.env("AWS_EC2_METADATA_DISABLED").is_none();
    for policy in objects.of("NetworkPolicy") {
        for rule in policy["spec"]["egress"].as_array().unwrap() {
            let ports = rule["ports"].as_array().unwrap();
            assert!(!ports.is_empty(), "{rule}");
            let dns = ports.iter().any(|port| port["protocol"] == "UDP");
            let Some(peers) = rule["to"].as_array().filter(|peers| !peers.is_empty()) else {
                assert!(dns, "{rule}");
                continue;
            };
            let http = ports.iter().any(|port| port["port"] == 80);
            for block in peers.iter().map(|peer| &peer["ipBlock"]) {
                let metadata = ["169.254.169.254/32", "fd00:ec2::254/128"];
                assert_eq!(
                    metadata.contains(&block["cidr"].as_str().unwrap_or_default()),
                    http && asked && !is_agent(block)
                );
                if block["cidr"] == "0.0.0.0/0" || block["cidr"] == "::/0" {
                    assert!(metadata.contains(&texts(&block["except"])[0]), "{rule}");
                }
            }
        }
    }
}

/// Whether it is the address of the EKS Pod Identity agent.
fn is_agent(block: &Value) -> bool {
    block["cidr"] == "169.254.170.23/32" || block["cidr"] == "fd00:ec2::23/128"
}

#[test]
#[should_panic(expected = "unexpected argument '--settles'")]
fn the_program_refuses_what_it_does_not_know() {
    the_program_takes(&["run", "--settles=1m"]);
}

#[test]
#[should_panic(expected = "invalid value")]
fn the_program_refuses_a_wrong_value() {
    the_program_takes(&["run", "--write-timeout=1h"]);
}
