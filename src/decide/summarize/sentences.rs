//! The messages of the conditions: what happened and what to do, in sentences.

use super::Progress;
use crate::{
    api::Summary,
    domain::{Evaluation, Mode, Policy, Verdict},
};

/// Names in a sentence; the status lists the rest.
const MOST_NAMED: usize = 5;

/// `metav1.Condition` takes messages of up to 32,768 bytes; a person reads far less.
const LONGEST_MESSAGE: usize = 4096;

/// What `Ready` says.
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
        Progress::Scanned { .. } => {
            let unread = || targets.iter().filter(|report| report.state.is_unreadable());
            let (count, all) = (unread().count(), targets.len());
            if count == 0 {
                format!("{} read", places(all))
            } else {
                let names = unread().map(|report| format!("{} ({})", report.target, report.state));
                format!(
                    "{} of {} read; not read: {}",
                    all - count,
                    places(all),
                    named(names, count)
                )
            }
        }
    };
    if policy.mode == Mode::Enforce {
        sentence.push_str(
            "; mode is Enforce, but this version of sudoless only audits: no notebook is changed, and next says what would be done",
        );
    }
    if !evaluation.warnings.is_empty() {
        sentence.push_str("; warning: ");
        let warnings = evaluation.warnings.iter().cloned();
        sentence.push_str(&named(warnings, evaluation.warnings.len()));
    }
    sentence
}

/// What `Compliant` says when it is False.
pub(super) fn violations(evaluation: &Evaluation, summary: &Summary) -> String {
    let names = evaluation
        .findings
        .iter()
        .filter(|finding| finding.verdict == Verdict::NonCompliant)
        .map(|finding| format!("{}/{}", finding.target, finding.notebook.summary.name));
    let count = summary.non_compliant as usize;
    let verb = if count == 1 {
        "notebook gives its users root"
    } else {
        "notebooks give their users root"
    };
    let mut sentence = format!("{count} {verb}: {}", named(names, count));
    if summary.unknown > 0 || summary.unreadable_targets > 0 {
        sentence.push_str("; ");
        sentence.push_str(&unread(summary));
    }
    sentence
}

/// What was not read.
pub(super) fn unread(summary: &Summary) -> String {
    let notebooks = match summary.unknown {
        0 => None,
        1 => Some("1 notebook could not be judged".to_owned()),
        several => Some(format!("{several} notebooks could not be judged")),
    };
    let targets = match summary.unreadable_targets {
        0 => None,
        1 => Some("1 account and region could not be read".to_owned()),
        several => Some(format!("{several} accounts and regions could not be read")),
    };
    match (notebooks, targets) {
        (Some(notebooks), Some(targets)) => format!("{notebooks}, {targets}"),
        (Some(sentence), None) | (None, Some(sentence)) => sentence,
        (None, None) => "no account and region has been read".to_owned(),
    }
}

/// What `Compliant` says when it is True.
pub(super) fn compliant(summary: &Summary) -> String {
    let exempt = match summary.exempt {
        0 => String::new(),
        exempt => format!(", {exempt} exempt"),
    };
    format!(
        "no notebook gives its users root: {} compliant{exempt}",
        summary.compliant
    )
}

/// A message that the API server takes.
pub(super) fn bounded(mut message: String) -> String {
    if message.len() > LONGEST_MESSAGE {
        let end = (0..=LONGEST_MESSAGE)
            .rev()
            .find(|end| message.is_char_boundary(*end))
            .unwrap_or_default();
        message.truncate(end);
        message.push('…');
    }
    message
}

fn named(names: impl Iterator<Item = String>, count: usize) -> String {
    let first = names.take(MOST_NAMED).collect::<Vec<_>>().join(", ");
    match count.saturating_sub(MOST_NAMED) {
        0 => first,
        more => format!("{first} and {more} more"),
    }
}

fn places(count: usize) -> String {
    match count {
        1 => "1 account and region".to_owned(),
        several => format!("{several} accounts and regions"),
    }
}
