//! Retired platforms, and advice for notebooks on them.
//!
//! The list of retired platforms is a flag of the operator, which is unknown here. The operator's
//! finding shows its decision.

use super::{Advice, Subject, advice};
use crate::{
    api::{self, NextStep},
    domain::{CURRENT_PLATFORM, NotRestartable, RetiredPlatforms, WaitReason},
    report::migration,
};

/// Reasons that the operator gives only for a notebook that AWS would start again.
const LATER: [WaitReason; 11] = [
    WaitReason::Running,
    WaitReason::Failed,
    WaitReason::Window,
    WaitReason::Budget,
    WaitReason::Canary,
    WaitReason::Halted,
    WaitReason::Recurring,
    WaitReason::PolicyConflict,
    WaitReason::RecentlyStopped,
    WaitReason::ReadFailed,
    WaitReason::Superseded,
];

/// Returns the retired platforms of the operator, as far as its finding shows them, else the
/// default list.
pub(super) fn retired_platforms(finding: &api::Finding) -> RetiredPlatforms {
    if is_for(finding, WaitReason::NotRestartable) {
        RetiredPlatforms::new(finding.platform.clone())
    } else if is_restartable(finding) {
        RetiredPlatforms::new(None)
    } else {
        RetiredPlatforms::default()
    }
}

/// Returns the platform of the notebook. Findings of earlier versions have no platform.
pub(super) fn platform(finding: &api::Finding) -> Option<String> {
    let assumed = is_restartable(finding).then(|| CURRENT_PLATFORM.to_owned());
    finding.platform.clone().or(assumed)
}

/// Returns true if the operator has found that AWS starts the notebook again.
fn is_restartable(finding: &api::Finding) -> bool {
    let begins =
        finding.next == NextStep::Restart && finding.reason.as_deref() == Some("RootAccessEnabled");
    begins || LATER.into_iter().any(|reason| is_for(finding, reason))
}

fn is_for(finding: &api::Finding, reason: WaitReason) -> bool {
    finding.reason.as_deref() == Some(reason.as_str())
}

/// Returns advice for a notebook that AWS would not start again, by its platform.
pub(super) fn what_to_do(platform: Option<&str>, subject: &Subject) -> Vec<Advice> {
    let obstacle = platform.map_or(NotRestartable::PlatformUnknown, |platform| {
        NotRestartable::PlatformRetired(platform.to_owned())
    });
    if !obstacle.is_migratable() {
        return vec![advice::say(&obstacle.advice())];
    }
    if platform.is_some_and(|platform| !RetiredPlatforms::default().contains(platform)) {
        return vec![advice::say(
            "follow the operator's message: the operator knows more about the notebook than the status shows",
        )];
    }
    migration(subject.place.region.as_str(), &subject.name)
        .into_iter()
        .map(|step| Advice {
            what: step.what,
            command: step.command,
        })
        .collect()
}
