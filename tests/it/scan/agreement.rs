//! The same fleet has the same verdicts through the scan and through the operator, field by field.

use std::{collections::BTreeMap, sync::Arc};

use sagemaker_simulator::{Effect, Fault, Fleet, Notebook, Operation};
use serde_json::{Value, json};

use super::program::{Folder, command_at, finish, manifest, scan_input};
use crate::{
    audit::fleets::{ACCOUNTS, REGIONS, accounts, mixed, policy},
    support::{served, stage::Stage},
};

/// What the two say of a notebook in the same words.
const FIELDS: [&str; 11] = [
    "arn",
    "verdict",
    "status",
    "rootAccess",
    "next",
    "reason",
    "message",
    "platform",
    "lifecycleConfig",
    "account",
    "region",
];

/// The figures that the two have in common.
const FIGURES: [&str; 9] = [
    "notebooks",
    "compliant",
    "nonCompliant",
    "exempt",
    "unknown",
    "notRestartable",
    "lifecycleConfigs",
    "targets",
    "unreadableTargets",
];

/// Notebooks of all kinds, few enough for a status to list them all, and some of everything that
/// goes wrong.
fn fleet() -> Fleet {
    let fault = |effect| Fault::new(effect).region(REGIONS[0]);
    accounts(&ACCOUNTS)
        .notebooks(mixed(&ACCOUNTS, &REGIONS, 126))
        .notebook(Notebook::new(ACCOUNTS[0], REGIONS[0], "secret").root_access("Disabled"))
        .fault(
            fault(Effect::Deny)
                .operation(Operation::DescribeNotebookInstance)
                .notebook("secret"),
        )
        .fault(
            fault(Effect::Deny)
                .operation(Operation::ListTags)
                .account(ACCOUNTS[1])
                .notebook("docker-*"),
        )
        .fault(
            Fault::new(Effect::Deny)
                .account(ACCOUNTS[2])
                .operation(Operation::AssumeRole),
        )
        .fault(fault(Effect::DisableRegion).account(ACCOUNTS[1]))
}

fn policies() -> [(&'static str, Value); 3] {
    let mut exempting = policy(&ACCOUNTS, &REGIONS);
    exempting["exemptions"] = json!([
        {"reason": "expired", "names": ["*"], "expiresAt": "2020-01-01T00:00:00Z"},
        {"reason": "rootful Docker", "tags": {"docker": "rootful"}, "expiresAt": "2999-01-01T00:00:00Z"},
        {"reason": "sandbox", "accounts": [ACCOUNTS[0]], "regions": [REGIONS[1]]},
    ]);
    let mut selecting = policy(&ACCOUNTS[..2], &REGIONS);
    selecting["selector"] = json!({"names": ["[a-n]*", "r?nning-*", "s*"], "tags": {"team": "a"}});
    selecting["remediation"] = json!({"whenRunning": "Wait", "maxConcurrent": 5});
    [
        ("plain", policy(&ACCOUNTS, &REGIONS)),
        ("exempting", exempting),
        ("selecting", selecting),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn the_scan_says_what_the_operator_says() {
    // The exemptions of other tests' policies would count.
    let start = || served::start(local_cluster::Options::default());
    let cluster = tokio::task::spawn_blocking(start).await.unwrap();
    let stage = Stage::on(&cluster, "agreement", fleet(), &[]).await;
    let mut statuses = BTreeMap::new();
    for (name, spec) in policies() {
        stage.apply(name, spec).await;
    }
    // What one policy exempts shows in the findings of the others: each is looked at when all are
    // known.
    for (name, _) in policies() {
        stage.until_scanned(name).await;
    }
    for (name, _) in policies() {
        let status = json!(stage.rescan(name).await);
        let omitted = status["findingsOmitted"].as_u64().unwrap_or_default();
        assert_eq!(omitted, 0, "{name}");
        statuses.insert(stage.policy(name), status);
    }

    let text: Vec<String> = policies()
        .iter()
        .map(|(name, spec)| manifest(&stage.policy(name), spec))
        .collect();
    let folder = Folder::new(&[("policies.yaml", &text.join("\n---\n"))]);
    let mut command = command_at(
        &stage.simulator,
        &["-f", &folder.name("policies.yaml"), "-o", "json"],
    );
    let scanned = tokio::task::spawn_blocking(move || finish(&mut command)).await;
    let report = scanned.unwrap().expect(4).json();

    assert_eq!(report["policies"].as_array().unwrap().len(), statuses.len());
    for policy in report["policies"].as_array().unwrap() {
        let name = policy["name"].as_str().unwrap();
        let status = &statuses[name];
        for figure in FIGURES {
            assert_eq!(
                policy["summary"][figure], status["summary"][figure],
                "{name}: {figure}"
            );
        }
        assert_eq!(
            findings(&policy["notebooks"]),
            findings(&status["findings"]),
            "{name}"
        );
        assert_eq!(
            targets(&policy["targets"]),
            targets(&status["targets"]),
            "{name}"
        );
    }
    // With all that the API server adds, statuses among it.
    let names = policies().map(|(name, _)| stage.policy(name));
    let get = ["get", "nrap", "-o", "yaml"].map(str::to_owned);
    let stored = cluster.run_kubectl(get.iter().chain(&names)).unwrap();
    assert!(stored.contains("lastScanTime"), "{stored}");
    let simulator = Arc::clone(&stage.simulator);
    let again = tokio::task::spawn_blocking(move || {
        scan_input(&simulator, &stored, &["-f", "-", "-o", "json"])
    });
    let again = again.await.unwrap().expect(4).json();
    for (index, name) in names.iter().enumerate() {
        let [read, stored] = [&report, &again].map(|report| &report["policies"][index]);
        assert_eq!(stored["name"], *name);
        assert_eq!(stored["notebooks"], read["notebooks"], "{name}");
        assert_eq!(stored["mode"], read["mode"], "{name}");
    }

    let verdicts = report["policies"][1]["summary"].clone();
    for figure in [
        "compliant",
        "nonCompliant",
        "exempt",
        "unknown",
        "unreadableTargets",
    ] {
        assert!(
            verdicts[figure].as_u64().unwrap() > 0,
            "the fleet has some: {figure}"
        );
    }
    assert_eq!(stage.simulator.writes(), []);
}

/// What is not plainly compliant, by ARN.
fn findings(notebooks: &Value) -> BTreeMap<String, Vec<Value>> {
    let notebooks = notebooks.as_array().unwrap().iter();
    notebooks
        .filter(|notebook| notebook["verdict"] != "Compliant")
        .map(|notebook| {
            let fields = FIELDS.map(|field| notebook[field].clone()).to_vec();
            (notebook["arn"].as_str().unwrap().to_owned(), fields)
        })
        .collect()
}

/// State and message, by account and region, in their order.
fn targets(targets: &Value) -> Vec<[Value; 4]> {
    let targets = targets.as_array().unwrap().iter();
    targets
        .map(|target| ["account", "region", "state", "message"].map(|field| target[field].clone()))
        .collect()
}
