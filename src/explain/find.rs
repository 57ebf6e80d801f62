//! Finds the notebook of a query: by ARN, or by name, account and region.

use std::collections::BTreeMap;

use super::Facts;
use crate::{
    api::{self, NotebookRootAccessPolicyStatus},
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

/// An account and region.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The account.
    pub account: AccountId,
    /// The region.
    pub region: Region,
}

/// The notebook to explain. Only AWS knows whether it exists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject {
    /// ARN of the notebook. `None` if no finding and no record names it, and the query has only its
    /// name.
    pub arn: Option<NotebookArn>,
    /// Account and region of the notebook.
    pub place: Place,
    /// Name of the notebook.
    pub name: String,
}

/// Result of a query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// Exactly one notebook.
    One(Subject),
    /// No finding and no record names the notebook, but its account and region are known.
    Unlisted(Subject),
    /// Several notebooks have that name. They are sorted by account and region.
    Several(Vec<Subject>),
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
        let at: Place = Place {
            account: in_account.parse().map_err(|_| wrong())?,
            region: in_region.parse().map_err(|_| wrong())?,
        };
        let differs = account.is_some_and(|account| account != at.account)
            || region.is_some_and(|region| region != at.region);
        if differs {
            return Err(InvalidQuery(format!(
                "the ARN is in {}/{}, but --account or --region differs: omit these flags",
                at.account, at.region
            )));
        }
        Ok(Self {
            arn: Some(notebook.into()),
            name: name.to_owned(),
            account: Some(at.account),
            region: Some(at.region),
        })
    }

    /// Returns the name of the notebook.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns true if the query matches a notebook. ARNs and names are compared exactly.
    fn means(&self, subject: &Subject) -> bool {
        match &self.arn {
            Some(arn) => subject.arn.as_ref() == Some(arn),
            None => {
                subject.name == self.name
                    && self
                        .account
                        .as_ref()
                        .is_none_or(|account| *account == subject.place.account)
                    && self
                        .region
                        .as_ref()
                        .is_none_or(|region| *region == subject.place.region)
            }
        }
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
    let mut meant: Vec<Subject> = known(facts)
        .into_values()
        .filter(|subject| query.means(subject))
        .collect();
    match (meant.pop(), meant.is_empty()) {
        (Some(only), true) => Found::One(only),
        (Some(last), false) => {
            meant.push(last);
            meant.sort_by(|one, other| one.place.cmp(&other.place));
            Found::Several(meant)
        }
        (None, _) => match (&query.account, &query.region) {
            (Some(account), Some(region)) => Found::Unlisted(Subject {
                arn: query.arn.clone(),
                place: Place {
                    account: account.clone(),
                    region: region.clone(),
                },
                name: query.name.clone(),
            }),
            _ => Found::Nothing,
        },
    }
}

/// Returns all notebooks of findings and records, by ARN.
pub(super) fn known(facts: &Facts) -> BTreeMap<String, Subject> {
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
    findings
        .chain(records)
        .filter_map(|(arn, account, region, name)| {
            let place = Place {
                account: account.parse().ok()?,
                region: region.parse().ok()?,
            };
            let subject = Subject {
                arn: Some(arn.as_str().into()),
                place,
                name: name.clone(),
            };
            Some((arn.clone(), subject))
        })
        .collect()
}

/// Returns the finding of a policy's last scan about the notebook.
pub(super) fn finding<'s>(
    status: &'s NotebookRootAccessPolicyStatus,
    subject: &Subject,
) -> Option<&'s api::Finding> {
    let arn = subject.arn.as_ref()?;
    status
        .findings
        .iter()
        .find(|finding| finding.arn == arn.as_str())
}
