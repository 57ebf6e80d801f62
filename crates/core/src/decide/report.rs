//! report *(pure)*: the status of a record for people and tools: reason, message and the three
//! conditions of kstatus.

#[cfg(test)]
mod tests;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};

use super::{
    Deferral, Desired, Withdrawal,
    record::{downtime, write_progress},
    summarize::whole_seconds,
};
use crate::{
    api::{ConditionType, NotebookRemediationStatus},
    domain::{CURRENT_PLATFORM, EndReason, NotebookRef, Record, RecordName, RecordState, Step},
};

/// The inputs of a report, besides the record.
#[derive(Clone, Copy, Debug)]
pub struct ReportContext<'a> {
    /// The wish of this pass. `None`: it was not computed.
    pub desired: Option<Desired>,
    /// The resource's `metadata.generation`.
    pub generation: Option<i64>,
    /// The current status.
    pub previous: Option<&'a NotebookRemediationStatus>,
    /// The time of the pass.
    pub now: Timestamp,
}

/// Returns the whole status of a record.
#[must_use]
pub fn report(record: &Record, context: ReportContext<'_>) -> NotebookRemediationStatus {
    let (reason, message) = (reason(record), message(record, context.desired));
    NotebookRemediationStatus {
        conditions: conditions(record, &reason, &message, context),
        reason: Some(reason),
        message: Some(message),
        ..write_progress(&record.progress)
    }
}

/// Returns the end reason of a finished record, and the state or rollback reason of any other.
fn reason(record: &Record) -> String {
    let progress = &record.progress;
    match (progress.end, progress.rollback_reason) {
        (Some(end), _) if record.is_finished() => end.to_string(),
        (_, Some(rollback_reason)) if progress.state == RecordState::Starting => {
            rollback_reason.to_string()
        }
        _ => progress.state.to_string(),
    }
}

/// Returns the event and the remedy in sentences, without times and request ids.
fn message(record: &Record, desired: Option<Desired>) -> String {
    let progress = &record.progress;
    match progress.state {
        RecordState::Pending if record.intent.was_running => {
            "the notebook is stopped once AWS has confirmed that root access may be disabled"
                .to_owned()
        }
        RecordState::Pending => {
            "root access will be disabled; the notebook is stopped and stays stopped".to_owned()
        }
        RecordState::Stopping => {
            "the notebook is being stopped, so that root access can be disabled".to_owned()
        }
        RecordState::Updating => "root access is being disabled".to_owned(),
        RecordState::Starting => starting(record),
        RecordState::NeedsAttention => needs_attention(record),
        RecordState::Succeeded | RecordState::Failed | RecordState::Cancelled => {
            ended(record, desired)
        }
        RecordState::Unrecognized => {
            "a later version of sudoless wrote the state: this version leaves the notebook alone"
                .to_owned()
        }
    }
}

fn starting(record: &Record) -> String {
    let what = match record.progress.rollback_reason {
        None => "root access is disabled; the notebook is being started again".to_owned(),
        Some(reason) => format!(
            "the notebook is being started again as it was: {}",
            because(reason, None)
        ),
    };
    format!("{what}{}", said(record))
}

fn needs_attention(record: &Record) -> String {
    let what = match record.step() {
        Step::Stop => "the notebook did not stop within timeouts.stop",
        Step::Update => "root access was not disabled within timeouts.update",
        Step::Start if !record.was_stopped_by_us() => return restored(record),
        Step::Start => "the notebook does not run again",
    };
    let said = said(record);
    format!(
        "{what}; the operator keeps trying{said}. {}",
        by_hand(record)
    )
}

/// Describes a record that was restored from a backup: the notebook was running, no request is
/// recorded, and the notebook is down.
fn restored(record: &Record) -> String {
    let notebook = &record.intent.notebook;
    format!(
        "this record was restored without its status. The notebook was running when the record was created and is down now; the operator \
         may have stopped it. If the notebook should run, in account {}: aws sagemaker start-notebook-instance --region {} \
         --notebook-instance-name {}{}; if not: kubectl delete nbr {}",
        notebook.account,
        notebook.region,
        notebook.name,
        migration(notebook),
        RecordName::of(notebook)
    )
}

/// Returns AWS's messages: the cause of a failed start or update, and the last rejection.
fn said(record: &Record) -> String {
    let progress = &record.progress;
    let failed = progress
        .failure_reason
        .as_ref()
        .map(|words| format!(". AWS could not start the notebook: {words}"));
    let refused = progress
        .last_error
        .as_ref()
        .map(|words| format!(". AWS said: {words}"));
    [failed, refused].into_iter().flatten().collect()
}

/// Returns the remedy for a person if the operator fails or is gone.
fn by_hand(record: &Record) -> String {
    let notebook = &record.intent.notebook;
    let name = RecordName::of(notebook);
    let (account, region) = (&notebook.account, &notebook.region);
    let remove_finalizer = format!(
        "kubectl patch nbr {name} --type merge -p '{{\"metadata\":{{\"finalizers\":null}}}}'"
    );
    if !record.was_stopped_by_us() {
        return format!(
            "The operator did not stop the notebook. kubectl delete nbr {name} cancels the remediation once the notebook in account \
             {account} can be read; if it cannot be read, or the operator is gone for good: {remove_finalizer}"
        );
    }
    let migration = match record.step() {
        Step::Start => migration(notebook),
        Step::Stop | Step::Update => String::new(),
    };
    format!(
        "By hand, in account {account}: aws sagemaker start-notebook-instance --region {region} --notebook-instance-name {}{migration}; if \
         the operator is gone for good, then {remove_finalizer}",
        notebook.name
    )
}

/// Returns the remedy if AWS has retired the platform since the stop. It leaves root access
/// unchanged.
fn migration(notebook: &NotebookRef) -> String {
    format!(
        " (if AWS rejects the platform, first aws sagemaker update-notebook-instance --region {} --notebook-instance-name {} \
         --platform-identifier {CURRENT_PLATFORM}, and wait until the notebook is Stopped; Amazon Linux 1 cannot be migrated)",
        notebook.region, notebook.name
    )
}

fn ended(record: &Record, desired: Option<Desired>) -> String {
    let progress = &record.progress;
    let name = RecordName::of(&record.intent.notebook);
    let reason = progress.end.unwrap_or(EndReason::Withdrawn);
    let why = because(reason, desired);
    let was_down = downtime(progress).is_some();
    match progress.state {
        RecordState::Succeeded if was_down => {
            format!("{why}; the notebook was stopped for the change and runs again")
        }
        RecordState::Failed => {
            let disturbed = if was_down {
                "the notebook was stopped and runs again as before"
            } else {
                "nobody was disturbed"
            };
            let said = said(record);
            format!(
                "{why}; {disturbed}{said}. To try again, acknowledge the failure with kubectl delete nbr {name}"
            )
        }
        RecordState::Cancelled if was_down => {
            format!("{why}; the notebook was stopped and runs again as before")
        }
        _ => why,
    }
}

fn because(reason: EndReason, desired: Option<Desired>) -> String {
    match reason {
        EndReason::RootAccessDisabled => "root access is disabled",
        EndReason::Deleted => "the notebook does not exist any more",
        EndReason::AccessDenied => {
            "the operator's role lacks permission: allow sagemaker:UpdateNotebookInstance, StopNotebookInstance and \
             StartNotebookInstance, and look for service control policies that deny them"
        }
        EndReason::UpdateDenied => {
            "the operator's role may not disable root access: allow sagemaker:UpdateNotebookInstance, and look for service \
             control policies that deny it"
        }
        EndReason::UpdateRefused => {
            "AWS rejected the update because the notebook is in status Failed: its owner must start or delete it"
        }
        EndReason::UpdateTimedOut => "root access was not disabled within timeouts.update",
        EndReason::RootAccessUnknown => {
            "it is unknown whether the notebook gives its users root or whether the policy covers it"
        }
        EndReason::StartedByOwner => "the owner started the notebook meanwhile: the next pass handles it as a running notebook",
        EndReason::StoppedByOwner => {
            "the notebook ran again after the operator had started it, and its owner stopped it since: it stays stopped"
        }
        EndReason::TimedOut => {
            "AWS gave no clear response to the update within timeouts.stop, so the notebook was not stopped; the next pass decides again"
        }
        EndReason::Unrecognized => "another version of sudoless wrote the reason",
        EndReason::Withdrawn => withdrawn(desired),
        EndReason::Deferred => not_now(desired),
    }
    .to_owned()
}

fn withdrawn(desired: Option<Desired>) -> &'static str {
    match desired {
        Some(Desired::Abort(Withdrawal::PolicyDeleted)) => "the policy was deleted",
        Some(Desired::Abort(Withdrawal::Audit)) => "the policy is in mode Audit now",
        Some(Desired::Abort(Withdrawal::NotCovered)) => "the policy no longer covers the notebook",
        Some(Desired::Abort(Withdrawal::Exempt)) => "an exemption matches the notebook now",
        Some(Desired::Abort(Withdrawal::RecordDeleted)) => "this record was deleted",
        Some(Desired::Proceed | Desired::Defer(_) | Desired::Unknown) | None => {
            "the remediation is no longer wanted"
        }
    }
}

fn not_now(desired: Option<Desired>) -> &'static str {
    match desired {
        Some(Desired::Defer(Deferral::Suspended)) => {
            "the policy was suspended before the notebook was stopped"
        }
        Some(Desired::Defer(Deferral::WindowClosed)) => {
            "the window closed before the notebook was stopped"
        }
        Some(Desired::Defer(Deferral::WhenRunning)) => {
            "whenRunning is Wait now, and the notebook is running"
        }
        Some(Desired::Defer(Deferral::Budget)) => {
            "waiting: the policy's maximum number of notebooks is already being restarted"
        }
        Some(Desired::Defer(Deferral::Halted)) => {
            "maxFailures notebooks of the policy are down and need attention: no other notebook is stopped"
        }
        Some(Desired::Defer(Deferral::NotRestartable)) => {
            "the notebook was not stopped, because AWS would not start it again; the policy's finding has the reason and the remedy"
        }
        Some(Desired::Defer(Deferral::RecentlyStopped)) => {
            "the notebook was stopped minutes ago, and its owner may be about to start it: root access is disabled once it has been \
             stopped for restAfterStop"
        }
        Some(Desired::Defer(Deferral::InvalidPolicy)) => {
            "a policy that names the notebook's account is invalid: the notebook is left alone until that policy is corrected"
        }
        Some(Desired::Proceed | Desired::Abort(_) | Desired::Unknown) | None => {
            "the notebook must not be disturbed now"
        }
    }
}

/// Returns Ready, Reconciling and Stalled. Unfinished records are Reconciling. Records that need a
/// person are Stalled. Neither is Ready.
fn conditions(
    record: &Record,
    reason: &str,
    message: &str,
    context: ReportContext<'_>,
) -> Vec<Condition> {
    let state = record.progress.state;
    let stalled = matches!(state, RecordState::NeedsAttention | RecordState::Failed);
    let reconciling = !stalled && !state.is_finished();
    [
        (ConditionType::Ready, !stalled && !reconciling),
        (ConditionType::Reconciling, reconciling),
        (ConditionType::Stalled, stalled),
    ]
    .into_iter()
    .map(|(kind, holds)| {
        let status = if holds { "True" } else { "False" };
        let since = context
            .previous
            .into_iter()
            .flat_map(|previous| &previous.conditions)
            .find(|condition| condition.type_ == kind.as_str() && condition.status == status)
            .map_or_else(
                || Time(whole_seconds(context.now)),
                |condition| condition.last_transition_time.clone(),
            );
        Condition {
            type_: kind.as_str().to_owned(),
            status: status.to_owned(),
            reason: reason.to_owned(),
            message: message.to_owned(),
            observed_generation: context.generation,
            last_transition_time: since,
        }
    })
    .collect()
}
