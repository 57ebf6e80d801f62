//! Several passes over one notebook.

use RecordState::{
    Cancelled, Failed, NeedsAttention, Pending, Starting, Stopping, Succeeded, Updating,
};
use RootAccess::{Disabled, Enabled};

use super::*;
use crate::domain::WriteOutcome;

const POLL: i64 = 10;

/// Passes over a record, as the loop makes them.
struct Passes {
    record: Record,
    now: Timestamp,
    /// The sent requests, with the seconds since the beginning.
    sent: Vec<(Request, i64)>,
    began: Timestamp,
}

impl Passes {
    /// Begins at the creation of a record.
    fn of(was_running: bool) -> Self {
        let status = if was_running { "InService" } else { "Stopped" };
        let churn = notebook("churn", status, Enabled);
        Self::over(fixtures::record((ACCOUNT, REGION), &churn))
    }

    fn over(record: Record) -> Self {
        Self {
            record,
            now: now(),
            sent: Vec::new(),
            began: now(),
        }
    }

    /// Makes a pass with these responses in turn, then waits for the poll interval. Returns the row
    /// and the state after the pass.
    fn pass(
        &mut self,
        seen: &Observation,
        desired: Desired,
        answers: &[WriteOutcome],
    ) -> (&'static str, RecordState) {
        let decision = step(&self.record, seen, desired, self.now, &TIMES);
        let mut before = self.note(decision.progress);
        let mut request = decision.request;
        let mut answers = answers.iter();
        while let Some(sent) = request {
            self.sent.push((sent, self.elapsed()));
            let answer = *answers.next().unwrap_or_else(|| panic!("{sent:?}"));
            let reaction = on_response(&self.record, &before, (sent, answer), seen, self.now);
            before = self.note(reaction.progress);
            request = reaction.request;
        }
        assert_eq!(answers.next(), None);
        self.wait(POLL);
        (decision.row.number(), self.record.progress.state)
    }

    /// Stores the progress and returns the previous one.
    fn note(&mut self, progress: Progress) -> Progress {
        std::mem::replace(&mut self.record.progress, progress)
    }

    fn wait(&mut self, seconds: i64) {
        self.now += SignedDuration::from_secs(seconds);
    }

    fn elapsed(&self) -> i64 {
        self.now.duration_since(self.began).as_secs()
    }

    fn since(&self) -> i64 {
        self.record
            .step_since()
            .duration_since(self.began)
            .as_secs()
    }
}

fn stopping() -> Observation {
    seen("Stopping", Enabled)
}

fn up() -> Observation {
    seen("InService", Enabled)
}

fn down() -> Observation {
    seen("Stopped", Enabled)
}

fn fixed() -> Observation {
    seen("Stopped", Disabled)
}

#[test]
fn a_running_notebook_is_fixed_and_runs_again() {
    use WriteOutcome::{Accepted, WrongStatus};
    let mut passes = Passes::of(true);
    let ran = [
        passes.pass(&up(), WANTED, &[WrongStatus, Accepted]),
        passes.pass(&stopping(), WANTED, &[]),
        passes.pass(&down(), WANTED, &[Accepted]),
        passes.pass(&seen("Updating", Disabled), WANTED, &[]),
        passes.pass(&fixed(), WANTED, &[Accepted]),
        passes.pass(&seen("Pending", Disabled), WANTED, &[]),
        passes.pass(&seen("InService", Disabled), WANTED, &[]),
        passes.pass(&down(), WANTED, &[]),
    ];
    let expected = [
        ("13", Stopping),
        ("18", Stopping),
        ("8", Updating),
        ("18", Updating),
        ("5", Starting),
        ("18", Starting),
        ("2", Succeeded),
        ("0", Succeeded),
    ];
    assert_eq!(ran, expected);
    let sent = [
        (Request::Probe, 0),
        (Request::Stop, 0),
        (Request::Update, 20),
        (Request::Start, 40),
    ];
    assert_eq!(passes.sent, sent);
    let progress = &passes.record.progress;
    assert_eq!(progress.stop_requested_at, Some(now()));
    assert_eq!(progress.start_attempts, 1);
    assert_eq!(progress.end, Some(EndReason::RootAccessDisabled));
}

#[test]
fn a_probe_that_is_taken_makes_it_ours() {
    use WriteOutcome::Accepted;
    let mut passes = Passes::of(true);
    let ran = [
        passes.pass(&up(), WANTED, &[Accepted]),
        passes.pass(&seen("Updating", Disabled), WANTED, &[]),
        passes.pass(&fixed(), WANTED, &[Accepted]),
    ];
    assert_eq!(ran, [("13", Stopping), ("18", Stopping), ("5", Starting)]);
}

/// The owner stopped the notebook between the operator's Describe and Stop.
#[test]
fn a_refused_first_stop_leaves_it_to_its_owner() {
    use WriteOutcome::{Accepted, WrongStatus};
    let mut passes = Passes::of(true);
    let ran = [
        passes.pass(&up(), WANTED, &[WrongStatus, WrongStatus]),
        passes.pass(&stopping(), WANTED, &[]),
        passes.pass(&down(), WANTED, &[Accepted]),
        passes.pass(&fixed(), WANTED, &[]),
    ];
    let expected = [
        ("13", Stopping),
        ("18", Stopping),
        ("10", Updating),
        ("6", Succeeded),
    ];
    assert_eq!(ran, expected);
    assert_eq!(passes.record.progress.stop_requested_at, None);
}

#[test]
fn a_denied_update_brings_it_back_and_fails_once_settled() {
    use WriteOutcome::{Accepted, Denied, WrongStatus};
    let mut passes = Passes::of(true);
    let ran = [
        passes.pass(&up(), WANTED, &[WrongStatus, Accepted]),
        passes.pass(&down(), WANTED, &[Denied]),
        passes.pass(&down(), WANTED, &[Accepted]),
        passes.pass(&up(), WANTED, &[]),
    ];
    let expected = [
        ("13", Stopping),
        ("8", Updating),
        ("3", Starting),
        ("4", Starting),
    ];
    assert_eq!(ran, expected);
    passes.wait(120);
    assert_eq!(passes.pass(&up(), WANTED, &[]), ("4", Failed));
    assert_eq!(passes.record.progress.end, Some(EndReason::UpdateDenied));
}

#[test]
fn a_withdrawn_one_is_brought_back_as_it_was() {
    use WriteOutcome::{Accepted, WrongStatus};
    let mut passes = Passes::of(true);
    passes.pass(&up(), WANTED, &[WrongStatus, Accepted]);
    let ran = [
        passes.pass(&down(), WITHDRAWN, &[Accepted]),
        // The policy wants the change again, but too late.
        passes.pass(&seen("Pending", Enabled), WANTED, &[]),
        passes.pass(&up(), WANTED, &[]),
    ];
    assert_eq!(ran, [("7", Starting), ("18", Starting), ("4", Starting)]);
    passes.wait(120);
    assert_eq!(passes.pass(&up(), WANTED, &[]), ("4", Cancelled));
}

/// `NeedsAttention` begins at the step's timeout, keeps the step, and ends when another step
/// begins.
#[test]
fn what_needs_attention_goes_on() {
    use WriteOutcome::{Accepted, Unclear, WrongStatus};
    let mut passes = Passes::of(true);
    passes.pass(&up(), WANTED, &[WrongStatus, Unclear]);
    // Stops without effect are sent again, and do not move the deadline.
    while passes.elapsed() < STOP_TIMEOUT {
        let is_due = passes.elapsed() % 60 == 0;
        let answers: &[WriteOutcome] = if is_due { &[Unclear] } else { &[] };
        assert_eq!(passes.pass(&up(), WANTED, answers), ("15", Stopping));
    }
    let ran = passes.pass(&up(), WANTED, &[Unclear]);
    assert_eq!(ran, ("15", NeedsAttention));
    assert_eq!(passes.record.step(), Step::Stop);
    assert_eq!(passes.since(), STOP_TIMEOUT);

    // The record keeps looking and sending, and its time in this state keeps counting.
    passes.wait(50);
    let ran = passes.pass(&up(), WANTED, &[Unclear]);
    assert_eq!(ran, ("15", NeedsAttention));
    passes.wait(2 * STOP_TIMEOUT);
    assert_eq!(passes.pass(&stopping(), WANTED, &[]).1, NeedsAttention);
    assert_eq!(passes.since(), STOP_TIMEOUT);

    let reached = passes.elapsed();
    let ran = passes.pass(&down(), WANTED, &[Accepted]);
    assert_eq!(ran, ("8", Updating));
    assert_eq!(passes.since(), reached);
    assert_eq!(passes.record.progress.attention_from, None);
}

#[test]
fn a_denied_start_needs_attention_at_once() {
    use WriteOutcome::{Accepted, Denied};
    let mut passes = Passes::over(ours(Updating, 300).wrote(300).0);
    let ran = passes.pass(&fixed(), WANTED, &[Denied]);
    assert_eq!(ran, ("5", NeedsAttention));
    assert_eq!(passes.record.step(), Step::Start);
    passes.wait(50);
    assert_eq!(
        passes.pass(&fixed(), WANTED, &[Accepted]),
        ("5", NeedsAttention)
    );
    assert_eq!(passes.record.progress.start_attempts, 2);
    assert_eq!(passes.since(), 0);
}

#[test]
fn a_retried_start_does_not_end_the_attention() {
    use WriteOutcome::{Accepted, Unclear};
    let mut passes = Passes::over(ours(Updating, 300).wrote(300).0);
    passes.pass(&fixed(), WANTED, &[Unclear]);
    passes.wait(START_TIMEOUT);
    let needed = passes.elapsed();
    let ran = passes.pass(&fixed(), WANTED, &[Unclear]);
    assert_eq!(ran, ("5", NeedsAttention));
    for _ in 0..5 {
        passes.wait(600);
        let ran = passes.pass(&seen("Failed", Disabled), WANTED, &[Accepted]);
        assert_eq!(ran, ("5", NeedsAttention));
    }
    assert_eq!(passes.since(), needed);
    assert_eq!(passes.record.step(), Step::Start);
    let finished = passes.elapsed();
    let ran = passes.pass(&seen("InService", Disabled), WANTED, &[]);
    assert_eq!(ran, ("2", Succeeded));
    assert_eq!(passes.since(), finished);
    assert_eq!(passes.record.progress.attention_from, None);
}

/// The delays in minutes between Starts that end in Failed. The Start is retried without end, and
/// never faster.
#[test]
fn starts_come_ever_more_seldom() {
    let failed = seen("Failed", Disabled);
    let mut passes = Passes::over(ours(Updating, 300).wrote(300).0);
    while passes.elapsed() < 24 * 60 * MINUTE {
        let due = step(&passes.record, &failed, WANTED, passes.now, &TIMES).request;
        let answers: &[WriteOutcome] = match due {
            Some(_) => &[WriteOutcome::Accepted],
            None => &[],
        };
        passes.pass(&failed, WANTED, answers);
    }
    let sent: Vec<i64> = passes.sent.iter().map(|(_, at)| *at).collect();
    let gaps: Vec<i64> = sent.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert_eq!(sent[0], 0);
    assert_eq!(gaps[..7], [60, 120, 240, 480, 600, 600, 600]);
    assert!(gaps[7..].iter().all(|gap| *gap == 600));
    assert_eq!(gaps.len(), 4 + (24 * 60 - 15 - 1) / 10);
    assert_eq!(passes.record.progress.state, NeedsAttention);
    assert_eq!(passes.record.progress.start_requested_at, Some(now()));
}

/// A lost Stop must not arrive after the next one was sent.
#[test]
fn no_second_stop_while_the_first_may_arrive() {
    let slow = Times {
        write_bound: Duration::from_secs(90),
        ..TIMES
    };
    for (seconds, expected) in [(60, None), (89, None), (90, Some(Request::Stop))] {
        let given = ours(Stopping, 300).wrote(seconds);
        let decision = step(&given.0, &up(), WANTED, now(), &slow);
        assert_eq!(decision.request, expected, "{seconds}");
    }
    // A second Update or Start does no harm.
    let updating = ours(Updating, 300).wrote(60);
    let request = step(&updating.0, &down(), WANTED, now(), &slow).request;
    assert_eq!(request, Some(Request::Update));
}

/// The bound applies whatever the flag says.
#[test]
fn nothing_settles_before_a_write_can_no_longer_arrive() {
    let hasty = Times {
        settle: Duration::ZERO,
        ..TIMES
    };
    assert_eq!(hasty.settled_after(), Duration::from_secs(45));
    assert_eq!(TIMES.settled_after(), Duration::from_mins(2));
    for (seconds, expected) in [(44, Stopping), (45, Cancelled)] {
        let given = ours(Stopping, 300).wrote(seconds);
        let decision = step(&given.0, &up(), NOT_NOW, now(), &hasty);
        assert_eq!(decision.progress.state, expected, "{seconds}");
    }
}

/// Until the clock is back where it was, nothing is due, nothing has settled, and no deadline has
/// passed.
#[test]
fn a_clock_that_was_set_back_makes_it_wait() {
    for (given, observation, desired) in [
        (ours(Starting, -300).starts(1, -300), fixed(), WANTED),
        (ours(Updating, -300).wrote(-300), down(), WANTED),
        (ours(Stopping, -300).wrote(-300), up(), WANTED),
        (ours(Stopping, -300).wrote(-300), up(), NOT_NOW),
        (pristine(Pending, -300).wrote(-300), up(), WANTED),
        (
            ours(Stopping, -300).wrote(-300),
            Observation::Unreadable,
            WANTED,
        ),
    ] {
        let decision = step(&given.0, &observation, desired, now(), &TIMES);
        assert_eq!(decision.progress, given.0.progress, "{observation:?}");
        assert_eq!(decision.request, None, "{observation:?}");
    }
}

/// The deadline of a record's first step counts from its creation.
#[test]
fn a_new_record_has_a_deadline() {
    let mut passes = Passes::of(true);
    passes.wait(STOP_TIMEOUT - POLL);
    let ran = passes.pass(&Observation::Unreadable, WANTED, &[]);
    assert_eq!(ran, ("-", Pending));
    let ran = passes.pass(&Observation::Unreadable, WANTED, &[]);
    assert_eq!(ran, ("-", NeedsAttention));
    assert_eq!(passes.record.step(), Step::Stop);
}
