//! How long a stopped notebook has been stopped, compared with the policy's `restAfterStop`.

use jiff::Timestamp;

use crate::domain::{Notebook, NotebookStatus, Policy};

/// Whether a notebook has rested since it came to Stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rest {
    /// It has, or it does not matter.
    Over,
    /// Its owner, or a tool of its owner, may be about to start it.
    Until {
        /// When AWS last noted a change of it.
        modified: Timestamp,
        /// From when on it may be updated.
        over: Timestamp,
    },
    /// AWS does not say when it was last modified.
    Unknown,
}

/// Compares a notebook's `LastModifiedTime` with the policy's `restAfterStop`. `LastModifiedTime` moves when a notebook comes to Stopped.
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
