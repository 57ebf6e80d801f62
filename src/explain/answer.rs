//! The short answer, from the policies and the records.

use super::{
    Answer, Facts, Kind, NotFound, Outcome, PolicyView, Query, RecordView, Relation, advice, find,
};
use crate::{
    api::{Mode, NextStep, NotebookRootAccessPolicy, RecordState as State, Verdict},
    decide::{counted, places, validate},
    domain::EndReason,
    report::ApiVersion,
};

/// The least similarity (Jaro-Winkler, 0 to 1) of a suggested name.
const LIKENESS: f64 = 0.85;

/// The most suggested names.
const MOST_SUGGESTED: usize = 5;

/// Outcomes that a policy decides, in the order in which they precede each other.
const DECISIVE: [Outcome; 6] = [
    Outcome::Next,
    Outcome::Waits,
    Outcome::Suspended,
    Outcome::OnlyAudited,
    Outcome::Unknown,
    Outcome::Exempt,
];

/// Returns the first answer that applies: in progress, next, waiting, unknown, and only then
/// compliant.
pub(super) fn answer(policies: &[PolicyView], records: &[RecordView]) -> Answer {
    if let Some(record) = records.iter().find(|record| !is_finished(record)) {
        return in_flight(record);
    }
    let decided = |outcome: Outcome| {
        let mut policies = policies.iter();
        let policy = policies.find(|policy| decides(policy) == Some(outcome))?;
        Some((outcome, policy))
    };
    match DECISIVE.into_iter().find_map(decided) {
        Some((outcome, policy)) => Answer {
            outcome,
            summary: summary(outcome, policy, policies),
        },
        None => nothing_found(policies, records),
    }
}

/// Returns the outcome that a policy decides, if any.
fn decides(policy: &PolicyView) -> Option<Outcome> {
    use Relation::{Invalid, NotReadYet, Omitted, Unread};
    match (policy.verdict, policy.relation) {
        (Some(Verdict::NonCompliant), _) => Some(match (policy.mode, policy.next) {
            (Some(Mode::Enforce), _) if is_suspended(policy) => Outcome::Suspended,
            (Some(Mode::Enforce), Some(NextStep::Update | NextStep::Restart)) => Outcome::Next,
            (Some(Mode::Enforce), _) => Outcome::Waits,
            _ => Outcome::OnlyAudited,
        }),
        (Some(Verdict::Unknown), _) | (None, Unread | NotReadYet | Omitted | Invalid) => {
            Some(Outcome::Unknown)
        }
        (Some(Verdict::Exempt), _) => Some(Outcome::Exempt),
        _ => None,
    }
}

fn is_suspended(policy: &PolicyView) -> bool {
    policy.reason.as_deref() == Some("Suspended")
}

fn summary(outcome: Outcome, policy: &PolicyView, policies: &[PolicyView]) -> String {
    let (name, message) = (&policy.name, &policy.message);
    let reason = policy.reason.as_deref().unwrap_or_default();
    match outcome {
        Outcome::Next => format!("for the policy {name}: {message}"),
        Outcome::OnlyAudited => {
            let waits = if policy.next == Some(NextStep::Wait) {
                format!(". In mode Enforce the notebook would wait, reason {reason}")
            } else {
                String::new()
            };
            let auditing = policies
                .iter()
                .filter(|policy| decides(policy) == Some(outcome));
            format!(
                "its users have root and should not, and no policy enforces: {} only audits{waits}",
                names(auditing)
            )
        }
        Outcome::Unknown => format!("by the policy {name}: {message}"),
        Outcome::Exempt => format!("by the policy {name}: {reason} ({message})"),
        _ => format!("{reason}, by the policy {name}: {message}"),
    }
}

fn names<'p>(policies: impl Iterator<Item = &'p PolicyView>) -> String {
    let names: Vec<&str> = policies.map(|policy| policy.name.as_str()).collect();
    names.join(", ")
}

fn is_finished(record: &RecordView) -> bool {
    matches!(
        record.state,
        Some(State::Succeeded | State::Failed | State::Cancelled)
    )
}

fn in_flight(record: &RecordView) -> Answer {
    let state = record.state.unwrap_or(State::Pending);
    let said = match (&record.problem, &record.message) {
        (Some(problem), _) => {
            format!(
                "this version of sudoless does not understand the record and leaves it alone: {problem}"
            )
        }
        (None, Some(message)) => message.clone(),
        (None, None) => "the operator has not processed the record yet".to_owned(),
    };
    let deleted = if record.being_deleted {
        ". The record is being deleted: the operator first restores the notebook, then removes the record"
    } else {
        ""
    };
    Answer {
        outcome: if state == State::NeedsAttention || record.problem.is_some() {
            Outcome::NeedsAttention
        } else {
            Outcome::BeingFixed
        },
        summary: format!(
            "{state:?}, by nbr/{} for the policy {}: {said}{deleted}",
            record.name, record.policy
        ),
    }
}

/// Returns the answer for a notebook without a violation.
fn nothing_found(policies: &[PolicyView], records: &[RecordView]) -> Answer {
    let covering = names(policies.iter().filter(|policy| policy.relation.covers()));
    let newest = records.first();
    let succeeded = newest.filter(|record| record.state == Some(State::Succeeded));
    if let Some(record) = succeeded {
        let gone = record.reason.as_deref() == Some(EndReason::Deleted.as_str());
        let since = if covering.is_empty() {
            "; no policy covers it any more"
        } else {
            "; no policy has found root on it since"
        };
        return Answer {
            outcome: if gone { Outcome::Gone } else { Outcome::Fixed },
            summary: format!(
                "by nbr/{} for the policy {}: {}{}",
                record.name,
                record.policy,
                record.message.as_deref().unwrap_or("it succeeded"),
                if gone { "" } else { since }
            ),
        };
    }
    if covering.is_empty() {
        return Answer {
            outcome: Outcome::NotCovered,
            summary: if policies.is_empty() {
                "there is no policy in the cluster".to_owned()
            } else {
                "no policy covers it; the reasons are below".to_owned()
            },
        };
    }
    Answer {
        outcome: Outcome::NotListed,
        summary: format!(
            "the policy {covering} read its account and region and does not list it: its users do not have root, or there is no such notebook"
        ),
    }
}

/// Returns the answer for a name without finding or record.
pub(super) fn not_found(facts: &Facts, query: &Query) -> NotFound {
    let policies = facts.policies.len() + facts.undecodable_policies.len();
    let known = find::known(facts);
    let mut similar: Vec<(f64, &str)> = known
        .iter()
        .map(|notebook| {
            let (one, other) = (notebook.name.to_lowercase(), query.name().to_lowercase());
            (strsim::jaro_winkler(&one, &other), notebook.name.as_str())
        })
        .filter(|(likeness, _)| *likeness >= LIKENESS)
        .collect();
    similar.sort_by(|one, other| other.0.total_cmp(&one.0).then(one.1.cmp(other.1)));
    similar.dedup_by(|one, other| one.1 == other.1);
    NotFound {
        api_version: ApiVersion::V1Alpha1,
        kind: Kind::NotebookNotFound,
        name: query.name().to_owned(),
        looked_at: format!(
            "{} with {}, and {}",
            counted(policies, "policy", "policies"),
            counted(
                facts
                    .policies
                    .iter()
                    .filter_map(|policy| policy.status.as_ref())
                    .map(|status| status.findings.len())
                    .sum::<usize>(),
                "listed finding",
                "listed findings"
            ),
            counted(
                facts.records.len() + facts.undecodable_records.len(),
                "record",
                "records"
            ),
        ),
        may_mean: may_mean(facts),
        similar: similar
            .into_iter()
            .take(MOST_SUGGESTED)
            .map(|(_, name)| name.to_owned())
            .collect(),
    }
}

fn may_mean(facts: &Facts) -> Vec<String> {
    let mut may = Vec::new();
    if facts.policies.is_empty() {
        may.push("there is no policy that could cover it".to_owned());
    } else {
        may.push(
            "its users do not have root: a status lists only notebooks that are not compliant"
                .to_owned(),
        );
        may.push("no policy covers its account, region, name or tags".to_owned());
    }
    may.extend(facts.policies.iter().filter_map(doubt));
    may.extend(
        facts
            .undecodable_policies
            .iter()
            .map(|policy| format!("the policy {} is invalid", policy.name)),
    );
    may.push("there is no such notebook".to_owned());
    may
}

/// Returns why a policy may cover the notebook and not list it, although the notebook is not
/// compliant.
fn doubt(policy: &NotebookRootAccessPolicy) -> Option<String> {
    let name = policy.metadata.name.as_deref().unwrap_or_default();
    if validate(policy).is_err() {
        return Some(format!("the policy {name} is invalid"));
    }
    let Some(status) = &policy.status else {
        return Some(format!("no operator has processed the policy {name} yet"));
    };
    let summary = status.summary.unwrap_or_default();
    if status.last_scan_time.is_none() {
        Some(format!(
            "the first scan of the policy {name} is not complete yet"
        ))
    } else if status.findings_omitted > 0 {
        Some(format!(
            "the status of the policy {name} omits {} findings; {} lists them all",
            status.findings_omitted,
            advice::scan(name)
        ))
    } else if summary.unreadable_targets > 0 {
        Some(format!(
            "the policy {name} could not read {}",
            places(summary.unreadable_targets)
        ))
    } else {
        None
    }
}
