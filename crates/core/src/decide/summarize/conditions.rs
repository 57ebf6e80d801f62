//! The four conditions of a policy, by kstatus.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};

use super::{
    Pass, Progress, Status,
    judged::{Judged, expired_between},
    sentences,
};
use crate::{
    api::{ConditionReason as Reason, ConditionType, Summary},
    domain::{Evaluation, Flights, Mode, Policy, TargetReport, TargetState},
};

/// A condition's status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Truth {
    True,
    False,
    Unknown,
}

/// A condition before it is compared with the current one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Draft {
    truth: Truth,
    reason: String,
    message: String,
}

/// The four conditions.
pub(super) struct Conditions {
    ready: Draft,
    reconciling: Draft,
    stalled: Draft,
    compliant: Draft,
}

/// Returns the conditions after a pass over a valid, active policy.
pub(super) fn scanned(
    policy: &Policy,
    evaluation: &Evaluation,
    progress: Progress,
    summary: &Summary,
) -> Conditions {
    let (truth, reason) = readiness(evaluation, progress);
    let ready = draft(
        truth,
        reason,
        sentences::ready(policy, evaluation, progress),
    );
    let work = work(&ready, truth, reason, policy, &evaluation.flights);
    Conditions {
        ready: work.0,
        reconciling: work.1,
        stalled: work.2,
        compliant: compliance(evaluation, progress, summary),
    }
}

/// Returns Ready, Reconciling and Stalled. A need for a person takes precedence over remediations
/// in progress, and is never ready.
fn work(
    ready: &Draft,
    truth: Truth,
    reason: Reason,
    policy: &Policy,
    flights: &Flights,
) -> (Draft, Draft, Draft) {
    let idle = || draft(Truth::False, Reason::AsExpected, "nothing is under way");
    let sound = || {
        draft(
            Truth::False,
            Reason::AsExpected,
            "the operator continues on its own",
        )
    };
    if let Some((reason, mut sentences)) = person_needed(policy, flights) {
        sentences.push(ready.message.clone());
        let needed = |truth| draft(truth, reason, sentences.join("; "));
        return (needed(Truth::False), idle(), needed(Truth::True));
    }
    let same = |truth| draft(truth, reason, ready.message.clone());
    match reason {
        Reason::EveryTargetDenied => (same(truth), idle(), same(Truth::True)),
        Reason::FirstScan => (same(truth), same(Truth::True), sound()),
        _ if flights.remediating > 0 => {
            let remediating = draft(Truth::True, Reason::Remediating, REMEDIATING);
            (same(truth), remediating, sound())
        }
        _ => (same(truth), idle(), sound()),
    }
}

/// Returns the reason why a person must act on remediations, and the sentences that `ready` does
/// not have. The brake comes first, because it blocks the whole policy.
fn person_needed(policy: &Policy, flights: &Flights) -> Option<(Reason, Vec<String>)> {
    let is_halted = policy.mode == Mode::Enforce && !flights.halted.is_empty();
    let attention = (!flights.needs_attention.is_empty()).then(|| sentences::attention(flights));
    let brake = flights.braked.then(|| sentences::brake(policy));
    let reason = match (&brake, &attention) {
        (Some(_), _) => Reason::Halted,
        (None, Some(_)) => Reason::NeedsAttention,
        (None, None) if is_halted => Reason::Halted,
        (None, None) => return None,
    };
    Some((reason, brake.into_iter().chain(attention).collect()))
}

const REMEDIATING: &str = "root access is being disabled: kubectl get nbr lists the notebooks";

/// Returns `Compliant` of a suspended policy: the result of the last scan. It is Unknown if that
/// scan judged another spec, or if an exemption that a notebook needs has expired since (promise
/// P1).
pub(super) fn kept_verdict(policy: &Policy, judged: Option<&Judged>, pass: Pass<'_>) -> Draft {
    let unknown = |message| draft(Truth::Unknown, Reason::NotScanned, message);
    let Some(compliant) = condition(pass.previous, ConditionType::Compliant) else {
        return unknown("there was no scan yet");
    };
    let ready = condition(pass.previous, ConditionType::Ready);
    if ready.is_some_and(|ready| ready.reason == Reason::InvalidSpec.as_str()) {
        return unknown("there was no scan since the spec became valid");
    }
    let is_of_this_spec = compliant.observed_generation == Some(pass.generation)
        || judged.is_some_and(|judged| judged.covers(policy));
    if !is_of_this_spec {
        return unknown(
            "the spec changed since the last scan, and nothing is scanned while the policy is suspended; figures and findings are those of \
             the previous spec",
        );
    }
    let kept = Draft::from(compliant);
    if kept.truth == Truth::True && lost_an_exemption(policy, judged, pass) {
        return unknown(
            "an exemption expired since the last scan, and nothing is scanned while the policy is suspended; figures and findings are from \
             the last scan",
        );
    }
    kept
}

/// Returns true if a notebook was exempt at the last scan, and an exemption expired since.
fn lost_an_exemption(policy: &Policy, judged: Option<&Judged>, pass: Pass<'_>) -> bool {
    let Some(previous) = pass.previous else {
        return false;
    };
    let scanned_at = || previous.last_scan_time.as_ref().map(|time| time.0);
    let after = judged.map(Judged::at).or_else(scanned_at);
    previous.summary.is_none_or(|summary| summary.exempt > 0)
        && after.is_none_or(|after| expired_between(policy, after, pass.now))
}

/// Returns the conditions of a suspended policy.
pub(super) fn suspended(compliant: Draft, flights: &Flights) -> Conditions {
    let message = "suspended: nothing is scanned and nothing new begins; the results, if any, are those of the last scan";
    let suspended = |truth| draft(truth, Reason::Suspended, message);
    let (ready, reconciling, stalled) = if !flights.needs_attention.is_empty() {
        let needs = |truth| {
            let message = format!("{}; {message}", sentences::attention(flights));
            draft(truth, Reason::NeedsAttention, message)
        };
        (
            needs(Truth::False),
            suspended(Truth::False),
            needs(Truth::True),
        )
    } else if flights.remediating > 0 {
        let finishing = "suspended: notebooks that are already down are finished and started again: kubectl get nbr lists them";
        (
            suspended(Truth::True),
            draft(Truth::True, Reason::Remediating, finishing),
            suspended(Truth::False),
        )
    } else {
        (
            suspended(Truth::True),
            suspended(Truth::False),
            suspended(Truth::False),
        )
    };
    Conditions {
        ready,
        reconciling,
        stalled,
        compliant,
    }
}

/// Returns the conditions of an invalid policy.
pub(super) fn invalid(problem: &str) -> Conditions {
    Conditions {
        ready: draft(Truth::False, Reason::InvalidSpec, problem),
        reconciling: draft(
            Truth::False,
            Reason::InvalidSpec,
            "nothing is done until the spec is valid",
        ),
        stalled: draft(Truth::True, Reason::InvalidSpec, problem),
        compliant: draft(
            Truth::Unknown,
            Reason::NotScanned,
            "the spec is invalid, so nothing is scanned; figures and findings, if any, are those of the last scan",
        ),
    }
}

fn readiness(evaluation: &Evaluation, progress: Progress) -> (Truth, Reason) {
    if matches!(progress, Progress::FirstScan { .. }) {
        return (Truth::Unknown, Reason::FirstScan);
    }
    let unreadable: Vec<&TargetReport> = evaluation
        .targets
        .iter()
        .filter(|report| report.state.is_unreadable())
        .collect();
    if unreadable.is_empty() {
        (Truth::True, Reason::Scanned)
    } else if any_scanned(evaluation) {
        (Truth::True, Reason::PartialScan)
    } else if unreadable.iter().all(|report| report.state.is_refused()) {
        (Truth::False, Reason::EveryTargetDenied)
    } else {
        (Truth::False, Reason::NoTargetRead)
    }
}

fn any_scanned(evaluation: &Evaluation) -> bool {
    evaluation
        .targets
        .iter()
        .any(|report| report.state == TargetState::Scanned)
}

fn compliance(evaluation: &Evaluation, progress: Progress, summary: &Summary) -> Draft {
    let nothing_read = !any_scanned(evaluation);
    let incomplete = matches!(progress, Progress::FirstScan { .. })
        || summary.unknown > 0
        || summary.unreadable_targets > 0
        || nothing_read;
    if summary.non_compliant > 0 {
        draft(
            Truth::False,
            Reason::RootAccessEnabled,
            sentences::violations(evaluation, progress, summary),
        )
    } else if nothing_read && summary.notebooks == 0 {
        draft(
            Truth::Unknown,
            Reason::NotScanned,
            sentences::unread(progress, summary),
        )
    } else if incomplete {
        draft(
            Truth::Unknown,
            Reason::IncompleteScan,
            sentences::unread(progress, summary),
        )
    } else {
        draft(
            Truth::True,
            Reason::AllCompliant,
            sentences::compliant(summary),
        )
    }
}

impl Conditions {
    /// Converts the conditions for the status. `lastTransitionTime` moves with the status only.
    pub(super) fn written(self, pass: Pass<'_>) -> Vec<Condition> {
        [
            (ConditionType::Ready, self.ready),
            (ConditionType::Reconciling, self.reconciling),
            (ConditionType::Stalled, self.stalled),
            (ConditionType::Compliant, self.compliant),
        ]
        .into_iter()
        .map(|(kind, draft)| draft.written(kind, pass))
        .collect()
    }
}

impl Draft {
    fn written(self, kind: ConditionType, pass: Pass<'_>) -> Condition {
        let status = self.truth.as_str();
        let unchanged =
            condition(pass.previous, kind).filter(|condition| condition.status == status);
        Condition {
            type_: kind.as_str().to_owned(),
            status: status.to_owned(),
            reason: self.reason,
            message: self.message,
            observed_generation: Some(pass.generation),
            last_transition_time: unchanged.map_or(Time(whole_seconds(pass.now)), |condition| {
                condition.last_transition_time.clone()
            }),
        }
    }
}

impl From<&Condition> for Draft {
    fn from(condition: &Condition) -> Self {
        Self {
            truth: match condition.status.as_str() {
                "True" => Truth::True,
                "False" => Truth::False,
                _ => Truth::Unknown,
            },
            reason: condition.reason.clone(),
            message: condition.message.clone(),
        }
    }
}

impl Truth {
    fn as_str(self) -> &'static str {
        match self {
            Self::True => "True",
            Self::False => "False",
            Self::Unknown => "Unknown",
        }
    }
}

fn condition(status: Option<&Status>, kind: ConditionType) -> Option<&Condition> {
    status?
        .conditions
        .iter()
        .find(|condition| condition.type_ == kind.as_str())
}

fn draft(truth: Truth, reason: Reason, message: impl Into<String>) -> Draft {
    Draft {
        truth,
        reason: reason.as_str().to_owned(),
        message: sentences::bounded(message.into()),
    }
}

/// Truncates a time to whole seconds. `metav1.Time` has no fractions, so a fraction would not read
/// back as written.
#[must_use]
pub fn whole_seconds(time: jiff::Timestamp) -> jiff::Timestamp {
    jiff::Timestamp::from_second(time.as_second()).unwrap_or(time)
}
