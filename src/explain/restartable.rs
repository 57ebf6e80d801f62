//! Which platforms are retired, and what to do about a notebook on one of them.
//!
//! The operator's list is its own flag, and is not known here. Its finding tells what it made of the notebook.

use super::{Advice, Subject, advice};
use crate::{
    api::{self, NextStep},
    domain::{CURRENT_PLATFORM, NotRestartable, RetiredPlatforms, WaitReason},
    report::migration,
};

/// Reasons that a notebook waits for only after the operator has found that AWS starts it again.
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

/// The platforms that the operator takes for retired, as far as its finding tells; else those of the default list.
pub(super) fn retired_platforms(finding: &api::Finding) -> RetiredPlatforms {
    if is_for(finding, WaitReason::NotRestartable) {
        RetiredPlatforms::new(finding.platform.clone())
    } else if is_restartable(finding) {
        RetiredPlatforms::new(None)
    } else {
        RetiredPlatforms::default()
    }
}

/// The platform of the notebook. A finding of an earlier version names none.
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

/// What a person does about a notebook that AWS would not start again, by its platform.
pub(super) fn what_to_do(platform: Option<&str>, subject: &Subject) -> Vec<Advice> {
    let obstacle = platform.map_or(NotRestartable::PlatformUnknown, |platform| {
        NotRestartable::PlatformRetired(platform.to_owned())
    });
    if !obstacle.is_migratable() {
        return vec![advice::say(&obstacle.advice())];
    }
    if platform.is_some_and(|platform| !RetiredPlatforms::default().contains(platform)) {
        return vec![advice::say(
            "the operator's message says what helps: it saw more of the notebook than its status shows",
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
