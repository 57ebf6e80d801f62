#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use std::sync::Arc;

use jiff::SignedDuration;
use serde_json::{Value, json};

use super::*;
use crate::{
    decide::{
        UnreadablePolicy,
        fixtures::{
            ACCOUNT, REGION, failure, notebook, now, policy, policy_named, record, resource, tags,
        },
    },
    domain::{RootAccess, TargetState},
};

/// The reasons why `churn` may not be wanted now, in the order of the checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cause {
    Audit,
    NotCovered,
    Exempt,
    TagsUnknown,
    OtherUnreadable,
    NotRestartable,
    Suspended,
    WhenRunning,
    WindowClosed,
    Budget,
}

impl Cause {
    const ALL: [Self; 10] = [
        Self::Audit,
        Self::NotCovered,
        Self::Exempt,
        Self::TagsUnknown,
        Self::OtherUnreadable,
        Self::NotRestartable,
        Self::Suspended,
        Self::WhenRunning,
        Self::WindowClosed,
        Self::Budget,
    ];

    fn desired(self) -> Desired {
        match self {
            Self::Audit => Desired::Abort(Withdrawal::Audit),
            Self::NotCovered => Desired::Abort(Withdrawal::NotCovered),
            Self::Exempt => Desired::Abort(Withdrawal::Exempt),
            Self::TagsUnknown => Desired::Unknown,
            Self::OtherUnreadable => Desired::Defer(Deferral::InvalidPolicy),
            Self::NotRestartable => Desired::Defer(Deferral::NotRestartable),
            Self::Suspended => Desired::Defer(Deferral::Suspended),
            Self::WhenRunning => Desired::Defer(Deferral::WhenRunning),
            Self::WindowClosed => Desired::Defer(Deferral::WindowClosed),
            Self::Budget => Desired::Defer(Deferral::Budget),
        }
    }
}

/// Returns the wish for `churn` if these causes hold.
fn desired_for(causes: &[Cause]) -> Desired {
    let holds = |cause| causes.contains(&cause);
    let mut exemptions = Vec::new();
    if holds(Cause::TagsUnknown) {
        exemptions.push(json!({"reason": "why", "tags": {"team": "a"}}));
    }
    if holds(Cause::Exempt) {
        exemptions.push(json!({"reason": "why", "names": ["churn"]}));
    }
    let mut patch = json!({
        "mode": if holds(Cause::Audit) { "Audit" } else { "Enforce" },
        "suspend": holds(Cause::Suspended),
        "selector": {"names": [if holds(Cause::NotCovered) { "x" } else { "churn" }]},
        "exemptions": exemptions,
        "remediation": {"whenRunning": if holds(Cause::WhenRunning) { "Wait" } else { "Restart" }},
    });
    if holds(Cause::WindowClosed) {
        // The present day is a Monday.
        patch["remediation"]["windows"] = json!([{"schedule": "0 2 * * SAT", "duration": "4h"}]);
    }
    let mut policies = policies([policy(patch)]);
    if holds(Cause::OtherUnreadable) {
        policies.unreadable.push(unreadable("odd", Some(ACCOUNT)));
    }
    let budget = if holds(Cause::Budget) {
        Budget::Exceeded
    } else {
        Budget::Kept
    };
    let churn = if holds(Cause::NotRestartable) {
        on(Some("notebook-al2-v3"), "InService", RootAccess::Enabled)
    } else {
        churn()
    };
    desired_of(&churn, &policies, budget)
}

fn policies<const N: usize>(valid: [Policy; N]) -> Policies {
    Policies {
        valid: valid.map(Arc::new).into(),
        ..Policies::default()
    }
}

fn unreadable(name: &str, account: Option<&str>) -> UnreadablePolicy {
    UnreadablePolicy {
        name: name.into(),
        accounts: account.map(|id| [id.parse().unwrap()].into()),
    }
}

fn churn() -> Notebook {
    notebook("churn", "InService", RootAccess::Enabled)
}

/// Returns `churn` on a platform.
fn on(platform: Option<&str>, status: &str, root_access: RootAccess) -> Notebook {
    let mut churn = notebook("churn", status, root_access);
    let details = churn.details.as_mut().unwrap();
    details.platform = platform.map(str::to_owned);
    churn
}

/// Returns the wish for a notebook with a record of the policy `no-root`.
fn desired_of(notebook: &Notebook, policies: &Policies, budget: Budget) -> Desired {
    let record = record((ACCOUNT, REGION), notebook);
    desired(&record, notebook, policies, budget, now())
}

/// Returns the wish under one enforcing policy, with changes.
fn desired_under(patch: Value, notebook: &Notebook) -> Desired {
    let mut patch = patch;
    patch["mode"] = json!("Enforce");
    desired_of(notebook, &policies([policy(patch)]), Budget::Kept)
}

#[test]
fn each_cause_has_its_wish() {
    assert_eq!(desired_for(&[]), Desired::Proceed);
    for cause in Cause::ALL {
        assert_eq!(desired_for(&[cause]), cause.desired(), "{cause:?}");
    }
}

/// The first cause that holds counts. A withdrawal comes before an invalid policy, and both come
/// before the checks of the moment.
#[test]
fn of_several_causes_the_first_counts() {
    for (index, first) in Cause::ALL.into_iter().enumerate() {
        for second in &Cause::ALL[index + 1..] {
            let both = [first, *second];
            assert_eq!(desired_for(&both), first.desired(), "{both:?}");
        }
        assert_eq!(
            desired_for(&Cause::ALL[index..]),
            first.desired(),
            "{first:?} and all after it"
        );
    }
}

#[test]
fn a_policy_that_is_gone_withdraws_and_one_that_is_not_understood_waits() {
    let others = policies([policy_named("other", json!({"mode": "Enforce"}))]);
    let desired = |policies: &Policies| desired_of(&churn(), policies, Budget::Exceeded);
    let gone = Desired::Abort(Withdrawal::PolicyDeleted);
    let waits = Desired::Defer(Deferral::InvalidPolicy);
    assert_eq!(desired(&Policies::default()), gone);
    assert_eq!(desired(&others), gone);

    let mut deleting = others.clone();
    let mut resource = resource(json!({"mode": "Enforce"}));
    resource.metadata.deletion_timestamp =
        Some(serde_json::from_value(json!("2026-06-01T11:00:00Z")).unwrap());
    deleting.add(&resource);
    assert_eq!(desired(&deleting), gone);

    let mut invalid = others.clone();
    resource.metadata.deletion_timestamp = None;
    resource.spec.accounts[0].id = "1".to_owned();
    invalid.add(&resource);
    assert_eq!(desired(&invalid), waits);
    // The account is invalid, so the policy may concern any account.
    assert_eq!(invalid.unreadable, [unreadable("no-root", None)]);

    let mut undecodable = others;
    undecodable.add_undecodable("no-root");
    assert_eq!(desired(&undecodable), waits);
}

#[test]
fn what_is_not_named_or_selected_is_not_covered() {
    let team_a = json!({"selector": {"tags": {"team": "a"}}});
    let tagged = |tags| Notebook {
        tags: Some(tags),
        ..churn()
    };
    let not_covered = Desired::Abort(Withdrawal::NotCovered);
    for (patch, notebook, expected) in [
        (json!({"regions": ["us-east-1"]}), churn(), not_covered),
        (json!({"regions": ["*"]}), churn(), Desired::Proceed),
        (
            json!({"accounts": [{"id": "444455556666"}]}),
            churn(),
            not_covered,
        ),
        (json!({"selector": {"names": ["x"]}}), churn(), not_covered),
        (
            team_a.clone(),
            tagged(Ok(tags(&[("team", "a")]))),
            Desired::Proceed,
        ),
        (team_a.clone(), tagged(Ok(tags(&[]))), not_covered),
        (
            team_a.clone(),
            tagged(Err(failure(TargetState::Throttled))),
            Desired::Unknown,
        ),
        (team_a, churn(), Desired::Unknown),
    ] {
        assert_eq!(
            desired_under(patch.clone(), &notebook),
            expected,
            "{patch} {:?}",
            notebook.tags
        );
    }
}

/// A notebook that was stopped minutes ago by another hand is left alone, whatever other cause
/// holds.
#[test]
fn recently_stopped_notebook_is_not_wanted_yet() {
    let stopped = |seconds: Option<i64>| {
        let mut churn = notebook("churn", "Stopped", RootAccess::Enabled);
        let at = seconds.map(|seconds| now() - SignedDuration::from_secs(seconds));
        churn.summary.last_modified = None;
        churn.details.as_mut().unwrap().last_modified = at;
        churn
    };
    let resting = Desired::Defer(Deferral::RecentlyStopped);
    for (patch, age, expected) in [
        (json!({}), Some(299), resting),
        (json!({}), Some(300), Desired::Proceed),
        (json!({}), None, resting),
        (json!({"suspend": true}), Some(1), resting),
        (
            json!({"remediation": {"restAfterStop": "0s"}}),
            Some(1),
            Desired::Proceed,
        ),
        (
            json!({"remediation": {"restAfterStop": "0s"}}),
            None,
            Desired::Proceed,
        ),
        (
            json!({"exemptions": [{"reason": "needs Docker", "names": ["*"]}]}),
            Some(1),
            Desired::Abort(Withdrawal::Exempt),
        ),
    ] {
        assert_eq!(
            desired_under(patch.clone(), &stopped(age)),
            expected,
            "{patch}"
        );
    }
    // The operator updates a notebook that it stopped itself.
    let mut ours = record((ACCOUNT, REGION), &churn());
    ours.progress.stop_requested_at = Some(now());
    let all = policies([policy(json!({"mode": "Enforce"}))]);
    let wanted = desired(&ours, &stopped(Some(1)), &all, Budget::Kept, now());
    assert_eq!(wanted, Desired::Proceed);
    // A notebook that was running when its record was created, too, was stopped by another hand.
    let pristine = record((ACCOUNT, REGION), &churn());
    let left = desired(&pristine, &stopped(Some(1)), &all, Budget::Kept, now());
    assert_eq!(left, resting);
}

/// An exemption of any policy counts, until it expires.
#[test]
fn an_exemption_withdraws() {
    let own = policy(json!({"mode": "Enforce"}));
    let by_name = json!({"reason": "why", "names": ["churn"]});
    let with = |patch: Value| {
        let both = policies([own.clone(), policy_named("other", patch)]);
        desired_of(&churn(), &both, Budget::Kept)
    };
    let exempt = Desired::Abort(Withdrawal::Exempt);
    let expiring =
        |at| json!({"exemptions": [{"reason": "why", "names": ["churn"], "expiresAt": at}]});
    for (patch, expected) in [
        (json!({"exemptions": [by_name]}), exempt),
        (json!({"exemptions": [by_name], "suspend": true}), exempt),
        (expiring("2026-06-01T12:00:00.500000001Z"), exempt),
        (expiring("2026-06-01T12:00:00.5Z"), Desired::Proceed),
        (
            json!({"exemptions": [by_name], "selector": {"names": ["x"]}}),
            Desired::Proceed,
        ),
        (
            json!({"exemptions": [by_name], "regions": ["us-east-1"]}),
            Desired::Proceed,
        ),
        (
            json!({"exemptions": [{"reason": "why", "tags": {"team": "a"}}]}),
            Desired::Unknown,
        ),
        (
            json!({"exemptions": [by_name], "selector": {"tags": {"team": "a"}}}),
            Desired::Unknown,
        ),
    ] {
        assert_eq!(with(patch.clone()), expected, "{patch}");
    }
}

/// An invalid policy concerns its accounts. If its accounts are unknown, it concerns all.
#[test]
fn a_policy_that_is_not_understood_disturbs_nobody_it_may_concern() {
    let own = policies([policy(json!({"mode": "Enforce"}))]);
    for (account, expected) in [
        (Some("444455556666"), Desired::Proceed),
        (Some(ACCOUNT), Desired::Defer(Deferral::InvalidPolicy)),
        (None, Desired::Defer(Deferral::InvalidPolicy)),
    ] {
        let mut policies = own.clone();
        policies.unreadable.push(unreadable("odd", account));
        assert_eq!(
            desired_of(&churn(), &policies, Budget::Kept),
            expected,
            "{account:?}"
        );
    }
}

/// Stopped notebooks disturb nobody, but the table decides about them.
#[test]
fn the_notebooks_own_state_does_not_matter() {
    for status in ["InService", "Stopped", "Failed", "Surprising"] {
        for root_access in [
            RootAccess::Enabled,
            RootAccess::Disabled,
            RootAccess::Unknown,
        ] {
            let churn = notebook("churn", status, root_access);
            assert_eq!(
                desired_under(json!({}), &churn),
                Desired::Proceed,
                "{status} {root_access}"
            );
            let waits = json!({"remediation": {"whenRunning": "Wait"}});
            assert_eq!(
                desired_under(waits, &churn),
                Desired::Defer(Deferral::WhenRunning),
                "{status}"
            );
        }
    }
}

/// The check applies only to a notebook that a Stop would take down for good. A notebook that is
/// already down is finished, whatever its platform has become since.
#[test]
fn what_aws_would_not_start_again_is_not_stopped() {
    let not_now = Desired::Defer(Deferral::NotRestartable);
    for (platform, status, root_access, expected) in [
        (
            Some("notebook-al2-v3"),
            "InService",
            RootAccess::Enabled,
            not_now,
        ),
        (
            Some("notebook-al1-v1"),
            "InService",
            RootAccess::Enabled,
            not_now,
        ),
        (None, "InService", RootAccess::Enabled, not_now),
        (
            Some("notebook-al2023-v1"),
            "InService",
            RootAccess::Enabled,
            Desired::Proceed,
        ),
        (
            Some("notebook-al2027-v1"),
            "InService",
            RootAccess::Enabled,
            Desired::Proceed,
        ),
        (
            Some("notebook-al2-v3"),
            "Stopped",
            RootAccess::Enabled,
            Desired::Proceed,
        ),
        (
            Some("notebook-al2-v3"),
            "Stopping",
            RootAccess::Enabled,
            Desired::Proceed,
        ),
        (
            Some("notebook-al2-v3"),
            "InService",
            RootAccess::Disabled,
            Desired::Proceed,
        ),
        (None, "Stopped", RootAccess::Unknown, Desired::Proceed),
    ] {
        let desired_for = desired_under(json!({}), &on(platform, status, root_access));
        assert_eq!(desired_for, expected, "{platform:?} {status} {root_access}");
    }
    let mut accelerated = churn();
    accelerated.details.as_mut().unwrap().accelerators = vec!["ml.eia2.medium".to_owned()];
    assert_eq!(desired_under(json!({}), &accelerated), not_now);
    let mut policies = policies([policy(json!({"mode": "Enforce"}))]);
    policies.retired_platforms = "notebook-al2023-*".parse().unwrap();
    assert_eq!(desired_of(&churn(), &policies, Budget::Kept), not_now);
}
