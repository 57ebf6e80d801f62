//! Events of a pass *(pure)*. A pass sends few, whatever happened.

use crate::{
    decide::{Baseline, named},
    domain::{Evaluation, Finding, RemediationCounts, Target, Verdict},
    kubernetes::{NewEvent, Severity},
};

/// Upper limit on events of a pass about one notebook each. If more notebooks got worse, one event
/// names them together.
const MOST_EVENTS: usize = 3;

/// Reason of an event about violations.
const ROOT_ACCESS_ENABLED: &str = "RootAccessEnabled";

/// Reason of an event about unknown notebooks.
const NOTEBOOK_UNKNOWN: &str = "NotebookUnknown";

/// Reason of an event about a halted policy.
const POLICY_HALTED: &str = "PolicyHalted";

/// Reason of an event about an account and region where too many remediations failed.
const TARGET_HALTED: &str = "TargetHalted";

/// Returns the events of a pass about notebooks.
pub(super) fn announcements(baseline: &Baseline, evaluation: &Evaluation) -> Vec<NewEvent> {
    let worsened: Vec<&Finding> = baseline.worsened(evaluation).collect();
    if worsened.len() > MOST_EVENTS {
        vec![of_many(&worsened)]
    } else {
        worsened.into_iter().map(of_one).collect()
    }
}

/// Returns the events about halts of the policy, or of accounts and regions, since the pass before.
pub(super) fn halts(before: &RemediationCounts, now: &RemediationCounts) -> Vec<NewEvent> {
    let brake = (now.braked && !before.braked).then(|| NewEvent {
        severity: Severity::Warning,
        reason: POLICY_HALTED,
        action: "Remediate",
        note: format!(
            "no more running notebooks of this policy are stopped, because maxFailures notebooks are \
             down and need attention. Remediations that need attention: {}. List them with kubectl \
             get nbr --field-selector status.state=NeedsAttention",
            now.needs_attention.len()
        ),
    });
    let halt = |target: &Target| NewEvent {
        severity: Severity::Warning,
        reason: TARGET_HALTED,
        action: "Remediate",
        note: format!(
            "no new remediations start in {target}, because maxFailures remediations failed there. \
             List them with kubectl get nbr --field-selector status.state=Failed, and delete each \
             one when its cause is fixed"
        ),
    };
    let targets = now.halted.difference(&before.halted).map(halt);
    brake.into_iter().chain(targets).collect()
}

fn of_one(finding: &Finding) -> NewEvent {
    let message = finding.message.as_deref().unwrap_or_default();
    let name = name(finding);
    match finding.verdict {
        Verdict::NonCompliant => warning(
            ROOT_ACCESS_ENABLED,
            format!("{name} gives its users root: {message}"),
        ),
        Verdict::Unknown | Verdict::Exempt | Verdict::Compliant => warning(
            NOTEBOOK_UNKNOWN,
            format!("{name} cannot be judged: {message}"),
        ),
    }
}

fn of_many(worsened: &[&Finding]) -> NewEvent {
    let violations = worsened
        .iter()
        .filter(|finding| finding.verdict == Verdict::NonCompliant)
        .count();
    let unknown = worsened.len() - violations;
    let names = worsened.iter().map(|finding| name(finding));
    let names = named(names, worsened.len());
    let (reason, note) = match (violations, unknown) {
        (violations, 0) => (
            ROOT_ACCESS_ENABLED,
            format!("{violations} notebooks give their users root now: {names}"),
        ),
        (0, unknown) => (
            NOTEBOOK_UNKNOWN,
            format!("{unknown} notebooks cannot be judged any more: {names}"),
        ),
        (violations, unknown) => (
            ROOT_ACCESS_ENABLED,
            format!(
                "{} notebooks got worse: {violations} of them give their users root now, {unknown} cannot be judged any more: \
                 {names}",
                worsened.len()
            ),
        ),
    };
    warning(reason, note)
}

fn warning(reason: &'static str, note: String) -> NewEvent {
    NewEvent {
        severity: Severity::Warning,
        reason,
        action: "Scan",
        note,
    }
}

fn name(finding: &Finding) -> String {
    format!("{}/{}", finding.target, finding.notebook.summary.name)
}
