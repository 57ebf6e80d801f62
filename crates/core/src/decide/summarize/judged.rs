//! The subject of a policy's last judgement, which a later spec or a later time can invalidate.

use jiff::Timestamp;

use crate::domain::{Account, Exemption, Matcher, Policy};

/// The parts of the spec that the verdicts of the last scan follow from. Mode, interval and budgets
/// are not among them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judged {
    accounts: Vec<Account>,
    selector: Matcher,
    exemptions: Vec<Exemption>,
    /// The time of the comparison with expiries.
    at: Timestamp,
}

impl Judged {
    /// Records that a policy was judged at this time.
    #[must_use]
    pub fn new(policy: &Policy, at: Timestamp) -> Self {
        Self {
            accounts: policy.accounts.clone(),
            selector: policy.selector.clone(),
            exemptions: policy.exemptions.clone(),
            at,
        }
    }

    /// Returns true if a policy gives the same verdict on every notebook.
    pub(super) fn covers(&self, policy: &Policy) -> bool {
        self.accounts == policy.accounts
            && self.selector == policy.selector
            && self.exemptions == policy.exemptions
    }

    /// Returns the time of the comparison with expiries.
    pub(super) fn at(&self) -> Timestamp {
        self.at
    }
}

/// Returns true if an exemption of the policy expired after one time and not later than another.
pub(super) fn expired_between(policy: &Policy, after: Timestamp, until: Timestamp) -> bool {
    policy
        .exemptions
        .iter()
        .any(|exemption| exemption.holds_at(after) && !exemption.holds_at(until))
}
