//! Cases for everything in a row of the table.

use std::collections::BTreeMap;

use EndReason::{
    Deleted, RootAccessDisabled, RootAccessUnknown, StartedByOwner, StoppedByOwner, TimedOut,
    UpdateDenied, UpdateTimedOut, Withdrawn,
};
use RecordState::{
    Cancelled, Failed, NeedsAttention, Pending, Starting, Stopping, Succeeded, Updating,
};
use Request::{Probe, Start, Stop, Update};
use RootAccess::{Disabled, Enabled, Unknown};
use Then::{End, Enter, NeedAttention, NeedAttentionAtStart, Restore, RestoreOnly, Send, Wait};

use super::*;

type Case = (Row, Given, Observation, Desired, Then);

/// The reason of a cancelled record that was not withdrawn.
const LATER: EndReason = EndReason::Deferred;

fn check((row, Given(record), seen, desired, then): Case) {
    let decision = step(&record, &seen, desired, now(), &TIMES);
    let mut progress = then.progress(&record.progress, now());
    if then.request() == Some(Stop) {
        progress.unanswered_stop_at = Some(now());
    }
    let requeue = match row {
        Row::Unreadable => Requeue::BackOff,
        _ if progress.state.is_finished() => Requeue::Never,
        _ => Requeue::Soon,
    };
    let expected = Decision {
        row,
        progress,
        request: then.request(),
        requeue,
    };
    assert_eq!(decision, expected, "{record:#?} {seen:?} {desired:?}");
}

/// Counts the cases of each row, so that a missing case is noticed.
#[test]
fn every_row_says_what_follows() {
    let cases = [
        rows_0_to_2(),
        rows_of_later_versions_and_backups(),
        row_2a(),
        rows_3_to_4(),
        rows_5_to_7(),
        rows_8_to_10(),
        rows_11_to_12(),
        rows_13_to_15(),
        rows_16_to_17(),
        row_18(),
    ];
    let mut ran: BTreeMap<&str, u32> = BTreeMap::new();
    for case in cases.into_iter().flatten() {
        *ran.entry(case.0.number()).or_default() += 1;
        check(case);
    }
    let ran: Vec<(&str, u32)> = Row::all()
        .map(|row| (row.number(), ran.remove(row.number()).unwrap_or_default()))
        .collect();
    #[rustfmt::skip]
    let expected = [
        ("0", 8), ("0a", 5), ("-", 8), ("1", 8), ("2", 9), ("2a", 8), ("3", 21), ("4", 10), ("5", 9), ("5a", 10), ("6", 7), ("7", 6), ("8", 13),
        ("9", 6), ("10", 17), ("11", 5), ("12", 17), ("13", 10), ("14", 5), ("15", 8), ("16", 9), ("17", 17), ("18", 47),
    ];
    assert_eq!(ran, expected);
}

#[rustfmt::skip]
fn rows_0_to_2() -> Vec<Case> {
    let running = || seen("InService", Enabled);
    let up = || seen("InService", Disabled);
    let mut cases = vec![
        // 0: any observation.
        (Row::Finished, ours(Succeeded, 5), seen("Stopped", Enabled), WANTED, Wait),
        (Row::Finished, ours(Cancelled, 5), running(), WANTED, Wait),
        (Row::Finished, ours(Failed, 5), running(), WANTED, Wait),
        (Row::Finished, ours(Failed, 5).deleted(), seen("Failed", Disabled), WITHDRAWN, Wait),
        (Row::Finished, ours(Failed, 5), Observation::Missing, WANTED, Wait),
        (Row::Finished, ours(Failed, 9 * START_TIMEOUT), Observation::Unreadable, WANTED, Wait),
        (Row::Finished, stopped(Succeeded, 5), seen("Stopped", Enabled), WANTED, Wait),
        (Row::Finished, pristine(Cancelled, 5), seen("Surprising", Unknown), UNCLEAR, Wait),
        // –: could not be described.
        (Row::Unreadable, ours(Stopping, 5), Observation::Unreadable, WANTED, Wait),
        (Row::Unreadable, ours(Stopping, STOP_TIMEOUT - 1), Observation::Unreadable, WITHDRAWN, Wait),
        (Row::Unreadable, ours(NeedsAttention, 9 * STOP_TIMEOUT).from(Step::Stop), Observation::Unreadable, WANTED, Wait),
        (Row::Unreadable, pristine(Pending, 5).deleted(), Observation::Unreadable, WANTED, Wait),
        // 1: the notebook does not exist.
        (Row::Deleted, stopped(Pending, 5), Observation::Missing, WANTED, End(Succeeded, Deleted)),
        (Row::Deleted, pristine(Pending, 5).deleted(), Observation::Missing, WANTED, End(Succeeded, Deleted)),
        (Row::Deleted, ours(Stopping, 5).wrote(1), Observation::Missing, WITHDRAWN, End(Succeeded, Deleted)),
        (Row::Deleted, ours(Starting, 5).starts(1, 1), Observation::Missing, UNCLEAR, End(Succeeded, Deleted)),
        (Row::Deleted, rolling_back(UpdateDenied, Starting, 5), Observation::Missing, NOT_NOW, End(Succeeded, Deleted)),
        (Row::Deleted, ours(NeedsAttention, 5).from(Step::Start), Observation::Missing, WANTED, End(Succeeded, Deleted)),
        // 2: fixed and running, by any hand, and whatever rollback was planned.
        (Row::Fixed, stopped(Updating, 5), up(), WANTED, End(Succeeded, RootAccessDisabled)),
        (Row::Fixed, pristine(Pending, 5), up(), NOT_NOW, End(Succeeded, RootAccessDisabled)),
        (Row::Fixed, ours(Stopping, 5).wrote(1), up(), WITHDRAWN, End(Succeeded, RootAccessDisabled)),
        (Row::Fixed, ours(Starting, 5).wrote(1).stop_unanswered(44), up(), WANTED, Wait),
        (Row::Fixed, ours(Starting, 5).wrote(1).stop_unanswered(45), up(), WANTED, End(Succeeded, RootAccessDisabled)),
        (Row::Fixed, ours(Starting, 5).starts(1, 1), up(), WANTED, End(Succeeded, RootAccessDisabled)),
        (Row::Fixed, ours(Starting, 5).deleted(), up(), UNCLEAR, End(Succeeded, RootAccessDisabled)),
        (Row::Fixed, rolling_back(UpdateTimedOut, Starting, 5), up(), UNCLEAR, End(Succeeded, RootAccessDisabled)),
        (Row::Fixed, ours(NeedsAttention, 5).from(Step::Start), up(), WANTED, End(Succeeded, RootAccessDisabled)),
    ];
    for (state, timeout) in [(Pending, STOP_TIMEOUT), (Stopping, STOP_TIMEOUT), (Updating, UPDATE_TIMEOUT), (Starting, START_TIMEOUT)] {
        cases.push((Row::Unreadable, ours(state, timeout), Observation::Unreadable, WANTED, NeedAttention));
    }
    cases
}

/// A state of a later version, and a record that was restored from a backup.
#[rustfmt::skip]
fn rows_of_later_versions_and_backups() -> Vec<Case> {
    use RecordState::Unrecognized;
    let down = || seen("Stopped", Enabled);
    let fixed = || seen("Stopped", Disabled);
    let up = || seen("InService", Enabled);
    // Without a requested Stop, nothing is done. With one, a notebook that is down is restored.
    vec![
        (Row::Unrecognized, pristine(Unrecognized, 5), up(), WANTED, Wait),
        (Row::Unrecognized, pristine(Unrecognized, 9 * STOP_TIMEOUT), up(), NOT_NOW, Wait),
        (Row::Unrecognized, pristine(Unrecognized, 5), Observation::Unreadable, WANTED, Wait),
        (Row::Unrecognized, stopped(Unrecognized, 5), down(), UNCLEAR, Wait),
        (Row::Unrecognized, pristine(Unrecognized, 5), fixed(), WANTED, Wait),
        (Row::NotDisturbed, pristine(Unrecognized, 5).deleted(), up(), WANTED, End(Cancelled, Withdrawn)),
        (Row::WithdrawnWhileStopped, stopped(Unrecognized, 5), down(), WITHDRAWN, End(Cancelled, Withdrawn)),
        (Row::BringBack, ours(Unrecognized, 5), down(), WANTED, Restore(EndReason::Unrecognized)),
        (Row::BringBack, ours(Unrecognized, 5), seen("Failed", Disabled), UNCLEAR, Restore(EndReason::Unrecognized)),
        (Row::BroughtBack, ours(Unrecognized, 5).wrote(120), up(), WANTED, End(Failed, EndReason::Unrecognized)),
        (Row::BringBack, rolling_back(EndReason::Unrecognized, Updating, 5), down(), WANTED, Send(Start, Starting)),
        // The notebook was running, and the record has no status although it is old, or younger
        // than the stop.
        (Row::RestoredFromBackup, pristine(Pending, 5).without_status(120), fixed(), WANTED, NeedAttentionAtStart),
        (Row::RestoredFromBackup, pristine(Pending, 5).without_status(120), down(), WANTED, NeedAttentionAtStart),
        (Row::RestoredFromBackup, pristine(Pending, 5).without_status(10), at(fixed(), 9999, 200), UNCLEAR, NeedAttentionAtStart),
        (Row::RestoredFromBackup, pristine(Pending, 5).without_status(10), at(seen("Failed", Enabled), 9999, 200), NOT_NOW, NeedAttentionAtStart),
        (Row::RestoredFromBackup, pristine(Pending, 5).without_status(10), at(seen("Stopped", Unknown), 9999, 200), WANTED, NeedAttentionAtStart),
        (Row::RestoredFromBackup, pristine(Pending, 5).without_status(120), fixed(), WITHDRAWN, NeedAttentionAtStart),
        (Row::RestoredFromBackup, pristine(Unrecognized, 5), down(), WITHDRAWN, NeedAttentionAtStart),
        (Row::RestoredFromBackup, pristine(NeedsAttention, 9 * START_TIMEOUT).from(Step::Start), fixed(), WANTED, Wait),
        (Row::RestoredFromBackup, pristine(NeedsAttention, 5).from(Step::Start), down(), UNCLEAR, Wait),
        (Row::RestoredFromBackup, pristine(NeedsAttention, 5).from(Step::Start), seen("Failed", Unknown), WANTED, Wait),
        (Row::FixedWhileStopped, pristine(Pending, 5).without_status(119), fixed(), WANTED, End(Succeeded, RootAccessDisabled)),
        (Row::FixedWhileStopped, pristine(Pending, 5).without_status(120).deleted(), fixed(), WANTED, End(Succeeded, RootAccessDisabled)),
        (Row::WithdrawnWhileStopped, pristine(NeedsAttention, 5).from(Step::Start).deleted(), down(), WANTED, End(Cancelled, Withdrawn)),
        (Row::FixedWhileStopped, stopped(Pending, 5).without_status(9999), fixed(), WANTED, End(Succeeded, RootAccessDisabled)),
        (Row::UpdateWhileStopped, pristine(Pending, 5).without_status(10), at(down(), 9999, 5), WANTED, Send(Update, Updating)),
        (Row::Probe, pristine(NeedsAttention, 5).from(Step::Start), up(), WANTED, End(Cancelled, TimedOut)),
    ]
}

/// The notebook ran again after the operator's Start and was stopped since. Also another notebook
/// of the same name.
#[rustfmt::skip]
fn row_2a() -> Vec<Case> {
    let down = |root_access, modified| at(seen("Stopped", root_access), 99_999, modified);
    let started = || ours(Starting, 50 * MINUTE).starts(2, 700).start_accepted(700);
    let back = |reason| rolling_back(reason, Starting, 50 * MINUTE).starts(2, 700).start_accepted(700);
    vec![
        (Row::StoppedByOwner, started(), down(Disabled, 100), WANTED, End(Succeeded, StoppedByOwner)),
        (Row::StoppedByOwner, started(), down(Enabled, 100), WANTED, End(Cancelled, StoppedByOwner)),
        (Row::StoppedByOwner, started(), down(Unknown, 0), UNCLEAR, End(Cancelled, StoppedByOwner)),
        (Row::StoppedByOwner, back(Withdrawn), down(Enabled, 100), WITHDRAWN, End(Cancelled, StoppedByOwner)),
        (Row::StoppedByOwner, back(Withdrawn), down(Disabled, 100), WITHDRAWN, End(Cancelled, StoppedByOwner)),
        (Row::StoppedByOwner, back(UpdateDenied), down(Enabled, 100), WANTED, End(Failed, StoppedByOwner)),
        (Row::StoppedByOwner, back(UpdateDenied), down(Unknown, 100), NOT_NOW, End(Failed, StoppedByOwner)),
        (Row::StoppedByOwner, started().deleted(), down(Disabled, 100), WANTED, End(Succeeded, StoppedByOwner)),
        // The Start had no effect, ended in Failed, or is unknown.
        (Row::StartAgain, started(), down(Disabled, 101), WANTED, Send(Start, Starting)),
        (Row::StartAgain, started(), at(seen("Failed", Disabled), 99_999, 0), WANTED, Send(Start, Starting)),
        (Row::BringBack, back(UpdateDenied), down(Enabled, 101), WANTED, Send(Start, Starting)),
        (Row::UpdateWhileDown, ours(Stopping, 5).wrote(1), down(Enabled, 0), WANTED, Send(Update, Updating)),
        (Row::Deleted, ours(Starting, 5).created(500), at(seen("Stopped", Enabled), 400, 0), WANTED, End(Succeeded, Deleted)),
        (Row::Deleted, pristine(Pending, 5).created(500), at(seen("InService", Enabled), 499, 0), WANTED, End(Succeeded, Deleted)),
        (Row::Probe, pristine(Pending, 5).created(500), at(seen("InService", Enabled), 500, 0), WANTED, Send(Probe, Pending)),
    ]
}

#[rustfmt::skip]
fn rows_3_to_4() -> Vec<Case> {
    let down = || seen("Stopped", Enabled);
    let up = || seen("InService", Enabled);
    let denied = |state, seconds| rolling_back(UpdateDenied, state, seconds);
    vec![
        // 3: at once, whatever was sent before and whatever the wish is.
        (Row::BringBack, denied(Updating, 5).wrote(1), down(), WANTED, Send(Start, Starting)),
        (Row::BringBack, denied(Updating, 5).wrote(1), seen("Failed", Enabled), NOT_NOW, Send(Start, Starting)),
        (Row::BringBack, denied(Updating, 5).wrote(1), seen("Stopped", Disabled), WITHDRAWN, Send(Start, Starting)),
        (Row::BringBack, denied(Updating, 5).wrote(1), seen("Failed", Unknown), UNCLEAR, Send(Start, Starting)),
        (Row::BringBack, denied(Stopping, 5).wrote(1).deleted(), down(), WANTED, Send(Start, Starting)),
        (Row::BringBack, denied(NeedsAttention, 5).from(Step::Update).wrote(1), down(), WANTED, Send(Start, Starting)),
        (Row::BringBack, denied(NeedsAttention, 5).from(Step::Stop).wrote(1), down(), WANTED, Send(Start, Starting)),
        // Again, with growing delays.
        (Row::BringBack, denied(Starting, 59).starts(1, 59), down(), WANTED, Wait),
        (Row::BringBack, denied(Starting, 60).starts(1, 60), down(), WANTED, Send(Start, Starting)),
        (Row::BringBack, denied(Starting, 300).starts(2, 119), seen("Failed", Enabled), WANTED, Wait),
        (Row::BringBack, denied(Starting, 300).starts(2, 120), seen("Failed", Enabled), WANTED, Send(Start, Starting)),
        // At the deadline.
        (Row::BringBack, denied(Starting, START_TIMEOUT - 1).starts(6, 600), down(), WANTED, Send(Start, Starting)),
        (Row::BringBack, denied(Starting, START_TIMEOUT).starts(6, 600), down(), WANTED, Send(Start, NeedsAttention)),
        (Row::BringBack, denied(Starting, START_TIMEOUT).starts(6, 599), down(), WANTED, NeedAttention),
        // The Start is retried without end.
        (Row::BringBack, denied(NeedsAttention, 9 * START_TIMEOUT).from(Step::Start).starts(99, 600), down(), WANTED, Send(Start, NeedsAttention)),
        (Row::BringBack, denied(NeedsAttention, 9 * START_TIMEOUT).from(Step::Start).starts(99, 599), down(), WANTED, Wait),
        (Row::BringBack, denied(NeedsAttention, 5).from(Step::Start).starts(6, 600), seen("Stopped", Disabled), WANTED, Send(Start, NeedsAttention)),
        // 4: once settled, whatever the wish is by now.
        (Row::BroughtBack, denied(Starting, 300).starts(1, 119), up(), WANTED, Wait),
        (Row::BroughtBack, denied(Starting, 300).starts(1, 120), up(), WANTED, End(Failed, UpdateDenied)),
        (Row::BroughtBack, denied(Starting, 300).starts(1, 120), up(), WITHDRAWN, End(Failed, UpdateDenied)),
        (Row::BroughtBack, denied(Updating, 300), up(), UNCLEAR, End(Failed, UpdateDenied)),
        (Row::BroughtBack, denied(NeedsAttention, 300).from(Step::Start).starts(1, 120), up(), WANTED, End(Failed, UpdateDenied)),
        (Row::BroughtBack, rolling_back(RootAccessUnknown, Starting, 300).starts(1, 120), seen("InService", Unknown), WANTED, End(Failed, RootAccessUnknown)),
        (Row::BroughtBack, rolling_back(Withdrawn, Starting, 300).starts(1, 119), up(), WITHDRAWN, Wait),
        (Row::BroughtBack, rolling_back(Withdrawn, Starting, 300).starts(1, 120), up(), WITHDRAWN, End(Cancelled, Withdrawn)),
        (Row::BroughtBack, rolling_back(Withdrawn, Starting, 300).starts(1, 120), seen("InService", Unknown), WANTED, End(Cancelled, Withdrawn)),
    ]
}

#[rustfmt::skip]
fn rows_5_to_7() -> Vec<Case> {
    let fixed = || seen("Stopped", Disabled);
    let down = || seen("Stopped", Enabled);
    vec![
        // 5
        (Row::StartAgain, ours(Updating, 5).wrote(1), fixed(), WANTED, Send(Start, Starting)),
        (Row::StartAgain, ours(Stopping, 5).wrote(1), seen("Failed", Disabled), WITHDRAWN, Send(Start, Starting)),
        (Row::StartAgain, ours(Starting, 60).starts(1, 59), fixed(), UNCLEAR, Wait),
        (Row::StartAgain, ours(Starting, 60).starts(1, 60), fixed(), NOT_NOW, Send(Start, Starting)),
        (Row::StartAgain, ours(Starting, START_TIMEOUT).starts(6, 600), fixed(), WANTED, Send(Start, NeedsAttention)),
        (Row::StartAgain, ours(Starting, START_TIMEOUT).starts(6, 599), seen("Failed", Disabled), WANTED, NeedAttention),
        (Row::StartAgain, ours(NeedsAttention, 9 * START_TIMEOUT).from(Step::Start).starts(9, 600), fixed(), WANTED, Send(Start, NeedsAttention)),
        // 6
        (Row::FixedWhileStopped, stopped(Updating, 5).wrote(1), fixed(), WANTED, End(Succeeded, RootAccessDisabled)),
        (Row::FixedWhileStopped, stopped(Pending, 5), seen("Failed", Disabled), WITHDRAWN, End(Succeeded, RootAccessDisabled)),
        (Row::FixedWhileStopped, pristine(Pending, 5).wrote(1), fixed(), UNCLEAR, End(Succeeded, RootAccessDisabled)),
        (Row::FixedWhileStopped, stopped(NeedsAttention, 5).from(Step::Update), fixed(), WANTED, End(Succeeded, RootAccessDisabled)),
        // 7
        (Row::WithdrawnWhileDown, ours(Stopping, 5).wrote(1), down(), WITHDRAWN, Restore(Withdrawn)),
        (Row::WithdrawnWhileDown, ours(Updating, 5).wrote(1), seen("Failed", Enabled), WITHDRAWN, Restore(Withdrawn)),
        (Row::WithdrawnWhileDown, ours(Updating, 5).wrote(1).deleted(), down(), WANTED, Restore(Withdrawn)),
        (Row::WithdrawnWhileDown, ours(Updating, 5).wrote(1).deleted(), down(), UNCLEAR, Restore(Withdrawn)),
        (Row::WithdrawnWhileDown, ours(NeedsAttention, 5).from(Step::Stop).wrote(1), down(), WITHDRAWN, Restore(Withdrawn)),
        // Root access was enabled again during the start.
        (Row::WithdrawnWhileDown, ours(Starting, 5).starts(1, 5), down(), WITHDRAWN, RestoreOnly(Withdrawn)),
    ]
}

#[rustfmt::skip]
fn rows_8_to_10() -> Vec<Case> {
    let down = || seen("Stopped", Enabled);
    let failed = || seen("Failed", Enabled);
    vec![
        // 8: another step begins, so that the old step's deadline no longer applies.
        (Row::UpdateWhileDown, ours(Stopping, 5).wrote(1), down(), WANTED, Send(Update, Updating)),
        (Row::UpdateWhileDown, ours(Stopping, 9 * STOP_TIMEOUT).wrote(1), failed(), NOT_NOW, Send(Update, Updating)),
        (Row::UpdateWhileDown, ours(NeedsAttention, 9 * STOP_TIMEOUT).from(Step::Stop).wrote(1), down(), WANTED, Send(Update, Updating)),
        (Row::UpdateWhileDown, ours(NeedsAttention, 9 * START_TIMEOUT).from(Step::Start).starts(3, 1), down(), WANTED, Send(Update, Updating)),
        (Row::UpdateWhileDown, ours(Starting, 9 * START_TIMEOUT).starts(3, 1), down(), WANTED, Send(Update, Updating)),
        (Row::UpdateWhileDown, ours(Updating, 300).wrote(59), down(), WANTED, Wait),
        (Row::UpdateWhileDown, ours(Updating, 300).wrote(60), failed(), WANTED, Send(Update, Updating)),
        (Row::UpdateWhileDown, ours(Updating, UPDATE_TIMEOUT - 1).wrote(60), down(), NOT_NOW, Send(Update, Updating)),
        (Row::UpdateWhileDown, ours(Updating, UPDATE_TIMEOUT).wrote(1), down(), WANTED, Restore(UpdateTimedOut)),
        (Row::UpdateWhileDown, ours(NeedsAttention, 300).from(Step::Update).wrote(59), down(), WANTED, Wait),
        (Row::UpdateWhileDown, ours(NeedsAttention, 300).from(Step::Update).wrote(60), down(), WANTED, Send(Update, NeedsAttention)),
        (Row::UpdateWhileDown, ours(NeedsAttention, UPDATE_TIMEOUT).from(Step::Update).wrote(1), failed(), WANTED, Restore(UpdateTimedOut)),
        // 9
        (Row::WithdrawnWhileStopped, stopped(Pending, 5), down(), WITHDRAWN, End(Cancelled, Withdrawn)),
        (Row::WithdrawnWhileStopped, stopped(Updating, 5).wrote(1), failed(), WITHDRAWN, End(Cancelled, Withdrawn)),
        (Row::WithdrawnWhileStopped, pristine(Pending, 5).wrote(1), down(), WITHDRAWN, End(Cancelled, Withdrawn)),
        (Row::WithdrawnWhileStopped, stopped(Pending, 5).deleted(), down(), WANTED, End(Cancelled, Withdrawn)),
        // 10
        (Row::UpdateWhileStopped, stopped(Pending, 5), down(), WANTED, Send(Update, Updating)),
        (Row::UpdateWhileStopped, stopped(Pending, 9 * STOP_TIMEOUT), failed(), NOT_NOW, Send(Update, Updating)),
        (Row::UpdateWhileStopped, pristine(Pending, 5).wrote(1), down(), WANTED, Send(Update, Updating)),
        (Row::UpdateWhileStopped, stopped(Updating, 300).wrote(59), down(), WANTED, Wait),
        (Row::UpdateWhileStopped, stopped(Updating, 300).wrote(60), failed(), WANTED, Send(Update, Updating)),
        (Row::UpdateWhileStopped, stopped(Updating, UPDATE_TIMEOUT - 1).wrote(60), down(), NOT_NOW, Send(Update, Updating)),
        (Row::UpdateWhileStopped, stopped(Updating, UPDATE_TIMEOUT).wrote(1), down(), WANTED, End(Failed, UpdateTimedOut)),
        (Row::UpdateWhileStopped, pristine(Updating, UPDATE_TIMEOUT).wrote(1), failed(), WANTED, End(Failed, UpdateTimedOut)),
        (Row::UpdateWhileStopped, stopped(NeedsAttention, UPDATE_TIMEOUT).from(Step::Update), down(), WANTED, End(Failed, UpdateTimedOut)),
        // The notebook was stopped minutes ago by another hand. It is left alone unless an Update
        // was already sent.
        (Row::UpdateWhileStopped, stopped(Pending, 5), down(), RESTING, End(Cancelled, LATER)),
        (Row::UpdateWhileStopped, pristine(Pending, 5).wrote(1), down(), RESTING, End(Cancelled, LATER)),
        (Row::UpdateWhileStopped, stopped(Updating, 300), down(), RESTING, End(Cancelled, LATER)),
        (Row::UpdateWhileStopped, pristine(Updating, 300).wrote(301), down(), RESTING, End(Cancelled, LATER)),
        (Row::UpdateWhileStopped, stopped(NeedsAttention, 5).from(Step::Stop), down(), RESTING, End(Cancelled, LATER)),
        (Row::UpdateWhileStopped, stopped(Updating, 300).wrote(59), down(), RESTING, Wait),
        (Row::UpdateWhileStopped, stopped(Updating, 300).wrote(300), down(), RESTING, Send(Update, Updating)),
    ]
}

#[rustfmt::skip]
fn rows_11_to_12() -> Vec<Case> {
    let up = || seen("InService", Enabled);
    let mut cases = vec![
        // 11
        (Row::StartedByOwner, stopped(Pending, 5), up(), WANTED, End(Cancelled, StartedByOwner)),
        (Row::StartedByOwner, stopped(Updating, 300).wrote(119), up(), WANTED, Wait),
        (Row::StartedByOwner, stopped(Updating, 300).wrote(120), up(), WITHDRAWN, End(Cancelled, StartedByOwner)),
        (Row::StartedByOwner, stopped(NeedsAttention, 300).from(Step::Update).wrote(120), up(), NOT_NOW, End(Cancelled, StartedByOwner)),
        (Row::StartedByOwner, stopped(Updating, UPDATE_TIMEOUT).wrote(119), up(), WANTED, NeedAttention),
        // 12: an unanswered probe may have been accepted.
        (Row::NotDisturbed, pristine(Pending, 300).wrote(119), up(), NOT_NOW, Wait),
        (Row::NotDisturbed, pristine(Pending, 300).wrote(120), up(), NOT_NOW, End(Cancelled, LATER)),
        (Row::NotDisturbed, pristine(Pending, 300).wrote(120).deleted(), up(), UNCLEAR, End(Cancelled, Withdrawn)),
        (Row::NotDisturbed, pristine(NeedsAttention, 300).from(Step::Stop).wrote(120), up(), WITHDRAWN, End(Cancelled, Withdrawn)),
    ];
    for not_now in [Deferral::Suspended, Deferral::WindowClosed, Deferral::WhenRunning, Deferral::Budget, Deferral::Halted, Deferral::NotRestartable, Deferral::InvalidPolicy] {
        cases.push((Row::NotDisturbed, pristine(Pending, 5), up(), Desired::Defer(not_now), End(Cancelled, LATER)));
    }
    for withdrawal in [
        Withdrawal::PolicyDeleted, Withdrawal::Audit, Withdrawal::NotCovered, Withdrawal::Exempt, Withdrawal::RecordDeleted,
    ] {
        cases.push((Row::NotDisturbed, pristine(Pending, 5), up(), Desired::Abort(withdrawal), End(Cancelled, Withdrawn)));
    }
    cases
}

#[rustfmt::skip]
fn rows_13_to_15() -> Vec<Case> {
    let up = || seen("InService", Enabled);
    vec![
        // 13: the probe writes lastWriteAt only.
        (Row::Probe, pristine(Pending, 5), up(), WANTED, Send(Probe, Pending)),
        (Row::Probe, pristine(Pending, 300).wrote(59), up(), WANTED, Wait),
        (Row::Probe, pristine(Pending, 300).wrote(60), up(), WANTED, Send(Probe, Pending)),
        (Row::Probe, pristine(Pending, STOP_TIMEOUT - 1).wrote(60), up(), WANTED, Send(Probe, Pending)),
        // At the deadline nothing was stopped, and nothing will be. The slot is free once no
        // request can take effect any more.
        (Row::Probe, pristine(Pending, STOP_TIMEOUT).wrote(119), up(), WANTED, Wait),
        (Row::Probe, pristine(Pending, STOP_TIMEOUT).wrote(120), up(), WANTED, End(Cancelled, TimedOut)),
        (Row::Probe, pristine(NeedsAttention, 5).from(Step::Stop).wrote(119), up(), WANTED, Wait),
        (Row::Probe, pristine(NeedsAttention, 9 * STOP_TIMEOUT).from(Step::Stop).wrote(120), up(), WANTED, End(Cancelled, TimedOut)),
        // 14
        (Row::LetItRun, ours(Stopping, 300).wrote(119), up(), NOT_NOW, Wait),
        (Row::LetItRun, ours(Stopping, 300).wrote(120), up(), NOT_NOW, End(Cancelled, LATER)),
        (Row::LetItRun, ours(Stopping, 300).wrote(119).deleted(), up(), WANTED, Wait),
        (Row::LetItRun, ours(Stopping, 300).wrote(120).deleted(), up(), WANTED, End(Cancelled, Withdrawn)),
        (Row::LetItRun, ours(NeedsAttention, 300).from(Step::Stop).wrote(120), up(), WITHDRAWN, End(Cancelled, Withdrawn)),
        // 15
        (Row::StopAgain, ours(Stopping, 300).wrote(59), up(), WANTED, Wait),
        (Row::StopAgain, ours(Stopping, 300).wrote(60), up(), WANTED, Send(Stop, Stopping)),
        (Row::StopAgain, ours(Stopping, STOP_TIMEOUT - 1).wrote(60), up(), WANTED, Send(Stop, Stopping)),
        (Row::StopAgain, ours(Stopping, STOP_TIMEOUT).wrote(60), up(), WANTED, Send(Stop, NeedsAttention)),
        (Row::StopAgain, ours(Stopping, STOP_TIMEOUT).wrote(59), up(), WANTED, NeedAttention),
        (Row::StopAgain, ours(NeedsAttention, 9 * STOP_TIMEOUT).from(Step::Stop).wrote(60), up(), WANTED, Send(Stop, NeedsAttention)),
        // The owner enabled root access and started the notebook before the operator did.
        (Row::StopAgain, ours(Starting, 9 * START_TIMEOUT).starts(1, 59), up(), WANTED, Enter(Stopping)),
        (Row::StopAgain, ours(NeedsAttention, 300).from(Step::Update).wrote(60), up(), WANTED, Send(Stop, Stopping)),
    ]
}

#[rustfmt::skip]
fn rows_16_to_17() -> Vec<Case> {
    let down = || seen("Stopped", Unknown);
    let up = || seen("InService", Unknown);
    vec![
        // 16
        (Row::UnknownWhileDown, ours(Stopping, STOP_TIMEOUT - 1).wrote(1), down(), WANTED, Wait),
        (Row::UnknownWhileDown, ours(Stopping, STOP_TIMEOUT).wrote(1), down(), NOT_NOW, Restore(RootAccessUnknown)),
        (Row::UnknownWhileDown, ours(Updating, UPDATE_TIMEOUT).wrote(1), seen("Failed", Unknown), WANTED, Restore(RootAccessUnknown)),
        (Row::UnknownWhileDown, ours(NeedsAttention, STOP_TIMEOUT).from(Step::Stop), down(), WANTED, Restore(RootAccessUnknown)),
        (Row::UnknownWhileDown, ours(Stopping, 5).wrote(1), down(), WITHDRAWN, Restore(Withdrawn)),
        (Row::UnknownWhileDown, ours(Stopping, 5).wrote(1).deleted(), down(), UNCLEAR, Restore(Withdrawn)),
        // The wish of the policy is unknown.
        (Row::UnknownWhileDown, ours(Stopping, 5), seen("Stopped", Enabled), UNCLEAR, Wait),
        (Row::UnknownWhileDown, ours(Updating, UPDATE_TIMEOUT), seen("Failed", Enabled), UNCLEAR, Restore(RootAccessUnknown)),
        (Row::UnknownWhileDown, ours(Starting, 5).starts(1, 5), down(), WITHDRAWN, RestoreOnly(Withdrawn)),
        // 17: the notebook is down, and the operator did not stop it.
        (Row::UnknownOtherwise, stopped(Pending, STOP_TIMEOUT - 1), down(), WITHDRAWN, Wait),
        (Row::UnknownOtherwise, stopped(Pending, STOP_TIMEOUT).wrote(1), down(), WANTED, End(Cancelled, RootAccessUnknown)),
        (Row::UnknownOtherwise, stopped(Updating, UPDATE_TIMEOUT).wrote(1), seen("Failed", Unknown), WANTED, End(Cancelled, RootAccessUnknown)),
        (Row::UnknownOtherwise, pristine(Pending, 5).wrote(1), seen("Failed", Enabled), UNCLEAR, Wait),
        (Row::UnknownOtherwise, pristine(Pending, STOP_TIMEOUT).wrote(1), seen("Stopped", Enabled), UNCLEAR, End(Cancelled, RootAccessUnknown)),
        // The notebook runs, and no Stop was requested.
        (Row::UnknownOtherwise, pristine(Pending, STOP_TIMEOUT - 1), up(), NOT_NOW, Wait),
        (Row::UnknownOtherwise, pristine(Pending, 5), seen("InService", Enabled), UNCLEAR, Wait),
        (Row::UnknownOtherwise, pristine(Pending, 5), up(), WITHDRAWN, End(Cancelled, Withdrawn)),
        (Row::UnknownOtherwise, pristine(Pending, 300).wrote(119), up(), WITHDRAWN, Wait),
        (Row::UnknownOtherwise, pristine(Pending, 300).wrote(120).deleted(), up(), UNCLEAR, End(Cancelled, Withdrawn)),
        (Row::UnknownOtherwise, pristine(Pending, STOP_TIMEOUT).wrote(120), up(), WANTED, End(Cancelled, RootAccessUnknown)),
        (Row::UnknownOtherwise, stopped(Pending, STOP_TIMEOUT), up(), WANTED, End(Cancelled, RootAccessUnknown)),
        // The notebook runs, and a Stop was requested.
        (Row::UnknownOtherwise, ours(Stopping, STOP_TIMEOUT - 1).wrote(120), up(), WANTED, Wait),
        (Row::UnknownOtherwise, ours(Stopping, STOP_TIMEOUT - 1).wrote(120), up(), WITHDRAWN, Wait),
        (Row::UnknownOtherwise, ours(Stopping, STOP_TIMEOUT).wrote(120), up(), WANTED, End(Failed, RootAccessUnknown)),
        (Row::UnknownOtherwise, ours(Stopping, STOP_TIMEOUT).wrote(119), up(), WITHDRAWN, NeedAttention),
        (Row::UnknownOtherwise, ours(NeedsAttention, STOP_TIMEOUT).from(Step::Stop).wrote(120), seen("InService", Enabled), UNCLEAR, End(Failed, RootAccessUnknown)),
    ]
}

/// Every other status, known or not.
#[rustfmt::skip]
fn row_18() -> Vec<Case> {
    let mut cases = vec![
        (Row::InTransition, ours(Starting, START_TIMEOUT), seen("Pending", Disabled), WANTED, NeedAttention),
        (Row::InTransition, rolling_back(Withdrawn, Starting, START_TIMEOUT), seen("Pending", Enabled), WITHDRAWN, NeedAttention),
    ];
    for status in ["Pending", "Stopping", "Deleting", "Updating", "InMaintenance"] {
        for root_access in [Enabled, Disabled, Unknown] {
            let passing = || seen(status, root_access);
            cases.extend([
                (Row::InTransition, ours(Stopping, STOP_TIMEOUT - 1).wrote(300), passing(), WITHDRAWN, Wait),
                (Row::InTransition, stopped(Updating, UPDATE_TIMEOUT).wrote(300), passing(), WANTED, NeedAttention),
                (Row::InTransition, ours(NeedsAttention, 9 * START_TIMEOUT).from(Step::Start), passing(), UNCLEAR, Wait),
            ]);
        }
    }
    cases
}
