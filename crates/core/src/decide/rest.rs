//! The time since a notebook was stopped, compared with the policy's `restAfterStop`.

use jiff::Timestamp;

use crate::domain::{Notebook, NotebookStatus, Policy};

/// The rest of a notebook since it came to Stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rest {
    /// The rest is over, or the notebook needs none.
    Over,
    /// The owner, or a tool of the owner, may be about to start the notebook.
    Until {
        /// The time of the last change.
        modified: Timestamp,
        /// The time from which the notebook may be updated.
        over: Timestamp,
    },
    /// AWS does not report when the notebook was last modified.
    Unknown,
}

/// Compares a notebook's `LastModifiedTime` with the policy's `restAfterStop`. AWS updates
/// `LastModifiedTime` when a notebook comes to Stopped.
pub(super) fn rest(policy: &Policy, notebook: &Notebook, now: Timestamp) -> Rest {
    let rest = policy.remediation.rest_after_stop;
    if rest.is_zero() || *notebook.status() != NotebookStatus::Stopped {
        return Rest::Over;
    }
    let Some(modified) = notebook.last_modified() else {
        return Rest::Unknown;
    };
    match modified.checked_add(rest) {
        Ok(over) if over <= now => Rest::Over,
        Ok(over) => Rest::Until { modified, over },
        Err(_) => Rest::Unknown,
    }
}
