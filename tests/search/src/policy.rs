//! States of the policy. Each has a real policy, checked by the real `validate`.

use std::sync::Arc;

use serde_json::json;
use sudoless_core::{
    api::NotebookRootAccessPolicy,
    decide::{Policies, validate},
    domain::Policy,
};

/// The only account.
pub const ACCOUNT: &str = "111122223333";

/// State of the policy, or a failure that affects all notebooks while the policy enforces.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PolicyState {
    /// The policy enforces.
    Enforce,
    /// The policy is suspended.
    Suspended,
    /// No window is open.
    WindowClosed,
    /// The policy only audits.
    Audit,
    /// The policy uses tags, and they cannot be read.
    TagsUnread,
    /// The policy, or its kind, is deleted.
    Deleted,
    /// The policies cannot be listed.
    Unlisted,
    /// The records cannot be listed.
    RecordsUnlisted,
    /// The lease cannot be read before a record is written.
    LeaseUnread,
    /// Each record is stored too slowly for its request to be sent.
    SlowStore,
    /// AWS answers no write, and carries it out or not.
    WritesUnanswered,
    /// Start is denied for every notebook.
    StartsDenied,
    /// The policy's operator is gone, and another one with other policies runs.
    Orphaned,
}

/// Budgets of the policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budgets {
    /// `maxConcurrent`.
    pub over_all: u32,
    /// `maxConcurrentPerRegion`.
    pub per_region: u32,
    /// `maxFailures`.
    pub failures: u32,
}

impl PolicyState {
    /// All states.
    pub const ALL: [Self; 13] = [
        Self::Enforce,
        Self::Suspended,
        Self::WindowClosed,
        Self::Audit,
        Self::TagsUnread,
        Self::Deleted,
        Self::Unlisted,
        Self::RecordsUnlisted,
        Self::LeaseUnread,
        Self::SlowStore,
        Self::WritesUnanswered,
        Self::StartsDenied,
        Self::Orphaned,
    ];

    /// Returns the possible next states, each with its name and its number of faults.
    #[must_use]
    pub fn turns(self) -> &'static [(Self, &'static str, u8)] {
        match self {
            Self::Enforce => &[
                (Self::Suspended, "the policy is suspended", 1),
                (Self::WindowClosed, "the window closes", 1),
                (Self::Audit, "the policy only audits", 1),
                (Self::TagsUnread, "tags cannot be read", 1),
                (Self::Deleted, "the policy is deleted", 1),
                (Self::Unlisted, "policies cannot be listed", 1),
                (Self::RecordsUnlisted, "records cannot be listed", 1),
                (Self::LeaseUnread, "the lease cannot be read", 1),
                (Self::SlowStore, "records are stored too slowly", 1),
                (Self::WritesUnanswered, "AWS answers no write", 1),
                (Self::StartsDenied, "Start is forbidden everywhere", 1),
                (Self::Orphaned, "the policy's operator is gone", 1),
            ],
            Self::Suspended => &[(Self::Enforce, "the policy is resumed", 0)],
            Self::WindowClosed => &[(Self::Enforce, "the window opens", 0)],
            Self::Audit => &[(Self::Enforce, "the policy enforces again", 0)],
            Self::TagsUnread => &[(Self::Enforce, "tags can be read", 0)],
            Self::Deleted => &[],
            Self::Unlisted => &[
                (Self::Enforce, "policies can be listed", 0),
                (Self::Deleted, "the kind of policies is deleted", 1),
            ],
            Self::RecordsUnlisted => &[(Self::Enforce, "records can be listed", 0)],
            Self::LeaseUnread => &[(Self::Enforce, "the lease can be read", 0)],
            Self::SlowStore => &[(Self::Enforce, "records are stored in time", 0)],
            Self::WritesUnanswered => &[(Self::Enforce, "AWS answers writes", 0)],
            Self::StartsDenied => &[(Self::Enforce, "Start is allowed everywhere", 0)],
            Self::Orphaned => &[(Self::Enforce, "the policy's operator is back", 0)],
        }
    }

    /// Returns true if the planner claims notebooks.
    #[must_use]
    pub fn plans(self) -> bool {
        !matches!(
            self,
            Self::Suspended
                | Self::Audit
                | Self::Deleted
                | Self::Unlisted
                | Self::RecordsUnlisted
                | Self::Orphaned
        )
    }

    /// Returns true if a durable intent is not followed by its request.
    #[must_use]
    pub fn is_fenced(self) -> bool {
        matches!(self, Self::LeaseUnread | Self::SlowStore)
    }

    /// Returns true if no notebook can be changed, so that a notebook that is down may need
    /// attention.
    #[must_use]
    pub fn is_outage(self) -> bool {
        self.is_fenced() || matches!(self, Self::WritesUnanswered | Self::StartsDenied)
    }

    /// Returns all policies of the cluster in this state.
    #[must_use]
    pub fn policies(self, exempt: bool, budgets: Budgets) -> Policies {
        let mut policies = Policies::default();
        if let Some(policy) = self.policy(exempt, budgets) {
            policies.valid.push(Arc::new(policy));
        }
        policies
    }

    /// Returns the policy, if it exists.
    #[must_use]
    pub fn policy(self, exempt: bool, budgets: Budgets) -> Option<Policy> {
        if self == Self::Deleted {
            return None;
        }
        let mut exemptions = Vec::new();
        if exempt {
            exemptions.push(json!({"reason": "it is needed", "names": ["*"]}));
        }
        if self == Self::TagsUnread {
            exemptions.push(json!({"reason": "it is needed", "tags": {"root": "yes"}}));
        }
        let windows = if self == Self::WindowClosed {
            // It is Monday noon.
            json!([{"schedule": "0 2 * * SAT", "duration": "1h"}])
        } else {
            json!([])
        };
        let spec = json!({
            "mode": if self == Self::Audit { "Audit" } else { "Enforce" },
            "suspend": self == Self::Suspended,
            "accounts": [{"id": ACCOUNT}],
            "regions": ["us-east-1", "eu-west-1", "eu-west-2"],
            "exemptions": exemptions,
            "remediation": {
                "maxConcurrent": budgets.over_all,
                "maxConcurrentPerRegion": budgets.per_region,
                // The age of a stopped notebook is not modelled.
                "restAfterStop": "0s",
                "maxFailures": budgets.failures,
                "windows": windows,
            },
        });
        let spec = serde_json::from_value(spec).expect("it decodes");
        let resource = NotebookRootAccessPolicy::new("no-root", spec);
        Some(validate(&resource).expect("it is valid"))
    }
}
