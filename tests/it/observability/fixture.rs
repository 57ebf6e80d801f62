//! Facts and metrics to look at.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use strum::VariantArray;
use sudoless::{
    aws::{Operation, Outcome, RequestObserver},
    domain::{
        Access, AccountId, Intent, Mode, NotebookRef, PolicyName, Progress, Record, RecordState,
        Region, Target, TargetRegion, TargetState, Timeouts, WaitReason,
    },
    observability::{
        BuildInfo, Controller, ExemptionExpiry, Metrics, PolicyFacts, ReconciliationResult,
        RecordFacts, StartFailure, TargetFacts,
    },
};

const INSTANT: i64 = 1_800_000_000;

fn target(account: &str, region: &str) -> Arc<Target> {
    let region = match region {
        "*" => TargetRegion::Unresolved,
        code => TargetRegion::Named(code.parse::<Region>().unwrap()),
    };
    Arc::new(Target {
        account: account.parse::<AccountId>().unwrap(),
        region,
    })
}

/// A target that was read, one notebook at most with a lifecycle configuration.
pub fn scanned(account: &str, region: &str, verdicts: [u32; 4]) -> TargetFacts {
    TargetFacts {
        target: target(account, region),
        state: TargetState::Scanned,
        verdicts,
        not_restartable: verdicts[1].min(1),
        lifecycle_configs: verdicts.iter().sum::<u32>().min(1),
        last_success: Some(Timestamp::from_second(INSTANT).unwrap()),
        oldest_violation: (verdicts[1] > 0)
            .then_some(Timestamp::from_second(INSTANT - 86400).unwrap()),
    }
}

/// A target that was not.
pub fn denied(account: &str, region: &str) -> TargetFacts {
    TargetFacts {
        state: TargetState::AccessDenied,
        last_success: None,
        ..scanned(account, region, [0; 4])
    }
}

/// A policy's facts.
pub fn facts(targets: Vec<TargetFacts>) -> PolicyFacts {
    PolicyFacts {
        mode: Mode::Audit,
        suspended: false,
        scan_interval: Duration::from_mins(10),
        last_scan: Some(Timestamp::from_second(INSTANT).unwrap()),
        targets,
        waiting: [0; WaitReason::VARIANTS.len()],
        halted: 0,
        braked: false,
        expiries: Vec::new(),
    }
}

/// Metrics of an operator that did nothing yet.
pub fn metrics() -> Metrics {
    Metrics::new(BuildInfo::current()).unwrap()
}

/// Metrics of policies, and of nothing that was done about what they found.
pub fn busy_metrics() -> Metrics {
    let metrics = metrics();
    metrics.published(
        &PolicyName::from("no-root"),
        facts(vec![
            scanned("111122223333", "eu-west-1", [17, 2, 1, 0]),
            scanned("111122223333", "us-east-1", [0; 4]),
            denied("444455556666", "eu-west-1"),
        ]),
    );
    metrics.published(
        &PolicyName::from("strict"),
        PolicyFacts {
            mode: Mode::Enforce,
            suspended: true,
            expiries: vec![ExemptionExpiry {
                place: "2".to_owned(),
                at: Timestamp::from_second(INSTANT + 86400).unwrap(),
            }],
            ..facts(vec![scanned("111122223333", "eu-west-1", [17, 3, 0, 0])])
        },
    );
    metrics.scanned(TargetState::Scanned, Duration::from_millis(300));
    metrics.attempted(Operation::ListNotebookInstances, Outcome::Throttled);
    metrics.reconciled(
        Controller::Policy,
        ReconciliationResult::Success,
        Duration::from_millis(300),
    );
    metrics
}

/// Metrics of which every family has a series.
pub fn remediating_metrics() -> Metrics {
    let metrics = busy_metrics();
    metrics.record_changed("churn", Some(RecordFacts::of(&down())));
    metrics.remediated(
        &PolicyName::from("strict"),
        RecordState::Succeeded,
        Some(Duration::from_mins(6)),
    );
    metrics.start_failed(&PolicyName::from("strict"), StartFailure::Failed);
    metrics
}

/// A record of a notebook that is down.
fn down() -> Record {
    let at = Timestamp::from_second(INSTANT).unwrap();
    let minute = Duration::from_mins(1);
    let intent = Intent {
        policy: PolicyName::from("strict"),
        notebook: NotebookRef {
            arn: "arn:aws:sagemaker:eu-west-1:111122223333:notebook-instance/churn".into(),
            account: "111122223333".parse().unwrap(),
            region: "eu-west-1".parse().unwrap(),
            name: "churn".to_owned(),
            created_at: None,
        },
        access: Access {
            role: None,
            external_id: None,
        },
        was_running: true,
        timeouts: Timeouts {
            stop: minute,
            update: minute,
            start: minute,
        },
        recurrence: 0,
    };
    Record {
        progress: Progress {
            state: RecordState::Updating,
            stop_requested_at: Some(at),
            ..Progress::default()
        },
        ..Record::new(intent, at)
    }
}
