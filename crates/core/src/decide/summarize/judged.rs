//! The last judgement of a policy's notebooks, as far as a later spec or a later time makes it void.

use jiff::Timestamp;

use crate::domain::{Account, Exemption, Matcher, Policy};

/// What the last scan was about: the parts of the spec that verdicts follow from. Mode, interval and budgets are not among them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judged {
    accounts: Vec<Account>,
    selector: Matcher,
    exemptions: Vec<Exemption>,
    /// The time that expiries were compared with.
    at: Timestamp,
}

impl Judged {
    /// A policy was judged at this time.
    #[must_use]
    pub fn new(policy: &Policy, at: Timestamp) -> Self {
        Self {
            accounts: policy.accounts.clone(),
            selector: policy.selector.clone(),
            exemptions: policy.exemptions.clone(),
            at,
        }
    }

    /// Returns true if a policy says the same about every notebook.
    pub(super) fn covers(&self, policy: &Policy) -> bool {
        self.accounts == policy.accounts
            && self.selector == policy.selector
            && self.exemptions == policy.exemptions
    }

    /// The time that expiries were compared with.
    pub(super) fn at(&self) -> Timestamp {
        self.at
    }
}

/// Returns true if an exemption of the policy ended after one time and not later than another.
pub(super) fn expired_between(policy: &Policy, after: Timestamp, until: Timestamp) -> bool {
    policy
        .exemptions
        .iter()
        .any(|exemption| exemption.holds_at(after) && !exemption.holds_at(until))
}
