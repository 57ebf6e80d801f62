//! The policy: the ways in which it stands, each as a real one, understood by the real `validate`.

use std::sync::Arc;

use serde_json::json;
use sudoless::{
    api::NotebookRootAccessPolicy,
    decide::{Policies, validate},
    domain::Policy,
};

/// The one account.
pub const ACCOUNT: &str = "111122223333";

/// How the policy stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PolicyState {
    /// It enforces, now.
    Enforce,
    /// It is suspended.
    Suspended,
    /// No window is open.
    WindowClosed,
    /// It only audits.
    Audit,
    /// It speaks of tags, and those cannot be read.
    TagsUnread,
    /// It is deleted.
    Deleted,
}

/// How many may be down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budgets {
    /// `maxConcurrent`.
    pub over_all: u32,
    /// `maxConcurrentPerRegion`.
    pub per_region: u32,
}

impl PolicyState {
    /// Every way.
    pub const ALL: [Self; 6] = [
        Self::Enforce,
        Self::Suspended,
        Self::WindowClosed,
        Self::Audit,
        Self::TagsUnread,
        Self::Deleted,
    ];

    /// How it may stand next, what that is called, and how many faults it is.
    #[must_use]
    pub fn turns(self) -> &'static [(Self, &'static str, u8)] {
        match self {
            Self::Enforce => &[
                (Self::Suspended, "the policy is suspended", 1),
                (Self::WindowClosed, "the window closes", 1),
                (Self::Audit, "the policy only audits", 1),
                (Self::TagsUnread, "tags cannot be read", 1),
                (Self::Deleted, "the policy is deleted", 1),
            ],
            Self::Suspended => &[(Self::Enforce, "the policy is resumed", 0)],
            Self::WindowClosed => &[(Self::Enforce, "the window opens", 0)],
            Self::Audit => &[(Self::Enforce, "the policy enforces again", 0)],
            Self::TagsUnread => &[(Self::Enforce, "tags can be read", 0)],
            Self::Deleted => &[],
        }
    }

    /// Whether the planner begins anything.
    #[must_use]
    pub fn plans(self) -> bool {
        !matches!(self, Self::Suspended | Self::Audit | Self::Deleted)
    }

    /// All policies of the cluster, as they stand then.
    #[must_use]
    pub fn policies(self, exempt: bool, budgets: Budgets) -> Policies {
        let mut policies = Policies::default();
        if let Some(policy) = self.policy(exempt, budgets) {
            policies.valid.push(Arc::new(policy));
        }
        policies
    }

    /// The policy, if it is there.
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
                // No age of a stopped notebook is modelled.
                "restAfterStop": "0s",
                "windows": windows,
            },
        });
        let spec = serde_json::from_value(spec).expect("it decodes");
        let resource = NotebookRootAccessPolicy::new("no-root", spec);
        Some(validate(&resource).expect("it is valid"))
    }
}
