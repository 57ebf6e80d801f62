//! What `kubectl` makes of a text before it sends it: the oddities of YAML.

use local_cluster::feed;

use super::{check, cluster, refusals};

/// A policy whose spec ends with these lines.
fn policy(more: &str) -> String {
    format!(
        "apiVersion: sudoless.dev/v1alpha1\nkind: NotebookRootAccessPolicy\nmetadata: {{name: x}}\nspec:\n  \
         accounts: [{{id: \"111122223333\"}}]\n  regions: [eu-west-1]\n{more}"
    )
}

/// Whether `kubectl create` would succeed, and what it says.
fn kubectl(text: &str) -> (bool, String) {
    let mut command =
        cluster().kubectl(["create", "--dry-run=server", "--validate=strict", "-f", "-"]);
    let output = feed(&mut command, text).unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    (output.status.success(), said)
}

#[test]
fn texts_mean_what_they_mean_to_kubectl() {
    let with_tag = |value: &str| policy(&format!("  selector: {{tags: {{stage: {value}}}}}\n"));
    let texts = [
        // Booleans and numbers that look like words, and the other way round.
        with_tag("yes"),
        with_tag("Off"),
        with_tag("y"),
        with_tag("yES"),
        with_tag("0123"),
        with_tag("089"),
        with_tag("0o17"),
        with_tag("1_000"),
        with_tag("1.2.3"),
        with_tag("12:30:45"),
        with_tag("2027-01-31"),
        with_tag("1e3"),
        with_tag("0x1F"),
        with_tag("~"),
        with_tag(".inf"),
        with_tag("!!str 12"),
        with_tag("!!int \"12\""),
        with_tag("!own 12"),
        with_tag("'12'"),
        policy("  suspend: on\n"),
        policy("  suspend: \"on\"\n"),
        policy("  remediation: {maxConcurrent: 0x10}\n"),
        policy("  remediation: {maxConcurrent: 2.0}\n"),
        policy("  remediation: {maxConcurrent: 2.5}\n"),
        policy("  remediation: {maxConcurrent: 0b11}\n"),
        // Names of fields that are no texts.
        policy("  selector: {tags: {yes: a, 7: b}}\n"),
        policy("  selector: {tags: {~: a}}\n"),
        // What is written in one place and used in another.
        policy("  selector: {names: &n [a]}\n  exemptions: [{reason: x, names: *n}]\n"),
        policy("  exemptions: [&e {reason: x, names: [a]}, {<<: *e, reason: y}]\n"),
        policy("  exemptions: [&e {reason: x, names: [a]}, {reason: \"\", <<: *e}]\n"),
        policy("  exemptions: [&e {reason: \"\", names: [a]}, {reason: y, <<: *e}]\n"),
        policy("  selector: {names: *nowhere}\n"),
        // The text as such.
        format!("\u{feff}{}", policy("")),
        policy("").replace('\n', "\r\n"),
        policy("\tmode: Audit\n"),
        policy("  mode:\tAudit\n"),
        policy("  mode: Audit # why\n"),
        policy("  mode: |\n    Audit\n"),
        policy("  mode: >-\n    Audit\n"),
        policy("  mode: \"Au\\x64it\"\n"),
        policy("  mode: [Audit\n"),
        policy("  ? mode\n  : Audit\n"),
        format!("%YAML 1.1\n---\n{}", policy("")),
        format!("---\n# nothing\n---\n{}...\n", policy("")),
        "{\n\t\"apiVersion\": \"sudoless.dev/v1alpha1\", \"kind\": \"NotebookRootAccessPolicy\", \"metadata\": {\"name\": \"x\"},\n\t\"spec\": \
         {\"accounts\": [{\"id\": \"111122223333\"}], \"regions\": [\"eu-west-1\"]}\n}\n"
            .to_owned(),
        // What belongs to every object.
        policy("").replace("name: x", "name: X"),
        policy("").replace("name: x", "name: x, labels: {a: 1}"),
        policy("").replace("name: x", "name: x, labels: {a: b c}"),
        policy("").replace("name: x", "name: x, labels: {-a: b}"),
        policy("").replace("name: x", "name: x, labels: {Example.com/a: b}"),
        policy("").replace("name: x", "name: x, annotations: {Example.com/a: b, sudoless.dev/scan-now: \"1\"}"),
        policy("").replace("name: x", "name: x, annotations: {a/b/c: b}"),
        policy("").replace("name: x", "name: x, annotation: {a: b}"),
        policy("").replace("name: x", "name: x, finalizers: [example.com/x]"),
        policy("").replace("name: x", "name: x, finalizers: [\"a b\"]"),
        policy("").replace("name: x", "generateName: x-"),
        policy("").replace("name: x", "generateName: X-"),
        policy("").replace("name: x", "generateName: x.y"),
        policy("").replace("name: x", &format!("name: {}", "a".repeat(253))),
        policy("").replace("name: x", &format!("name: {}", "a".repeat(254))),
        policy("").replace("name: x", "name: a..b"),
        policy("").replace("name: x", "name: x, namespace: default"),
        policy("").replace("{name: x}", "{}"),
        policy("status: {}\n"),
        policy("status: {lastScanTime: never}\n"),
        policy("status: {lastScan: never}\n"),
    ];
    let mut failures = Vec::new();
    for text in &texts {
        let checked = check(text);
        let problems = refusals(&checked);
        let offline = checked.policies.len() == 1 && problems.is_empty();
        let (accepted, said) = kubectl(text);
        if accepted != offline {
            failures.push(format!(
                "{text}\noffline: {problems:#?}\nkubectl: {accepted} {said}"
            ));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
}

/// The one thing in which it is stricter: `kubectl` takes the last and says nothing.
#[test]
fn what_is_written_twice_is_refused_offline_only() {
    let text = policy("  mode: Audit\n  mode: Enforce\n");
    assert!(kubectl(&text).0);
    assert_eq!(refusals(&check(&text)).len(), 1);
}
