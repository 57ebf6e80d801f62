//! Explains why a notebook is being fixed now, or is not, from the policies and records of the API
//! server only *(pure)*.
//!
//! Facts from AWS (status, root access, tags) come from the policies' findings, as the operator
//! last read them. The operator's own code in `decide` judges these facts and the records again, as
//! of now: windows, budgets, the canary, failures, recurrence, and exemptions of other policies.
//! This module only collects the answers and writes the sentences.

mod advice;
mod answer;
mod coverage;
mod evidence;
mod find;
mod judge;
mod model;
mod records;
mod restartable;
#[cfg(test)]
mod tests;
mod text;
mod times;

use jiff::Timestamp;

use crate::{
    api::{NotebookRemediation, NotebookRootAccessPolicy},
    domain::Undecodable,
};

pub use self::{
    find::{Found, InvalidQuery, Place, Query, Subject, find},
    model::{
        Advice, Answer, ApiVersion, Blocker, Exemption, Explanation, Kind, NotFound, Notebook,
        Outcome, Policy, RecordView, Relation, Seen, WindowView,
    },
    text::{not_found_text, text},
};

/// The policies and records of the API server.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// All policies, including those that are being deleted.
    pub policies: Vec<NotebookRootAccessPolicy>,
    /// All records.
    pub records: Vec<NotebookRemediation>,
    /// Policies that do not decode.
    pub undecodable_policies: Vec<Undecodable>,
    /// Records that do not decode.
    pub undecodable_records: Vec<Undecodable>,
}

/// Explains one notebook, as of `now`.
#[must_use]
pub fn explain(facts: &Facts, subject: &Subject, now: Timestamp) -> Explanation {
    let evidence = evidence::Evidence::of(facts, subject, now);
    let records = records::views(facts, subject);
    let mut policies: Vec<Policy> = facts
        .policies
        .iter()
        .map(|resource| judge::judge(&evidence, resource))
        .chain(facts.undecodable_policies.iter().map(judge::undecodable))
        .collect();
    policies.sort_by(|one, other| {
        (one.relation.rank(), &one.name).cmp(&(other.relation.rank(), &other.name))
    });
    let answer = answer::answer(&policies, &records, &evidence);
    Explanation {
        api_version: ApiVersion::V1Alpha1,
        kind: Kind::NotebookExplanation,
        at: now,
        notebook: notebook(facts, subject),
        answer,
        policies,
        records,
    }
}

/// Returns the notebook as of the newest scan that lists it.
fn notebook(facts: &Facts, subject: &Subject) -> Notebook {
    let listed = facts.policies.iter().filter_map(|policy| {
        let status = policy.status.as_ref()?;
        let finding = find::finding(status, subject)?;
        Some((
            status.last_scan_time.as_ref().map(|time| time.0),
            policy,
            finding,
        ))
    });
    let newest = listed.max_by_key(|(at, ..)| *at);
    Notebook {
        arn: subject.arn.as_ref().map(ToString::to_string),
        account: subject.place.account.to_string(),
        region: subject.place.region.to_string(),
        name: subject.name.clone(),
        seen: newest.map(|(at, policy, finding)| Seen {
            at,
            policy: policy.metadata.name.clone().unwrap_or_default(),
            status: finding.status.clone(),
            root_access: finding.root_access,
            platform: finding.platform.clone(),
            lifecycle_config: finding.lifecycle_config.clone(),
        }),
    }
}

/// Returns the answer if no finding and no record names the notebook, and its account or region is
/// unknown.
#[must_use]
pub fn not_found(facts: &Facts, query: &Query) -> NotFound {
    answer::not_found(facts, query)
}
