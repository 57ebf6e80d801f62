//! Which notebook is meant: by its ARN, or by its name and where it is.

use std::collections::BTreeMap;

use super::Facts;
use crate::{
    api::{self, NotebookRootAccessPolicyStatus},
    domain::{AccountId, NotebookArn, Region},
};

/// What somebody asks about.
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

/// The notebook that is explained. Whether it is there only AWS knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject {
    /// Its ARN; `None`: nothing tells of it, and it was asked for by name.
    pub arn: Option<NotebookArn>,
    /// Where it is.
    pub place: Place,
    /// Its name.
    pub name: String,
}

/// What a query leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// This one.
    One(Subject),
    /// Nothing tells of it, but it is known where it would be.
    Unlisted(Subject),
    /// There are several of that name, sorted by account and region.
    Several(Vec<Subject>),
    /// Nothing tells of it, and it may be anywhere.
    Nothing,
}

/// Why a query cannot be understood: a sentence that says what to write instead.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidQuery(String);

impl Query {
    /// Reads what was typed: an ARN or a name, and what narrows it down.
    ///
    /// # Errors
    /// It is no ARN of a notebook instance, or says something else than what narrows it down.
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
                "{notebook:?} is not the ARN of a notebook instance: write one such as \
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
                "the ARN is in {}/{}, and --account or --region says something else: leave them out",
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

    /// The name that it asks for.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether it may mean a notebook. ARNs are compared as they are written, and names too.
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

/// Source: `NotebookInstanceName` in the API reference of `SageMaker`: letters, digits and hyphens, up to 63.
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
            "{name:?} is not the name of a notebook instance: those are letters, digits and hyphens, at most 63"
        )));
    }
    Ok(Query {
        arn: None,
        name: name.to_owned(),
        account,
        region,
    })
}

/// Looks for the notebook among findings and records.
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

/// Every notebook that a finding or a record tells of, by its ARN.
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

/// What a policy's last scan says about the notebook.
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
