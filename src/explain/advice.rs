//! Advice for a notebook that is not fixed.

use super::{Advice, Subject, restartable};
use crate::{
    api::SCAN_NOW_ANNOTATION,
    domain::{Policy, Record, RecordName, RecordState, WaitReason},
};

/// Returns advice for a notebook that waits for a reason and for these records. `platform` is the
/// notebook's platform, if known.
pub(super) fn wait(
    reason: WaitReason,
    policy: &Policy,
    (subject, platform): (&Subject, Option<&str>),
    waited_for: &[&Record],
) -> Vec<Advice> {
    match reason {
        WaitReason::Running => vec![say(
            "ask the owner to stop the notebook, or set whenRunning: Restart, which interrupts its users",
        )],
        WaitReason::Failed if waited_for.is_empty() => vec![say(
            "the notebook's status in AWS is Failed: ask the owner to start it, which may show the cause, or to delete it",
        )],
        WaitReason::Failed => failures(
            waited_for,
            "when the cause is fixed, acknowledge the failure, and the operator tries again",
        ),
        WaitReason::Halted
            if waited_for
                .iter()
                .all(|record| record.is_down_and_needs_attention()) =>
        {
            vec![command(
                "notebooks are down and need attention; remediation continues when one of them runs again",
                format!("kubectl describe nbr {}", names(waited_for.iter().copied())),
            )]
        }
        WaitReason::Halted => failures(
            waited_for,
            "when the causes are fixed, acknowledge the failures, and remediation continues there",
        ),
        WaitReason::Budget | WaitReason::Canary => held_up(policy, reason, waited_for),
        WaitReason::Recurring => recurring(subject, waited_for),
        WaitReason::PolicyConflict => vec![say(
            "if the notebook should not be exempt, change the other policy; an exemption of any policy applies to all policies",
        )],
        WaitReason::TransitionalStatus | WaitReason::Window | WaitReason::OtherPolicy => {
            vec![say("nothing: the wait ends on its own")]
        }
        WaitReason::NotRestartable => restartable::what_to_do(platform, subject),
        WaitReason::RecentlyStopped => vec![say(
            "nothing: the notebook is updated once it has been stopped for restAfterStop",
        )],
        WaitReason::ReadFailed | WaitReason::Superseded => vec![say(
            "nothing, unless the problem persists: the operator tries again at the next pass",
        )],
        WaitReason::RecordInvalid => vec![say(
            "run the version of sudoless that wrote the record; or check that the notebook runs if it should, and delete the record",
        )],
    }
}

fn failures(failed: &[&Record], what: &str) -> Vec<Advice> {
    let names = names(failed.iter().copied());
    vec![
        command("see why", format!("kubectl describe nbr {names}")),
        command(what, format!("kubectl delete nbr {names}")),
    ]
}

fn held_up(policy: &Policy, reason: WaitReason, waited_for: &[&Record]) -> Vec<Advice> {
    let stuck = names(
        waited_for
            .iter()
            .copied()
            .filter(|record| record.progress.state == RecordState::NeedsAttention),
    );
    let mut advice = Vec::new();
    if !stuck.is_empty() {
        advice.push(command(
            "a notebook that it waits for needs attention",
            format!("kubectl describe nbr {stuck}"),
        ));
    } else if reason == WaitReason::Budget {
        advice.push(say(&format!(
            "nothing: the notebook gets a slot later; or raise maxConcurrent ({}) and maxConcurrentPerRegion ({})",
            policy.remediation.max_concurrent, policy.remediation.max_concurrent_per_region
        )));
    } else {
        advice.push(say(
            "nothing: remediation continues when that notebook runs again",
        ));
    }
    advice
}

/// Returns advice against recurring root access. CloudTrail shows who enables it again, and a
/// service control policy prevents that.
fn recurring(subject: &Subject, records: &[&Record]) -> Vec<Advice> {
    vec![
        command(
            "find out in CloudTrail who enables root access again: Terraform, CloudFormation, a pipeline or the owner",
            format!(
                "aws cloudtrail lookup-events --region {} --lookup-attributes \
                 AttributeKey=EventSource,AttributeValue=sagemaker.amazonaws.com",
                subject.place.region
            ),
        ),
        command(
            "prevent that with a service control policy",
            "sudoless generate scp".to_owned(),
        ),
        command(
            "then delete the record, and the operator starts again",
            format!("kubectl delete nbr {}", names(records.iter().copied())),
        ),
    ]
}

/// Returns advice for a suspended policy.
pub(super) fn suspended(policy: &str) -> Vec<Advice> {
    vec![command(
        "to resume the policy",
        format!("kubectl patch nrap {policy} --type merge -p '{{\"spec\":{{\"suspend\":false}}}}'"),
    )]
}

/// Returns advice for a notebook that could not be judged.
pub(super) fn unknown(policy: &str, reason: Option<&str>) -> Vec<Advice> {
    let what = match reason {
        Some("TagsUnknown") => "allow the operator's role sagemaker:ListTags there",
        Some("RootAccessUnknown") => "look at the notebook in the AWS console",
        Some("AccessDenied") => {
            "allow the operator's role sagemaker:DescribeNotebookInstance there, and look for service control policies that deny it"
        }
        _ => "look at the message; the notebook is read again at the next scan",
    };
    vec![
        say(what),
        command(
            "read everything again now",
            format!("kubectl annotate nrap {policy} --overwrite {SCAN_NOW_ANNOTATION}=\"$(date)\""),
        ),
    ]
}

/// Returns advice for an unreadable account and region.
pub(super) fn unread() -> Vec<Advice> {
    vec![say(
        "see docs/status.md, which says what helps for each state",
    )]
}

pub(super) fn say(what: &str) -> Advice {
    Advice {
        what: what.to_owned(),
        command: None,
    }
}

fn command(what: &str, command: String) -> Advice {
    Advice {
        what: what.to_owned(),
        command: Some(command),
    }
}

fn names<'r>(records: impl Iterator<Item = &'r Record>) -> String {
    let names: Vec<String> = records
        .map(|record| RecordName::of(&record.intent.notebook).to_string())
        .collect();
    names.join(" ")
}
