//! summarize *(pure)*: the whole status, computed from the results of a pass.
//!
//! The same facts give the same bytes. Messages have no times, no request ids and no counters that
//! change on their own.

mod conditions;
mod judged;
#[cfg(test)]
mod kstatus;
#[cfg(test)]
mod properties;
mod sentences;
#[cfg(test)]
mod tests;

pub use self::{conditions::whole_seconds, judged::Judged};
use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use crate::{
    api::{self, NotebookRootAccessPolicyStatus as Status},
    domain::{Evaluation, Finding, Policy, RemediationCounts, TargetReport, TargetState, Verdict},
};

/// The maximum number of findings and of targets in a status. Further ones are counted as omitted.
const MOST_LISTED: usize = 100;

/// The progress of the scans behind an evaluation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// Some targets have never been read, and are being read now.
    FirstScan {
        /// The number of these targets.
        unread: usize,
    },
    /// Every target has been read, or tried, at least once.
    Scanned {
        /// The start time of the oldest read.
        at: Timestamp,
    },
}

/// The inputs of a status, besides the policy's findings.
#[derive(Clone, Copy, Debug)]
pub struct Pass<'a> {
    /// The resource's `metadata.generation`.
    pub generation: i64,
    /// The current status.
    pub previous: Option<&'a Status>,
    /// The time of the pass.
    pub now: Timestamp,
}

/// Returns the status after a pass over a policy.
#[must_use]
pub fn summarize(
    policy: &Policy,
    evaluation: &Evaluation,
    progress: Progress,
    pass: Pass<'_>,
) -> Status {
    let summary = summary(evaluation);
    let listed: Vec<&Finding> = evaluation
        .findings
        .iter()
        .filter(|finding| finding.verdict != Verdict::Compliant)
        .collect();
    Status {
        observed_generation: Some(pass.generation),
        conditions: conditions::scanned(policy, evaluation, progress, &summary).written(pass),
        last_scan_time: match progress {
            Progress::FirstScan { .. } => pass
                .previous
                .and_then(|status| status.last_scan_time.clone()),
            Progress::Scanned { at } => Some(Time(whole_seconds(at))),
        },
        summary: Some(summary),
        targets: targets(&evaluation.targets),
        targets_omitted: omitted(evaluation.targets.len()),
        findings: listed
            .iter()
            .take(MOST_LISTED)
            .map(|finding| reported(finding))
            .collect(),
        findings_omitted: omitted(listed.len()),
    }
}

/// Returns the status of a suspended policy. The results of the last scan are kept, and the
/// remediations are current. `judged` is the subject of the last scan. `None`: unknown.
#[must_use]
pub fn suspended(
    policy: &Policy,
    remediations: &RemediationCounts,
    judged: Option<&Judged>,
    pass: Pass<'_>,
) -> Status {
    let compliant = conditions::kept_verdict(policy, judged, pass);
    let mut status = kept(pass, conditions::suspended(compliant, remediations));
    if let Some(summary) = &mut status.summary {
        summary.remediating = remediations.remediating;
        summary.needs_attention = saturated(remediations.needs_attention.len());
        summary.failed = remediations.failed;
    }
    status
}

/// Returns the status of an invalid policy. `problem` names the fields. The results of the last
/// scan are kept.
#[must_use]
pub fn invalid(problem: &str, pass: Pass<'_>) -> Status {
    kept(pass, conditions::invalid(problem))
}

fn kept(pass: Pass<'_>, conditions: conditions::Conditions) -> Status {
    Status {
        observed_generation: Some(pass.generation),
        conditions: conditions.written(pass),
        ..pass.previous.cloned().unwrap_or_default()
    }
}

fn summary(evaluation: &Evaluation) -> api::Summary {
    let targets = &evaluation.targets;
    let count = |verdict| targets.iter().map(|report| report.count(verdict)).sum();
    api::Summary {
        notebooks: targets.iter().map(|report| report.notebooks).sum(),
        compliant: count(Verdict::Compliant),
        non_compliant: count(Verdict::NonCompliant),
        exempt: count(Verdict::Exempt),
        unknown: count(Verdict::Unknown),
        remediating: evaluation.remediations.remediating,
        needs_attention: saturated(evaluation.remediations.needs_attention.len()),
        not_restartable: targets.iter().map(|report| report.not_restartable).sum(),
        failed: evaluation.remediations.failed,
        lifecycle_configs: targets.iter().map(|report| report.lifecycle_configs).sum(),
        targets: saturated(targets.len()),
        unreadable_targets: saturated(
            targets
                .iter()
                .filter(|report| report.state.is_unreadable())
                .count(),
        ),
    }
}

/// Lists targets, worst first: unreadable ones, then those with the most violations. Regions that
/// are not enabled come last.
fn targets(reports: &[TargetReport]) -> Vec<api::TargetStatus> {
    let mut sorted: Vec<&TargetReport> = reports.iter().collect();
    sorted.sort_by_key(|report| {
        let violations = report.count(Verdict::NonCompliant);
        (
            badness(report.state),
            std::cmp::Reverse(violations),
            &report.target,
        )
    });
    sorted
        .into_iter()
        .take(MOST_LISTED)
        .map(reported_target)
        .collect()
}

/// Converts a target report for a status.
#[must_use]
pub fn reported_target(report: &TargetReport) -> api::TargetStatus {
    api::TargetStatus {
        account: report.target.account.to_string(),
        region: report.target.region.to_string(),
        state: report.state,
        notebooks: counts(report).then_some(report.notebooks),
        non_compliant: counts(report).then(|| report.count(Verdict::NonCompliant)),
        message: report.message.clone(),
    }
}

/// Returns true if the target's figures are meaningful. A target that was never read has no
/// figures, because a zero would mislead.
fn counts(report: &TargetReport) -> bool {
    report.state == TargetState::Scanned || report.notebooks > 0
}

fn badness(state: TargetState) -> u8 {
    match state {
        TargetState::InvalidCredentials => 0,
        TargetState::AccessDenied => 1,
        TargetState::Unreachable => 2,
        TargetState::Throttled => 3,
        TargetState::Scanned => 4,
        TargetState::RegionDisabled => 5,
    }
}

/// Converts a finding for a status.
#[must_use]
pub fn reported(finding: &Finding) -> api::Finding {
    let notebook = &finding.notebook;
    api::Finding {
        account: finding.target.account.to_string(),
        region: finding.target.region.to_string(),
        name: notebook.summary.name.clone(),
        arn: notebook.summary.arn.to_string(),
        verdict: finding.verdict,
        status: notebook.status().to_string(),
        root_access: notebook.root_access(),
        next: finding.next.into(),
        reason: finding.reason.clone(),
        message: finding.message.clone(),
        platform: notebook.platform().map(str::to_owned),
        lifecycle_config: notebook.lifecycle_config().map(str::to_owned),
    }
}

fn omitted(all: usize) -> u32 {
    saturated(all.saturating_sub(MOST_LISTED))
}

fn saturated(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}
