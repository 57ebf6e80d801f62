//! evaluate *(pure)*: policy × snapshots × now → one finding per notebook in scope.

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use jiff::Timestamp;

use super::change::{Change, Obstacle, change};
use crate::domain::{
    AccountId, Evaluation, Exemption, Finding, Match, Next, Notebook, Policy, Region, RootAccess,
    Snapshot, TargetRegion, TargetReport, Verdict, Warning,
};

/// Judges every notebook of `snapshots` that the policy covers, as of `now`.
///
/// Unreadable notebooks are Unknown, whatever else is known about them (promise P1). `next` is the
/// action of Enforce without the checks that depend on the moment: windows, budgets, the canary.
#[must_use]
pub fn evaluate(policy: &Policy, snapshots: &[Arc<Snapshot>], now: Timestamp) -> Evaluation {
    let mut sorted: Vec<&Arc<Snapshot>> = snapshots.iter().collect();
    sorted.sort_by(|one, other| one.target.cmp(&other.target));
    let mut judge = Judge::new(policy, now);
    let mut evaluation = Evaluation::default();
    for snapshot in sorted {
        let report = judge.target(snapshot, &mut evaluation.findings);
        evaluation.targets.push(report);
    }
    let readable = evaluation
        .targets
        .iter()
        .all(|report| !report.state.is_unreadable());
    evaluation.warnings = policy.warnings.iter().map(ToString::to_string).collect();
    evaluation.warnings.extend(judge.warnings(readable));
    evaluation.next_expiry = next_expiry(policy, now);
    evaluation
}

/// Returns the next expiry of an exemption that holds now.
#[must_use]
pub fn next_expiry(policy: &Policy, now: Timestamp) -> Option<Timestamp> {
    policy
        .exemptions
        .iter()
        .filter(|exemption| exemption.holds_at(now))
        .filter_map(|exemption| exemption.expires_at)
        .min()
}

struct Judge<'a> {
    policy: &'a Policy,
    exemptions: Vec<Candidate<'a>>,
}

/// An exemption and its matches.
struct Candidate<'a> {
    exemption: &'a Exemption,
    /// True if the exemption has not expired.
    holds: bool,
    /// True if the exemption matches a covered notebook, or might match one whose tags could not be
    /// read.
    may_match: bool,
}

/// The verdict of a notebook and its explanation.
struct Judgement {
    verdict: Verdict,
    next: Next,
    reason: Option<String>,
    message: Option<String>,
}

impl<'a> Judge<'a> {
    fn new(policy: &'a Policy, now: Timestamp) -> Self {
        let exemptions = policy
            .exemptions
            .iter()
            .map(|exemption| Candidate {
                exemption,
                holds: exemption.holds_at(now),
                may_match: false,
            })
            .collect();
        Self { policy, exemptions }
    }

    fn target(&mut self, snapshot: &Snapshot, findings: &mut Vec<Finding>) -> TargetReport {
        let target = Arc::new(snapshot.target.clone());
        let (state, message) = match &snapshot.with_tags {
            Some((state, message)) if self.policy.speaks_of_tags() => (*state, message),
            _ => (snapshot.state, &snapshot.message),
        };
        let mut report = TargetReport {
            target: Arc::clone(&target),
            state,
            message: message.clone(),
            notebooks: 0,
            verdicts: [0; 4],
            lifecycle_configs: 0,
            not_restartable: 0,
            last_success: snapshot.last_success,
            oldest_violation: None,
        };
        let region = match &snapshot.target.region {
            TargetRegion::Named(region) => Some(region),
            TargetRegion::Unresolved => None,
        };
        for notebook in &snapshot.notebooks {
            let place = (&snapshot.target.account, region);
            let Some(judgement) = self.notebook(place, notebook) else {
                continue;
            };
            report.add(judgement.verdict, notebook);
            findings.push(Finding {
                target: Arc::clone(&target),
                notebook: Arc::clone(notebook),
                verdict: judgement.verdict,
                next: judgement.next,
                reason: judgement.reason,
                message: judgement.message,
            });
        }
        report
    }

    /// Judges a notebook. Returns `None` if the policy does not cover the notebook.
    fn notebook(
        &mut self,
        (account, region): (&AccountId, Option<&Region>),
        notebook: &Notebook,
    ) -> Option<Judgement> {
        let selected = self.policy.selector.matches(account, region, notebook);
        if selected == Match::No {
            return None;
        }
        let mut exempt = None;
        let mut undecided = selected == Match::Unknown;
        for candidate in &mut self.exemptions {
            let (exemption, holds) = (candidate.exemption, candidate.holds);
            let matches = exemption.matcher.matches(account, region, notebook);
            candidate.may_match |= matches != Match::No;
            match matches {
                Match::Yes => exempt = exempt.or(holds.then_some(exemption)),
                Match::Unknown => undecided |= holds,
                Match::No => {}
            }
        }
        Some(match (notebook.root_access(), exempt) {
            (RootAccess::Unknown, _) => unread(notebook),
            _ if selected == Match::Unknown => tags_unread(notebook),
            (_, Some(exemption)) => exempted(exemption),
            (RootAccess::Disabled, None) => Judgement::bare(Verdict::Compliant),
            (RootAccess::Enabled, None) if undecided => tags_unread(notebook),
            (RootAccess::Enabled, None) => self.violation(notebook),
        })
    }

    fn violation(&self, notebook: &Notebook) -> Judgement {
        let (next, reason, message) = match change(
            notebook.status(),
            self.policy.remediation.when_running,
        ) {
            Ok(Change::Update) => (
                Next::Update,
                "RootAccessEnabled",
                "root access is enabled; the notebook is stopped, so nobody is disturbed".to_owned(),
            ),
            Ok(Change::Restart) => (
                Next::Restart,
                "RootAccessEnabled",
                "root access is enabled; the notebook is running and must be restarted to change it".to_owned(),
            ),
            Err(Obstacle { reason, message }) => (Next::Wait(reason), reason.as_str(), message),
        };
        Judgement {
            verdict: Verdict::NonCompliant,
            next,
            reason: Some(reason.to_owned()),
            message: Some(message),
        }
    }

    fn warnings(&self, everything_was_read: bool) -> impl Iterator<Item = String> {
        self.exemptions
            .iter()
            .enumerate()
            .filter_map(
                move |(index, candidate)| match candidate.exemption.expires_at {
                    Some(expiry) if !candidate.holds => Some(expired(index, expiry).to_string()),
                    _ if everything_was_read && !candidate.may_match => {
                        Some(format!("spec.exemptions[{index}] matches no notebook"))
                    }
                    _ => None,
                },
            )
    }
}

/// Returns a warning for each expired exemption.
pub fn expired_exemptions(policy: &Policy, now: Timestamp) -> impl Iterator<Item = Warning> {
    policy
        .exemptions
        .iter()
        .enumerate()
        .filter(move |(_, exemption)| !exemption.holds_at(now))
        .filter_map(|(index, exemption)| Some(expired(index, exemption.expires_at?)))
}

fn expired(index: usize, expiry: Timestamp) -> Warning {
    Warning::new(
        format!("spec.exemptions[{index}]"),
        format!("expired at {expiry}: remove it or give it a new expiresAt"),
    )
}

impl Judgement {
    fn bare(verdict: Verdict) -> Self {
        Self {
            verdict,
            next: Next::None,
            reason: None,
            message: None,
        }
    }

    fn unknown(reason: &str, message: String) -> Self {
        Self {
            verdict: Verdict::Unknown,
            next: Next::None,
            reason: Some(reason.to_owned()),
            message: Some(message),
        }
    }
}

fn exempted(exemption: &Exemption) -> Judgement {
    let until = match exemption.expires_at {
        Some(expiry) => format!("exempt until {expiry}"),
        None => "exempt with no expiry".to_owned(),
    };
    Judgement {
        reason: Some(exemption.reason.clone()),
        message: Some(until),
        ..Judgement::bare(Verdict::Exempt)
    }
}

fn unread(notebook: &Notebook) -> Judgement {
    match &notebook.details {
        Err(failure) => Judgement::unknown(failure.state.as_str(), failure.message.clone()),
        Ok(_) => Judgement::unknown(
            "RootAccessUnknown",
            "AWS does not report the notebook's root access".to_owned(),
        ),
    }
}

fn tags_unread(notebook: &Notebook) -> Judgement {
    let why = match &notebook.tags {
        Some(Err(failure)) => failure.message.as_str(),
        Some(Ok(_)) | None => "they have not been read yet",
    };
    Judgement::unknown("TagsUnknown", format!("the policy uses tags: {why}"))
}
