//! The short answer, from the policies and the records.

use super::{
    Answer, ApiVersion, Facts, Kind, NotFound, Outcome, Policy, Query, RecordView, Relation,
    evidence::Evidence, find,
};
use crate::{
    api::{Mode, NextStep, NotebookRootAccessPolicy, RecordState as State, Verdict},
    decide::{counted, places, validate},
    domain::EndReason,
};

/// The least similarity (Jaro-Winkler, 0 to 1) of a suggested name.
const LIKENESS: f64 = 0.85;

/// The most suggested names.
const MOST_SUGGESTED: usize = 5;

/// Returns the first answer that applies: in progress, next, waiting, unknown, and only then
/// compliant.
pub(super) fn answer(
    policies: &[Policy],
    records: &[RecordView],
    evidence: &Evidence<'_>,
) -> Answer {
    let under_way = records.iter().find(|record| !is_finished(record));
    under_way
        .map(in_flight)
        .or_else(|| violation(policies))
        .or_else(|| unknown(policies, evidence))
        .or_else(|| exempt(policies))
        .unwrap_or_else(|| nothing_found(policies, records))
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

/// Returns the answer for a notebook that violates at least one policy.
fn violation(policies: &[Policy]) -> Option<Answer> {
    let violated: Vec<&Policy> = policies
        .iter()
        .filter(|policy| {
            let acted_on = policy.next != Some(NextStep::None) || is_suspended(policy);
            policy.verdict == Some(Verdict::NonCompliant) && acted_on
        })
        .collect();
    let enforcing: Vec<&Policy> = violated
        .iter()
        .copied()
        .filter(|policy| policy.mode == Some(Mode::Enforce))
        .collect();
    let begins = |policy: &&&Policy| policy.next != Some(NextStep::Wait) && !is_suspended(policy);
    if let Some(policy) = enforcing.iter().find(begins) {
        return Some(said_by(Outcome::Next, policy));
    }
    if let Some(policy) = enforcing.iter().find(|policy| !is_suspended(policy)) {
        return Some(said_by(Outcome::Waits, policy));
    }
    if let Some(policy) = enforcing.first() {
        return Some(said_by(Outcome::Suspended, policy));
    }
    let policy = violated.first()?;
    let names: Vec<&str> = violated.iter().map(|policy| policy.name.as_str()).collect();
    let reason = policy.reason.as_deref().unwrap_or_default();
    let summary = match policy.next {
        Some(NextStep::Wait) => format!(
            "its users have root and should not, and no policy enforces: {} only audits. In mode Enforce the notebook would wait, reason {reason}",
            names.join(", ")
        ),
        _ => format!(
            "its users have root and should not, and no policy enforces: {} only audits",
            names.join(", ")
        ),
    };
    Some(Answer {
        outcome: Outcome::OnlyAudited,
        summary,
    })
}

fn is_suspended(policy: &Policy) -> bool {
    policy.verdict == Some(Verdict::NonCompliant) && policy.reason.as_deref() == Some("Suspended")
}

fn said_by(outcome: Outcome, policy: &Policy) -> Answer {
    let reason = policy.reason.as_deref().unwrap_or_default();
    let summary = match outcome {
        Outcome::Next => format!("for the policy {}: {}", policy.name, policy.message),
        _ => format!(
            "{reason}, by the policy {}: {}",
            policy.name, policy.message
        ),
    };
    Answer { outcome, summary }
}

/// Returns the answer if a policy that covers the notebook could not judge it. This answer precedes
/// every answer without a violation.
fn unknown(policies: &[Policy], evidence: &Evidence<'_>) -> Option<Answer> {
    let doubtful = policies.iter().find(|policy| {
        policy.verdict == Some(Verdict::Unknown)
            || matches!(
                policy.relation,
                Relation::Unread | Relation::NotReadYet | Relation::Omitted
            )
    });
    let invalid = || {
        let place = &evidence.subject.place;
        let unreadable = evidence.policies.unreadable.iter().find(|policy| {
            let accounts = policy.accounts.as_ref();
            accounts.is_none_or(|accounts| accounts.contains(&place.account))
        })?;
        policies
            .iter()
            .find(|policy| policy.name == unreadable.name.as_str())
    };
    let policy = doubtful.or_else(invalid)?;
    Some(Answer {
        outcome: Outcome::Unknown,
        summary: format!("by the policy {}: {}", policy.name, policy.message),
    })
}

fn exempt(policies: &[Policy]) -> Option<Answer> {
    let policy = policies
        .iter()
        .find(|policy| policy.verdict == Some(Verdict::Exempt))?;
    let reason = policy.reason.as_deref().unwrap_or_default();
    Some(Answer {
        outcome: Outcome::Exempt,
        summary: format!(
            "by the policy {}: {reason} ({})",
            policy.name, policy.message
        ),
    })
}

/// Returns the answer for a notebook without a violation.
fn nothing_found(policies: &[Policy], records: &[RecordView]) -> Answer {
    let settled = policies
        .iter()
        .find(|policy| policy.verdict == Some(Verdict::NonCompliant));
    if let Some(policy) = settled {
        return said_by(Outcome::Waits, policy);
    }
    let covering: Vec<&str> = policies
        .iter()
        .filter(|policy| policy.relation.covers())
        .map(|policy| policy.name.as_str())
        .collect();
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
            "the policy {} read its account and region and does not list it: its users do not have root, or there is no such notebook",
            covering.join(", ")
        ),
    }
}

/// Returns the answer for a name without finding or record.
pub(super) fn not_found(facts: &Facts, query: &Query) -> NotFound {
    let policies = facts.policies.len() + facts.undecodable_policies.len();
    let known = find::known(facts);
    let mut similar: Vec<(f64, &str)> = known
        .values()
        .map(|subject| {
            let (one, other) = (subject.name.to_lowercase(), query.name().to_lowercase());
            (strsim::jaro_winkler(&one, &other), subject.name.as_str())
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
            "the status of the policy {name} omits {} findings",
            status.findings_omitted
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
