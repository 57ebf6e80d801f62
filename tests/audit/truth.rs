//! The status tells the truth about every notebook: exact counts, and what could not be read.

use sagemaker_simulator::Fleet;
use serde_json::json;

use crate::stage::{Stage, condition};

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
        (12, 5, 4, 1, 2)
    );
    assert_eq!((summary.targets, summary.unreadable_targets), (5, 1));
    assert_eq!(condition(&status, "Ready").1, "PartialScan");
    assert_eq!(condition(&status, "Compliant").1, "RootAccessEnabled");
    assert!(stage.simulator.writes().is_empty());
}
