#![allow(clippy::unwrap_used, clippy::panic)]

use strum::VariantArray;

use super::*;
use crate::domain::{Access, Intent, NotebookRef, Progress, Timeouts};

fn now() -> Timestamp {
    Timestamp::from_second(1_800_000_000).unwrap()
}

fn record(state: RecordState, change: impl FnOnce(&mut Record)) -> Record {
    let minutes = std::time::Duration::from_mins;
    let intent = Intent {
        policy: "no-root".into(),
        notebook: NotebookRef {
            arn: "arn:x".into(),
            account: "111122223333".parse().unwrap(),
            region: "eu-west-1".parse().unwrap(),
            name: "churn".to_owned(),
            created_at: None,
        },
        access: Access::default(),
        was_running: true,
        timeouts: Timeouts {
            stop: minutes(30),
            update: minutes(15),
            start: minutes(60),
        },
        recurrence: 0,
    };
    let mut record = Record::new(intent, now());
    record.progress.state = state;
    change(&mut record);
    record
}

fn said(record: &Record, desired: Option<Desired>) -> NotebookRemediationStatus {
    report(
        record,
        ReportContext {
            desired,
            generation: Some(1),
            previous: None,
            now: now(),
        },
    )
}

fn truths(status: &NotebookRemediationStatus) -> String {
    let truths: Vec<_> = status
        .conditions
        .iter()
        .map(|condition| format!("{}={}", condition.type_, condition.status))
        .collect();
    truths.join(" ")
}

/// By kstatus, an unfinished record is in progress, a record that needs a person has failed, and
/// any other finished record is current.
#[test]
fn conditions_follow_the_state() {
    for &state in RecordState::VARIANTS {
        let expected = match state {
            RecordState::NeedsAttention | RecordState::Failed => {
                "Ready=False Reconciling=False Stalled=True"
            }
            RecordState::Succeeded | RecordState::Cancelled => {
                "Ready=True Reconciling=False Stalled=False"
            }
            _ => "Ready=False Reconciling=True Stalled=False",
        };
        let status = said(
            &record(state, |record| {
                record.progress.end = Some(EndReason::Withdrawn);
            }),
            None,
        );
        assert_eq!(truths(&status), expected, "{state}");
        assert!(
            status
                .conditions
                .iter()
                .all(|condition| !condition.message.is_empty())
        );
    }
}

#[test]
fn transition_times_move_with_the_status_only() {
    let first = said(&record(RecordState::Stopping, |_| ()), None);
    let later = now() + jiff::SignedDuration::from_secs(60);
    let context = ReportContext {
        desired: None,
        generation: Some(1),
        previous: Some(&first),
        now: later,
    };
    let second = report(&record(RecordState::Updating, |_| ()), context);
    assert_eq!(
        second.conditions[0].last_transition_time,
        first.conditions[0].last_transition_time
    );
    let context = ReportContext {
        previous: Some(&second),
        ..context
    };
    let third = report(&record(RecordState::Succeeded, |_| ()), context);
    assert_eq!(third.conditions[0].last_transition_time.0, later);
}

#[test]
fn what_needs_attention_says_what_to_do_by_hand() {
    let stuck = record(RecordState::NeedsAttention, |record| {
        record.progress.attention_from = Some(Step::Start);
        record.progress.stop_requested_at = Some(now());
        record.progress.last_error =
            Some("StartNotebookInstance: ResourceLimitExceeded: none left".to_owned());
    });
    let name = RecordName::of(&stuck.intent.notebook);
    let status = said(&stuck, Some(Desired::Proceed));
    assert_eq!(status.reason.as_deref(), Some("NeedsAttention"));
    assert_eq!(
        status.message.unwrap(),
        format!(
            "the notebook does not run again; the operator keeps trying. AWS said: StartNotebookInstance: \
             ResourceLimitExceeded: none left. By hand, in account 111122223333: aws sagemaker start-notebook-instance --region \
             eu-west-1 --notebook-instance-name churn (if AWS rejects the platform, first aws sagemaker update-notebook-instance --region \
             eu-west-1 --notebook-instance-name churn --platform-identifier notebook-al2023-v1, and wait until the notebook is \
             Stopped; Amazon Linux 1 cannot be migrated); if the operator is gone for good, then kubectl patch nbr {name} --type merge -p '{{\"metadata\":{{\"finalizers\":null}}}}'"
        )
    );
}

/// The message has the cause in every state in which the notebook is down.
#[test]
fn a_failed_start_says_why() {
    let stuck = record(RecordState::NeedsAttention, |record| {
        record.progress.attention_from = Some(Step::Start);
        record.progress.stop_requested_at = Some(now());
        record.progress.failure_reason = Some("Insufficient notebook instance capacity".to_owned());
    });
    let message = said(&stuck, Some(Desired::Proceed)).message.unwrap();
    let expected = "the notebook does not run again; the operator keeps trying. AWS could not start the notebook: Insufficient notebook \
                    instance capacity. By hand";
    assert!(message.starts_with(expected), "{message}");
    // The state long before the deadline of the start.
    let trying = record(RecordState::Starting, |record| {
        record.progress = Progress {
            state: RecordState::Starting,
            attention_from: None,
            ..stuck.progress.clone()
        };
    });
    assert_eq!(
        said(&trying, Some(Desired::Proceed)).message.unwrap(),
        "root access is disabled; the notebook is being started again. AWS could not start the notebook: Insufficient notebook instance \
         capacity"
    );
}

#[test]
fn a_restored_record_says_what_is_not_known() {
    let restored = record(RecordState::NeedsAttention, |record| {
        record.progress.attention_from = Some(Step::Start);
    });
    let message = said(&restored, Some(Desired::Proceed)).message.unwrap();
    assert!(message.contains("restored without its status"), "{message}");
    assert!(
        message.contains("aws sagemaker start-notebook-instance --region eu-west-1"),
        "{message}"
    );
    assert!(message.contains("kubectl delete nbr churn-"), "{message}");
}

#[test]
fn a_failed_record_says_who_was_disturbed_and_how_to_go_on() {
    let denied = record(RecordState::Failed, |record| {
        record.progress.end = Some(EndReason::AccessDenied);
        record.progress.completed_at = Some(now());
    });
    let message = said(&denied, Some(Desired::Proceed)).message.unwrap();
    assert!(message.contains("nobody was disturbed"), "{message}");
    assert!(message.contains("kubectl delete nbr churn-"), "{message}");
    let restored = record(RecordState::Failed, |record| {
        record.progress.end = Some(EndReason::UpdateDenied);
        record.progress.stop_requested_at = Some(now());
        record.progress.start_requested_at = Some(now());
        record.progress.completed_at = Some(now());
    });
    let message = said(&restored, None).message.unwrap();
    assert!(
        message.contains("the notebook was stopped and runs again as before"),
        "{message}"
    );
}

#[test]
fn what_is_brought_back_says_why() {
    let rolling_back = record(RecordState::Starting, |record| {
        record.progress.rollback_reason = Some(EndReason::UpdateDenied);
    });
    let status = said(&rolling_back, Some(Desired::Proceed));
    assert_eq!(status.reason.as_deref(), Some("UpdateDenied"));
    assert_eq!(status.rollback_reason.as_deref(), Some("UpdateDenied"));
    let cancelled = record(RecordState::Cancelled, |record| {
        record.progress.end = Some(EndReason::Withdrawn);
    });
    let exempt = said(&cancelled, Some(Desired::Abort(Withdrawal::Exempt)));
    assert_eq!(
        exempt.message.as_deref(),
        Some("an exemption matches the notebook now")
    );
}

#[test]
fn a_record_that_is_left_to_somebody_else_says_so() {
    let deferred = record(RecordState::Cancelled, |record| {
        record.progress.end = Some(EndReason::Deferred);
    });
    let resting = Desired::Defer(Deferral::RecentlyStopped);
    assert_eq!(
        said(&deferred, Some(resting)).message.as_deref(),
        Some(
            "the notebook was stopped minutes ago, and its owner may be about to start it: root access is disabled once it has been \
             stopped for restAfterStop"
        )
    );
}
