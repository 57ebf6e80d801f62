//! The answer for each reason why a notebook is fixed, or is not.

use serde_json::json;

use super::{super::*, world::*};

/// Name of the case, facts, expected outcome, reason of the first policy, and a part of the text.
type Case = (
    &'static str,
    Facts,
    Outcome,
    Option<&'static str>,
    &'static str,
);

fn check(cases: Vec<Case>) {
    for (what, facts, outcome, reason, part) in cases {
        let explanation = explained(&facts);
        let shown = text(&explanation, crate::report::Appearance::default());
        assert_eq!(explanation.answer.outcome, outcome, "{what}:\n{shown}");
        let said = explanation
            .policies
            .first()
            .and_then(|policy| policy.reason.as_deref());
        assert_eq!(said, reason, "{what}:\n{shown}");
        assert!(shown.contains(part), "{what}: no {part:?} in\n{shown}");
    }
}

const THERE: (&str, &str, &str) = (ACCOUNT, "us-east-1", "other");
const HERE: (&str, &str, &str) = (ACCOUNT, REGION, "other");

fn both_regions() -> serde_json::Value {
    json!({"regions": [REGION, "us-east-1"]})
}

/// Returns a status in which `churn` runs on a platform that the operator does not restart.
fn not_restartable(platform: &str) -> serde_json::Value {
    lists(
        "InService",
        json!({"next": "Wait", "reason": "NotRestartable", "message": "the operator's own words", "platform": platform}),
    )
}

#[test]
#[rustfmt::skip]
fn what_happens_next() {
    let audit = json!({"mode": "Audit"});
    let windows = json!({"remediation": {"windows": [{"schedule": "0 2 * * SAT", "duration": "4h", "timeZone": "Europe/Berlin"}]}});
    let closing = json!({"remediation": {"windows": [{"schedule": "2 8 * * *", "duration": "4h"}]}});
    let open = json!({"remediation": {"windows": [{"schedule": "0 11 * * *", "duration": "4h"}]}});
    let stopped = lists("Stopped", json!({"next": "Update"}));
    check(vec![
        ("nothing speaks against it", facts([policy(json!({}), violation())], []),
            Outcome::Next, Some("RootAccessEnabled"), "stopped, updated and started again"),
        ("it is stopped", facts([policy(windows.clone(), stopped)], []),
            Outcome::Next, Some("RootAccessEnabled"), "no user is disturbed"),
        ("a window is open", facts([policy(open.clone(), violation())], []),
            Outcome::Next, Some("RootAccessEnabled"), "a window is open until 2026-06-01T15:00:00Z, in 3 hours"),
        ("no window is open", facts([policy(windows.clone(), violation())], []),
            Outcome::Waits, Some("Window"),
            "opens Saturday, 6 June 2026, 02:00 Europe/Berlin, 2026-06-06T00:00:00Z, in 4 days"),
        ("no window was open at the last pass", facts([policy(windows.clone(), waits("Window", "no window is open"))], []),
            Outcome::Waits, Some("Window"),
            "opens Saturday, 6 June 2026, 02:00 Europe/Berlin, 2026-06-06T00:00:00Z, in 4 days"),
        ("a window has opened since", facts([policy(open, waits("Window", "no window is open"))], []),
            Outcome::Next, Some("RootAccessEnabled"), "a window is open until 2026-06-01T15:00:00Z, in 3 hours"),
        ("it closes too soon", facts([policy(closing, violation())], []),
            Outcome::Waits, Some("Window"), "too soon for a restart; the next window opens Tuesday, 2 June 2026, 08:02 UTC"),
        ("Audit", facts([policy(audit.clone(), violation())], []),
            Outcome::OnlyAudited, Some("RootAccessEnabled"), "the policy only audits. In mode Enforce"),
        ("Audit does not speak of the moment", facts([policy(json!({"mode": "Audit", "remediation": windows["remediation"]}), violation())], []),
            Outcome::OnlyAudited, Some("RootAccessEnabled"), "no policy enforces"),
        ("suspended", facts([policy(json!({"suspend": true}), violation())], []),
            Outcome::Suspended, Some("Suspended"), r#"kubectl patch nrap p --type merge -p '{"spec":{"suspend":false}}'"#),
        ("one audits, one enforces", facts([named("a", audit, violation()), policy(windows.clone(), violation())], []),
            Outcome::Waits, Some("RootAccessEnabled"), "Window, by the policy p"),
        ("its owner is to stop it", facts([policy(json!({"remediation": {"whenRunning": "Wait"}}), waits("Running", "whenRunning is Wait"))], []),
            Outcome::Waits, Some("Running"), "ask the owner to stop the notebook"),
        ("its status passes", facts([policy(json!({}), lists("Pending", json!({"next": "Wait", "reason": "TransitionalStatus"})))], []),
            Outcome::Waits, Some("TransitionalStatus"), "nothing: the wait ends on its own"),
        ("its status is Failed", facts([policy(json!({}), lists("Failed", json!({"next": "Wait", "reason": "Failed"})))], []),
            Outcome::Waits, Some("Failed"), "ask the owner to start it"),
        ("it was stopped just now", facts([policy(json!({}), lists("Stopped", json!({"next": "Wait", "reason": "RecentlyStopped", "message": "it came to Stopped at 11:59"})))], []),
            Outcome::Waits, Some("RecentlyStopped"), "it came to Stopped at 11:59"),
        ("AWS would not start it again", facts([policy(json!({}), not_restartable("notebook-al2-v3"))], []),
            Outcome::Waits, Some("NotRestartable"), "--platform-identifier notebook-al2023-v1 --root-access Disabled"),
        ("AWS would not start it again, and windows do not matter", facts([policy(windows, not_restartable("notebook-al1-v1"))], []),
            Outcome::Waits, Some("NotRestartable"), "create a new notebook on notebook-al2023-v1"),
        ("the operator's list has another platform", facts([policy(json!({}), not_restartable("notebook-al2023-v1"))], []),
            Outcome::Waits, Some("NotRestartable"), "the operator's own words"),
        ("no platform is known", facts([policy(json!({}), lists("InService", json!({"next": "Wait", "reason": "NotRestartable", "platform": null})))], []),
            Outcome::Waits, Some("NotRestartable"), "look up its platform"),
        ("the operator's list lacks the platform", facts([policy(json!({}), lists("InService", json!({"platform": "notebook-al2-v3"})))], []),
            Outcome::Next, Some("RootAccessEnabled"), "on notebook-al2-v3, root access Enabled"),
        ("an operator of an earlier version does not say the platform", facts([policy(json!({}), lists("InService", json!({"platform": null})))], []),
            Outcome::Next, Some("RootAccessEnabled"), "stopped, updated and started again"),
        ("it is stopped, and its platform is retired", facts([policy(json!({}), lists("Stopped", json!({"next": "Update", "platform": "notebook-al2-v3"})))], []),
            Outcome::Next, Some("RootAccessEnabled"), "no user is disturbed"),
        ("its record was cancelled since", facts([policy(json!({}), lists("InService", json!({"reason": "Remediating", "platform": "notebook-al2-v3"})))],
            [own("Cancelled", json!({}))]),
            Outcome::Waits, Some("Superseded"), "that remediation is finished, and the operator decides again at its next pass"),
        ("it could not be read just then", facts([policy(json!({}), lists("InService", json!({"next": "Wait", "reason": "ReadFailed", "message": "throttled"})))], []),
            Outcome::Next, Some("RootAccessEnabled"), "The last pass failed: throttled"),
        ("it does not give root any more", facts([policy(json!({}), lists("InService", json!({"next": "None", "reason": "RootAccessDisabled", "message": "already disabled"})))], []),
            Outcome::Waits, Some("RootAccessDisabled"), "RootAccessDisabled, by the policy p: already disabled"),
        ("the reason is of a later version", facts([policy(json!({}), waits("Notice", "its owner was told"))], []),
            Outcome::Waits, Some("Notice"), "Notice, by the policy p: its owner was told"),
        ("the spec changed since", facts([policy(json!({}), json!({"observedGeneration": 2, "findings": violation()["findings"]}))], []),
            Outcome::Waits, Some("Superseded"), "has not processed the latest change of this policy yet; before the change: root access is enabled"),
    ]);
}

#[test]
#[rustfmt::skip]
fn what_its_record_says() {
    let two = json!({"spec": {"recurrence": 2}});
    let by = |reason: &str| lists("InService", json!({"reason": reason}));
    check(vec![
        ("under way", facts([policy(json!({}), by("Remediating"))], [own("Stopping", json!({}))]),
            Outcome::BeingFixed, Some("Remediating"), "Stopping, by nbr/churn-036aaceed5e52113 for the policy p"),
        ("under way, and not listed any more", facts([policy(json!({}), json!({}))], [own("Starting", json!({}))]),
            Outcome::BeingFixed, None, "needs attention from 2026-06-01T12:50:00Z (in 50 minutes)"),
        ("it was just made", facts([policy(json!({}), by("Remediating"))], [own("Pending", json!({"status": {"state": null, "message": null}}))]),
            Outcome::BeingFixed, Some("Remediating"), "has not processed the record yet"),
        ("deleted while under way", facts([policy(json!({}), by("Remediating"))],
            [own("Starting", json!({"metadata": {"deletionTimestamp": "2026-06-01T11:59:00Z"}}))]),
            Outcome::BeingFixed, Some("Remediating"), "The record is being deleted"),
        ("it needs a person", facts([policy(json!({}), by("NeedsAttention"))], [own("NeedsAttention", json!({"status": {"attentionFrom": "Start"}}))]),
            Outcome::NeedsAttention, Some("NeedsAttention"), "as it stands"),
        ("another policy's", facts([policy(json!({}), waits("OtherPolicy", "for the policy q"))],
            [record((ACCOUNT, REGION, "churn"), "q", "Updating", json!({}))]),
            Outcome::BeingFixed, Some("OtherPolicy"), "for the policy q"),
        ("under way, and its policy is suspended", facts([policy(json!({"suspend": true}), by("Remediating"))], [own("Stopping", json!({}))]),
            Outcome::BeingFixed, Some("Remediating"), "Stopping, by nbr/churn-036aaceed5e52113 for the policy p"),
        ("it was made since the last pass", facts([policy(json!({}), violation())], [own("Pending", json!({}))]),
            Outcome::BeingFixed, Some("RootAccessEnabled"), "Pending, by nbr/churn-036aaceed5e52113 for the policy p"),
        ("it failed", facts([policy(json!({"remediation": {"maxFailures": 5}}), waits("Failed", "the last remediation failed"))], [own("Failed", json!({}))]),
            Outcome::Waits, Some("Failed"), "kubectl delete nbr churn-036aaceed5e52113\n"),
        ("it comes back each time", facts([policy(json!({}), waits("Recurring", "enabled again each time"))], [own("Succeeded", two)]),
            Outcome::Waits, Some("Recurring"), "aws cloudtrail lookup-events --region eu-west-1"),
        ("it came back once", facts([policy(json!({}), violation())], [own("Succeeded", json!({}))]),
            Outcome::Next, Some("RootAccessEnabled"), "nbr/churn-036aaceed5e52113: Succeeded"),
        ("it was fixed", facts([policy(json!({}), json!({}))], [own("Succeeded", json!({"status": {"downtime": "6m12s"}}))]),
            Outcome::Fixed, None, "down for 6m12s"),
        ("it is gone", facts([policy(json!({}), json!({}))], [own("Succeeded", json!({"status": {"reason": "Deleted"}}))]),
            Outcome::Gone, None, "NOTHING TO FIX IS KNOWN"),
        ("fixed, but unread since", facts([policy(json!({}), json!({"targets": [{"account": ACCOUNT, "region": REGION, "state": "Throttled"}]}))], [own("Succeeded", json!({}))]),
            Outcome::Unknown, None, "could not be read (Throttled)"),
        ("of another version", facts([policy(json!({}), violation())], [own("Succeeded", json!({"status": {"reason": "Vaporized"}}))]),
            Outcome::Next, Some("RootAccessEnabled"), "nbr/churn-036aaceed5e52113: Succeeded"),
    ]);
}

#[test]
#[rustfmt::skip]
fn what_other_records_hold_up() {
    let proven = record((ACCOUNT, REGION, "first"), "p", "Succeeded", json!({}));
    let two = json!({"remediation": {"maxConcurrent": 2}});
    check(vec![
        ("the policy's budget", facts([policy(both_regions(), waits("Budget", "as the operator wrote it"))], [record(THERE, "p", "Stopping", json!({}))]),
            Outcome::Waits, Some("Budget"), "of other, policy p: Stopping, since 2026-06-01T11:50:00Z (10 minutes ago)"),
        ("the region's budget", facts([policy(two.clone(), waits("Budget", "as the operator wrote it"))], [record(HERE, "p", "Stopping", json!({})), proven]),
            Outcome::Waits, Some("Budget"), "of other, policy p: Stopping"),
        ("the canary, of any policy", facts([policy(two, waits("Canary", "as the operator wrote it"))], [record(HERE, "q", "Starting", json!({}))]),
            Outcome::Waits, Some("Canary"), "of other, policy q: Starting"),
        ("the canary needs a person", facts([policy(json!({}), waits("Canary", "as the operator wrote it"))], [record(HERE, "q", "NeedsAttention", json!({"status": {"attentionFrom": "Start"}}))]),
            Outcome::Waits, Some("Canary"), "a notebook that it waits for needs attention"),
        ("halted", facts([policy(json!({"remediation": {"maxFailures": 1}}), waits("Halted", "as the operator wrote it"))], [record(HERE, "p", "Failed", json!({}))]),
            Outcome::Waits, Some("Halted"), "acknowledge the failures, and remediation continues there:\n             kubectl delete nbr other-"),
        ("the brake", facts([policy(json!({"remediation": {"maxFailures": 1}}), waits("Halted", "as the operator wrote it"))],
            [record((ACCOUNT, "us-east-1", "stuck"), "p", "NeedsAttention", json!({"status": {"attentionFrom": "Start", "stopRequestedAt": "2026-06-01T11:40:00.000000Z"}}))]),
            Outcome::Waits, Some("Halted"), "remediation continues when one of them runs again:\n             kubectl describe nbr stuck-"),
        ("an end of another version", facts([policy(json!({}), violation())], [record(HERE, "p", "Failed", json!({"status": {"reason": "Vaporized"}}))]),
            Outcome::Next, Some("RootAccessEnabled"), ""),
        ("a record that cannot be read may be down", facts([policy(json!({}), waits("Budget", "1 notebook is already being restarted (maxConcurrent: 1)"))], [record(HERE, "p", "Stopping", json!({"spec": {"notebook": {"account": "1"}}}))]),
            Outcome::Waits, Some("Budget"), "(maxConcurrent: 1)"),
    ]);
}

#[test]
#[rustfmt::skip]
fn exemptions() {
    let by_name = |more: serde_json::Value| {
        let mut exemption = json!({"reason": "needs Docker", "names": ["chu*"]});
        exemption.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        json!({"exemptions": [exemption]})
    };
    check(vec![
        ("for ever", facts([policy(by_name(json!({})), exempt("needs Docker"))], []),
            Outcome::Exempt, Some("needs Docker"), "spec.exemptions[0]: needs Docker (for ever)"),
        ("for a time", facts([policy(by_name(json!({"expiresAt": "2026-06-11T12:00:00Z"})), exempt("needs Docker"))], []),
            Outcome::Exempt, Some("needs Docker"), "until 2026-06-11T12:00:00Z, in 10 days"),
        ("expired since", facts([policy(by_name(json!({"expiresAt": "2026-06-01T11:59:00Z"})), exempt("needs Docker"))], []),
            Outcome::Exempt, Some("needs Docker"), "the next scan judges the notebook again"),
        ("expired before", facts([policy(by_name(json!({"expiresAt": "2026-05-01T00:00:00Z"})), violation())], []),
            Outcome::Next, Some("RootAccessEnabled"), "EXPIRED at 2026-05-01T00:00:00Z"),
        ("by another policy", facts([policy(json!({}), waits("PolicyConflict", "the policy q exempts the notebook: needs Docker")), named("q", by_name(json!({"mode": null})), exempt("needs Docker"))], []),
            Outcome::Waits, Some("PolicyConflict"), "the policy q exempts the notebook: needs Docker"),
        ("perhaps by one that nobody understands", facts([policy(json!({}), waits("PolicyConflict", "the policy q is invalid")), named("q", json!({"regions": ["moon"]}), json!({}))], []),
            Outcome::Waits, Some("PolicyConflict"), "kubectl describe nrap q"),
    ]);
}

#[test]
#[rustfmt::skip]
fn what_is_not_known_is_never_fine() {
    let unread = json!({"targets": [{"account": ACCOUNT, "region": REGION, "state": "AccessDenied", "message": "AssumeRole"}]});
    let omitted = json!({"findings": [], "findingsOmitted": 7});
    let denied = lists("InService", json!({"verdict": "Unknown", "rootAccess": "Unknown", "next": "None", "reason": "AccessDenied", "message": "denied"}));
    let mut new = policy(json!({}), json!({}));
    new.status = None;
    check(vec![
        ("it could not be described", facts([policy(json!({}), denied)], []),
            Outcome::Unknown, Some("AccessDenied"), "sagemaker:DescribeNotebookInstance"),
        ("its account and region could not be read", facts([policy(json!({}), unread)], []),
            Outcome::Unknown, None, "could not be read (AccessDenied): AssumeRole"),
        ("no operator looked", facts([new], []), Outcome::Unknown, None, "no operator has processed this policy yet"),
        ("the spec changed", facts([policy(json!({}), json!({"observedGeneration": 2}))], []),
            Outcome::Unknown, None, "has not processed the latest change"),
        ("the first scan is under way", facts([policy(json!({}), json!({"targets": [], "lastScanTime": null}))], []),
            Outcome::Unknown, None, "have not been read yet"),
        ("it may be left out", facts([policy(json!({}), omitted.clone())], []), Outcome::Unknown, None, "omits 7"),
        ("a scan shows what is left out", facts([policy(json!({}), omitted)], []),
            Outcome::Unknown, None, "kubectl get nrap p -o yaml | sudoless scan -f -\n"),
        ("its policy is not understood", facts([policy(json!({"regions": ["moon"]}), json!({}))], []),
            Outcome::Unknown, None, "the policy is invalid"),
        ("a policy of other accounts is not understood", facts([policy(json!({"accounts": [{"id": "444455556666"}], "regions": ["moon"]}), json!({}))], []),
            Outcome::NotCovered, None, "it does not name the account 111122223333"),
        ("it is not listed", facts([policy(json!({}), json!({}))], []),
            Outcome::NotListed, None, "its users do not have root, or it does not exist"),
        ("all that was scanned is listed, as far as it sorts before", facts([policy(json!({}), json!({"findings": [{
            "account": ACCOUNT, "region": REGION, "name": "zzz", "arn": "a", "verdict": "Unknown", "status": "InService", "rootAccess": "Unknown", "next": "None",
        }], "findingsOmitted": 7}))], []), Outcome::NotListed, None, "not among the findings"),
        ("the scans have stopped", facts([policy(json!({}), lists("InService", json!({}))), named("q", json!({}), json!({"lastScanTime": "2026-05-30T12:00:00Z"}))], []),
            Outcome::Next, Some("RootAccessEnabled"), "its last scan began 2 days ago, although it scans every 10 minutes"),
    ]);
}

#[test]
#[rustfmt::skip]
fn why_a_policy_does_not_cover_it() {
    check(vec![
        ("account", facts([policy(json!({"accounts": [{"id": "444455556666"}]}), json!({}))], []),
            Outcome::NotCovered, None, "it does not name the account 111122223333"),
        ("region", facts([policy(json!({"regions": ["us-east-1", "us-west-2"]}), json!({}))], []),
            Outcome::NotCovered, None, "in us-east-1, us-west-2 only"),
        ("name", facts([policy(json!({"selector": {"names": ["team-*"]}}), json!({}))], []),
            Outcome::NotCovered, None, "its selector matches other names: team-*"),
        ("none", facts([], []), Outcome::NotCovered, None, "there is no policy in the cluster"),
    ]);
    let mut deleted = policy(json!({}), violation());
    deleted.metadata.deletion_timestamp = serde_json::from_value(json!("2026-06-01T11:00:00Z")).unwrap();
    check(vec![("it is being deleted", facts([deleted], []), Outcome::NotCovered, None, "it is being deleted")]);
}
