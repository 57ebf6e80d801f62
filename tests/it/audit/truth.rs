//! The status tells the truth about every notebook: exact counts, and every finding field by field.

use sagemaker_simulator::{Fleet, Notebook, Status as NotebookStatus};
use serde_json::{Value, json};

use super::{
    expectation::{Expectation, only_read},
    fleets::{ACCOUNTS, REGIONS, accounts, mixed, policy, tame},
};
use crate::support::stage::{Stage, condition};

#[tokio::test(flavor = "multi_thread")]
async fn the_demo_fleet_is_judged_notebook_by_notebook() {
    let fleet = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/simulator/fleets/demo.yaml"
    );
    let stage = Stage::begin("demo", Fleet::load(fleet.as_ref()).unwrap(), &[]).await;
    stage
        .apply(
            "all",
            json!({
                "accounts": [
                    {"id": "111122223333", "role": "sudoless"},
                    {"id": "444455556666", "role": "sudoless"},
                    {"id": "777788889999", "role": "sudoless", "regions": ["us-east-1"]},
                ],
                "regions": ["us-east-1", "eu-west-1"],
                "exemptions": [{"reason": "needs rootful Docker", "names": ["legacy-*"]}],
            }),
        )
        .await;
    let status = stage.until_scanned("all").await;
    let summary = status.summary.unwrap();
    assert_eq!(
        (
            summary.notebooks,
            summary.compliant,
            summary.non_compliant,
            summary.exempt,
            summary.unknown
        ),
        (15, 5, 7, 1, 2)
    );
    assert_eq!(summary.not_restartable, 2);
    let finding = |name: &str| {
        let found = status.findings.iter().find(|it| it.name == name);
        json!(found.unwrap())
    };
    for (name, platform) in [
        ("churn-model", "notebook-al2023-v1"),
        ("old-reports", "notebook-al2-v2"),
        ("archive", "notebook-al1-v1"),
        ("image-inference", "notebook-al2023-v1"),
    ] {
        assert_eq!(finding(name)["platform"], platform, "{name}");
    }
    // Policies of other tests may claim the rest.
    for name in ["old-reports", "image-inference"] {
        let found = finding(name);
        assert_eq!(
            [&found["next"], &found["reason"]],
            ["Wait", "NotRestartable"],
            "{name}"
        );
    }
    assert_eq!((summary.targets, summary.unreadable_targets), (5, 1));
    assert_eq!(condition(&status, "Ready").1, "PartialScan");
    assert_eq!(condition(&status, "Compliant").1, "RootAccessEnabled");
    only_read(&stage.simulator);
}

/// Three policies over one fleet, each with its own idea of which notebooks matter.
#[tokio::test(flavor = "multi_thread")]
async fn every_notebook_is_judged_as_it_is() {
    let fleet = accounts(&ACCOUNTS).notebooks(mixed(&ACCOUNTS, &REGIONS, 130));
    let stage = Stage::begin("judged", fleet, &[]).await;
    let fleet = stage.simulator.notebooks();
    let expectation = || Expectation::of(fleet.clone(), &ACCOUNTS, &REGIONS);

    stage.apply("plain", policy(&ACCOUNTS, &REGIONS)).await;
    let mut exempting = policy(&ACCOUNTS, &REGIONS);
    exempting["exemptions"] = json!([
        {"reason": "expired", "names": ["*"], "expiresAt": "2020-01-01T00:00:00Z"},
        {"reason": "old image", "names": ["legacy-*"]},
        {"reason": "rootful Docker", "tags": {"docker": "rootful"}, "expiresAt": "2999-01-01T00:00:00Z"},
        {"reason": "sandbox", "accounts": [ACCOUNTS[2]], "regions": [REGIONS[0], REGIONS[1]]},
    ]);
    stage.apply("exempting", exempting).await;
    let mut selecting = policy(&ACCOUNTS, &REGIONS);
    selecting["selector"] = json!({"names": ["[a-n]*", "r?nning-*", "s*"], "tags": {"team": "a"}});
    selecting["accounts"][1]["regions"] = json!([REGIONS[0]]);
    stage.apply("selecting", selecting).await;

    let plain = expectation();
    assert_eq!(
        ["Compliant", "NonCompliant", "Exempt", "Unknown"].map(|verdict| plain.count(verdict)),
        [36, 76, 0, 18],
        "the fleet has some of each"
    );
    plain.mark_canary_passed(&stage, "plain").await;

    let exempting = expectation()
        .exempting("old image", |notebook| notebook.name.starts_with("legacy-"))
        .exempting("rootful Docker", |notebook| {
            notebook.tags.contains_key("docker")
        })
        .exempting("sandbox", |notebook| {
            notebook.account == ACCOUNTS[2] && notebook.region != REGIONS[2]
        });
    let status = exempting.mark_canary_passed(&stage, "exempting").await;
    let (_, _, message) = condition(&status, "Ready");
    assert!(message.contains("spec.exemptions[0] expired"), "{message}");

    let selecting = Expectation::of(fleet.clone(), &[ACCOUNTS[0], ACCOUNTS[2]], &REGIONS)
        .also(ACCOUNTS[1], &REGIONS[..1])
        .selecting(|notebook| {
            let first = notebook.name.as_bytes()[0];
            let named = first <= b'n' || first == b's' || notebook.name.starts_with("running-");
            named && notebook.tags.get("team").is_some_and(|team| team == "a")
        });
    selecting.mark_canary_passed(&stage, "selecting").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_are_seen_at_the_next_scan() {
    let (account, region) = (ACCOUNTS[0], REGIONS[0]);
    let fleet = accounts(&[account]).notebooks(tame(account, region, 5));
    let stage = Stage::begin("changes", fleet, &[]).await;
    stage.apply("all", policy(&[account], &[region])).await;
    let expectation = || Expectation::of(stage.simulator.notebooks(), &[account], &[region]);
    let status = expectation().mark_canary_passed(&stage, "all").await;
    assert_eq!(condition(&status, "Compliant").0, "True");

    stage
        .simulator
        .modify_notebook(account, region, "tame-1", |notebook| {
            notebook.root_access = sagemaker_simulator::RootAccess::Enabled;
        });
    stage.simulator.remove_notebook(account, region, "tame-2");
    stage
        .simulator
        .put_notebook(Notebook::new(account, region, "new").status(NotebookStatus::Pending));
    stage
        .simulator
        .modify_notebook(account, region, "tame-3", |notebook| {
            notebook.root_access = sagemaker_simulator::RootAccess::Absent;
        });
    let status = stage.rescan("all").await;
    let now = expectation();
    assert_eq!(now.count("NonCompliant"), 2);
    now.holds(&status);
    only_read(&stage.simulator);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_300_violations_the_first_100_are_listed_in_order() {
    let violations = (0..300).map(|number| {
        let (account, region) = (ACCOUNTS[number % 2], REGIONS[number % 3]);
        Notebook::new(account, region, &format!("n-{number}"))
    });
    let ids = &ACCOUNTS[..2];
    let stage = Stage::begin("many", accounts(ids).notebooks(violations), &[]).await;
    stage.apply("all", policy(ids, &REGIONS)).await;
    let expectation = Expectation::of(stage.simulator.notebooks(), ids, &REGIONS);
    assert_eq!(expectation.count("NonCompliant"), 300);
    let first = expectation.mark_canary_passed(&stage, "all").await;
    assert_eq!((first.findings.len(), first.findings_omitted), (100, 200));
    let mut order: Vec<_> = first
        .findings
        .iter()
        .map(|finding| (&finding.account, &finding.region, &finding.name))
        .collect();
    assert!(order.is_sorted());
    order.dedup();
    assert_eq!(order.len(), 100);

    let bytes = |mut status: Value| {
        let last_scan = status["lastScanTime"].take();
        (status.to_string(), last_scan)
    };
    // As the API server has it, not as it decodes.
    let stored = async || json!(stage.get("all").await.status);
    let (before, scanned_before) = bytes(stored().await);
    stage.rescan("all").await;
    let (after, scanned_after) = bytes(stored().await);
    assert_eq!(before, after);
    assert_ne!(scanned_before, scanned_after);
    only_read(&stage.simulator);
}
