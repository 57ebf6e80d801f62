//! What a person can do about a notebook that is not fixed.

use super::{Advice, Subject, restartable};
use crate::{
    api::SCAN_NOW_ANNOTATION,
    domain::{Policy, Record, RecordName, RecordState, WaitReason},
};

/// While a notebook waits for a reason, and for these records. `platform` is the notebook's, as far as it is known.
pub(super) fn wait(
    reason: WaitReason,
    policy: &Policy,
    (subject, platform): (&Subject, Option<&str>),
    waited_for: &[&Record],
) -> Vec<Advice> {
    match reason {
        WaitReason::Running => vec![say(
            "ask its owner to stop it; or write whenRunning: Restart, which interrupts them",
        )],
        WaitReason::Failed if waited_for.is_empty() => vec![say(
            "its status in AWS is Failed: its owner starts it, which may show why, or deletes it",
        )],
        WaitReason::Failed => failures(
            waited_for,
            "when its cause is gone, acknowledge it: it is tried again",
        ),
        WaitReason::Halted
            if waited_for
                .iter()
                .all(|record| record.is_down_and_needs_attention()) =>
        {
            vec![command(
                "notebooks are down and need attention; when one of them runs again, it goes on",
                format!("kubectl describe nbr {}", names(waited_for.iter().copied())),
            )]
        }
        WaitReason::Halted => failures(
            waited_for,
            "when their causes are gone, acknowledge them: it goes on there",
        ),
        WaitReason::Budget | WaitReason::Canary => held_up(policy, reason, waited_for),
        WaitReason::Recurring => recurring(subject, waited_for),
        WaitReason::PolicyConflict => vec![say(
            "if it is not to be exempt, change that other policy; an exemption of any policy holds against all",
        )],
        WaitReason::TransitionalStatus | WaitReason::Window | WaitReason::OtherPolicy => {
            vec![say("nothing: it passes by itself")]
        }
        WaitReason::NotRestartable => restartable::what_to_do(platform, subject),
        WaitReason::RecentlyStopped => vec![say(
            "nothing: it is updated once it has been stopped for restAfterStop",
        )],
        WaitReason::ReadFailed | WaitReason::Superseded => vec![say(
            "nothing, if it passes: it is tried again at the next pass",
        )],
        WaitReason::RecordInvalid => vec![say(
            "run the version of sudoless that wrote the record; or see that the notebook runs if it should, and delete the record",
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
            "what it waits for needs a person",
            format!("kubectl describe nbr {stuck}"),
        ));
    } else if reason == WaitReason::Budget {
        advice.push(say(&format!(
            "nothing: its turn comes; or raise maxConcurrent ({}) and maxConcurrentPerRegion ({})",
            policy.remediation.max_concurrent, policy.remediation.max_concurrent_per_region
        )));
    } else {
        advice.push(say("nothing: it goes on when that notebook has come back"));
    }
    advice
}

/// Whoever sets it back left a trace in `CloudTrail`, and a policy in AWS can keep them from it.
fn recurring(subject: &Subject, records: &[&Record]) -> Vec<Advice> {
    vec![
        command(
            "find out who sets root access back: Terraform, CloudFormation, a pipeline or its owner; CloudTrail knows",
            format!(
                "aws cloudtrail lookup-events --region {} --lookup-attributes \
                 AttributeKey=EventSource,AttributeValue=sagemaker.amazonaws.com",
                subject.place.region
            ),
        ),
        command(
            "keep it from coming back, with a service control policy",
            "sudoless generate scp".to_owned(),
        ),
        command(
            "then start again",
            format!("kubectl delete nbr {}", names(records.iter().copied())),
        ),
    ]
}

/// While a policy is suspended.
pub(super) fn suspended(policy: &str) -> Vec<Advice> {
    vec![command(
        "to go on",
        format!("kubectl patch nrap {policy} --type merge -p '{{\"spec\":{{\"suspend\":false}}}}'"),
    )]
}

/// Where a notebook could not be judged.
pub(super) fn unknown(policy: &str, reason: Option<&str>) -> Vec<Advice> {
    let what = match reason {
        Some("TagsUnknown") => "allow the operator's role sagemaker:ListTags there",
        Some("RootAccessUnknown") => "look at it in the AWS console",
        Some("AccessDenied") => {
            "allow the operator's role sagemaker:DescribeNotebookInstance there, and look for service control policies that deny it"
        }
        _ => "look at the message; it is read again at the next scan",
    };
    vec![
        say(what),
        command(
            "read everything again now",
            format!("kubectl annotate nrap {policy} --overwrite {SCAN_NOW_ANNOTATION}=\"$(date)\""),
        ),
    ]
}

/// Where an account and region could not be read.
pub(super) fn unread() -> Vec<Advice> {
    vec![say("docs/status.md says for each such state what helps")]
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
