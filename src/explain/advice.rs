//! Advice for a notebook that is not fixed.

use super::{Advice, NotebookReference, Relation};
use crate::{
    api::SCAN_NOW_ANNOTATION,
    domain::{
        NotRestartable, Policy, Record, RecordName, RecordState, RetiredPlatforms, WaitReason,
    },
    report::migration,
};

/// Returns advice for a notebook that waits for a reason and for these records. `platform` is the
/// notebook's platform, if known.
pub(super) fn wait(
    reason: WaitReason,
    policy: &Policy,
    (notebook, platform): (&NotebookReference, Option<&str>),
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
        WaitReason::Recurring => recurring(notebook, waited_for),
        WaitReason::PolicyConflict => vec![say(
            "if the notebook should not be exempt, change the other policy; an exemption of any policy applies to all policies",
        )],
        WaitReason::TransitionalStatus | WaitReason::Window | WaitReason::OtherPolicy => {
            vec![say("nothing: the wait ends on its own")]
        }
        WaitReason::NotRestartable => not_restartable(notebook, platform),
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
fn recurring(notebook: &NotebookReference, records: &[&Record]) -> Vec<Advice> {
    vec![
        command(
            "find out in CloudTrail who enables root access again: Terraform, CloudFormation, a pipeline or the owner",
            format!(
                "aws cloudtrail lookup-events --region {} --lookup-attributes \
                 AttributeKey=EventSource,AttributeValue=sagemaker.amazonaws.com",
                notebook.region
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

/// Returns advice for a notebook that is not among the findings.
pub(super) fn unlisted(policy: &str, relation: Relation) -> Vec<Advice> {
    match relation {
        Relation::Unread => vec![say(
            "see docs/status.md, which says what helps for each state",
        )],
        Relation::Omitted => vec![command(
            "list all findings, with AWS credentials",
            scan(policy),
        )],
        _ => Vec::new(),
    }
}

/// Returns the command that lists all findings of a policy.
pub(super) fn scan(policy: &str) -> String {
    format!("kubectl get nrap {policy} -o yaml | sudoless scan -f -")
}

/// Returns advice for a notebook that AWS would not start again. The operator's finding shows the
/// decision; the operator's list of retired platforms is unknown here.
fn not_restartable(notebook: &NotebookReference, platform: Option<&str>) -> Vec<Advice> {
    let obstacle = platform.map_or(NotRestartable::PlatformUnknown, |platform| {
        NotRestartable::PlatformRetired(platform.to_owned())
    });
    if !obstacle.is_migratable() {
        return vec![say(&obstacle.advice())];
    }
    if platform.is_some_and(|platform| !RetiredPlatforms::default().contains(platform)) {
        return vec![say(
            "follow the operator's message: the operator knows more about the notebook than the status shows",
        )];
    }
    migration(notebook.region.as_str(), &notebook.name)
        .into_iter()
        .map(|step| Advice {
            what: step.what,
            command: step.command,
        })
        .collect()
}

fn say(what: &str) -> Advice {
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
