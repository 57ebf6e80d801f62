//! The four conditions, by kstatus.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};

use super::{Pass, Progress, Status, sentences};
use crate::{
    api::{ConditionReason as Reason, ConditionType, Summary},
    domain::{Evaluation, Policy, TargetReport, TargetState},
};

/// A condition's status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Truth {
    True,
    False,
    Unknown,
}

/// What a condition says, before it is compared to what it said.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Draft {
    truth: Truth,
    reason: String,
    message: String,
}

/// All four of them.
pub(super) struct Conditions {
    ready: Draft,
    reconciling: Draft,
    stalled: Draft,
    compliant: Draft,
}

/// After a pass over a valid, active policy.
pub(super) fn scanned(
    policy: &Policy,
    evaluation: &Evaluation,
    progress: Progress,
    summary: &Summary,
) -> Conditions {
    let (truth, reason) = readiness(evaluation, progress);
    let stalled = reason == Reason::EveryTargetDenied;
    let reconciling = reason == Reason::FirstScan;
    let ready = draft(
        truth,
        reason,
        sentences::ready(policy, evaluation, progress),
    );
    Conditions {
        reconciling: if reconciling {
            draft(Truth::True, reason, ready.message.clone())
        } else {
            draft(Truth::False, Reason::AsExpected, "nothing is under way")
        },
        stalled: if stalled {
            draft(Truth::True, reason, ready.message.clone())
        } else {
            draft(Truth::False, Reason::AsExpected, "nothing needs a person")
        },
        compliant: compliance(evaluation, progress, summary),
        ready,
    }
}

/// Of a suspended policy: whether it is compliant is what the last scan said.
pub(super) fn suspended(previous: Option<&Status>) -> Conditions {
    let message = "suspended: nothing is scanned and nothing is begun; the results, if any, are those of the last scan";
    let compliant = match (
        condition(previous, ConditionType::Compliant),
        condition(previous, ConditionType::Ready),
    ) {
        (Some(_), Some(ready)) if ready.reason == Reason::InvalidSpec.as_str() => draft(
            Truth::Unknown,
            Reason::NotScanned,
            "there was no scan since the spec became valid",
        ),
        (Some(compliant), _) => Draft::from(compliant),
        (None, _) => draft(Truth::Unknown, Reason::NotScanned, "there was no scan yet"),
    };
    Conditions {
        ready: draft(Truth::True, Reason::Suspended, message),
        reconciling: draft(Truth::False, Reason::Suspended, message),
        stalled: draft(Truth::False, Reason::Suspended, message),
        compliant,
    }
}

/// Of a policy that cannot be understood.
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
            "the spec is not valid, so nothing is scanned; figures and findings, if any, are those of the last scan",
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
    /// As they stand in the status: `lastTransitionTime` moves with the status only.
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

/// `metav1.Time` has no fractions: with them, what is read back would differ from what was written.
pub(in crate::decide) fn whole_seconds(time: jiff::Timestamp) -> jiff::Timestamp {
    jiff::Timestamp::from_second(time.as_second()).unwrap_or(time)
}
