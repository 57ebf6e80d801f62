//! What people see who use kubectl.

use serde_json::json;

use crate::support::{
    small::{fleet, rooted, rootless, spec},
    stage::{Stage, cluster},
};

/// Runs kubectl, which blocks, away from the test's runtime.
async fn kubectl(arguments: &'static [&'static str]) -> String {
    tokio::task::spawn_blocking(move || cluster().run_kubectl(arguments))
        .await
        .unwrap()
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn kubectl_waits_for_a_policy_and_shows_it() {
    let notebooks = [rooted("a"), rootless("b"), rootless("c")];
    let stage = Stage::begin("kubectl", fleet(notebooks), &[]).await;
    stage.apply("p", spec(json!({}))).await;
    let said = kubectl(&[
        "wait",
        "--for=condition=Ready",
        "nrap/kubectl-p",
        "--timeout=60s",
    ])
    .await;
    assert!(said.contains("kubectl-p condition met"), "{said}");

    let table = kubectl(&["get", "nrap", "kubectl-p", "-o", "wide"]).await;
    let (header, row) = table.trim_end().split_once('\n').unwrap();
    let columns = [
        "NAME",
        "MODE",
        "READY",
        "COMPLIANT",
        "NOTEBOOKS",
        "VIOLATIONS",
        "REMEDIATING",
        "AGE",
        "LAST SCAN",
        "REASON",
    ];
    let titles: Vec<&str> = header.split("   ").map(str::trim).collect();
    let titles: Vec<&str> = titles
        .into_iter()
        .filter(|title| !title.is_empty())
        .collect();
    assert_eq!(titles, columns);
    let cells: Vec<&str> = row.split_whitespace().collect();
    assert_eq!(
        cells[..7],
        ["kubectl-p", "Audit", "True", "False", "3", "1", "0"]
    );
    assert_eq!(cells[9], "Scanned");

    let narrow = kubectl(&["get", "nrap", "kubectl-p"]).await;
    assert!(
        narrow.lines().next().unwrap().trim_end().ends_with("AGE"),
        "{narrow}"
    );
    let compliant = kubectl(&[
        "wait",
        "--for=condition=Compliant=false",
        "nrap/kubectl-p",
        "--timeout=10s",
    ])
    .await;
    assert!(compliant.contains("condition met"), "{compliant}");
}
