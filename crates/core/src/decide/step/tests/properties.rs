//! Properties of every record, observation and desired state.

use std::ops::Range;

use RecordState::{NeedsAttention, Pending};
use proptest::{collection, option, prelude::*, sample};
use strum::VariantArray;

use super::*;
use crate::domain::{NotebookStatus, WriteOutcome};

/// Durations around every waiting time.
const SECONDS: [i64; 17] = [
    -300, 1, 44, 45, 59, 60, 119, 120, 239, 240, 599, 600, 899, 900, 1800, 3600, 90_000,
];
const STATUSES: [&str; 8] = [
    "Pending",
    "InService",
    "Stopping",
    "Stopped",
    "Failed",
    "Deleting",
    "Updating",
    "InMaintenance",
];

fn seconds() -> impl Strategy<Value = i64> {
    sample::select(&SECONDS)
}

fn any_wish() -> impl Strategy<Value = Desired> {
    prop_oneof![
        3 => Just(WANTED),
        1 => Just(NOT_NOW),
        1 => Just(RESTING),
        1 => Just(WITHDRAWN),
        1 => Just(UNCLEAR),
    ]
}

fn any_sighting() -> impl Strategy<Value = Observation> {
    let root_access = sample::select(&[
        RootAccess::Enabled,
        RootAccess::Disabled,
        RootAccess::Unknown,
    ]);
    let status = prop_oneof![
        3 => sample::select(&["InService", "Stopped", "Failed"]),
        1 => sample::select(&STATUSES),
    ];
    prop_oneof![
        1 => Just(Observation::Unreadable),
        1 => Just(Observation::Missing),
        18 => (status, root_access).prop_map(|(status, root_access)| seen(status, root_access)),
    ]
}

/// Generates any record that satisfies [`is_sound`].
fn any_record() -> impl Strategy<Value = Record> {
    let kind = prop_oneof![
        (sample::select(RecordState::VARIANTS), seconds())
            .prop_map(|(state, at)| stopped(state, at)),
        (sample::select(RecordState::VARIANTS), seconds())
            .prop_map(|(state, at)| pristine(state, at)),
        (sample::select(RecordState::VARIANTS), seconds()).prop_map(|(state, at)| ours(state, at)),
        (
            sample::select(EndReason::VARIANTS),
            sample::select(RecordState::VARIANTS),
            seconds()
        )
            .prop_map(|(reason, state, at)| rolling_back(reason, state, at)),
    ];
    let step = sample::select(&[Step::Stop, Step::Update, Step::Start]);
    (kind, step, option::of(seconds()), 0..7_u32, any::<bool>()).prop_map(
        |(given, step, wrote, attempts, being_deleted)| {
            let mut given = match given.0.progress.state {
                NeedsAttention => given.from(step),
                _ => given,
            };
            if given.0.was_stopped_by_us() && attempts > 0 {
                given = given.starts(attempts, 1);
            }
            given.0.progress.last_write_at = wrote.map(ago);
            given.0.being_deleted = being_deleted;
            given.0
        },
    )
}

/// Returns true if the invariants of every written record hold.
fn is_sound(record: &Record) -> bool {
    let progress = &record.progress;
    let ours = record.was_stopped_by_us();
    (progress.stop_requested_at.is_none() || record.intent.was_running)
        && (progress.rollback_reason.is_none() || ours)
        && (progress.start_requested_at.is_none() || ours)
        && progress.start_requested_at.is_some() == (progress.start_attempts > 0)
        && progress.attention_from.is_some() == (progress.state == NeedsAttention)
        && progress.completed_at.is_some() == progress.state.is_finished()
        && progress.end.is_some() == progress.state.is_finished()
}

/// Returns true if the request may be sent for the record as it was just stored.
fn may_be_sent(request: Request, record: &Record) -> bool {
    let progress = &record.progress;
    !record.is_finished()
        && match request {
            Request::Probe => record.intent.was_running && progress.stop_requested_at.is_none(),
            Request::Stop => record.was_stopped_by_us() && progress.rollback_reason.is_none(),
            Request::Update => {
                progress.rollback_reason.is_none() && progress.update_requested_at.is_some()
            }
            Request::Start => record.was_stopped_by_us() && progress.start_requested_at.is_some(),
        }
}

/// Returns true if a recorded time is still the same.
fn keeps(before: Option<Timestamp>, after: Option<Timestamp>) -> bool {
    before.is_none() || before == after
}

fn runs_with_root(seen: &Observation) -> bool {
    let Observation::Described {
        status,
        root_access,
        ..
    } = seen
    else {
        return false;
    };
    *status == NotebookStatus::InService && *root_access != RootAccess::Disabled
}

fn is_gone_or_runs(seen: &Observation) -> bool {
    match seen {
        Observation::Missing => true,
        Observation::Unreadable => false,
        Observation::Described { status, .. } => *status == NotebookStatus::InService,
    }
}

/// A pass of a walk: observation, desired, the responses to its two requests, and its time.
type Pass = (Observation, Desired, [WriteOutcome; 2], i64, bool);

fn any_passes(count: Range<usize>) -> impl Strategy<Value = Vec<Pass>> {
    let answer = || sample::select(WriteOutcome::VARIANTS);
    let wait = sample::select(&[10, 60, 120, 600, 1800, 3600]);
    let pass = (
        any_sighting(),
        any_wish(),
        [answer(), answer()],
        wait,
        prop::bool::weighted(0.03),
    );
    collection::vec(pass, count)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    /// The table is total, and the same input gives the same output.
    #[test]
    fn every_case_has_a_row(record in any_record(), seen in any_sighting(), desired in any_wish()) {
        prop_assert!(is_sound(&record));
        let decision = step(&record, &seen, desired, now(), &TIMES);
        prop_assert_ne!(decision.row, Row::NoRow);
        prop_assert_eq!(decision.requeue == Requeue::Never, decision.progress.state.is_finished());
        prop_assert_eq!(decision.clone(), step(&record, &seen, desired, now(), &TIMES));
        let after = Record { progress: decision.progress, ..record };
        prop_assert!(is_sound(&after), "{:#?}", after);
    }

    /// Promises P3, P4 and P9: a request is sent only if the stored record allows it.
    #[test]
    fn what_is_sent_was_noted(record in any_record(), seen in any_sighting(), desired in any_wish()) {
        let decision = step(&record, &seen, desired, now(), &TIMES);
        let after = Record { progress: decision.progress, ..record.clone() };
        if let Some(request) = decision.request {
            prop_assert!(may_be_sent(request, &after), "{:?} {:#?}", request, after);
            prop_assert_eq!(after.progress.last_write_at, Some(now()));
        } else {
            prop_assert_eq!(after.progress.last_write_at, record.progress.last_write_at);
        }
        let starts = u32::from(decision.request == Some(Request::Start));
        prop_assert_eq!(after.progress.start_attempts, record.progress.start_attempts + starts);
    }

    #[test]
    fn what_was_noted_stays(record in any_record(), seen in any_sighting(), desired in any_wish()) {
        let (before, after) = (&record.progress, step(&record, &seen, desired, now(), &TIMES).progress);
        prop_assert_eq!(after.stop_requested_at, before.stop_requested_at);
        prop_assert!(keeps(before.update_requested_at, after.update_requested_at));
        prop_assert!(keeps(before.start_requested_at, after.start_requested_at));
        prop_assert!(before.rollback_reason.is_none() || before.rollback_reason == after.rollback_reason);
        if record.is_finished() {
            prop_assert_eq!(&after, before);
        }
        // Deadlines count from the change of state, and never from a retry.
        let moved = (after.state, after.attention_from) != (before.state, before.attention_from);
        prop_assert_eq!(after.step_since, if moved { Some(now()) } else { before.step_since });
        prop_assert!(!moved || after.state != Pending);
    }

    /// Promise P2. A late Stop may still stop a running notebook.
    #[test]
    fn nothing_ends_too_early(record in any_record(), seen in any_sighting(), desired in any_wish()) {
        let decision = step(&record, &seen, desired, now(), &TIMES);
        if record.is_finished() || !decision.progress.state.is_finished() {
            return Ok(());
        }
        if record.was_stopped_by_us() {
            prop_assert!(is_gone_or_runs(&seen), "{:?} {:#?}", seen, record);
        }
        if runs_with_root(&seen) {
            let last = record.progress.last_write_at;
            let settled = last.is_none_or(|last| now() >= last + SignedDuration::from_mins(2));
            prop_assert!(settled, "{:?} {:#?}", seen, record);
        }
        if decision.progress.state == RecordState::Succeeded {
            let root_access = match seen {
                Observation::Described { root_access, .. } => root_access,
                Observation::Missing | Observation::Unreadable => RootAccess::Disabled,
            };
            prop_assert_eq!(root_access, RootAccess::Disabled);
        }
    }

    /// If a notebook must not be disturbed, no write begins to take it down.
    #[test]
    fn only_who_may_be_disturbed_is(record in any_record(), seen in any_sighting(), desired in any_wish()) {
        let request = step(&record, &seen, desired, now(), &TIMES).request;
        if matches!(request, Some(Request::Probe | Request::Stop)) {
            prop_assert_eq!(desired, Desired::Proceed);
            prop_assert!(!record.being_deleted);
            prop_assert_eq!(&seen, &super::seen("InService", RootAccess::Enabled));
        }
        if request == Some(Request::Update) {
            prop_assert!(matches!(desired, Desired::Proceed | Desired::Defer(_)));
            // The first Update does not come between the requests of another tool.
            let begins = record.step() != Step::Update || record.progress.last_write_at.is_none();
            let is_left = desired == RESTING && !record.was_stopped_by_us() && begins;
            prop_assert!(!is_left, "{:#?}", record);
            prop_assert!(!record.being_deleted);
            prop_assert!(!is_gone_or_runs(&seen));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// A record stays sound from its creation on, whatever happens.
    #[test]
    fn a_record_stays_sound(was_running in any::<bool>(), passes in any_passes(1..40)) {
        let status = if was_running { "InService" } else { "Stopped" };
        let mut record = fixtures::record((ACCOUNT, REGION), &notebook("churn", status, RootAccess::Enabled));
        let mut at = now();
        for (seen, desired, answers, wait, deletes) in passes {
            at += SignedDuration::from_secs(wait);
            record.being_deleted |= deletes;
            let start = record.clone();
            let decision = step(&record, &seen, desired, at, &TIMES);
            let mut before = std::mem::replace(&mut record.progress, decision.progress);
            let mut request = decision.request;
            let mut answers = answers.into_iter();
            while let Some(sent) = request {
                prop_assert!(may_be_sent(sent, &record), "{:?} {:#?}", sent, record);
                prop_assert_eq!(record.progress.last_write_at, Some(at));
                // A pass has at most one accepted write. A second request follows only a rejected
                // one.
                let answer = answers.next().expect("more than two requests in a pass");
                let reaction = on_response(&record, &before, (sent, answer), &seen, at);
                prop_assert_eq!(&reaction, &on_response(&record, &before, (sent, answer), &seen, at));
                prop_assert!(reaction.request.is_none() || answer.is_refusal());
                before = std::mem::replace(&mut record.progress, reaction.progress);
                request = reaction.request;
            }
            prop_assert!(is_sound(&record), "{:#?}", record);
            let (was, is) = (&start.progress, &record.progress);
            prop_assert!(keeps(was.stop_requested_at, is.stop_requested_at));
            prop_assert!(keeps(was.update_requested_at, is.update_requested_at));
            prop_assert!(keeps(was.start_requested_at, is.start_requested_at));
            prop_assert!(was.rollback_reason.is_none() || was.rollback_reason == is.rollback_reason);
            if start.is_finished() {
                prop_assert_eq!(&record, &start);
            }
            if record.was_stopped_by_us() && record.is_finished() && !start.is_finished() {
                prop_assert!(is_gone_or_runs(&seen), "{:?} {:#?}", seen, record);
            }
        }
    }
}
