//! One policy's view of the notebook: the finding as the operator wrote it, with the windows, the
//! exemption and the records behind it.

use jiff::{SignedDuration, Timestamp};
use strum::VariantArray;

use super::{
    Advice, Blocker, Exemption, Inputs, NotebookReference, PolicyView, Relation, advice,
    coverage::{account_not_named, coverage, is_current},
    find, times, window,
};
use crate::{
    api::{self, NextStep, NotebookRootAccessPolicy, Verdict},
    decide::{blockers, validate},
    domain::{
        AccountId, Match, Mode, NotebookStatus, Policy, Record, RecordName, Undecodable, WaitReason,
    },
};

/// Number of missed scans before a warning that no operator may be running.
const MISSED_SCANS: u32 = 3;

/// Extra time between two scans of a busy operator.
const PATIENCE: SignedDuration = SignedDuration::from_mins(10);

/// The reason of a finding without an obstacle.
const BEGINS: &str = "RootAccessEnabled";

/// Returns a policy's view of the notebook.
pub(super) fn view(inputs: &Inputs<'_>, resource: &NotebookRootAccessPolicy) -> PolicyView {
    let mut view = PolicyView {
        mode: Some(resource.spec.mode),
        suspended: resource.spec.suspend.unwrap_or(false),
        message:
            "it is being deleted and has no effect any more; it disappears when its notebooks are restored"
                .to_owned(),
        last_scan: last_scan(resource),
        ..PolicyView::new(
            resource.metadata.name.as_deref().unwrap_or_default(),
            Relation::BeingDeleted,
        )
    };
    if resource.metadata.deletion_timestamp.is_some() {
        return view;
    }
    let policy = match validate(resource) {
        Ok(policy) => policy,
        Err(_) if names_other_accounts(resource, inputs.notebook) => {
            (view.relation, view.message) = account_not_named(inputs.notebook);
            return view;
        }
        Err(errors) => {
            let problems: Vec<String> = errors.iter().map(ToString::to_string).collect();
            return invalid(view, &problems.join("; "));
        }
    };
    (view.relation, view.message) = coverage(resource, &policy, inputs.notebook);
    if view.relation.covers() {
        view.warnings = warnings(resource, &policy, inputs.now);
    }
    match find::finding(resource, inputs.notebook) {
        Some(finding) if view.relation == Relation::Listed => {
            let is_current = is_current(resource);
            listed(&mut view, inputs, (&policy, is_current), finding);
        }
        _ => view.advice = advice::unlisted(&view.name, view.relation),
    }
    view
}

/// Returns the view of a policy that does not decode.
pub(super) fn undecodable(strange: &Undecodable) -> PolicyView {
    let view = PolicyView::new(&strange.name, Relation::Invalid);
    invalid(view, &strange.problem)
}

/// Returns true if a policy, which may be invalid, certainly names other accounts only.
fn names_other_accounts(resource: &NotebookRootAccessPolicy, notebook: &NotebookReference) -> bool {
    let accounts = &resource.spec.accounts;
    let is_other = |id: &str| id.parse().is_ok_and(|id: AccountId| id != notebook.account);
    !accounts.is_empty() && accounts.iter().all(|named| is_other(&named.id))
}

fn invalid(view: PolicyView, problem: &str) -> PolicyView {
    PolicyView {
        relation: Relation::Invalid,
        message: format!(
            "the policy is invalid, and may exempt the notebook; until it is corrected, no remediation begins in the accounts that it \
             names: {problem}"
        ),
        advice: vec![Advice {
            what: "correct or delete the policy".to_owned(),
            command: Some(format!("kubectl describe nrap {}", view.name)),
        }],
        ..view
    }
}

/// Completes the view of a policy whose last scan lists the notebook.
fn listed(
    view: &mut PolicyView,
    inputs: &Inputs<'_>,
    (policy, is_current): (&Policy, bool),
    finding: &api::Finding,
) {
    view.verdict = Some(finding.verdict);
    view.next = Some(finding.next);
    view.reason.clone_from(&finding.reason);
    view.message = finding.message.clone().unwrap_or_default();
    view.exemption = exemption(inputs, policy, finding);
    match finding.verdict {
        Verdict::Unknown => {
            view.advice = advice::unknown(&view.name, finding.reason.as_deref());
        }
        Verdict::Exempt => {
            if view.exemption.as_ref().is_none_or(|it| it.expired) {
                view.warnings.push(
                    "the exemption that matched has expired or was changed: the next scan judges the notebook again".to_owned(),
                );
            }
        }
        Verdict::NonCompliant => violation(view, inputs, (policy, is_current), finding),
        Verdict::Compliant => {}
    }
}

/// Completes the view of a violation as the operator wrote it.
///
/// Two facts follow from the spec alone and are as of now: a suspended policy, and the windows. A
/// finding of an older spec, or of a remediation that is finished by now, is superseded.
fn violation(
    view: &mut PolicyView,
    inputs: &Inputs<'_>,
    (policy, is_current): (&Policy, bool),
    finding: &api::Finding,
) {
    let is_running = is_running(finding);
    if is_running {
        view.window = window::view(&policy.remediation.windows, inputs.now);
    }
    let is_under_way = inputs.is_under_way();
    if policy.suspended && !is_under_way {
        view.next = Some(NextStep::None);
        view.reason = Some("Suspended".to_owned());
        "the policy is suspended: no scan and no remediation begins".clone_into(&mut view.message);
        view.advice = advice::suspended(&view.name);
        return;
    }
    let written = written_reason(finding);
    let message = finding.message.as_deref().unwrap_or_default();
    let begins = finding.reason.as_deref() == Some(BEGINS);
    let may_be_over = matches!(
        written,
        Some(WaitReason::Window | WaitReason::ReadFailed | WaitReason::Superseded)
    );
    let is_next = policy.mode == Mode::Enforce && (begins || may_be_over) && !is_under_way;
    let wait = if is_next && !is_current {
        let message = format!(
            "the operator has not processed the latest change of this policy yet; before the change: {message}"
        );
        Some((WaitReason::Superseded, message))
    } else if is_next {
        let window = view.window.as_ref().filter(|window| !window.may_begin);
        window.map(|window| {
            let message = format!(
                "the notebook is running, and {}",
                window.sentence(inputs.now)
            );
            (WaitReason::Window, message)
        })
    } else if let Some(reason) = written {
        Some((reason, message.to_owned()))
    } else if is_under_way || finding.next == NextStep::None || finding.next == NextStep::Wait {
        return;
    } else if begins {
        None
    } else {
        let message = format!(
            "{message}; that remediation is finished, and the operator decides again at its next pass"
        );
        Some((WaitReason::Superseded, message))
    };
    if let Some(wait) = wait {
        waits(view, inputs, policy, finding, wait);
    } else {
        view.next = Some(if is_running {
            NextStep::Restart
        } else {
            NextStep::Update
        });
        view.reason = Some(BEGINS.to_owned());
        view.message = beginning(policy, finding, is_running);
    }
}

/// Returns the reason for which the notebook waits, as the operator wrote it. `None` if it does not
/// wait, or a later version wrote the reason.
fn written_reason(finding: &api::Finding) -> Option<WaitReason> {
    let reason = finding.reason.as_deref()?;
    let mut reasons = WaitReason::VARIANTS.iter().copied();
    reasons.find(|each| finding.next == NextStep::Wait && each.as_str() == reason)
}

fn is_running(finding: &api::Finding) -> bool {
    NotebookStatus::from(finding.status.as_str()) == NotebookStatus::InService
}

fn waits(
    view: &mut PolicyView,
    inputs: &Inputs<'_>,
    policy: &Policy,
    finding: &api::Finding,
    (reason, message): (WaitReason, String),
) {
    let notebook = inputs.notebook;
    let arn = finding.arn.as_str().into();
    let waited_for = blockers(
        policy,
        reason,
        (&notebook.account, &notebook.region),
        (&arn, is_running(finding)),
        &inputs.records,
    );
    view.next = Some(NextStep::Wait);
    view.reason = Some(reason.as_str().to_owned());
    view.message = message;
    view.blockers = waited_for.iter().map(|record| blocker(record)).collect();
    let about = (notebook, finding.platform.as_deref());
    view.advice = advice::wait(reason, policy, about, &waited_for);
}

/// Returns the message for a remediation that begins, or that would begin in mode Enforce.
fn beginning(policy: &Policy, finding: &api::Finding, is_running: bool) -> String {
    let how = if is_running {
        "the notebook is running: it is stopped, updated and started again"
    } else {
        "the notebook is stopped: it is updated, and no user is disturbed"
    };
    if policy.mode == Mode::Audit {
        return format!(
            "the policy only audits. In mode Enforce: {how}, as far as windows and budgets allow"
        );
    }
    let before = match written_reason(finding) {
        Some(reason @ (WaitReason::ReadFailed | WaitReason::Superseded)) => format!(
            ". The last pass failed: {}",
            finding.message.as_deref().unwrap_or(reason.as_str())
        ),
        _ => String::new(),
    };
    format!(
        "{how}. The operator begins at its next pass, unless another notebook takes the slot. Stopped notebooks come first, then the order is \
         by account, region and name{before}"
    )
}

fn blocker(record: &Record) -> Blocker {
    Blocker {
        record: RecordName::of(&record.intent.notebook).to_string(),
        notebook: record.intent.notebook.name.clone(),
        policy: record.intent.policy.to_string(),
        state: record.progress.state.to_string(),
        since: record.step_since(),
    }
}

/// Returns the exemption that matches, else an expired exemption that matched.
fn exemption(inputs: &Inputs<'_>, policy: &Policy, finding: &api::Finding) -> Option<Exemption> {
    let notebook = inputs.notebook;
    let (account, region) = (&notebook.account, Some(&notebook.region));
    // The finding quotes the exemption that matched. Tags are not available here.
    let is_quoted = |reason: &str| {
        finding.verdict == Verdict::Exempt && finding.reason.as_deref() == Some(reason)
    };
    let exemptions = policy.exemptions.iter().enumerate();
    let matching = exemptions.filter(|(_, exemption)| {
        match exemption
            .matcher
            .matches_untagged(account, region, &notebook.name)
        {
            Match::Yes => true,
            Match::No => false,
            Match::Unknown => is_quoted(&exemption.reason),
        }
    });
    let (index, exemption) =
        matching.min_by_key(|(index, exemption)| (!exemption.holds_at(inputs.now), *index))?;
    Some(Exemption {
        path: format!("spec.exemptions[{index}]"),
        reason: exemption.reason.clone(),
        expires_at: exemption.expires_at,
        expired: !exemption.holds_at(inputs.now),
    })
}

pub(super) fn last_scan(resource: &NotebookRootAccessPolicy) -> Option<Timestamp> {
    let status = resource.status.as_ref()?;
    status.last_scan_time.as_ref().map(|time| time.0)
}

/// Returns reasons to doubt a policy's findings.
fn warnings(resource: &NotebookRootAccessPolicy, policy: &Policy, now: Timestamp) -> Vec<String> {
    let mut warnings = Vec::new();
    if resource.status.is_some() && !is_current(resource) {
        warnings.push(
            "the operator has not processed the latest change of this policy yet: its findings are of the previous spec".to_owned(),
        );
    }
    let patience = policy.scan_interval.saturating_mul(MISSED_SCANS);
    if let Some(scan) = last_scan(resource)
        && !policy.suspended
        && let Ok(patience) = SignedDuration::try_from(patience)
        && now.duration_since(scan) > patience.saturating_add(PATIENCE)
    {
        warnings.push(format!(
            "its last scan began {}, although it scans every {}: check that the operator is running",
            times::distance(scan, now),
            times::span(policy.scan_interval),
        ));
    }
    warnings
}
