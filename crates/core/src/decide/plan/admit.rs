//! The decision to create a record for a notebook: a chain of checks, each with its own reason.

use jiff::Timestamp;

use super::{
    MOST_UPDATES, MOST_UPDATES_OVER_ALL, Usage,
    usage::{Known, TargetUsage},
};
use crate::{
    decide::{
        ExemptionCheck, Policies,
        change::{Change, change},
        phrases::counted,
        rest::{Rest, rest},
        summarize::whole_seconds,
        windows::{Opening, may_begin, opening},
    },
    domain::{
        Access, AccountId, Finding, Intent, Match, Next, Notebook, NotebookRef, Policy, RecordName,
        RecordState, Region, RootAccess, WaitReason,
    },
};

/// The recurrence at which the operator gives up, because some tool, such as Terraform, enables
/// root access again each time.
const MOST_RECURRENCES: u32 = 3;

/// The scope of the checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Evaluate {
    /// All checks.
    Live,
    /// All checks except those that depend on the moment: rests, windows, budgets, canary.
    DryRun,
}

/// The reason why no record is created now, and the resulting text of the finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Blocked {
    /// The next action.
    pub next: Next,
    /// The reason in one word.
    pub reason: &'static str,
    /// The explanation in a sentence.
    pub message: String,
    /// The time when the reason ends without further action, if known.
    pub until: Option<Timestamp>,
}

/// Judges one notebook as it was read. Policies, tally and notebook must be as of `now`.
///
/// # Errors
/// The reason why the notebook has to wait.
pub fn admit(
    policy: &Policy,
    (policies, usage): (&Policies, &Usage),
    (account, region): (&AccountId, &Region),
    notebook: &Notebook,
    (now, evaluate): (Timestamp, Evaluate),
) -> Result<Intent, Blocked> {
    let reference = reference(account, region, notebook);
    record_valid(usage, &reference)?;
    let known = usage.notebook(&notebook.summary.arn);
    under_way(policy, known)?;
    has_root(notebook)?;
    restartable(policies, notebook)?;
    let was_running = changeable(policy, notebook)?;
    let access = covered(policy, (account, region), notebook)?;
    nobody_exempts(policies, (account, region), notebook, now)?;
    not_failed(known)?;
    let recurrence = recurrence(known)?;
    let target = usage.target(account, region);
    not_halted(policy, target)?;
    if was_running {
        brake(policy, usage)?;
    }
    if evaluate == Evaluate::Live {
        rested(policy, notebook, now)?;
        if was_running {
            window_open(policy, now)?;
            canary(target)?;
            budget(policy, usage, target)?;
        } else {
            few_updates(usage, target)?;
        }
    }
    Ok(Intent {
        policy: policy.name.clone(),
        notebook: reference,
        access: access.clone(),
        was_running,
        timeouts: policy.remediation.timeouts,
        recurrence,
    })
}

/// Returns the notebook's reference for a record. Its `CreationTime` is that of the Describe just
/// before the record is created.
fn reference(account: &AccountId, region: &Region, notebook: &Notebook) -> NotebookRef {
    NotebookRef {
        created_at: notebook
            .details
            .as_ref()
            .ok()
            .and_then(|details| details.created_at),
        ..NotebookRef::new(account, region, &notebook.summary)
    }
}

/// Checks that the notebook's record is valid. An invalid record blocks its own notebook and no
/// other.
fn record_valid(usage: &Usage, notebook: &NotebookRef) -> Result<(), Blocked> {
    let name = RecordName::of(notebook);
    match usage.invalid(&name) {
        None => Ok(()),
        Some(problem) => Err(invalid_record(name.as_str(), problem)),
    }
}

fn invalid_record(name: &str, problem: &str) -> Blocked {
    Blocked::record_invalid(format!(
        "nbr/{name} is not readable by this version of sudoless: {problem}; run the version that wrote the record, or check that the \
         notebook runs if it should, then kubectl delete nbr {name}"
    ))
}

/// Checks that no remediation of the notebook is in progress, of any policy (promise P5).
fn under_way(policy: &Policy, known: Option<&Known>) -> Result<(), Blocked> {
    let Some(known) = known.filter(|known| !known.state.is_finished()) else {
        return Ok(());
    };
    let (name, state) = (&known.name, known.state);
    if state == RecordState::Unrecognized {
        return Err(invalid_record(
            name.as_str(),
            "its state is of a later version",
        ));
    }
    if known.policy != policy.name {
        return Err(Blocked::because(
            WaitReason::OtherPolicy,
            format!(
                "root access is being disabled for the policy {} by nbr/{name} ({state})",
                known.policy
            ),
        ));
    }
    let next = if known.was_running {
        Next::Restart
    } else {
        Next::Update
    };
    let (reason, message) = if state == RecordState::NeedsAttention {
        let message = format!("the remediation needs a person: kubectl describe nbr {name}");
        ("NeedsAttention", message)
    } else {
        let message = format!("root access is being disabled by nbr/{name} ({state})");
        ("Remediating", message)
    };
    Err(Blocked {
        next,
        reason,
        message,
        until: None,
    })
}

fn has_root(notebook: &Notebook) -> Result<(), Blocked> {
    match notebook.root_access() {
        RootAccess::Enabled => Ok(()),
        RootAccess::Disabled => Err(Blocked::none(
            "RootAccessDisabled",
            "root access is already disabled".to_owned(),
        )),
        RootAccess::Unknown => Err(Blocked::none(
            "RootAccessUnknown",
            "AWS does not report the notebook's root access".to_owned(),
        )),
    }
}

/// Checks that AWS will start a running notebook again, as far as Describe shows (promise P2).
///
/// This check comes before `whenRunning: Wait`, whose message asks the owner to stop the notebook.
fn restartable(policies: &Policies, notebook: &Notebook) -> Result<(), Blocked> {
    policies.restartable(notebook).map_err(|obstacle| {
        Blocked::because(
            WaitReason::NotRestartable,
            format!(
                "root access is enabled; the notebook is running and is not stopped: {obstacle}. To fix it, {}",
                obstacle.advice()
            ),
        )
    })
}

/// Returns true if the notebook must be restarted for the change.
///
/// # Errors
/// The notebook cannot be changed from its status, or must not be stopped.
fn changeable(policy: &Policy, notebook: &Notebook) -> Result<bool, Blocked> {
    match change(notebook.status(), policy.remediation.when_running) {
        Ok(change) => Ok(change == Change::Restart),
        Err(obstacle) => Err(Blocked::because(obstacle.reason, obstacle.message)),
    }
}

/// Returns the access to the notebook's account. The policy must still name the account and region,
/// and must select the notebook by its present tags.
fn covered<'a>(
    policy: &'a Policy,
    (account, region): (&AccountId, &Region),
    notebook: &Notebook,
) -> Result<&'a Access, Blocked> {
    let named = policy.accounts.iter().find(|each| each.id == *account);
    let Some(named) = named.filter(|_| policy.names(account, region)) else {
        return Err(Blocked::none(
            "NotCovered",
            "the policy no longer names the notebook's account and region".to_owned(),
        ));
    };
    match policy.selector.matches(account, Some(region), notebook) {
        Match::Yes => Ok(&named.access),
        Match::No => Err(Blocked::none(
            "NotCovered",
            "the policy no longer selects the notebook".to_owned(),
        )),
        Match::Unknown => Err(Blocked::read_failed(
            "the policy selects by tags, and the notebook's tags are unknown".to_owned(),
        )),
    }
}

fn nobody_exempts(
    policies: &Policies,
    place: (&AccountId, &Region),
    notebook: &Notebook,
    now: Timestamp,
) -> Result<(), Blocked> {
    let message = match policies.ruling(place, notebook, now) {
        ExemptionCheck::NotExempt => return Ok(()),
        ExemptionCheck::Exempt { policy, reason } => {
            format!("the policy {policy} exempts the notebook: {reason}")
        }
        ExemptionCheck::TagsUnknown(policy) => {
            format!("the policy {policy} may exempt the notebook by its tags, which are unknown")
        }
        ExemptionCheck::Unreadable(policy) => {
            format!(
                "the policy {policy} is invalid and may exempt the notebook: correct or delete that policy"
            )
        }
    };
    Err(Blocked::because(WaitReason::PolicyConflict, message))
}

fn not_failed(known: Option<&Known>) -> Result<(), Blocked> {
    match known {
        Some(known) if known.state == RecordState::Failed => Err(Blocked::because(
            WaitReason::Failed,
            format!(
                "the last remediation failed: see kubectl describe nbr {0}; kubectl delete nbr {0} acknowledges the failure and tries \
                 again",
                known.name
            ),
        )),
        _ => Ok(()),
    }
}

fn recurrence(known: Option<&Known>) -> Result<u32, Blocked> {
    let Some(known) = known else { return Ok(0) };
    let recurrence = known
        .recurrence
        .saturating_add(u32::from(known.state == RecordState::Succeeded));
    if recurrence < MOST_RECURRENCES {
        return Ok(recurrence);
    }
    Err(Blocked::because(
        WaitReason::Recurring,
        format!(
            "root access was disabled {recurrence} times and enabled again each time, perhaps by Terraform: find the cause, then \
             kubectl delete nbr {} to try again",
            known.name
        ),
    ))
}

fn not_halted(policy: &Policy, target: TargetUsage) -> Result<(), Blocked> {
    if target.failed < policy.remediation.max_failures {
        return Ok(());
    }
    Err(Blocked::because(
        WaitReason::Halted,
        format!(
            "{} failed in this account and region (maxFailures: {}): kubectl get nbr --field-selector status.state=Failed lists them, \
             deleting them resumes remediation",
            counted(target.failed, "remediation", "remediations"),
            policy.remediation.max_failures
        ),
    ))
}

/// Checks the brake of the policy. While `maxFailures` notebooks are down and need attention,
/// anywhere, no other running notebook is stopped.
fn brake(policy: &Policy, usage: &Usage) -> Result<(), Blocked> {
    if !usage.brakes(policy) {
        return Ok(());
    }
    Err(Blocked::because(
        WaitReason::Halted,
        format!(
            "maxFailures ({most}) notebooks of this policy are down and need attention: no other running notebook is stopped \
             until one of them runs again; kubectl get nbr --field-selector status.state=NeedsAttention,spec.policy={} lists them",
            policy.name,
            most = policy.remediation.max_failures
        ),
    ))
}

/// Checks that a stopped notebook has rested. Another tool may be about to stop, update and start
/// the notebook. An Update in between would make that tool fail and leave the notebook down.
fn rested(policy: &Policy, notebook: &Notebook, now: Timestamp) -> Result<(), Blocked> {
    let (message, until) = match rest(policy, notebook, now) {
        Rest::Over => return Ok(()),
        Rest::Until { modified, over } => (
            format!(
                "the notebook came to Stopped at {}, and its owner or a tool may be about to start it; because of restAfterStop, root \
                 access is \
                 disabled after {} if the notebook is still stopped",
                whole_seconds(modified),
                whole_seconds(over)
            ),
            Some(over),
        ),
        Rest::Unknown => (
            "AWS does not report when the notebook was last modified, so it may have been stopped just now; restAfterStop: 0s updates it \
             anyway"
                .to_owned(),
            None,
        ),
    };
    Err(Blocked {
        until,
        ..Blocked::because(WaitReason::RecentlyStopped, message)
    })
}

fn window_open(policy: &Policy, now: Timestamp) -> Result<(), Blocked> {
    let windows = &policy.remediation.windows;
    if may_begin(windows, now) {
        return Ok(());
    }
    let message = match opening(windows, now) {
        Opening::Closed { opens: Some(opens) } => {
            format!(
                "the notebook is running, and no window is open; the next window opens at {opens}"
            )
        }
        Opening::Closed { opens: None } => {
            "the notebook is running, and no window is open".to_owned()
        }
        Opening::Always | Opening::Open { .. } => {
            "the notebook is running, and the window closes too soon for a restart".to_owned()
        }
    };
    Err(Blocked::because(WaitReason::Window, message))
}

/// Checks the canary: one restarted notebook must have come back before a second is down.
fn canary(target: TargetUsage) -> Result<(), Blocked> {
    if target.canary_passed || target.down_for_any == 0 {
        return Ok(());
    }
    Err(Blocked::because(
        WaitReason::Canary,
        "waiting: the first restarted notebook in this account and region has not come back yet"
            .to_owned(),
    ))
}

fn budget(policy: &Policy, usage: &Usage, target: TargetUsage) -> Result<(), Blocked> {
    let remediation = &policy.remediation;
    let taken = usage.slots_taken(policy);
    let (down, most, what) = if taken >= remediation.max_concurrent {
        (taken, remediation.max_concurrent, "maxConcurrent")
    } else if target.down >= remediation.max_concurrent_per_region {
        (
            target.down,
            remediation.max_concurrent_per_region,
            "maxConcurrentPerRegion",
        )
    } else {
        return Ok(());
    };
    // The message names the limit, not the count, which changes with each notebook that comes back.
    debug_assert!(down >= most);
    Err(Blocked::because(
        WaitReason::Budget,
        format!(
            "waiting: {} already being restarted ({what}: {most})",
            counted(most, "notebook is", "notebooks are")
        ),
    ))
}

fn few_updates(usage: &Usage, target: TargetUsage) -> Result<(), Blocked> {
    let (most, place) = if target.updates >= MOST_UPDATES {
        (MOST_UPDATES, " in this account and region")
    } else if usage.updates() >= MOST_UPDATES_OVER_ALL {
        (MOST_UPDATES_OVER_ALL, "")
    } else {
        return Ok(());
    };
    Err(Blocked::because(
        WaitReason::Budget,
        format!("waiting: {most} stopped notebooks are already being updated{place}"),
    ))
}

impl Blocked {
    fn because(reason: WaitReason, message: String) -> Self {
        Self {
            next: Next::Wait(reason),
            reason: reason.as_str(),
            message,
            until: None,
        }
    }

    /// Returns a result with no further action.
    fn none(reason: &'static str, message: String) -> Self {
        Self {
            next: Next::None,
            reason,
            message,
            until: None,
        }
    }

    /// Returns the result for a notebook that could not be read just now, or its tags.
    #[must_use]
    pub fn read_failed(message: String) -> Self {
        Self::because(WaitReason::ReadFailed, message)
    }

    /// Returns the result for a change since the plan.
    #[must_use]
    pub fn superseded(message: String) -> Self {
        Self::because(WaitReason::Superseded, message)
    }

    /// Returns the result for a notebook whose record is invalid.
    #[must_use]
    pub fn record_invalid(message: String) -> Self {
        Self::because(WaitReason::RecordInvalid, message)
    }

    /// Writes action, reason and message into a finding.
    pub(super) fn apply(self, finding: &mut Finding) {
        finding.next = self.next;
        finding.reason = Some(self.reason.to_owned());
        finding.message = Some(self.message);
    }
}
