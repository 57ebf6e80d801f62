//! What the API server accepts and refuses: every manifest below `tests/it/admission`, against a
//! real one.
//!
//! A manifest in `reject/` says in its first line, after `# expect: `, a part of the answer that
//! names the field.

use std::path::{Path, PathBuf};

use kube::Resource;
use serde_json::{Value, json};
use sudoless::api::NotebookRootAccessPolicy;

use crate::support::{
    manifests::{create, manifests},
    stage::{client, cluster},
};

#[test]
fn every_manifest_is_covered() {
    let accepted = manifests("tests/it/admission/accept").len();
    let rejected = manifests("tests/it/admission/reject").len();
    // Fixtures that nobody runs are worse than none: adding or losing one must be noticed here.
    assert_eq!((accepted, rejected), (51, 106));
    assert_eq!(manifests("config/samples").len(), 3);
}

#[tokio::test]
async fn accepts_what_is_right_and_reads_it_back() {
    let client = client(cluster()).await;
    let mut failures = Vec::new();
    for manifest in manifests("tests/it/admission/accept")
        .into_iter()
        .chain(manifests("config/samples"))
    {
        let stored = match create(&client, &manifest.body()).await {
            Ok(stored) => stored,
            Err(refusal) => {
                failures.push(format!("{manifest}: {refusal}"));
                continue;
            }
        };
        // Whatever is accepted, the operator must be able to read, and to write again.
        let policy: NotebookRootAccessPolicy = match serde_json::from_value(stored) {
            Ok(policy) => policy,
            Err(error) => {
                failures.push(format!("{manifest}: accepted and not readable: {error}"));
                continue;
            }
        };
        let name = policy.metadata.name.clone().unwrap();
        let again = NotebookRootAccessPolicy::new(&name, policy.spec);
        if let Err(refusal) = create(&client, &serde_json::to_value(again).unwrap()).await {
            failures.push(format!("{manifest}: as the operator writes it: {refusal}"));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[tokio::test]
async fn refuses_what_is_wrong_and_says_what_to_write() {
    let client = client(cluster()).await;
    let mut failures = Vec::new();
    for manifest in manifests("tests/it/admission/reject") {
        let expected = manifest.expectation();
        assert!(
            expected.contains("spec"),
            "{manifest} must name the field that it expects"
        );
        match create(&client, &manifest.body()).await {
            Ok(_) => failures.push(format!("{manifest}: accepted")),
            Err(refusal) if refusal.contains(expected) => {}
            Err(refusal) => failures.push(format!(
                "{manifest}:\n  expected {expected}\n  answered {refusal}"
            )),
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// The API server limits what all rules of one object may cost when they run, beside what they may
/// cost by the schema's limits. Everything at its greatest number at once, in usual lengths, must
/// stay below.
#[tokio::test]
async fn accepts_the_largest_policy() {
    let regions: Vec<String> = (0..50)
        .map(|n| format!("eu-{}-{}", ["west", "southeast"][n % 2], n))
        .collect();
    let names: Vec<String> = (0..100)
        .map(|n| format!("a-notebook-with-a-name-{n}-*"))
        .collect();
    let tags: Value = (0..50)
        .map(|n| (format!("key-{n}"), json!("a value of a usual length")))
        .collect();
    let account = |n: u32| {
        json!({
            "id": format!("{n:012}"),
            "role": "platform/security/sudoless-notebook-auditor",
            "externalId": "8f1c2b3a-4d5e-6f70-8192-a3b4c5d6e7f8",
            "regions": regions.iter().take(20).collect::<Vec<_>>(),
        })
    };
    let exemption = |n: u32| {
        json!({
            "reason": format!("a sentence of a usual length that says why, number {n}"),
            "names": names,
            "tags": tags,
            "accounts": (0..100).map(|n| format!("{n:012}")).collect::<Vec<_>>(),
            "regions": regions,
            "expiresAt": "2027-01-31T00:00:00Z",
        })
    };
    let window = json!({"schedule": "0 2 * * SAT", "duration": "4h", "timeZone": "Europe/Berlin"});
    let body = json!({
        "apiVersion": NotebookRootAccessPolicy::api_version(&()),
        "kind": NotebookRootAccessPolicy::kind(&()),
        "metadata": {"name": "largest"},
        "spec": {
            "accounts": (0..1000).map(account).collect::<Vec<_>>(),
            "regions": regions,
            "selector": {"names": names, "tags": tags},
            "exemptions": (0..100).map(exemption).collect::<Vec<_>>(),
            "remediation": {"windows": vec![window; 20]},
        },
    });
    assert_eq!(
        create(&client(cluster()).await, &body).await.map(|_| ()),
        Ok(())
    );

    let mut one_more = body;
    one_more["spec"]["accounts"]
        .as_array_mut()
        .unwrap()
        .push(account(1000));
    let refusal = create(&client(cluster()).await, &one_more)
        .await
        .unwrap_err();
    assert!(
        refusal.contains("spec.accounts: Too many: 1001: must have at most 1000 items"),
        "{refusal}"
    );
}

/// A user of `kubectl apply` sees the same answers.
#[test]
fn kubectl_shows_the_sentence() {
    let sample = |name: &str| Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
    let apply = |path: PathBuf| {
        let mut command =
            cluster().kubectl(["apply", "--dry-run=server", "--validate=strict", "-f"]);
        command.arg(path).output().unwrap()
    };

    let accepted = apply(sample("config/samples"));
    assert!(accepted.status.success(), "{accepted:?}");

    let refused = apply(sample("tests/it/admission/reject/role-arn.yaml"));
    let stderr = String::from_utf8(refused.stderr).unwrap();
    assert!(!refused.status.success());
    assert!(
        stderr.contains("spec.accounts[0].role: Invalid value: "),
        "{stderr}"
    );
    assert!(
        stderr.contains("such as sudoless or platform/sudoless, instead of its ARN"),
        "{stderr}"
    );
}
