#![allow(clippy::unwrap_used)]

use proptest::prelude::*;
use serde_json::json;
use strum::VariantArray;

use super::*;
use crate::{
    decide::{ReportContext, report},
    domain::Step,
};

fn resource(status: &serde_json::Value) -> NotebookRemediation {
    serde_json::from_value(json!({
        "apiVersion": "sudoless.dev/v1alpha1",
        "kind": "NotebookRemediation",
        "metadata": {"name": "churn-1", "creationTimestamp": "2026-06-01T12:00:00Z"},
        "spec": {
            "policy": "no-root",
            "notebook": {
                "arn": "arn:aws:sagemaker:eu-west-1:111122223333:notebook-instance/churn",
                "account": "111122223333",
                "region": "eu-west-1",
                "name": "churn",
            },
            "access": {"role": "security/sudoless", "externalId": "8f1c"},
            "wasRunning": true,
            "timeouts": {"stop": "30m", "update": "15m", "start": "1h"},
            "recurrence": 2,
        },
        "status": status,
    }))
    .unwrap()
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_microsecond(1_800_000_000_000_000 + second * 1_000_000 + 123_456).unwrap()
}

#[test]
fn an_intent_is_read_as_it_was_written() {
    let stored = resource(&json!(null));
    let record = read_record(&stored).unwrap();
    assert_eq!(write_intent(&record.intent), stored.spec);
    assert!(record.intent.was_running);
    assert_eq!(record.intent.timeouts.start, Duration::from_hours(1));
    assert_eq!(
        (record.progress, record.being_deleted),
        (Progress::default(), false)
    );
}

#[test]
fn a_record_that_is_not_understood_says_why() {
    let mut wrong = resource(&json!({}));
    wrong.spec.notebook.account = "1".to_owned();
    assert!(matches!(
        read_record(&wrong),
        Err(InvalidRecord::Identifier(_))
    ));
    let mut timeless = resource(&json!({}));
    timeless.metadata.creation_timestamp = None;
    assert_eq!(read_record(&timeless), Err(InvalidRecord::NoCreation));
}

/// The notebook of a later version's record may be down, so it is brought back.
#[test]
fn what_a_later_version_wrote_is_read_all_the_same() {
    let read = |status| read_record(&resource(&status)).unwrap().progress;
    let newer = read(json!({"state": "Starting", "rollbackReason": "SomethingNew"}));
    assert_eq!(newer.rollback_reason, Some(EndReason::Unrecognized));
    let newer = read(json!({"state": "Dreaming", "attentionFrom": "Nap", "startedBy": "cron"}));
    assert_eq!(newer.state, RecordState::Unrecognized);
    assert_eq!(newer.attention_from, None);
    assert!(!newer.state.is_finished());
    let ended = read(json!({"state": "Retired", "completedAt": "2026-06-01T12:00:00.000000Z"}));
    assert!(ended.state.is_finished());
    let ended = read(json!({"state": "Cancelled", "reason": "SomethingNew"}));
    assert_eq!(ended.end, Some(EndReason::Unrecognized));
}

#[test]
fn downtime_is_from_the_stop_until_it_runs_again() {
    let down = Progress {
        stop_requested_at: Some(at(0)),
        update_requested_at: Some(at(60)),
        completed_at: Some(at(372)),
        end: Some(EndReason::RootAccessDisabled),
        ..Progress::default()
    };
    let status = write_progress(&down);
    assert_eq!(
        (status.downtime_seconds, status.downtime.as_deref()),
        (Some(372), Some("6m12s"))
    );
    for never_down in [
        Progress {
            stop_requested_at: None,
            ..down.clone()
        },
        Progress {
            update_requested_at: None,
            ..down.clone()
        },
        Progress {
            end: Some(EndReason::Deleted),
            ..down.clone()
        },
        Progress {
            completed_at: None,
            ..down
        },
    ] {
        assert_eq!(downtime(&never_down), None, "{never_down:?}");
    }
    assert_eq!(
        [59, 60, 3600, 7384].map(readable),
        ["59s", "1m0s", "1h0m", "2h3m"]
    );
}

#[test]
fn only_what_succeeded_or_was_cancelled_expires() {
    let month = Duration::from_hours(720);
    for (state, expires) in [
        (RecordState::Succeeded, true),
        (RecordState::Cancelled, true),
        (RecordState::Failed, false),
        (RecordState::NeedsAttention, false),
        (RecordState::Starting, false),
    ] {
        let mut record = read_record(&resource(&json!(null))).unwrap();
        record.progress.state = state;
        record.progress.completed_at = Some(at(0));
        let expected = expires.then(|| at(720 * 3600));
        assert_eq!(expiry(&record, month), expected, "{state}");
    }
}

fn any_time() -> impl Strategy<Value = Option<Timestamp>> {
    prop::option::of((0_i64..1_000_000).prop_map(at))
}

prop_compose! {
    fn any_progress()(
        state in prop::sample::select(RecordState::VARIANTS),
        times in prop::collection::vec(any_time(), 8),
        attention_from in prop::option::of(prop::sample::select(vec![Step::Stop, Step::Update, Step::Start])),
        start_attempts in 0_u32..9,
        rollback_reason in prop::option::of(prop::sample::select(EndReason::VARIANTS)),
        end in prop::sample::select(EndReason::VARIANTS),
        words in prop::collection::vec(prop::option::of("[a-z]{1,9}"), 2),
    ) -> Progress {
        let time = |index: usize| times.get(index).copied().flatten();
        Progress {
            state,
            step_since: time(0),
            attention_from,
            last_write_at: time(1),
            stop_requested_at: time(2),
            unanswered_stop_at: time(6),
            update_requested_at: time(3),
            start_requested_at: time(4),
            start_accepted_at: time(7),
            start_attempts,
            rollback_reason,
            last_error: words.first().cloned().flatten(),
            failure_reason: words.last().cloned().flatten(),
            completed_at: time(5).filter(|_| state != RecordState::Unrecognized),
            end: state.is_finished().then_some(end),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Nothing is lost on the way to the API server and back, because a pass depends on what the
    /// previous pass stored.
    #[test]
    fn progress_is_read_as_it_was_written(progress in any_progress()) {
        let mut record = read_record(&resource(&json!(null))).unwrap();
        record.progress = progress.clone();
        let context = ReportContext { desired: None, generation: Some(1), previous: None, now: at(0) };
        let status = report(&record, context);
        let stored = resource(&serde_json::to_value(&status).unwrap());
        prop_assert_eq!(stored.status.as_ref(), Some(&status));
        prop_assert_eq!(read_record(&stored).unwrap().progress, progress);
    }
}

#[test]
fn record_is_abandoned_once_its_last_write_is_old() {
    let after = Duration::from_secs(135);
    let cases = [
        (&[-136, -400][..], true),
        (&[-135, -400], false),
        (&[-400, -10], false),
        // A clock that is ahead of the local clock.
        (&[-400, 30], false),
    ];
    for (touches, expected) in cases {
        let touches: Vec<Timestamp> = touches.iter().map(|second| at(*second)).collect();
        assert_eq!(
            is_abandoned(&touches, after, at(0)),
            expected,
            "{touches:?}"
        );
    }
}
