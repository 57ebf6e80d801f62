//! Finds the notebook of a query: by ARN, or by name, account and region.

use super::Facts;
use crate::{
    api::{self, NotebookRootAccessPolicy},
    domain::{AccountId, NotebookArn, Region},
};

/// A query for one notebook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    arn: Option<NotebookArn>,
    name: String,
    account: Option<AccountId>,
    region: Option<Region>,
}

/// The notebook to explain. Only AWS knows whether it exists.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct NotebookReference {
    /// Account of the notebook.
    pub account: AccountId,
    /// Region of the notebook.
    pub region: Region,
    /// Name of the notebook.
    pub name: String,
    /// ARN of the notebook. `None` if no finding and no record names it, and the query has only its
    /// name.
    pub arn: Option<NotebookArn>,
}

/// Result of a query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// Exactly one notebook.
    One(NotebookReference),
    /// No finding and no record names the notebook, but its account and region are known.
    Unlisted(NotebookReference),
    /// Several notebooks have that name. They are sorted by account and region.
    Several(Vec<NotebookReference>),
    /// No finding and no record names the notebook, and its account or region is unknown.
    Nothing,
}

/// Error of an invalid query: a sentence that says what to write instead.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidQuery(String);

impl Query {
    /// Parses an ARN or a name. Account and region narrow down a name.
    ///
    /// # Errors
    /// The ARN is not of a notebook instance, or the name is invalid, or account or region
    /// contradict the ARN.
    pub fn new(
        notebook: &str,
        account: Option<AccountId>,
        region: Option<Region>,
    ) -> Result<Self, InvalidQuery> {
        if !notebook.starts_with("arn:") {
            return named(notebook, account, region);
        }
        let wrong = || {
            InvalidQuery(format!(
                "{notebook:?} is not the ARN of a notebook instance: write an ARN such as \
                 arn:aws:sagemaker:eu-west-1:111122223333:notebook-instance/churn, or a name"
            ))
        };
        let parts: Vec<&str> = notebook.splitn(6, ':').collect();
        let [_, _, "sagemaker", in_region, in_account, resource] = parts.as_slice() else {
            return Err(wrong());
        };
        let name = resource
            .strip_prefix("notebook-instance/")
            .filter(|name| is_name(name))
            .ok_or_else(wrong)?;
        let own_account: AccountId = in_account.parse().map_err(|_| wrong())?;
        let own_region: Region = in_region.parse().map_err(|_| wrong())?;
        let differs = account.is_some_and(|account| account != own_account)
            || region.is_some_and(|region| region != own_region);
        if differs {
            return Err(InvalidQuery(format!(
                "the ARN is in {own_account}/{own_region}, but --account or --region differs: omit these flags"
            )));
        }
        Ok(Self {
            arn: Some(notebook.into()),
            name: name.to_owned(),
            account: Some(own_account),
            region: Some(own_region),
        })
    }

    /// Returns the name of the notebook.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns true if the query matches a notebook. ARNs and names are compared exactly.
    fn matches(&self, notebook: &NotebookReference) -> bool {
        if self.arn.is_some() {
            return self.arn == notebook.arn;
        }
        let (account, region) = (&notebook.account, &notebook.region);
        self.name == notebook.name
            && self.account.as_ref().is_none_or(|own| own == account)
            && self.region.as_ref().is_none_or(|own| own == region)
    }
}

/// Returns true for up to 63 letters, digits and hyphens. Source: `NotebookInstanceName` in the API
/// reference of SageMaker.
fn is_name(name: &str) -> bool {
    (1..=63).contains(&name.len())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

fn named(
    name: &str,
    account: Option<AccountId>,
    region: Option<Region>,
) -> Result<Query, InvalidQuery> {
    if !is_name(name) {
        return Err(InvalidQuery(format!(
            "{name:?} is not the name of a notebook instance: write at most 63 letters, digits and hyphens"
        )));
    }
    Ok(Query {
        arn: None,
        name: name.to_owned(),
        account,
        region,
    })
}

/// Searches findings and records for the notebook.
#[must_use]
pub fn find(facts: &Facts, query: &Query) -> Found {
    let mut found = known(facts);
    found.retain(|notebook| query.matches(notebook));
    match (found.len(), &query.account, &query.region) {
        (0, Some(account), Some(region)) => Found::Unlisted(NotebookReference {
            arn: query.arn.clone(),
            account: account.clone(),
            region: region.clone(),
            name: query.name.clone(),
        }),
        (0, ..) => Found::Nothing,
        (1, ..) => Found::One(found.remove(0)),
        _ => Found::Several(found),
    }
}

/// Returns all notebooks of findings and records, sorted by account, region and name.
pub(super) fn known(facts: &Facts) -> Vec<NotebookReference> {
    let findings = facts
        .policies
        .iter()
        .filter_map(|policy| policy.status.as_ref())
        .flat_map(|status| &status.findings)
        .map(|it| (&it.arn, &it.account, &it.region, &it.name));
    let records = facts
        .records
        .iter()
        .map(|record| &record.spec.notebook)
        .map(|it| (&it.arn, &it.account, &it.region, &it.name));
    let mut known: Vec<NotebookReference> = findings
        .chain(records)
        .filter_map(|(arn, account, region, name)| {
            Some(NotebookReference {
                arn: Some(arn.as_str().into()),
                account: account.parse().ok()?,
                region: region.parse().ok()?,
                name: name.clone(),
            })
        })
        .collect();
    known.sort();
    known.dedup();
    known
}

/// Returns the finding of a policy's last scan about the notebook.
pub(super) fn finding<'p>(
    policy: &'p NotebookRootAccessPolicy,
    notebook: &NotebookReference,
) -> Option<&'p api::Finding> {
    let arn = notebook.arn.as_ref()?;
    let mut findings = policy.status.iter().flat_map(|status| &status.findings);
    findings.find(|finding| finding.arn == arn.as_str())
}
