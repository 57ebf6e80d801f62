//! Coverage of the notebook by a policy, and the meaning of its absence from the findings.

use super::{Relation, Subject, find};
use crate::{
    api::{
        self, ConditionType, EVERY_REGION, NotebookRootAccessPolicy,
        NotebookRootAccessPolicyStatus as Status,
    },
    domain::{Match, Notebook, Policy, Regions},
};

/// A policy's status, as far as it concerns the notebook's account and region.
pub(super) struct Standing<'a> {
    status: Option<&'a Status>,
    current: bool,
    target: Option<&'a api::TargetStatus>,
    pub(super) finding: Option<&'a api::Finding>,
    /// True if a finding about the notebook would be listed. Findings are sorted, and only the last
    /// are omitted.
    in_reach: bool,
}

/// Relation of a policy to the notebook, and a sentence that explains it.
pub(super) type Reading = (Relation, String);

impl<'a> Standing<'a> {
    pub(super) fn of(
        resource: &'a NotebookRootAccessPolicy,
        policy: &Policy,
        subject: &Subject,
    ) -> Self {
        let status = resource.status.as_ref();
        let (account, region) = (
            subject.place.account.as_str(),
            subject.place.region.as_str(),
        );
        let every_region = policy
            .accounts
            .iter()
            .any(|each| each.id == subject.place.account && each.regions == Regions::Enabled);
        let target = status.and_then(|status| {
            let of = |code: &str| {
                status
                    .targets
                    .iter()
                    .find(|target| target.account == account && target.region == code)
            };
            of(region).or_else(|| of(EVERY_REGION).filter(|_| every_region))
        });
        let last = status.and_then(|status| status.findings.last());
        Self {
            status,
            current: status
                .is_some_and(|status| status.observed_generation == resource.metadata.generation),
            target,
            finding: status.and_then(|status| find::finding(status, subject)),
            in_reach: status.is_some_and(|status| status.findings_omitted == 0)
                || last.is_some_and(|last| {
                    (account, region, subject.name.as_str())
                        < (
                            last.account.as_str(),
                            last.region.as_str(),
                            last.name.as_str(),
                        )
                }),
        }
    }

    /// Returns true if the status is about the newest spec.
    pub(super) fn is_current(&self) -> bool {
        self.current
    }

    /// Returns true if every notebook there that is not compliant would be listed.
    pub(super) fn lists_everything(&self) -> bool {
        self.in_reach
            && self
                .target
                .is_some_and(|target| target.state == api::TargetState::Scanned)
    }

    /// Returns why the policy does not list the notebook.
    fn absence(&self, policy: &Policy) -> Reading {
        let Some(status) = self.status else {
            return (
                Relation::NotReadYet,
                "no operator has processed this policy yet: check that an operator is running, and that its --watch-label-selector matches the policy"
                    .to_owned(),
            );
        };
        let unscanned = (
            Relation::NotReadYet,
            "its account and region have not been read yet".to_owned(),
        );
        if !self.current {
            return (
                Relation::NotReadYet,
                "the operator has not processed the latest change of this policy yet".to_owned(),
            );
        }
        // Unreadable targets come first. If a listed target was read, all omitted targets were read
        // too.
        let rest_was_read = status
            .targets
            .iter()
            .any(|target| target.state == api::TargetState::Scanned);
        match self.target {
            Some(target) if target.state == api::TargetState::RegionDisabled => (
                Relation::NotListed,
                "the region is not enabled for the account, so it has no notebooks".to_owned(),
            ),
            Some(target) if target.state != api::TargetState::Scanned => (
                Relation::Unread,
                format!(
                    "its account and region could not be read ({:?}){}",
                    target.state,
                    target
                        .message
                        .as_ref()
                        .map(|message| format!(": {message}"))
                        .unwrap_or_default()
                ),
            ),
            None if status.last_scan_time.is_none() || is_first_scan(status) => unscanned,
            None if status.targets_omitted == 0 => (
                Relation::NotReadYet,
                "its last scan lists neither this account and region nor the notebook; the region may not be enabled for the account"
                    .to_owned(),
            ),
            None if !rest_was_read => (
                Relation::Unread,
                "more accounts and regions could not be read than the status lists, and this one is not listed".to_owned(),
            ),
            Some(_) | None if !self.in_reach => (
                Relation::Omitted,
                format!(
                    "its status lists {} findings and omits {}: this notebook may be among the omitted",
                    status.findings.len(),
                    status.findings_omitted
                ),
            ),
            Some(_) | None => {
                let tags = if policy.selector.speaks_of_tags() {
                    ", or its tags do not match the policy's selector"
                } else {
                    ""
                };
                (
                    Relation::NotListed,
                    format!(
                        "its account and region were read, and the notebook is not among the findings: its users do not have root, or \
                         it does not exist{tags}"
                    ),
                )
            }
        }
    }
}

/// Returns the relation of the policy to the notebook, from its spec and its status.
pub(super) fn reading(
    resource: &NotebookRootAccessPolicy,
    policy: &Policy,
    subject: &Subject,
    outline: &Notebook,
) -> Reading {
    let place = &subject.place;
    let Some(account) = policy.accounts.iter().find(|each| each.id == place.account) else {
        return (
            Relation::AccountNotNamed,
            format!("it does not name the account {}", place.account),
        );
    };
    if !policy.names(&place.account, &place.region) {
        let regions = match &account.regions {
            Regions::Enabled => String::new(),
            Regions::Named(regions) => regions
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
                .join(", "),
        };
        return (
            Relation::RegionNotNamed,
            format!("it names the account {} in {regions} only", place.account),
        );
    }
    let selected = policy
        .selector
        .matches(&place.account, Some(&place.region), outline);
    if selected == Match::No {
        let names = resource
            .spec
            .selector
            .as_ref()
            .map(|selector| selector.names.join(", "))
            .unwrap_or_default();
        return (
            Relation::NotSelected,
            format!("its selector matches other names: {names}"),
        );
    }
    let standing = Standing::of(resource, policy, subject);
    match standing.finding {
        Some(_) => (Relation::Listed, String::new()),
        None => standing.absence(policy),
    }
}

fn is_first_scan(status: &Status) -> bool {
    status.conditions.iter().any(|condition| {
        condition.type_ == ConditionType::Ready.as_str() && condition.status == "Unknown"
    })
}
