#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod blockers;
mod budgets;
mod premise;
mod properties;
mod reasons;
mod restartable;
mod rests;

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::*;
use crate::{
    decide::{
        evaluate,
        fixtures::{self, ACCOUNT, REGION, notebook_in, now, policy_named, snapshot},
    },
    domain::{EndReason, RecordName, RootAccess, TargetState},
};

/// The account and region of most notebooks.
const HERE: (&str, &str) = (ACCOUNT, REGION);
const THERE: (&str, &str) = (ACCOUNT, "us-east-1");
const ELSEWHERE: (&str, &str) = ("444455556666", REGION);

/// Returns an enforcing policy over all three places, changed by a JSON merge patch.
fn enforcing(patch: &Value) -> Policy {
    enforcing_as("no-root", patch)
}

fn enforcing_as(name: &str, patch: &Value) -> Policy {
    let policy = policy_named(name, patch.clone());
    let all = json!({
        "mode": "Enforce",
        "accounts": [{"id": HERE.0}, {"id": ELSEWHERE.0}],
        "regions": [HERE.1, THERE.1],
    });
    let covering = fixtures::policy(all);
    Policy {
        mode: covering.mode,
        accounts: covering.accounts,
        ..policy
    }
}

/// Returns budgets that are never reached.
fn generous() -> Value {
    json!({"remediation": {"maxConcurrent": 100, "maxConcurrentPerRegion": 100, "maxFailures": 100}})
}

/// Returns a notebook that gives its users root.
fn notebook(place: (&str, &str), name: &str, status: &str) -> Notebook {
    notebook_in(place, name, status, RootAccess::Enabled)
}

/// Evaluates a fleet of such notebooks. Each place is named once.
fn found(policy: &Policy, fleet: &[((&str, &str), Vec<Notebook>)]) -> Evaluation {
    let snapshots: Vec<_> = fleet
        .iter()
        .map(|((account, region), notebooks)| {
            snapshot(account, region, TargetState::Scanned, notebooks.clone())
        })
        .collect();
    evaluate(policy, &snapshots, now())
}

/// Returns the record of a notebook, in a state.
fn record(place: (&str, &str), notebook: &Notebook, state: RecordState) -> Record {
    let mut record = fixtures::record(place, notebook);
    match state {
        RecordState::Pending => {}
        RecordState::NeedsAttention => record.progress.need_attention(now()),
        _ if state.is_finished() => {
            record
                .progress
                .finish(state, EndReason::RootAccessDisabled, now());
        }
        _ => {
            record.progress.transition_to(state, now());
        }
    }
    record
}

/// Returns the record of a running notebook without a finding.
fn restart(place: (&str, &str), name: &str, state: RecordState) -> Record {
    let mut record = record(place, &notebook(place, name, "InService"), state);
    record.progress.stop_requested_at = (state != RecordState::Pending).then(now);
    record
}

/// Returns the record of a stopped notebook without a finding.
fn update(place: (&str, &str), name: &str, state: RecordState) -> Record {
    record(place, &notebook(place, name, "Stopped"), state)
}

/// Returns the same record for another policy.
fn of(policy: &str, mut record: Record) -> Record {
    record.intent.policy = policy.into();
    record
}

fn policies(valid: &[&Policy]) -> Policies {
    Policies {
        valid: valid.iter().copied().cloned().map(Arc::new).collect(),
        ..Policies::default()
    }
}

fn at_present<'a>(policy: &'a Policy, policies: &'a Policies) -> Circumstances<'a> {
    Circumstances {
        policy,
        policies,
        now: now(),
    }
}

/// The claims of a plan, taken one after the other as they are executed.
struct Queue<'a> {
    circumstances: Circumstances<'a>,
    claims: VecDeque<Candidate>,
    executed: Executed,
}

impl<'a> Queue<'a> {
    fn new(
        circumstances: Circumstances<'a>,
        evaluation: &Evaluation,
        records: &[Record],
        resume_after: Option<&Position>,
    ) -> Self {
        let usage = Usage::of(&circumstances.policy.name, records);
        let plan = plan(circumstances, evaluation, &usage, resume_after);
        Self {
            circumstances,
            claims: plan.into_claims().collect(),
            executed: Executed::new(usage),
        }
    }

    fn next(&mut self) -> Option<Candidate> {
        let (executed, circumstances) = (&self.executed, self.circumstances);
        take_next(
            &mut self.claims,
            |_| true,
            |candidate| executed.admits(circumstances, candidate),
        )
    }
}

/// The evaluation after a pass in which nothing was claimed.
fn concluded_with(
    policy: &Policy,
    policies: &Policies,
    evaluation: Evaluation,
    records: &[Record],
) -> Evaluation {
    let executed = Executed::new(Usage::of(&policy.name, records));
    conclude(at_present(policy, policies), evaluation, executed)
}

/// Claims all that may be claimed, as the loop does: each is judged again with a fresh list of all
/// records. Returns the records that were made.
fn claims(
    policy: &Policy,
    evaluation: &Evaluation,
    policies: &Policies,
    records: &[Record],
) -> Vec<Record> {
    let circumstances = at_present(policy, policies);
    let mut queue = Queue::new(circumstances, evaluation, records, None);
    let mut all = records.to_vec();
    while let Some(candidate) = queue.next() {
        let (account, region) = (&candidate.account, &candidate.region);
        let mut fresh = Usage::of(&policy.name, &all);
        // Which may have been told by a record that was replaced since.
        if queue.executed.usage.is_canary_passed(account, region) {
            fresh.mark_canary_passed(account, region);
        }
        let intent = admit(
            policy,
            (policies, &fresh),
            (account, region),
            &candidate.notebook,
            (now(), Evaluate::Live),
        )
        .expect("the planner and the claim judge alike");
        let record = Record::new(intent, now());
        queue.executed.add_claim(&record);
        all.retain(|each| each.intent.notebook.arn != record.intent.notebook.arn);
        all.push(record);
    }
    all.into_iter()
        .filter(|record| {
            !records.iter().any(|each| {
                each.intent.notebook.arn == record.intent.notebook.arn && each == record
            })
        })
        .collect()
}

/// Returns the names of the claimed notebooks.
fn claimed(
    policy: &Policy,
    fleet: &[((&str, &str), Vec<Notebook>)],
    records: &[Record],
) -> Vec<String> {
    claims(policy, &found(policy, fleet), &policies(&[policy]), records)
        .into_iter()
        .map(|record| record.intent.notebook.name)
        .collect()
}

/// Returns the record of a running notebook about which AWS gave no clear response, this many
/// minutes ago.
fn timed_out(place: (&str, &str), name: &str, minutes: i64) -> Record {
    let mut record = restart(place, name, RecordState::Pending);
    let then = now() - jiff::SignedDuration::from_mins(minutes);
    let progress = &mut record.progress;
    progress.finish(RecordState::Cancelled, EndReason::TimedOut, then);
    record
}

/// An account and region without clear responses takes turns with the others, and so do its
/// notebooks.
#[test]
fn timed_out_notebooks_come_last() {
    let policy =
        enforcing(&json!({"remediation": {"maxConcurrent": 100, "maxConcurrentPerRegion": 1}}));
    let running = |place, names: &[&str]| {
        let notebook = |name: &&str| notebook(place, name, "InService");
        (place, names.iter().map(notebook).collect())
    };
    let fleet = [
        running(HERE, &["a", "b", "c"]),
        running(THERE, &["d"]),
        running(ELSEWHERE, &["e"]),
    ];
    for (records, expected) in [
        (vec![], ["a", "d", "e"]),
        (vec![timed_out(HERE, "a", 5)], ["d", "e", "b"]),
        (
            vec![
                timed_out(HERE, "a", 5),
                timed_out(HERE, "b", 9),
                timed_out(HERE, "c", 7),
            ],
            ["d", "e", "b"],
        ),
        (
            vec![timed_out(HERE, "a", 5), timed_out(THERE, "d", 9)],
            ["e", "d", "b"],
        ),
    ] {
        let claimed = claimed(&policy, &fleet, &records);
        assert_eq!(claimed, expected, "{records:?}");
    }
}

/// Stopped notebooks come first, because they disturb nobody. Notebooks of a kind come by account,
/// region and name.
#[test]
fn stopped_notebooks_come_first() {
    let policy = enforcing(&generous());
    let three = |place, prefix: &str| {
        let named = |name, status| notebook(place, &format!("{prefix}-{name}"), status);
        (
            place,
            vec![
                named("a", "InService"),
                named("b", "Stopped"),
                named("c", "InService"),
                named("d", "Stopped"),
                named("e", "Pending"),
            ],
        )
    };
    let fleet = [
        three(ELSEWHERE, "elsewhere"),
        three(THERE, "there"),
        three(HERE, "here"),
    ];
    let proven =
        [HERE, THERE, ELSEWHERE].map(|place| restart(place, "canary", RecordState::Succeeded));
    let expected = [
        "here-b",
        "here-d",
        "there-b",
        "there-d",
        "elsewhere-b",
        "elsewhere-d", //
        "here-a",
        "here-c",
        "there-a",
        "there-c",
        "elsewhere-a",
        "elsewhere-c",
    ];
    assert_eq!(claimed(&policy, &fleet, &proven), expected);
}

#[test]
fn a_claim_says_all_that_is_needed_to_finish() {
    let patch =
        json!({"remediation": {"timeouts": {"stop": "10m", "update": "11m", "start": "12m"}}});
    let mut policy = enforcing_as("strict", &patch);
    policy.accounts[0].access.role = Some("sudoless".parse().unwrap());
    let fleet = [(
        HERE,
        vec![
            notebook(HERE, "a", "Stopped"),
            notebook(HERE, "b", "InService"),
        ],
    )];
    let records = claims(&policy, &found(&policy, &fleet), &policies(&[&policy]), &[]);
    assert_eq!(records.len(), 2);
    for (record, was_running) in records.iter().zip([false, true]) {
        let intent = &record.intent;
        assert_eq!(intent.was_running, was_running);
        assert_eq!(intent.policy.as_str(), "strict");
        assert_eq!(intent.access, policy.accounts[0].access);
        assert_eq!(intent.timeouts, policy.remediation.timeouts);
        assert_eq!(intent.recurrence, 0);
        assert_eq!(intent.notebook.target(), fixtures::target(HERE.0, HERE.1));
    }
}

#[test]
fn audit_and_suspended_claim_nothing() {
    let enforce = enforcing(&generous());
    let audit = Policy {
        mode: Mode::Audit,
        ..enforce.clone()
    };
    let suspended = Policy {
        suspended: true,
        ..enforce.clone()
    };
    let fleet = [(
        HERE,
        vec![
            notebook(HERE, "a", "Stopped"),
            notebook(HERE, "b", "InService"),
        ],
    )];
    assert_eq!(claimed(&enforce, &fleet, &[]), ["a", "b"]);
    assert!(claimed(&audit, &fleet, &[]).is_empty());
    assert!(claimed(&suspended, &fleet, &[]).is_empty());
}

/// A canary that could not be claimed does not count.
#[test]
fn one_that_was_refused_does_not_hold_up_the_next() {
    let policy = enforcing(&json!({}));
    let fleet = [(
        HERE,
        ["a", "b", "c"]
            .map(|name| notebook(HERE, name, "InService"))
            .to_vec(),
    )];
    let evaluation = found(&policy, &fleet);
    let policies = policies(&[&policy]);
    let circumstances = at_present(&policy, &policies);
    let mut queue = Queue::new(circumstances, &evaluation, &[], None);
    let first = queue.next().unwrap();
    assert_eq!(first.notebook.summary.name, "a");
    queue.executed.add_blocked(
        &first,
        Blocked::read_failed("its tags could not be read".to_owned()),
    );
    let second = queue.next().unwrap();
    assert_eq!(second.notebook.summary.name, "b");
    let made = record(HERE, &second.notebook, RecordState::Pending);
    queue.executed.add_claim(&made);
    assert!(queue.next().is_none());

    let evaluation = conclude(circumstances, evaluation, queue.executed);
    let said: Vec<_> = evaluation
        .findings
        .iter()
        .map(|finding| (finding.next, finding.reason.as_deref().unwrap()))
        .collect();
    let expected = [
        // By now it would also have to wait for the second notebook.
        (Next::Wait(WaitReason::Canary), "Canary"),
        (Next::Restart, "Remediating"),
        (Next::Wait(WaitReason::Canary), "Canary"),
    ];
    assert_eq!(said, expected);
    assert_eq!(evaluation.remediations.remediating, 1);
}

/// Returns the names of all candidates in their order, if the last pass ended at one of them.
fn order(
    policy: &Policy,
    fleet: &[((&str, &str), Vec<Notebook>)],
    ended_at: Option<&str>,
) -> Vec<String> {
    let evaluation = found(policy, fleet);
    let policies = policies(&[policy]);
    let usage = Usage::of(&policy.name, []);
    let claims = |resume_after: Option<&Position>| {
        plan(
            at_present(policy, &policies),
            &evaluation,
            &usage,
            resume_after,
        )
        .into_claims()
    };
    let named = |name: &str| {
        let found = claims(None).find(|each| each.notebook.summary.name == name);
        found.unwrap().position()
    };
    claims(ended_at.map(named).as_ref())
        .map(|candidate| candidate.notebook.summary.name.clone())
        .collect()
}

/// Candidates that take all the time of a pass are not the first of the next pass.
#[test]
fn a_pass_begins_where_the_last_one_ended() {
    let policy = enforcing(&generous());
    let both = |place, names: [&str; 2]| {
        let [asleep, awake] = names;
        let asleep = notebook(place, asleep, "Stopped");
        (place, vec![asleep, notebook(place, awake, "InService")])
    };
    let fleet = [
        both(HERE, ["a", "x"]),
        both(THERE, ["b", "y"]),
        both(ELSEWHERE, ["c", "z"]),
    ];
    for (ended_at, expected) in [
        (None, ["a", "b", "c", "x", "y", "z"]),
        (Some("a"), ["b", "c", "a", "x", "y", "z"]),
        (Some("b"), ["c", "a", "b", "x", "y", "z"]),
        (Some("c"), ["a", "b", "c", "x", "y", "z"]),
        (Some("x"), ["a", "b", "c", "y", "z", "x"]),
        (Some("z"), ["a", "b", "c", "x", "y", "z"]),
    ] {
        assert_eq!(order(&policy, &fleet, ended_at), expected, "{ended_at:?}");
    }
    // The last candidate may not be a candidate any more.
    let evaluation = found(&policy, &fleet[1..]);
    let policies = policies(&[&policy]);
    let gone = Position {
        is_running: false,
        account: HERE.0.parse().unwrap(),
        region: THERE.1.parse().unwrap(),
        name: "aa".to_owned(),
    };
    let circumstances = at_present(&policy, &policies);
    let first = Queue::new(circumstances, &evaluation, &[], Some(&gone))
        .next()
        .unwrap();
    assert_eq!(first.notebook.summary.name, "b");
}

/// A candidate whose account and region is being read keeps its place.
#[test]
fn who_is_passed_over_comes_later() {
    let policy = enforcing(&generous());
    let asleep = |place, names: [&str; 2]| {
        (
            place,
            names.map(|name| notebook(place, name, "Stopped")).to_vec(),
        )
    };
    let fleet = [asleep(HERE, ["a", "b"]), asleep(THERE, ["c", "d"])];
    let evaluation = found(&policy, &fleet);
    let policies = policies(&[&policy]);
    let circumstances = at_present(&policy, &policies);
    let usage = Usage::of(&policy.name, []);
    let plan = plan(circumstances, &evaluation, &usage, None);
    let (mut queue, executed) = (plan.into_claims().collect(), Executed::new(usage));
    let mut next = |is_eligible: &dyn Fn(&Candidate) -> bool| {
        let next = take_next(&mut queue, is_eligible, |candidate| {
            executed.admits(circumstances, candidate)
        });
        next.map(|candidate| candidate.notebook.summary.name.clone())
    };
    let there = |candidate: &Candidate| candidate.region.as_str() == THERE.1;
    assert_eq!(next(&there).as_deref(), Some("c"));
    assert_eq!(next(&|_| true).as_deref(), Some("a"));
    assert_eq!(next(&there).as_deref(), Some("d"));
    assert_eq!(next(&there), None);
    assert_eq!(next(&|_| true).as_deref(), Some("b"));
    assert_eq!(next(&|_| true), None);
}

#[test]
fn why_one_was_refused_is_said() {
    let policy = enforcing(&generous());
    let fleet = [(
        HERE,
        vec![
            notebook(HERE, "a", "Stopped"),
            notebook(HERE, "b", "Stopped"),
        ],
    )];
    let evaluation = found(&policy, &fleet);
    let policies = policies(&[&policy]);
    let circumstances = at_present(&policy, &policies);
    let mut queue = Queue::new(circumstances, &evaluation, &[], None);
    let first = queue.next().unwrap();
    queue.executed.add_blocked(
        &first,
        Blocked::read_failed("ListTags: AccessDenied".to_owned()),
    );
    let evaluation = conclude(circumstances, evaluation, queue.executed);
    let [refused, other] = &evaluation.findings[..] else {
        panic!("{evaluation:?}")
    };
    assert_eq!(refused.next, Next::Wait(WaitReason::ReadFailed));
    assert_eq!(refused.reason.as_deref(), Some("ReadFailed"));
    assert_eq!(refused.message.as_deref(), Some("ListTags: AccessDenied"));
    // An unblocked finding stays as it was evaluated.
    assert_eq!(other.next, Next::Update);
    assert_eq!(other.reason.as_deref(), Some("RootAccessEnabled"));
}

/// The figures count the policy's own records, one of which needs a person.
#[test]
fn remediations_are_the_policys_own() {
    use RecordState::{Failed, NeedsAttention, Pending, Starting, Succeeded, Updating};
    let policy = enforcing(&json!({"remediation": {"maxFailures": 2}}));
    let records = [
        restart(HERE, "a", Pending),
        restart(HERE, "b", Starting),
        update(HERE, "c", Updating),
        restart(HERE, "d", NeedsAttention),
        update(THERE, "e", NeedsAttention),
        restart(HERE, "f", Succeeded),
        restart(HERE, "g", Failed),
        update(THERE, "h", Failed),
        restart(THERE, "i", Failed),
        of("other", restart(HERE, "j", Pending)),
        of("other", restart(HERE, "k", NeedsAttention)),
        of("other", restart(HERE, "l", Failed)),
    ];
    let policies = policies(&[&policy]);
    let evaluation = concluded_with(&policy, &policies, found(&policy, &[]), &records);
    let attention: Vec<String> = [&records[3], &records[4]]
        .map(|record| RecordName::of(&record.intent.notebook).to_string())
        .into();
    let expected = RemediationCounts {
        remediating: 3,
        needs_attention: attention,
        failed: 3,
        // One notebook is down and needs attention. The other was not running.
        braked: false,
        halted: BTreeSet::from([fixtures::target(THERE.0, THERE.1)]),
        window_opens: None,
        rested_at: None,
    };
    assert_eq!(evaluation.remediations, expected);
    assert_eq!(
        remediation_counts(&policy, &records),
        expected,
        "the same of one that is not planned"
    );
}

/// The counts show the brake of an enforcing policy.
#[test]
fn remediations_tell_of_the_brake() {
    use RecordState::{NeedsAttention, Stopping};
    let policy = enforcing(&json!({"remediation": {"maxFailures": 2}}));
    let down = |place, name| restart(place, name, NeedsAttention);
    let not_stopped = record(
        HERE,
        &notebook(HERE, "not-stopped", "InService"),
        NeedsAttention,
    );
    let braked = |policy: &Policy, records: &[Record]| remediation_counts(policy, records).braked;
    let both = [down(HERE, "a"), down(ELSEWHERE, "b")];
    assert!(braked(&policy, &both));
    for others in [
        restart(HERE, "b", Stopping),
        update(HERE, "b", NeedsAttention),
        of("other", down(HERE, "b")),
        not_stopped,
    ] {
        assert!(!braked(&policy, &[down(HERE, "a"), others]));
    }
    let audit = Policy {
        mode: Mode::Audit,
        ..policy
    };
    assert!(!braked(&audit, &both));
}
