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

/// Every policy of the cluster, whoever looks after it, because an exemption holds against all of them; and what the operator's flags add.
#[derive(Clone, Debug, Default)]
pub struct Policies {
    /// Those that are understood and not being deleted.
    pub valid: Vec<Arc<Policy>>,
    /// Those that are not understood: what they exempt is not known.
    pub unreadable: Vec<UnreadablePolicy>,
    /// The platforms on which AWS starts no stopped notebook, the same for all policies: the operator's flag.
    pub retired_platforms: RetiredPlatforms,
}

/// A policy that is not understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnreadablePolicy {
    /// Its name.
    pub name: PolicyName,
    /// The accounts that it names; `None`: not even that is known, and it may concern any.
    pub accounts: Option<BTreeSet<AccountId>>,
}

/// What the policies of the cluster say about taking root away from a notebook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ruling {
    /// Nobody exempts it.
    Free,
    /// An exemption matches.
    Exempt {
        /// Of this policy.
        policy: PolicyName,
        /// For this reason.
        reason: String,
    },
    /// An exemption of this policy may match: it speaks of tags, which are not known.
    TagsUnknown(PolicyName),
    /// This policy is not understood, and may exempt it.
    Unreadable(PolicyName),
}

impl Policies {
    /// Adds a policy as it stands at the API server. One that is being deleted says nothing any more.
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

    /// The policy of a name, if it is understood.
    #[must_use]
    pub fn get(&self, policy: &PolicyName) -> Option<&Arc<Policy>> {
        self.valid.iter().find(|each| each.name == *policy)
    }

    /// Whether the policy is there and not understood.
    #[must_use]
    pub fn is_unreadable(&self, policy: &PolicyName) -> bool {
        self.unreadable.iter().any(|each| each.name == *policy)
    }

    /// Whether any policy that names the account and region can be judged only with the notebooks' tags at hand.
    #[must_use]
    pub fn speak_of_tags(&self, account: &AccountId, region: &Region) -> bool {
        self.valid
            .iter()
            .any(|policy| policy.names(account, region) && policy.speaks_of_tags())
    }

    /// Returns an error if the notebook is running and AWS will not start it again once it is stopped.
    ///
    /// # Errors
    /// Why it will not. Of a notebook that could not be described nothing is said: its root access is not known either.
    pub fn restartable(&self, notebook: &Notebook) -> Result<(), NotRestartable> {
        match &notebook.details {
            Ok(details) if notebook.is_running() => self.retired_platforms.check(details),
            Ok(_) | Err(_) => Ok(()),
        }
    }

    /// Whether anybody exempts the notebook, as of `now`. Where that cannot be told, it is not free.
    #[must_use]
    pub fn ruling(
        &self,
        (account, region): (&AccountId, &Region),
        notebook: &Notebook,
        now: Timestamp,
    ) -> Ruling {
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
                        return Ruling::Exempt {
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
            return Ruling::TagsUnknown(policy.clone());
        }
        self.unreadable
            .iter()
            .find(|policy| {
                let accounts = policy.accounts.as_ref();
                accounts.is_none_or(|accounts| accounts.contains(account))
            })
            .map_or(Ruling::Free, |policy| {
                Ruling::Unreadable(policy.name.clone())
            })
    }
}

fn name(name: Option<&str>) -> PolicyName {
    PolicyName::from(name.unwrap_or_default())
}
