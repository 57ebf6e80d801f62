//! wish *(pure)*: the present wish of the policies for a record.

#[cfg(test)]
mod tests;

use jiff::Timestamp;

use super::{
    Deferral, Desired, ExemptionCheck, Policies, Withdrawal,
    rest::{Rest, rest},
    windows::{Opening, opening},
};
use crate::domain::{Match, Mode, Notebook, Policy, Record, RootAccess, WhenRunning};

/// The comparison of the notebooks that are down with the policy's budget, the record's own
/// included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Budget {
    /// The budget holds, or was not checked because nobody is to be stopped.
    Kept,
    /// The budget is exceeded: several operators claimed at the same time, or the budget was
    /// lowered.
    Exceeded,
    /// Too many notebooks of the policy are down and need attention, so no other is stopped.
    Halted,
}

/// Returns the policies' wish for a notebook that was described just now.
///
/// An invalid policy disturbs no notebook, but a notebook that is down is still finished. A
/// notebook that AWS would not start again is not stopped, because its platform may have been
/// retired since the record was created. A notebook that its owner stopped minutes ago is not
/// updated yet.
#[must_use]
pub fn desired(
    record: &Record,
    notebook: &Notebook,
    policies: &Policies,
    budget: Budget,
    now: Timestamp,
) -> Desired {
    if record.being_deleted {
        return Desired::Abort(Withdrawal::RecordDeleted);
    }
    let name = &record.intent.policy;
    let Some(policy) = policies.get(name) else {
        return if policies.is_unreadable(name) {
            Desired::Defer(Deferral::InvalidPolicy)
        } else {
            Desired::Abort(Withdrawal::PolicyDeleted)
        };
    };
    let (account, region) = (
        &record.intent.notebook.account,
        &record.intent.notebook.region,
    );
    if policy.mode == Mode::Audit {
        return Desired::Abort(Withdrawal::Audit);
    }
    let selected = policy.selector.matches(account, Some(region), notebook);
    if !policy.names(account, region) || selected == Match::No {
        return Desired::Abort(Withdrawal::NotCovered);
    }
    match policies.ruling((account, region), notebook, now) {
        ExemptionCheck::Exempt { .. } => return Desired::Abort(Withdrawal::Exempt),
        ExemptionCheck::TagsUnknown(_) => return Desired::Unknown,
        _ if selected == Match::Unknown => return Desired::Unknown,
        ExemptionCheck::Unreadable(_) => return Desired::Defer(Deferral::InvalidPolicy),
        ExemptionCheck::NotExempt => {}
    }
    if !record.was_stopped_by_us() && rest(policy, notebook, now) != Rest::Over {
        return Desired::Defer(Deferral::RecentlyStopped);
    }
    if notebook.root_access() == RootAccess::Enabled && policies.restartable(notebook).is_err() {
        return Desired::Defer(Deferral::NotRestartable);
    }
    not_now(policy, budget, now).map_or(Desired::Proceed, Desired::Defer)
}

fn not_now(policy: &Policy, budget: Budget, now: Timestamp) -> Option<Deferral> {
    if policy.suspended {
        Some(Deferral::Suspended)
    } else if policy.remediation.when_running == WhenRunning::Wait {
        Some(Deferral::WhenRunning)
    } else if matches!(
        opening(&policy.remediation.windows, now),
        Opening::Closed { .. }
    ) {
        Some(Deferral::WindowClosed)
    } else {
        match budget {
            Budget::Kept => None,
            Budget::Exceeded => Some(Deferral::Budget),
            Budget::Halted => Some(Deferral::Halted),
        }
    }
}
