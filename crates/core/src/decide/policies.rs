//! All policies of the cluster, as far as they concern one notebook *(pure)*.

use std::{collections::BTreeSet, sync::Arc};

use jiff::Timestamp;

use crate::{
    api::NotebookRootAccessPolicy,
    domain::{
        AccountId, Match, NotRestartable, Notebook, Policy, PolicyName, Region, RetiredPlatforms,
    },
};

use super::validate;

/// Every policy of the cluster, of any operator, because an exemption holds against all policies.
/// Also the operator's list of retired platforms.
#[derive(Clone, Debug, Default)]
pub struct Policies {
    /// The valid policies that are not being deleted.
    pub valid: Vec<Arc<Policy>>,
    /// The invalid policies. Their exemptions are unknown.
    pub unreadable: Vec<UnreadablePolicy>,
    /// The platforms on which AWS starts no stopped notebook, from the operator's flag. The same
    /// for all policies.
    pub retired_platforms: RetiredPlatforms,
}

/// An invalid policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnreadablePolicy {
    /// The policy's name.
    pub name: PolicyName,
    /// The accounts that the policy names. `None`: unknown, so the policy may concern any account.
    pub accounts: Option<BTreeSet<AccountId>>,
}

/// The ruling of the cluster's policies on the exemption of a notebook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExemptionCheck {
    /// No policy exempts the notebook.
    NotExempt,
    /// An exemption matches.
    Exempt {
        /// The policy of the exemption.
        policy: PolicyName,
        /// The reason of the exemption.
        reason: String,
    },
    /// An exemption of this policy may match, but it uses tags, which are unknown.
    TagsUnknown(PolicyName),
    /// This policy is invalid, and may exempt the notebook.
    Unreadable(PolicyName),
}

impl Policies {
    /// Adds a policy as stored at the API server. A policy that is being deleted is ignored.
    pub fn add(&mut self, resource: &NotebookRootAccessPolicy) {
        if resource.metadata.deletion_timestamp.is_some() {
            return;
        }
        match validate(resource) {
            Ok(policy) => self.valid.push(Arc::new(policy)),
            Err(_) => self.unreadable.push(UnreadablePolicy {
                name: name(resource.metadata.name.as_deref()),
                accounts: resource
                    .spec
                    .accounts
                    .iter()
                    .map(|account| account.id.parse().ok())
                    .collect(),
            }),
        }
    }

    /// Adds a policy that does not decode.
    pub fn add_undecodable(&mut self, policy: &str) {
        self.unreadable.push(UnreadablePolicy {
            name: name(Some(policy)),
            accounts: None,
        });
    }

    /// Returns the policy of a name, if the policy is valid.
    #[must_use]
    pub fn get(&self, policy: &PolicyName) -> Option<&Arc<Policy>> {
        self.valid.iter().find(|each| each.name == *policy)
    }

    /// Returns true if the policy exists and is invalid.
    #[must_use]
    pub fn is_unreadable(&self, policy: &PolicyName) -> bool {
        self.unreadable.iter().any(|each| each.name == *policy)
    }

    /// Returns true if any policy that names the account and region uses tags.
    #[must_use]
    pub fn speak_of_tags(&self, account: &AccountId, region: &Region) -> bool {
        self.valid
            .iter()
            .any(|policy| policy.names(account, region) && policy.speaks_of_tags())
    }

    /// Returns an error if the notebook is running and AWS will not start it again after a stop.
    ///
    /// # Errors
    /// The reason why AWS will not start the notebook. A notebook that could not be described is no
    /// error, because its root access is unknown too.
    pub fn restartable(&self, notebook: &Notebook) -> Result<(), NotRestartable> {
        match &notebook.details {
            Ok(details) if notebook.is_running() => self.retired_platforms.check(details),
            Ok(_) | Err(_) => Ok(()),
        }
    }

    /// Returns the ruling on a notebook's exemption, as of `now`. An unclear exemption is not
    /// `NotExempt`.
    #[must_use]
    pub fn ruling(
        &self,
        (account, region): (&AccountId, &Region),
        notebook: &Notebook,
        now: Timestamp,
    ) -> ExemptionCheck {
        let mut unclear = None;
        for policy in self
            .valid
            .iter()
            .filter(|policy| policy.names(account, region))
        {
            let selected = policy.selector.matches(account, Some(region), notebook);
            if selected == Match::No {
                continue;
            }
            for exemption in policy.exemptions.iter().filter(|each| each.holds_at(now)) {
                match exemption.matcher.matches(account, Some(region), notebook) {
                    Match::Yes if selected == Match::Yes => {
                        return ExemptionCheck::Exempt {
                            policy: policy.name.clone(),
                            reason: exemption.reason.clone(),
                        };
                    }
                    Match::Yes | Match::Unknown => {
                        unclear = unclear.or(Some(&policy.name));
                    }
                    Match::No => {}
                }
            }
        }
        if let Some(policy) = unclear {
            return ExemptionCheck::TagsUnknown(policy.clone());
        }
        self.unreadable
            .iter()
            .find(|policy| {
                let accounts = policy.accounts.as_ref();
                accounts.is_none_or(|accounts| accounts.contains(account))
            })
            .map_or(ExemptionCheck::NotExempt, |policy| {
                ExemptionCheck::Unreadable(policy.name.clone())
            })
    }
}

fn name(name: Option<&str>) -> PolicyName {
    PolicyName::from(name.unwrap_or_default())
}
