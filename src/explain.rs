//! Why a notebook is being fixed now, or is not: from what stands at the API server, and nothing else *(pure)*.
//!
//! What only AWS can tell (status, root access, tags) is as the operator read it last: the policies' findings. What follows from that
//! and from the records is decided anew by the operator's own code in `decide`, as of now: windows, budgets, the canary, failures,
//! recurrence, exemptions of other policies. Here the answers are only put side by side and into sentences.

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

/// What stands at the API server.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// All policies, those that are being deleted too.
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

/// The notebook as the newest scan saw it that lists it.
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

/// What is said where nothing tells of the notebook at all, and it is not known where it should be.
#[must_use]
pub fn not_found(facts: &Facts, query: &Query) -> NotFound {
    answer::not_found(facts, query)
}
