//! The order, number and content of findings and targets.

use super::*;

#[test]
fn a_hundred_findings_are_listed_in_order() {
    let fleet = |account: &str, region: &str, count: usize| {
        let notebooks = (0..count)
            .map(|index| violation(&format!("{index:03}")))
            .collect();
        snapshot(account, region, TargetState::Scanned, notebooks)
    };
    let snapshots = [
        fleet(OTHER, REGION, 150),
        fleet(ACCOUNT, "us-east-1", 60),
        fleet(ACCOUNT, REGION, 90),
        other(TargetState::Throttled),
    ];
    let status = after_scan(&snapshots[..3]);
    assert_eq!((status.findings.len(), status.findings_omitted), (100, 200));
    assert_eq!(status.summary.unwrap().non_compliant, 300);
    let listed: Vec<String> = status
        .findings
        .iter()
        .map(|finding| format!("{}/{}/{}", finding.account, finding.region, finding.name))
        .collect();
    let names = |region: &str, count| {
        (0..count)
            .map(|index| format!("{ACCOUNT}/{region}/{index:03}"))
            .collect::<Vec<_>>()
    };
    assert_eq!(listed, [names(REGION, 90), names("us-east-1", 10)].concat());
    assert_eq!(after_scan(&snapshots[..1]).findings_omitted, 50);
    assert_eq!(
        after_scan(&[fleet(ACCOUNT, REGION, 100)]).findings_omitted,
        0
    );
}

#[test]
fn a_hundred_targets_are_listed_worst_first() {
    let kinds = [
        TargetState::RegionDisabled,
        TargetState::Scanned,
        TargetState::Throttled,
        TargetState::Unreachable,
        TargetState::AccessDenied,
        TargetState::InvalidCredentials,
    ];
    let snapshots: Vec<_> = (0..150)
        .map(|index: usize| {
            let notebooks = (0..index % 5)
                .map(|name| violation(&name.to_string()))
                .collect();
            let account = format!("{index:012}");
            match kinds[index % kinds.len()] {
                TargetState::Scanned => snapshot(&account, REGION, TargetState::Scanned, notebooks),
                state => snapshot(&account, REGION, state, vec![]),
            }
        })
        .collect();
    let status = after_scan(&snapshots);
    assert_eq!((status.targets.len(), status.targets_omitted), (100, 50));
    let summary = status.summary.unwrap();
    assert_eq!((summary.targets, summary.unreadable_targets), (150, 100));
    let expected: Vec<TargetState> = [
        TargetState::InvalidCredentials,
        TargetState::AccessDenied,
        TargetState::Unreachable,
        TargetState::Throttled,
    ]
    .into_iter()
    .flat_map(|state| [state; 25])
    .collect();
    let listed: Vec<TargetState> = status.targets.iter().map(|target| target.state).collect();
    assert_eq!(listed, expected);
    assert!(
        status
            .targets
            .chunks(25)
            .all(|same| same.is_sorted_by_key(|target| target.account.clone()))
    );

    let readable: Vec<_> = snapshots
        .into_iter()
        .filter(|snapshot| !snapshot.state.is_unreadable())
        .collect();
    let status = after_scan(&readable);
    let violations: Vec<Option<u32>> = status
        .targets
        .iter()
        .map(|target| target.non_compliant)
        .collect();
    let per_count = |count| vec![Some(count); 5];
    let disabled = vec![None; 25];
    assert_eq!(
        violations,
        [
            per_count(4),
            per_count(3),
            per_count(2),
            per_count(1),
            per_count(0),
            disabled
        ]
        .concat()
    );
}

#[test]
fn targets_have_figures_only_where_something_is_known() {
    use TargetState::{AccessDenied, Throttled};
    let status = after_scan(&[
        snapshot(
            ACCOUNT,
            REGION,
            Throttled,
            vec![violation("a"), unread("b", Throttled)],
        ),
        snapshot(OTHER, "*", AccessDenied, vec![]),
        snapshot(OTHER, REGION, TargetState::Scanned, vec![]),
    ]);
    let shown: Vec<Value> = status
        .targets
        .iter()
        .map(|target| serde_json::to_value(target).unwrap())
        .collect();
    assert_eq!(
        shown,
        [
            json!({"account": OTHER, "region": "*", "state": "AccessDenied", "message": "ListNotebookInstances: AccessDenied"}),
            json!({
                "account": ACCOUNT, "region": REGION, "state": "Throttled", "notebooks": 2, "nonCompliant": 1,
                "message": "ListNotebookInstances: Throttled",
            }),
            json!({"account": OTHER, "region": REGION, "state": "Scanned", "notebooks": 0, "nonCompliant": 0}),
        ]
    );
}

#[test]
fn findings_are_shown_in_full() {
    let mut scripted = violation("churn");
    scripted.details.as_mut().unwrap().lifecycle_config = Some("setup".to_owned());
    let status = after_scan(&[scanned(vec![
        compliant("a"),
        scripted,
        unread("x", TargetState::AccessDenied),
    ])]);
    let shown: Vec<Value> = status
        .findings
        .iter()
        .map(|finding| serde_json::to_value(finding).unwrap())
        .collect();
    assert_eq!(
        shown,
        [
            json!({
                "account": ACCOUNT, "region": REGION, "name": "churn",
                "arn": "arn:aws:sagemaker:eu-west-1:111122223333:notebook-instance/churn",
                "verdict": "NonCompliant", "status": "InService", "rootAccess": "Enabled", "next": "Restart",
                "reason": "RootAccessEnabled",
                "message": "root access is enabled; the notebook is running and must be restarted to change it",
                "platform": "notebook-al2023-v1",
                "lifecycleConfig": "setup",
            }),
            json!({
                "account": ACCOUNT, "region": REGION, "name": "x",
                "arn": "arn:aws:sagemaker:eu-west-1:111122223333:notebook-instance/x",
                "verdict": "Unknown", "status": "InService", "rootAccess": "Unknown", "next": "None",
                "reason": "AccessDenied", "message": "DescribeNotebookInstance: AccessDenied",
            }),
        ]
    );
    assert_eq!(status.summary.unwrap().lifecycle_configs, 1);
}
