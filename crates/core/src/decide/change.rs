//! What it takes to take root away from a notebook, by its status.

use crate::domain::{NotebookStatus, WaitReason, WhenRunning};

/// How root is taken away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// It is stopped, so that an Update is enough.
    Update,
    /// It is running, and is stopped for it and started again.
    Restart,
}

/// Why it cannot be taken away now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Obstacle {
    /// In one word.
    pub(super) reason: WaitReason,
    /// In a sentence.
    pub(super) message: String,
}

/// How root is taken away from a notebook whose users have it.
pub(super) fn change(
    status: &NotebookStatus,
    when_running: WhenRunning,
) -> Result<Change, Obstacle> {
    match (status, when_running) {
        (NotebookStatus::Stopped, _) => Ok(Change::Update),
        (NotebookStatus::InService, WhenRunning::Restart) => Ok(Change::Restart),
        (NotebookStatus::InService, WhenRunning::Wait) => Err(Obstacle {
            reason: WaitReason::Running,
            message: "root access is enabled; whenRunning is Wait: it is fixed once its owner stops it".to_owned(),
        }),
        (NotebookStatus::Failed, _) => Err(Obstacle {
            reason: WaitReason::Failed,
            message: "root access is enabled; the notebook is in status Failed and is left alone: its owner starts or deletes it"
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
            message: format!("root access is enabled; its status is {status}, and it can only be changed from Stopped"),
        }),
    }
}
