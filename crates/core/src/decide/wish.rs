//! wish *(pure)*: the present wish of the policies for a record.

#[cfg(test)]
mod tests;

use jiff::Timestamp;

use super::{
    NotNow, Policies, Ruling, Wish, Withdrawal,
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
pub fn wish(
    record: &Record,
    notebook: &Notebook,
    policies: &Policies,
    budget: Budget,
    now: Timestamp,
) -> Wish {
    if record.being_deleted {
        return Wish::Withdrawn(Withdrawal::RecordDeleted);
    }
    let name = &record.intent.policy;
    let Some(policy) = policies.get(name) else {
        return if policies.is_unreadable(name) {
            Wish::NotNow(NotNow::InvalidPolicy)
        } else {
            Wish::Withdrawn(Withdrawal::PolicyDeleted)
        };
    };
    let (account, region) = (
        &record.intent.notebook.account,
        &record.intent.notebook.region,
    );
    if policy.mode == Mode::Audit {
        return Wish::Withdrawn(Withdrawal::Audit);
    }
    let selected = policy.selector.matches(account, Some(region), notebook);
    if !policy.names(account, region) || selected == Match::No {
        return Wish::Withdrawn(Withdrawal::NotCovered);
    }
    match policies.ruling((account, region), notebook, now) {
        Ruling::Exempt { .. } => return Wish::Withdrawn(Withdrawal::Exempt),
        Ruling::TagsUnknown(_) => return Wish::Unclear,
        _ if selected == Match::Unknown => return Wish::Unclear,
        Ruling::Unreadable(_) => return Wish::NotNow(NotNow::InvalidPolicy),
        Ruling::Free => {}
    }
    if !record.was_stopped_by_us() && rest(policy, notebook, now) != Rest::Over {
        return Wish::NotNow(NotNow::RecentlyStopped);
    }
    if notebook.root_access() == RootAccess::Enabled && policies.restartable(notebook).is_err() {
        return Wish::NotNow(NotNow::NotRestartable);
    }
    not_now(policy, budget, now).map_or(Wish::Wanted, Wish::NotNow)
}

fn not_now(policy: &Policy, budget: Budget, now: Timestamp) -> Option<NotNow> {
    if policy.suspended {
        Some(NotNow::Suspended)
    } else if policy.remediation.when_running == WhenRunning::Wait {
        Some(NotNow::WhenRunning)
    } else if matches!(
        opening(&policy.remediation.windows, now),
        Opening::Closed { .. }
    ) {
        Some(NotNow::WindowClosed)
    } else {
        match budget {
            Budget::Kept => None,
            Budget::Exceeded => Some(NotNow::Budget),
            Budget::Halted => Some(NotNow::Halted),
        }
    }
}
