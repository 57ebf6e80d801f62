//! The records that a notebook waits for *(pure)*: the cause of the reason that
//! [`admit`](super::admit) gives.

use super::{MOST_UPDATES, Usage};
use crate::domain::{AccountId, NotebookArn, Policy, Record, Region, WaitReason};

/// Returns the records that a notebook waits for, in their order. Without them the notebook would
/// not wait for that reason. Empty if the reason does not come from records.
#[must_use]
pub fn blockers<'r>(
    policy: &Policy,
    reason: WaitReason,
    (account, region): (&AccountId, &Region),
    (notebook, is_running): (&NotebookArn, bool),
    records: &'r [Record],
) -> Vec<&'r Record> {
    let all = Usage::of(&policy.name, records);
    let over_all = all.slots_taken(policy) >= policy.remediation.max_concurrent;
    let brakes = all.brakes(policy);
    let updates_there = all.target(account, region).updates >= MOST_UPDATES;
    // A record blocks if it counts when it is tallied alone.
    let blocks = |record: &&Record| {
        let alone = Usage::of(&policy.name, [*record]);
        let target = alone.target(account, region);
        match reason {
            WaitReason::Budget if !is_running && updates_there => target.updates > 0,
            WaitReason::Budget if !is_running => alone.updates() > 0,
            WaitReason::Budget if over_all => alone.slots_taken(policy) > 0,
            WaitReason::Budget => target.down > 0,
            WaitReason::Canary => target.down_for_any > 0,
            WaitReason::Halted if brakes => record.is_down_and_needs_attention(),
            WaitReason::Halted => target.failed > 0,
            WaitReason::Failed | WaitReason::Recurring | WaitReason::OtherPolicy => {
                alone.notebook(notebook).is_some()
            }
            WaitReason::Running
            | WaitReason::TransitionalStatus
            | WaitReason::Window
            | WaitReason::PolicyConflict
            | WaitReason::NotRestartable
            | WaitReason::RecentlyStopped
            | WaitReason::ReadFailed
            | WaitReason::Superseded
            | WaitReason::RecordInvalid => false,
        }
    };
    records.iter().filter(blocks).collect()
}
