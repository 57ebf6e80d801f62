//! Coverage of the notebook by a policy, and the meaning of its absence from the findings.

use super::{NotebookReference, Relation, find};
use crate::{
    api::{
        ConditionType, EVERY_REGION, NotebookRootAccessPolicy,
        NotebookRootAccessPolicyStatus as Status, TargetState, TargetStatus,
    },
    domain::{Match, Policy, Region, Regions},
};

/// Returns the relation of the policy to the notebook, from its spec and its status, and a sentence
/// that explains the relation.
pub(super) fn coverage(
    resource: &NotebookRootAccessPolicy,
    policy: &Policy,
    notebook: &NotebookReference,
) -> (Relation, String) {
    let (account, region) = (&notebook.account, &notebook.region);
    let Some(entry) = policy.accounts.iter().find(|each| each.id == *account) else {
        return account_not_named(notebook);
    };
    if let Regions::Named(regions) = &entry.regions
        && !policy.names(account, region)
    {
        let regions: Vec<&str> = regions.iter().map(Region::as_str).collect();
        return (
            Relation::RegionNotNamed,
            format!(
                "it names the account {account} in {} only",
                regions.join(", ")
            ),
        );
    }
    let selector = &policy.selector;
    if selector.matches_untagged(account, Some(region), &notebook.name) == Match::No {
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
    match find::finding(resource, notebook) {
        Some(_) => (Relation::Listed, String::new()),
        None => absence(resource, policy, notebook),
    }
}

pub(super) fn account_not_named(notebook: &NotebookReference) -> (Relation, String) {
    (
        Relation::AccountNotNamed,
        format!("it does not name the account {}", notebook.account),
    )
}

/// Returns true if the status is about the newest spec.
pub(super) fn is_current(resource: &NotebookRootAccessPolicy) -> bool {
    let status = resource.status.as_ref();
    status.is_some_and(|status| status.observed_generation == resource.metadata.generation)
}

/// Returns why the policy does not list the notebook.
fn absence(
    resource: &NotebookRootAccessPolicy,
    policy: &Policy,
    notebook: &NotebookReference,
) -> (Relation, String) {
    let Some(status) = &resource.status else {
        return (
            Relation::NotReadYet,
            "no operator has processed this policy yet: check that an operator is running, and that its --watch-label-selector matches the policy"
                .to_owned(),
        );
    };
    if !is_current(resource) {
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
        .any(|target| target.state == TargetState::Scanned);
    match target(status, policy, notebook) {
        Some(target) if target.state == TargetState::RegionDisabled => (
            Relation::NotListed,
            "the region is not enabled for the account, so it has no notebooks".to_owned(),
        ),
        Some(target) if target.state != TargetState::Scanned => (
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
        None if status.last_scan_time.is_none() || is_first_scan(status) => (
            Relation::NotReadYet,
            "its account and region have not been read yet".to_owned(),
        ),
        None if status.targets_omitted == 0 => (
            Relation::NotReadYet,
            "its last scan lists neither this account and region nor the notebook; the region may not be enabled for the account"
                .to_owned(),
        ),
        None if !rest_was_read => (
            Relation::Unread,
            "more accounts and regions could not be read than the status lists, and this one is not listed".to_owned(),
        ),
        Some(_) | None if !would_be_listed(status, notebook) => (
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

/// Returns the target of the notebook's account and region.
fn target<'s>(
    status: &'s Status,
    policy: &Policy,
    notebook: &NotebookReference,
) -> Option<&'s TargetStatus> {
    let account = &notebook.account;
    let of = |region: &str| {
        let mut targets = status.targets.iter();
        targets.find(|target| target.account == account.as_str() && target.region == region)
    };
    let every_region = policy
        .accounts
        .iter()
        .any(|each| each.id == *account && each.regions == Regions::Enabled);
    of(notebook.region.as_str()).or_else(|| of(EVERY_REGION).filter(|_| every_region))
}

/// Returns true if a finding about the notebook would be listed. Findings are sorted, and only the
/// last are omitted.
fn would_be_listed(status: &Status, notebook: &NotebookReference) -> bool {
    let (account, region) = (notebook.account.as_str(), notebook.region.as_str());
    let last = status.findings.last();
    status.findings_omitted == 0
        || last.is_some_and(|last| {
            (account, region, notebook.name.as_str()) < (&*last.account, &*last.region, &*last.name)
        })
}

fn is_first_scan(status: &Status) -> bool {
    status.conditions.iter().any(|condition| {
        condition.type_ == ConditionType::Ready.as_str() && condition.status == "Unknown"
    })
}
