//! The change that disables root access of a notebook, by the notebook's status.

use crate::domain::{NotebookStatus, WaitReason, WhenRunning};

/// The way to disable root access.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// The notebook is stopped, so an Update is enough.
    Update,
    /// The notebook is running. It is stopped, updated and started again.
    Restart,
}

/// The reason why root access cannot be disabled now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Obstacle {
    /// The reason in one word.
    pub(super) reason: WaitReason,
    /// The explanation in a sentence.
    pub(super) message: String,
}

/// Returns the way to disable root access of a notebook that gives its users root.
pub(super) fn change(
    status: &NotebookStatus,
    when_running: WhenRunning,
) -> Result<Change, Obstacle> {
    match (status, when_running) {
        (NotebookStatus::Stopped, _) => Ok(Change::Update),
        (NotebookStatus::InService, WhenRunning::Restart) => Ok(Change::Restart),
        (NotebookStatus::InService, WhenRunning::Wait) => Err(Obstacle {
            reason: WaitReason::Running,
            message: "root access is enabled and whenRunning is Wait: the notebook is updated once its owner stops it".to_owned(),
        }),
        (NotebookStatus::Failed, _) => Err(Obstacle {
            reason: WaitReason::Failed,
            message: "root access is enabled; the notebook is in status Failed and is left alone until its owner starts or deletes it"
                .to_owned(),
        }),
        (
            NotebookStatus::Pending
            | NotebookStatus::Stopping
            | NotebookStatus::Deleting
            | NotebookStatus::Updating
            | NotebookStatus::Other(_),
            _,
        ) => Err(Obstacle {
            reason: WaitReason::TransitionalStatus,
            message: format!("root access is enabled; the notebook's status is {status}, and AWS changes root access only from Stopped"),
        }),
    }
}
