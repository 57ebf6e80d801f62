//! The four conditions of a policy, by kstatus.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use strum::{Display, EnumString};

use super::{
    Pass, Progress, Status,
    judged::{Judged, expired_between},
    sentences,
};
use crate::{
    api::{ConditionReason as Reason, ConditionType, Summary},
    domain::{Evaluation, Mode, Policy, RemediationCounts, TargetReport, TargetState},
};

/// A condition's status.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Display, EnumString)]
enum ConditionStatus {
    True,
    False,
    Unknown,
}

/// A condition before it is compared with the current one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ConditionUpdate {
    status: ConditionStatus,
    reason: String,
    message: String,
}

/// The four conditions.
pub(super) struct Conditions {
    ready: ConditionUpdate,
    reconciling: ConditionUpdate,
    stalled: ConditionUpdate,
    compliant: ConditionUpdate,
}

/// Returns the conditions after a pass over a valid, active policy.
pub(super) fn scanned(
    policy: &Policy,
    evaluation: &Evaluation,
    progress: Progress,
    summary: &Summary,
) -> Conditions {
    let (status, reason) = readiness(evaluation, progress);
    let ready = update(
        status,
        reason,
        sentences::ready(policy, evaluation, progress),
    );
    let work = work(&ready, status, reason, policy, &evaluation.remediations);
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
    ready: &ConditionUpdate,
    status: ConditionStatus,
    reason: Reason,
    policy: &Policy,
    remediations: &RemediationCounts,
) -> (ConditionUpdate, ConditionUpdate, ConditionUpdate) {
    let idle = || {
        update(
            ConditionStatus::False,
            Reason::AsExpected,
            "nothing is under way",
        )
    };
    let sound = || {
        update(
            ConditionStatus::False,
            Reason::AsExpected,
            "the operator continues on its own",
        )
    };
    if let Some((reason, mut sentences)) = person_needed(policy, remediations) {
        sentences.push(ready.message.clone());
        let needed = |status| update(status, reason, sentences.join("; "));
        return (
            needed(ConditionStatus::False),
            idle(),
            needed(ConditionStatus::True),
        );
    }
    let same = |status| update(status, reason, ready.message.clone());
    match reason {
        Reason::EveryTargetDenied => (same(status), idle(), same(ConditionStatus::True)),
        Reason::FirstScan => (same(status), same(ConditionStatus::True), sound()),
        _ if remediations.remediating > 0 => {
            let remediating = update(ConditionStatus::True, Reason::Remediating, REMEDIATING);
            (same(status), remediating, sound())
        }
        _ => (same(status), idle(), sound()),
    }
}

/// Returns the reason why a person must act on remediations, and the sentences that `ready` does
/// not have. The brake comes first, because it blocks the whole policy.
fn person_needed(
    policy: &Policy,
    remediations: &RemediationCounts,
) -> Option<(Reason, Vec<String>)> {
    let is_halted = policy.mode == Mode::Enforce && !remediations.halted.is_empty();
    let attention =
        (!remediations.needs_attention.is_empty()).then(|| sentences::attention(remediations));
    let brake = remediations.braked.then(|| sentences::brake(policy));
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
pub(super) fn kept_verdict(
    policy: &Policy,
    judged: Option<&Judged>,
    pass: Pass<'_>,
) -> ConditionUpdate {
    let unknown = |message| update(ConditionStatus::Unknown, Reason::NotScanned, message);
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
    let kept = ConditionUpdate::from(compliant);
    if kept.status == ConditionStatus::True && lost_an_exemption(policy, judged, pass) {
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
pub(super) fn suspended(
    compliant: ConditionUpdate,
    remediations: &RemediationCounts,
) -> Conditions {
    let message = "suspended: nothing is scanned and nothing new begins; the results, if any, are those of the last scan";
    let suspended = |status| update(status, Reason::Suspended, message);
    let (ready, reconciling, stalled) = if !remediations.needs_attention.is_empty() {
        let needs = |status| {
            let message = format!("{}; {message}", sentences::attention(remediations));
            update(status, Reason::NeedsAttention, message)
        };
        (
            needs(ConditionStatus::False),
            suspended(ConditionStatus::False),
            needs(ConditionStatus::True),
        )
    } else if remediations.remediating > 0 {
        let finishing = "suspended: notebooks that are already down are finished and started again: kubectl get nbr lists them";
        (
            suspended(ConditionStatus::True),
            update(ConditionStatus::True, Reason::Remediating, finishing),
            suspended(ConditionStatus::False),
        )
    } else {
        (
            suspended(ConditionStatus::True),
            suspended(ConditionStatus::False),
            suspended(ConditionStatus::False),
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
        ready: update(ConditionStatus::False, Reason::InvalidSpec, problem),
        reconciling: update(
            ConditionStatus::False,
            Reason::InvalidSpec,
            "nothing is done until the spec is valid",
        ),
        stalled: update(ConditionStatus::True, Reason::InvalidSpec, problem),
        compliant: update(
            ConditionStatus::Unknown,
            Reason::NotScanned,
            "the spec is invalid, so nothing is scanned; figures and findings, if any, are those of the last scan",
        ),
    }
}

fn readiness(evaluation: &Evaluation, progress: Progress) -> (ConditionStatus, Reason) {
    if matches!(progress, Progress::FirstScan { .. }) {
        return (ConditionStatus::Unknown, Reason::FirstScan);
    }
    let unreadable: Vec<&TargetReport> = evaluation
        .targets
        .iter()
        .filter(|report| report.state.is_unreadable())
        .collect();
    if unreadable.is_empty() {
        (ConditionStatus::True, Reason::Scanned)
    } else if any_scanned(evaluation) {
        (ConditionStatus::True, Reason::PartialScan)
    } else if unreadable.iter().all(|report| report.state.is_refused()) {
        (ConditionStatus::False, Reason::EveryTargetDenied)
    } else {
        (ConditionStatus::False, Reason::NoTargetRead)
    }
}

fn any_scanned(evaluation: &Evaluation) -> bool {
    evaluation
        .targets
        .iter()
        .any(|report| report.state == TargetState::Scanned)
}

fn compliance(evaluation: &Evaluation, progress: Progress, summary: &Summary) -> ConditionUpdate {
    let nothing_read = !any_scanned(evaluation);
    let incomplete = matches!(progress, Progress::FirstScan { .. })
        || summary.unknown > 0
        || summary.unreadable_targets > 0
        || nothing_read;
    if summary.non_compliant > 0 {
        update(
            ConditionStatus::False,
            Reason::RootAccessEnabled,
            sentences::violations(evaluation, progress, summary),
        )
    } else if nothing_read && summary.notebooks == 0 {
        update(
            ConditionStatus::Unknown,
            Reason::NotScanned,
            sentences::unread(progress, summary),
        )
    } else if incomplete {
        update(
            ConditionStatus::Unknown,
            Reason::IncompleteScan,
            sentences::unread(progress, summary),
        )
    } else {
        update(
            ConditionStatus::True,
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

impl ConditionUpdate {
    fn written(self, kind: ConditionType, pass: Pass<'_>) -> Condition {
        let status = self.status.to_string();
        let unchanged =
            condition(pass.previous, kind).filter(|condition| condition.status == status);
        Condition {
            type_: kind.as_str().to_owned(),
            status,
            reason: self.reason,
            message: self.message,
            observed_generation: Some(pass.generation),
            last_transition_time: unchanged.map_or(Time(whole_seconds(pass.now)), |condition| {
                condition.last_transition_time.clone()
            }),
        }
    }
}

impl From<&Condition> for ConditionUpdate {
    fn from(condition: &Condition) -> Self {
        Self {
            status: condition.status.parse().unwrap_or(ConditionStatus::Unknown),
            reason: condition.reason.clone(),
            message: condition.message.clone(),
        }
    }
}

fn condition(status: Option<&Status>, kind: ConditionType) -> Option<&Condition> {
    status?
        .conditions
        .iter()
        .find(|condition| condition.type_ == kind.as_str())
}

fn update(status: ConditionStatus, reason: Reason, message: impl Into<String>) -> ConditionUpdate {
    ConditionUpdate {
        status,
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
