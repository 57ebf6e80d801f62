//! The reasons why a notebook waits, and the texts of its finding.

use std::collections::BTreeMap;

use RecordState::{
    Cancelled, Failed, NeedsAttention, Pending, Starting, Stopping, Succeeded, Unrecognized,
    Updating,
};

use strum::VariantArray;

use super::*;

/// The surroundings of the notebook `churn`.
#[derive(Clone, Default)]
struct Given {
    patch: Value,
    records: Vec<Record>,
    others: Policies,
}

fn alone() -> Given {
    policy_of(json!({}))
}

/// Changes the policy.
fn policy_of(patch: Value) -> Given {
    Given {
        patch,
        ..Given::default()
    }
}

/// Adds records.
fn records<const N: usize>(records: [Record; N]) -> Given {
    Given {
        records: records.into(),
        ..alone()
    }
}

/// Returns the record of `churn` with a recurrence.
fn own(status: &str, state: RecordState, recurrence: u32) -> Record {
    let mut record = record(HERE, &notebook(HERE, "churn", status), state);
    record.intent.recurrence = recurrence;
    record
}

fn name() -> String {
    let record = own("InService", Pending, 0);
    RecordName::of(&record.intent.notebook).to_string()
}

/// Adds another policy with an exemption.
fn exempted(exemption: &Value) -> Given {
    other(json!({"exemptions": [exemption]}))
}

/// Adds another policy, with changes.
fn other(patch: Value) -> Given {
    Given {
        others: policies(&[&policy_named("other", patch)]),
        ..alone()
    }
}

fn unreadable(accounts: Option<&[&str]>) -> Given {
    let mut given = alone();
    given
        .others
        .unreadable
        .push(crate::decide::UnreadablePolicy {
            name: "odd".into(),
            accounts: accounts.map(|ids| ids.iter().map(|id| id.parse().unwrap()).collect()),
        });
    given
}

/// Returns the finding of `churn` after a pass, and true if a record was created.
fn concluded(given: &Given, status: &str, mode: Mode) -> (bool, Finding) {
    let policy = Policy {
        mode,
        ..enforcing(&given.patch)
    };
    let mut policies = given.others.clone();
    policies.valid.push(Arc::new(policy.clone()));
    let evaluation = found(&policy, &[(HERE, vec![notebook(HERE, "churn", status)])]);
    let claims = claims(&policy, &evaluation, &policies, &given.records);
    let mut evaluation = concluded_with(&policy, &policies, evaluation, &given.records);
    (!claims.is_empty(), evaluation.findings.remove(0))
}

/// A case: the notebook's status, its surroundings, and `next` with reason and message. `None`: a
/// record is created.
type Case = (&'static str, Given, Option<(Next, &'static str, String)>);

#[expect(
    clippy::unnecessary_wraps,
    reason = "it stands for the outcome of a case"
)]
fn wait(reason: WaitReason, message: &str) -> Option<(Next, &'static str, String)> {
    Some((Next::Wait(reason), reason.as_str(), message.to_owned()))
}

/// Returns true if the reason depends on the moment. Audit's preview leaves such a reason out.
fn passes(reason: &str) -> bool {
    ["Window", "Budget", "Canary"].contains(&reason)
}

#[test]
fn each_finding_says_why_it_waits() {
    let mut ran: BTreeMap<&str, u32> = BTreeMap::new();
    let cases = [
        at_once(),
        by_itself(),
        by_its_record(),
        by_other_records(),
        by_other_policies(),
    ];
    for (status, given, expected) in cases.into_iter().flatten() {
        let about = format!(
            "{status} {} {:?} {:?}",
            given.patch, given.records, given.others
        );
        let found = match status {
            "Stopped" => Next::Update,
            _ => Next::Restart,
        };
        let (is_claimed, finding) = concluded(&given, status, Mode::Enforce);
        assert_eq!(is_claimed, expected.is_none(), "{about}");
        let (next, reason, message) = expected.clone().unwrap_or((
            found,
            "RootAccessEnabled",
            finding.message.clone().unwrap(),
        ));
        let said = (
            finding.next,
            finding.reason.as_deref().unwrap(),
            finding.message.clone().unwrap(),
        );
        assert_eq!(said, (next, reason, message), "{about}");

        // The preview of the same case leaves out reasons of the moment.
        let (is_claimed, preview) = concluded(&given, status, Mode::Audit);
        assert!(!is_claimed, "{about}");
        let expected = if passes(reason) { found } else { finding.next };
        assert_eq!(preview.next, expected, "{about}");
        if !passes(reason) {
            assert_eq!(
                (preview.reason, preview.message),
                (finding.reason, finding.message),
                "{about}"
            );
        }
        *ran.entry(reason).or_default() += 1;
    }
    for &reason in WaitReason::VARIANTS {
        // Some reasons come from the fresh read of a claim. The others have tests of their own.
        let expected = !matches!(
            reason,
            WaitReason::ReadFailed
                | WaitReason::Superseded
                | WaitReason::NotRestartable
                | WaitReason::RecentlyStopped
                | WaitReason::Window
        );
        assert_eq!(ran.contains_key(reason.as_str()), expected, "{reason:?}");
    }
}

/// Cases without an obstacle.
#[rustfmt::skip]
fn at_once() -> Vec<Case> {
    let running = |state, recurrence| records([own("InService", state, recurrence)]);
    let by_name = json!({"reason": "why", "names": ["churn"]});
    let expired = json!({"reason": "why", "names": ["churn"], "expiresAt": "2026-06-01T12:00:00Z"});
    vec![
        ("Stopped", alone(), None),
        ("InService", alone(), None),
        ("Stopped", policy_of(json!({"remediation": {"whenRunning": "Wait"}})), None),
        ("Stopped", policy_of(closed()), None),
        ("Stopped", records([restart(HERE, "x", NeedsAttention)]), None),
        ("InService", running(Succeeded, 0), None),
        ("InService", running(Succeeded, 1), None),
        ("InService", running(Cancelled, 2), None),
        ("Stopped", records([of("other", own("Stopped", Cancelled, 0))]), None),
        ("InService", exempted(&expired), None),
        ("InService", exempted(&json!({"reason": "why", "names": ["legacy"]})), None),
        ("InService", exempted(&json!({"reason": "why", "regions": [THERE.1]})), None),
        ("InService", other(json!({"selector": {"names": ["x"]}, "exemptions": [by_name]})), None),
        ("InService", other(json!({"regions": [THERE.1], "exemptions": [by_name]})), None),
        ("InService", unreadable(Some(&[ELSEWHERE.0])), None),
    ]
}

/// Returns a window on Saturdays at 02:00. The present day is a Monday.
fn closed() -> Value {
    json!({"remediation": {"windows": [{"schedule": "0 2 * * SAT", "duration": "4h"}]}})
}

/// Cases that depend on the notebook's own status and the policy.
#[rustfmt::skip]
fn by_itself() -> Vec<Case> {
    let passing = |status: &str| {
        let message = format!("root access is enabled; the notebook's status is {status}, and AWS changes root access only from Stopped");
        wait(WaitReason::TransitionalStatus, &message)
    };
    let failed = "root access is enabled; the notebook is in status Failed and is left alone until its owner starts or deletes it";
    let running = "root access is enabled and whenRunning is Wait: the notebook is updated once its owner stops it";
    let waits = json!({"remediation": {"whenRunning": "Wait"}});
    vec![
        ("Pending", alone(), passing("Pending")),
        ("Stopping", alone(), passing("Stopping")),
        ("Deleting", alone(), passing("Deleting")),
        ("Updating", alone(), passing("Updating")),
        ("InMaintenance", alone(), passing("InMaintenance")),
        ("Failed", alone(), wait(WaitReason::Failed, failed)),
        ("InService", policy_of(waits), wait(WaitReason::Running, running)),
    ]
}

/// Cases that depend on the notebook's own record.
#[rustfmt::skip]
fn by_its_record() -> Vec<Case> {
    let name = name();
    let of_own = |status, state| records([own(status, state, 0)]);
    let of_other = |status, state| records([of("other", own(status, state, 0))]);
    let is = |next, state: RecordState| {
        Some((next, "Remediating", format!("root access is being disabled by nbr/{name} ({state})")))
    };
    let needs_a_person = || {
        Some((Next::Restart, "NeedsAttention", format!("the remediation needs a person: kubectl describe nbr {name}")))
    };
    let other = |state: RecordState| wait(WaitReason::OtherPolicy, &format!(
        "root access is being disabled for the policy other by nbr/{name} ({state})"
    ));
    let failed = || wait(WaitReason::Failed, &format!(
        "the last remediation failed: see kubectl describe nbr {name}; kubectl delete nbr {name} acknowledges the failure and tries again"
    ));
    let recurring = || wait(WaitReason::Recurring, &format!(
        "root access was disabled 3 times and enabled again each time, perhaps by Terraform: find the cause, then kubectl \
         delete nbr {name} to try again"
    ));
    let invalid = || wait(WaitReason::RecordInvalid, &format!(
        "nbr/{name} is not readable by this version of sudoless: its state is of a later version; run the version that wrote the record, \
         or check that the notebook runs if it should, then kubectl delete nbr {name}"
    ));
    vec![
        ("InService", of_own("InService", Unrecognized), invalid()),
        ("Stopped", of_other("InService", Unrecognized), invalid()),
        ("InService", of_own("InService", Pending), is(Next::Restart, Pending)),
        ("Stopping", of_own("InService", Stopping), is(Next::Restart, Stopping)),
        ("Stopped", of_own("Stopped", Updating), is(Next::Update, Updating)),
        ("Stopped", of_own("InService", Starting), is(Next::Restart, Starting)),
        ("Failed", of_own("InService", NeedsAttention), needs_a_person()),
        ("InService", of_other("InService", Pending), other(Pending)),
        ("Stopped", of_other("InService", NeedsAttention), other(NeedsAttention)),
        ("InService", of_own("InService", Failed), failed()),
        ("Stopped", of_other("Stopped", Failed), failed()),
        ("InService", records([own("InService", Succeeded, 2)]), recurring()),
        ("Stopped", records([own("Stopped", Succeeded, 2)]), recurring()),
        ("Stopped", records([own("Stopped", Cancelled, 3)]), recurring()),
        ("InService", records([of("other", own("InService", Succeeded, 2))]), recurring()),
    ]
}

/// Cases that depend on the records of other notebooks.
#[rustfmt::skip]
fn by_other_records() -> Vec<Case> {
    let halted = |failed, most| wait(WaitReason::Halted, &format!(
        "{failed} failed in this account and region (maxFailures: {most}): kubectl get nbr --field-selector \
         status.state=Failed lists them, deleting them resumes remediation"
    ));
    let brake = "maxFailures (2) notebooks of this policy are down and need attention: no other running notebook is stopped until \
        one of them runs again; kubectl get nbr --field-selector status.state=NeedsAttention,spec.policy=no-root lists them";
    let canary = "waiting: the first restarted notebook in this account and region has not come back yet";
    let policy_budget = "waiting: 1 notebook is already being restarted (maxConcurrent: 1)";
    let region_budget = "waiting: 1 notebook is already being restarted (maxConcurrentPerRegion: 1)";
    let updates = "waiting: 10 stopped notebooks are already being updated in this account and region";
    let updates_over_all = "waiting: 50 stopped notebooks are already being updated";
    let proven = |record| records([restart(HERE, "canary", Succeeded), record]);
    let many = (0..MOST_UPDATES).map(|number| update(HERE, &format!("x{number}"), Updating));
    let fifty = (0..MOST_UPDATES_OVER_ALL).map(|number| update(THERE, &format!("x{number}"), Updating));
    let most_one = Given {
        records: vec![restart(HERE, "x", Failed)],
        ..policy_of(json!({"remediation": {"maxFailures": 1}}))
    };
    vec![
        ("Stopped", records([restart(HERE, "x", Failed), update(HERE, "y", Failed)]), halted("2 remediations", 2)),
        ("InService", most_one, halted("1 remediation", 1)),
        ("InService", records([restart(THERE, "x", NeedsAttention), restart(ELSEWHERE, "y", NeedsAttention)]), wait(WaitReason::Halted, brake)),
        ("InService", records([restart(HERE, "x", Pending)]), wait(WaitReason::Canary, canary)),
        ("InService", proven(restart(THERE, "x", Pending)), wait(WaitReason::Budget, policy_budget)),
        ("InService", proven(restart(HERE, "x", NeedsAttention)), wait(WaitReason::Budget, region_budget)),
        ("Stopped", Given { records: many.collect(), ..alone() }, wait(WaitReason::Budget, updates)),
        ("Stopped", Given { records: fifty.collect(), ..alone() }, wait(WaitReason::Budget, updates_over_all)),
    ]
}

#[rustfmt::skip]
fn by_other_policies() -> Vec<Case> {
    let conflict = |message: &str| wait(WaitReason::PolicyConflict, message);
    let exempts = || conflict("the policy other exempts the notebook: needs Docker");
    let may = || conflict("the policy other may exempt the notebook by its tags, which are unknown");
    let odd = || conflict("the policy odd is invalid and may exempt the notebook: correct or delete that policy");
    let docker = |mut exemption: Value| {
        exemption["reason"] = json!("needs Docker");
        exemption
    };
    let by_name = docker(json!({"names": ["churn"]}));
    let by_tags = docker(json!({"tags": {"team": "a"}}));
    let by_place = docker(json!({"accounts": [ACCOUNT], "regions": [REGION]}));
    let expiring = docker(json!({"names": ["ch*"], "expiresAt": "2026-06-02T00:00:00Z"}));
    vec![
        ("InService", exempted(&by_name), exempts()),
        ("Stopped", exempted(&by_place), exempts()),
        ("Stopped", exempted(&expiring), exempts()),
        // An exemption holds whatever its policy does about violations.
        ("Stopped", other(json!({"suspend": true, "exemptions": [by_name]})), exempts()),
        ("InService", exempted(&by_tags), may()),
        ("InService", other(json!({"selector": {"tags": {"stage": "x"}}, "exemptions": [by_name]})), may()),
        // A certain exemption comes before an unclear one.
        ("InService", other(json!({"exemptions": [by_tags, by_name]})), exempts()),
        ("Stopped", unreadable(Some(&[ACCOUNT])), odd()),
        ("InService", unreadable(None), odd()),
    ]
}

/// Only running notebooks need an open window.
#[test]
fn what_is_running_waits_for_a_window() {
    let (is_claimed, finding) = concluded(&policy_of(closed()), "InService", Mode::Enforce);
    assert!(!is_claimed);
    assert_eq!(finding.next, Next::Wait(WaitReason::Window));
    let message = finding.message.unwrap();
    assert!(
        message.starts_with("the notebook is running, and no window is open"),
        "{message}"
    );
    let (_, preview) = concluded(&policy_of(closed()), "InService", Mode::Audit);
    assert_eq!(preview.next, Next::Restart);
}
