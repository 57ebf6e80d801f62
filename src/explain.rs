//! Explains why a notebook is being fixed now, or is not, from the policies and records of the API
//! server only *(pure)*.
//!
//! The operator's findings are shown as they are: verdict, reason and message of the last pass. The
//! spec adds coverage, exemptions and windows, and the records add what the notebook waits for.

mod advice;
mod answer;
mod coverage;
mod find;
mod model;
mod records;
#[cfg(test)]
mod tests;
mod text;
mod times;
mod view;
mod window;

use jiff::Timestamp;

use crate::{
    api::{NotebookRemediation, NotebookRootAccessPolicy},
    decide::read_record,
    domain::{Record, Undecodable},
    report::ApiVersion,
};

pub use self::{
    find::{Found, InvalidQuery, NotebookReference, Query, find},
    model::{
        Advice, Answer, Blocker, Exemption, Explanation, Kind, NotFound, Notebook, Observation,
        Outcome, PolicyView, RecordView, Relation, WindowView,
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

/// The inputs of each policy's view.
struct Inputs<'a> {
    notebook: &'a NotebookReference,
    /// The valid records of all notebooks.
    records: Vec<Record>,
    now: Timestamp,
}

/// Explains one notebook, as of `now`.
#[must_use]
pub fn explain(facts: &Facts, notebook: &NotebookReference, now: Timestamp) -> Explanation {
    let inputs = Inputs {
        notebook,
        records: facts
            .records
            .iter()
            .filter_map(|record| read_record(record).ok())
            .collect(),
        now,
    };
    let records = records::views(facts, notebook);
    let mut policies: Vec<PolicyView> = facts
        .policies
        .iter()
        .map(|resource| view::view(&inputs, resource))
        .chain(facts.undecodable_policies.iter().map(view::undecodable))
        .collect();
    policies.sort_by(|one, other| {
        (one.relation.rank(), &one.name).cmp(&(other.relation.rank(), &other.name))
    });
    Explanation {
        api_version: ApiVersion::V1Alpha1,
        kind: Kind::NotebookExplanation,
        at: now,
        notebook: observed(facts, notebook),
        answer: answer::answer(&policies, &records),
        policies,
        records,
    }
}

impl Inputs<'_> {
    /// Returns true if a remediation of the notebook is in progress, of any policy.
    fn is_under_way(&self) -> bool {
        self.records.iter().any(|record| {
            !record.is_finished() && Some(&record.intent.notebook.arn) == self.notebook.arn.as_ref()
        })
    }
}

/// Returns the notebook as of the newest scan that lists it.
fn observed(facts: &Facts, notebook: &NotebookReference) -> Notebook {
    let listed = facts.policies.iter().filter_map(|policy| {
        let finding = find::finding(policy, notebook)?;
        Some((view::last_scan(policy), policy, finding))
    });
    let newest = listed.max_by_key(|(at, ..)| *at);
    Notebook {
        arn: notebook.arn.as_ref().map(ToString::to_string),
        account: notebook.account.to_string(),
        region: notebook.region.to_string(),
        name: notebook.name.clone(),
        seen: newest.map(|(at, policy, finding)| Observation {
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
