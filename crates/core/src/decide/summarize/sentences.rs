//! The messages of the conditions: events and remedies, in sentences.

use super::Progress;
use crate::{
    api::Summary,
    decide::phrases::{MOST_NAMED, counted, named, places},
    domain::{Evaluation, Mode, Policy, RemediationCounts, TargetReport, TargetState, Verdict},
};

/// The maximum length of a message in bytes. `metav1.Condition` allows 32,768 bytes, but a person
/// reads far less.
const LONGEST_MESSAGE: usize = 4096;

/// Returns the message of `Ready`.
pub(super) fn ready(policy: &Policy, evaluation: &Evaluation, progress: Progress) -> String {
    let targets = &evaluation.targets;
    let mut sentence = match progress {
        Progress::FirstScan { unread } => {
            format!(
                "first scan: {} of {} read so far",
                targets.len().saturating_sub(unread),
                places(targets.len())
            )
        }
        Progress::Scanned { .. } => read(targets),
    };
    let halted = &evaluation.remediations.halted;
    if policy.mode == Mode::Enforce && !halted.is_empty() {
        let names = halted.iter().map(ToString::to_string);
        sentence.push_str("; nothing new begins in ");
        sentence.push_str(&named(names, halted.len()));
        sentence.push_str(
            " because too many remediations failed there: kubectl get nbr --field-selector status.state=Failed lists them, deleting them \
             resumes remediation",
        );
    }
    if !evaluation.warnings.is_empty() {
        sentence.push_str("; warning: ");
        let warnings = evaluation.warnings.iter().cloned();
        sentence.push_str(&named(warnings, evaluation.warnings.len()));
    }
    sentence
}

/// Returns the message about the brake of the policy.
pub(super) fn brake(policy: &Policy) -> String {
    format!(
        "no running notebook of this policy is stopped, because maxFailures ({}) notebooks are down and need attention; remediations \
         continue when fewer of them are down",
        policy.remediation.max_failures
    )
}

/// Returns the message about remediations that need a person.
pub(super) fn attention(remediations: &RemediationCounts) -> String {
    let records = &remediations.needs_attention;
    let need = counted(records.len(), "remediation needs", "remediations need");
    if records.len() > MOST_NAMED {
        format!("{need} a person: kubectl get nbr --field-selector status.state=NeedsAttention")
    } else {
        format!(
            "{need} a person: kubectl describe nbr {}",
            records.join(" ")
        )
    }
}

/// Returns the message about the targets that were read and not read.
fn read(targets: &[TargetReport]) -> String {
    let mut not_read: Vec<&TargetReport> = targets
        .iter()
        .filter(|report| report.state != TargetState::Scanned)
        .collect();
    let places = places(targets.len());
    if not_read.is_empty() {
        return format!("{places} read");
    }
    // Targets that a person should look at come first. A region that is not enabled needs no look.
    not_read.sort_by_key(|report| !report.state.is_unreadable());
    let names = not_read
        .iter()
        .map(|report| format!("{} ({})", report.target, report.state));
    let names = named(names, not_read.len());
    match targets.len() - not_read.len() {
        0 => format!("{places} not read: {names}"),
        read => format!("{read} of {places} read; not read: {names}"),
    }
}

/// Returns the message of `Compliant` if it is False.
pub(super) fn violations(evaluation: &Evaluation, progress: Progress, summary: &Summary) -> String {
    let names = evaluation
        .findings
        .iter()
        .filter(|finding| finding.verdict == Verdict::NonCompliant)
        .map(|finding| format!("{}/{}", finding.target, finding.notebook.summary.name));
    let count = summary.non_compliant as usize;
    let violations = counted(
        count,
        "notebook gives its users root",
        "notebooks give their users root",
    );
    let mut sentence = format!("{violations}: {}", named(names, count));
    if summary.unknown > 0 || summary.unreadable_targets > 0 {
        sentence.push_str("; ");
        sentence.push_str(&unread(progress, summary));
    }
    sentence
}

/// Returns the message about unread notebooks and targets. During the first scan it is still open
/// whether they can be read.
pub(super) fn unread(progress: Progress, summary: &Summary) -> String {
    let (one, many) = match progress {
        Progress::FirstScan { .. } => ("has not been read yet", "have not been read yet"),
        Progress::Scanned { .. } => ("could not be read", "could not be read"),
    };
    let notebooks = (summary.unknown > 0).then(|| {
        let notebooks = counted(summary.unknown, "notebook", "notebooks");
        format!("{notebooks} could not be judged")
    });
    let targets = (summary.unreadable_targets > 0).then(|| {
        let verb = if summary.unreadable_targets == 1 {
            one
        } else {
            many
        };
        format!("{} {verb}", places(summary.unreadable_targets))
    });
    match (notebooks, targets) {
        (Some(notebooks), Some(targets)) => format!("{notebooks}, {targets}"),
        (Some(sentence), None) | (None, Some(sentence)) => sentence,
        (None, None) => "no account and region has been read".to_owned(),
    }
}

/// Returns the message of `Compliant` if it is True.
pub(super) fn compliant(summary: &Summary) -> String {
    match (summary.compliant, summary.exempt) {
        (0, 0) => "the policy covers no notebook".to_owned(),
        (compliant, 0) => format!("every notebook is compliant, {compliant} in all"),
        (0, exempt) => format!("every notebook is exempt, {exempt} in all"),
        (compliant, exempt) => {
            format!("every notebook is compliant or exempt: {compliant} compliant, {exempt} exempt")
        }
    }
}

/// Truncates a message to a length that the API server accepts.
pub(super) fn bounded(mut message: String) -> String {
    if message.len() > LONGEST_MESSAGE {
        message.truncate(message.floor_char_boundary(LONGEST_MESSAGE));
        message.push('…');
    }
    message
}
