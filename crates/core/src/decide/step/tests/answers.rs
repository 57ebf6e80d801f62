//! The meaning of each response to each request.

use EndReason::{AccessDenied, UpdateDenied, UpdateRefused};
use RecordState::{Failed, NeedsAttention, Pending, Stopping, Updating};
use RootAccess::Enabled;
use WriteOutcome::{Accepted, Denied, LimitExceeded, NotFound, Throttled, Unclear, WrongStatus};

use strum::VariantArray;

use super::*;
use crate::domain::WriteOutcome;

/// The change of a response to the progress with which the request was sent.
#[derive(Clone, Copy, Debug)]
enum Means {
    /// Nothing changes. The next pass looks again.
    Nothing,
    /// From now on the operator is responsible for the notebook.
    StopRequested,
    /// The same, and a Stop follows at once.
    ThenStop,
    /// The request's fields are taken back, and the state stays.
    AsBefore,
    /// The record needs attention at once.
    NeedAttention,
    /// AWS accepted a Start.
    StartAccepted,
    /// The notebook is restored, for this reason.
    Restore(EndReason),
    /// The record failed, and no notebook was touched.
    Fail(EndReason),
}

impl Means {
    fn reaction(self, sent: &Progress, before: &Progress) -> ResponseDecision {
        let mut progress = sent.clone();
        match self {
            Self::Nothing => {}
            Self::AsBefore => progress.take_back_sent(before),
            Self::NeedAttention => progress = Then::NeedAttention.progress(&progress, now()),
            Self::StartAccepted => progress.start_accepted_at = Some(now()),
            Self::StopRequested | Self::ThenStop => {
                progress.stop_requested_at = Some(now());
                if matches!(self, Self::ThenStop) {
                    progress.last_write_at = Some(now());
                    progress.unanswered_stop_at = Some(now());
                }
                if progress.state != NeedsAttention {
                    move_to(&mut progress, Stopping, now());
                }
            }
            Self::Restore(reason) => progress.rollback_reason = Some(reason),
            Self::Fail(reason) => {
                progress.stop_requested_at = before.stop_requested_at;
                progress = Then::End(Failed, reason).progress(&progress, now());
            }
        }
        ResponseDecision {
            progress,
            request: matches!(self, Self::ThenStop).then_some(Request::Stop),
        }
    }
}

/// Checks every response to a request that was recorded two seconds ago. Responses that are not
/// named mean nothing.
fn check(
    request: Request,
    (before, sent): (&Given, &Given),
    seen: &Observation,
    meanings: &[(WriteOutcome, Means)],
) {
    for &answer in WriteOutcome::VARIANTS {
        let means = meanings
            .iter()
            .find_map(|(kind, means)| (*kind == answer).then_some(*means))
            .unwrap_or(Means::Nothing);
        let before = &before.0.progress;
        let mut expected = means.reaction(&sent.0.progress, before);
        if request == Request::Stop && (answer == Accepted || answer.is_refusal()) {
            expected.progress.unanswered_stop_at = None;
        }
        assert_eq!(
            on_response(&sent.0, before, (request, answer), seen, now()),
            expected,
            "{request:?} {answer} {sent:#?}"
        );
    }
}

#[test]
fn a_probe_tells_whether_an_update_will_be_allowed() {
    let up = seen("InService", Enabled);
    let meanings = [
        (Denied, Means::Fail(AccessDenied)),
        (WrongStatus, Means::ThenStop),
        (Accepted, Means::StopRequested),
    ];
    for before in [
        pristine(Pending, 300),
        pristine(Pending, 300).wrote(60),
        pristine(NeedsAttention, 300).from(Step::Stop).wrote(60),
    ] {
        let sent = before.clone().wrote(2);
        check(Request::Probe, (&before, &sent), &up, &meanings);
    }
}

#[test]
fn a_probe_from_another_step_begins_to_stop() {
    // The notebook was stopped when the Update was sent, and its owner has started it since.
    let mut sent = pristine(Updating, 300).wrote(2);
    sent.0.progress.update_requested_at = Some(ago(300));
    let meanings = [
        (Denied, Means::Fail(AccessDenied)),
        (WrongStatus, Means::ThenStop),
        (Accepted, Means::StopRequested),
    ];
    let up = seen("InService", Enabled);
    check(Request::Probe, (&sent, &sent), &up, &meanings);
}

#[test]
fn the_first_stop_that_is_refused_stopped_nobody() {
    let up = seen("InService", Enabled);
    let meanings = [
        (Denied, Means::Fail(AccessDenied)),
        (WrongStatus, Means::AsBefore),
        (LimitExceeded, Means::AsBefore),
        (NotFound, Means::AsBefore),
    ];
    for before in [
        pristine(Pending, 300).wrote(2),
        pristine(NeedsAttention, 300).from(Step::Stop).wrote(2),
    ] {
        let noted = on_response(
            &before.0,
            &before.0.progress,
            (Request::Probe, WrongStatus),
            &up,
            ago(1),
        );
        assert_eq!(noted.request, Some(Request::Stop));
        let mut sent = before.clone();
        sent.0.progress = noted.progress;
        assert_eq!(sent.0.progress.stop_requested_at, Some(ago(1)));
        check(Request::Stop, (&before, &sent), &up, &meanings);
    }
}

#[test]
fn no_answer_to_a_later_stop_changes_anything() {
    let up = seen("InService", Enabled);
    for before in [
        ours(Stopping, 300).wrote(60),
        ours(NeedsAttention, 300).from(Step::Stop).wrote(60),
    ] {
        let sent = before.clone().wrote(2).stop_unanswered(2);
        check(Request::Stop, (&before, &sent), &up, &[]);
    }
}

#[test]
fn a_first_stop_that_may_be_on_its_way_down_is_ours() {
    let before = pristine(Stopping, 300).wrote(300);
    let mut sent = ours(Stopping, 300).wrote(2).stop_unanswered(2);
    sent.0.progress.stop_requested_at = Some(ago(2));
    for seen in [
        seen("Stopping", Enabled),
        // The notebook was down, and its start may fail.
        seen("Pending", Enabled),
        seen("Stopped", Enabled),
        seen("InMaintenance", RootAccess::Unknown),
        Observation::Unreadable,
    ] {
        check(
            Request::Stop,
            (&before, &sent),
            &seen,
            &[(Denied, Means::Fail(AccessDenied))],
        );
    }
    let meanings = [
        (Denied, Means::Fail(AccessDenied)),
        (WrongStatus, Means::AsBefore),
        (LimitExceeded, Means::AsBefore),
        (NotFound, Means::AsBefore),
    ];
    check(
        Request::Stop,
        (&before, &sent),
        &Observation::Missing,
        &meanings,
    );
}

#[test]
fn only_a_denied_start_and_an_accepted_one_change_anything() {
    for status in ["Stopped", "Failed"] {
        for before in [
            ours(RecordState::Starting, 300).starts(2, 120),
            rolling_back(UpdateDenied, RecordState::Starting, 300).starts(1, 60),
        ] {
            let sent = before.clone().starts(3, 2);
            check(
                Request::Start,
                (&before, &sent),
                &seen(status, RootAccess::Disabled),
                &[
                    (Denied, Means::NeedAttention),
                    (Accepted, Means::StartAccepted),
                ],
            );
        }
    }
}

#[test]
fn a_refused_update_of_what_we_stopped_brings_it_back() {
    let before = ours(Updating, 300).wrote(60);
    let sent = before.clone().wrote(2);
    check(
        Request::Update,
        (&before, &sent),
        &seen("Stopped", Enabled),
        &[(Denied, Means::Restore(UpdateDenied))],
    );
    check(
        Request::Update,
        (&before, &sent),
        &seen("Failed", Enabled),
        &[
            (Denied, Means::Restore(UpdateDenied)),
            (WrongStatus, Means::Restore(UpdateRefused)),
        ],
    );
}

#[test]
fn a_refused_update_of_what_was_stopped_fails() {
    for before in [
        stopped(Updating, 300).wrote(60),
        pristine(Updating, 300).wrote(60),
        stopped(NeedsAttention, 300).from(Step::Update).wrote(60),
    ] {
        let sent = before.clone().wrote(2);
        check(
            Request::Update,
            (&before, &sent),
            &seen("Stopped", Enabled),
            &[(Denied, Means::Fail(AccessDenied))],
        );
        check(
            Request::Update,
            (&before, &sent),
            &seen("Failed", Enabled),
            &[
                (Denied, Means::Fail(AccessDenied)),
                (WrongStatus, Means::Fail(UpdateRefused)),
            ],
        );
    }
}

/// Only these responses prove that nothing happened: see `WriteOutcome`.
#[test]
fn what_proves_nothing_is_no_refusal() {
    let unproven: Vec<WriteOutcome> = WriteOutcome::VARIANTS
        .iter()
        .copied()
        .filter(|answer| !answer.is_refusal())
        .collect();
    assert_eq!(unproven, [Accepted, Throttled, Unclear]);
}
