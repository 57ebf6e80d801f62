//! One policy's view of the notebook, and the reason why the notebook is not fixed now.

use jiff::{SignedDuration, Timestamp};

use super::{
    Advice, Blocker, Exemption, Policy, Relation, WindowView, advice,
    coverage::{Standing, reading},
    evidence::Evidence,
    restartable::retired_platforms,
    times,
};
use crate::{
    api::{self, NextStep, NotebookRootAccessPolicy, Verdict},
    decide::{Blocked, Evaluate, Opening, Policies, admit, blockers, may_begin, opening, validate},
    domain::{
        self, Match, Mode, Next, Notebook, Record, RecordName, Undecodable, WaitReason, Window,
    },
};

/// Number of missed scans before a warning that no operator may be running.
const MISSED_SCANS: u32 = 3;

/// Extra time between two scans of a busy operator.
const PATIENCE: SignedDuration = SignedDuration::from_mins(10);

/// Decision, as of now, about a notebook that violates a policy.
enum Decision {
    /// The remediation begins.
    Begins,
    /// The remediation waits, or does not begin.
    Waits(Blocked),
    /// The policy is suspended, so no remediation begins.
    Suspended,
}

/// Returns the policy's part of the answer.
pub(super) fn judge(evidence: &Evidence<'_>, resource: &NotebookRootAccessPolicy) -> Policy {
    let mut view = Policy {
        name: resource.metadata.name.clone().unwrap_or_default(),
        mode: Some(resource.spec.mode),
        suspended: resource.spec.suspend.unwrap_or(false),
        relation: Relation::BeingDeleted,
        verdict: None,
        next: None,
        reason: None,
        message:
            "it is being deleted and has no effect any more; it disappears when its notebooks are restored"
                .to_owned(),
        exemption: None,
        window: None,
        blockers: Vec::new(),
        advice: Vec::new(),
        last_scan: last_scan(resource),
        warnings: Vec::new(),
    };
    if resource.metadata.deletion_timestamp.is_some() {
        return view;
    }
    let policy = match validate(resource) {
        Ok(policy) => policy,
        Err(errors) => {
            let problems: Vec<String> = errors.iter().map(ToString::to_string).collect();
            return invalid(view, &problems.join("; "));
        }
    };
    let outline = evidence.outline();
    (view.relation, view.message) = reading(resource, &policy, evidence.subject, &outline);
    if view.relation.covers() {
        view.warnings = warnings(resource, &policy, evidence.now);
    }
    if view.relation == Relation::Unread {
        view.advice = advice::unread();
    }
    let standing = Standing::of(resource, &policy, evidence.subject);
    if view.relation == Relation::Listed
        && let Some(finding) = standing.finding
    {
        listed(&mut view, evidence, &policy, finding);
    }
    view
}

/// Returns the part of a policy that does not decode.
pub(super) fn undecodable(strange: &Undecodable) -> Policy {
    let view = Policy {
        name: strange.name.clone(),
        mode: None,
        suspended: false,
        relation: Relation::Invalid,
        verdict: None,
        next: None,
        reason: None,
        message: String::new(),
        exemption: None,
        window: None,
        blockers: Vec::new(),
        advice: Vec::new(),
        last_scan: None,
        warnings: Vec::new(),
    };
    invalid(view, &strange.problem)
}

fn invalid(view: Policy, problem: &str) -> Policy {
    Policy {
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
    view: &mut Policy,
    evidence: &Evidence<'_>,
    policy: &domain::Policy,
    finding: &api::Finding,
) {
    let notebook = evidence.as_found(finding);
    view.verdict = Some(finding.verdict);
    view.next = Some(finding.next);
    view.reason.clone_from(&finding.reason);
    view.message = finding.message.clone().unwrap_or_default();
    view.exemption = exemption(evidence, policy, finding, &notebook);
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
        Verdict::NonCompliant => violation(view, evidence, policy, finding, &notebook),
        Verdict::Compliant => {}
    }
}

fn violation(
    view: &mut Policy,
    evidence: &Evidence<'_>,
    policy: &domain::Policy,
    finding: &api::Finding,
    notebook: &Notebook,
) {
    let running = notebook.is_running();
    if running && !policy.remediation.windows.is_empty() {
        view.window = window(&policy.remediation.windows, evidence.now);
    }
    match decide(evidence, policy, finding, notebook) {
        Decision::Suspended => {
            view.next = Some(NextStep::None);
            view.reason = Some("Suspended".to_owned());
            "the policy is suspended: no scan and no remediation begins"
                .clone_into(&mut view.message);
            view.advice = advice::suspended(&view.name);
        }
        Decision::Begins => {
            view.next = Some(if running {
                NextStep::Restart
            } else {
                NextStep::Update
            });
            view.reason = Some("RootAccessEnabled".to_owned());
            view.message = begins(policy, finding, running);
        }
        Decision::Waits(wait) => {
            waits(view, evidence, policy, notebook, wait);
        }
    }
}

/// Decides with the operator's own code. The notebook is as of the last scan, everything else as of
/// now.
fn decide(
    evidence: &Evidence<'_>,
    policy: &domain::Policy,
    finding: &api::Finding,
    notebook: &Notebook,
) -> Decision {
    let place = (
        &evidence.subject.place.account,
        &evidence.subject.place.region,
    );
    // The policy without its tag rules, because tags are not available here.
    let Some(settled) = evidence.policies.get(&policy.name) else {
        return Decision::Waits(Blocked::read_failed(
            "the policy no longer selects the notebook".to_owned(),
        ));
    };
    let evaluate = match policy.mode {
        Mode::Enforce => Evaluate::Live,
        Mode::Audit => Evaluate::DryRun,
    };
    let usage = evidence.usage(&policy.name);
    let policies = Policies {
        retired_platforms: retired_platforms(finding),
        ..evidence.policies.clone()
    };
    let admitted = admit(
        settled,
        (&policies, &usage),
        place,
        notebook,
        (evidence.now, evaluate),
    );
    match admitted {
        Err(wait) if wait.next == Next::Wait(WaitReason::NotRestartable) => {
            Decision::Waits(in_the_operators_words(wait, finding))
        }
        Err(wait) if !matches!(wait.next, Next::Wait(_)) => Decision::Waits(wait),
        _ if policy.suspended => Decision::Suspended,
        Err(wait) if wait.next == Next::Wait(WaitReason::RecentlyStopped) => {
            Decision::Waits(in_the_operators_words(wait, finding))
        }
        Err(wait) => Decision::Waits(wait),
        Ok(_) => Decision::Begins,
    }
}

fn waits(
    view: &mut Policy,
    evidence: &Evidence<'_>,
    policy: &domain::Policy,
    notebook: &Notebook,
    wait: Blocked,
) {
    let place = &evidence.subject.place;
    view.next = Some(wait.next.into());
    view.reason = Some(wait.reason.to_owned());
    view.message = wait.message;
    let Next::Wait(reason) = wait.next else {
        return;
    };
    let waited_for = blockers(
        policy,
        reason,
        (&place.account, &place.region),
        notebook,
        &evidence.records,
    );
    view.blockers = waited_for.iter().map(|record| blocker(record)).collect();
    let about = (evidence.subject, notebook.platform());
    view.advice = advice::wait(reason, policy, about, &waited_for);
    if reason == WaitReason::Window
        && let Some(window) = &view.window
        && let Some(opens) = window.opens
    {
        let when = times::distance(opens, evidence.now);
        view.message = format!("{}: {when}", view.message);
    }
}

/// Uses the operator's message for the same reason, because the operator also knew accelerators,
/// times and its own list of platforms.
fn in_the_operators_words(wait: Blocked, finding: &api::Finding) -> Blocked {
    let message = finding.message.clone();
    match message.filter(|_| finding.reason.as_deref() == Some(wait.reason)) {
        Some(message) => Blocked { message, ..wait },
        None => wait,
    }
}

/// Returns the message for a remediation that begins, or that would begin in mode Enforce.
fn begins(policy: &domain::Policy, finding: &api::Finding, running: bool) -> String {
    let how = if running {
        "the notebook is running: it is stopped, updated and started again"
    } else {
        "the notebook is stopped: it is updated, and no user is disturbed"
    };
    if policy.mode == Mode::Audit {
        return format!(
            "the policy only audits. In mode Enforce: {how}, as far as windows and budgets allow"
        );
    }
    let before = match finding.reason.as_deref() {
        Some(reason)
            if [WaitReason::ReadFailed, WaitReason::Superseded]
                .iter()
                .any(|each| each.as_str() == reason) =>
        {
            format!(
                ". The last pass failed: {}",
                finding.message.as_deref().unwrap_or(reason)
            )
        }
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
fn exemption(
    evidence: &Evidence<'_>,
    policy: &domain::Policy,
    finding: &api::Finding,
    notebook: &Notebook,
) -> Option<Exemption> {
    let place = &evidence.subject.place;
    let matching = policy
        .exemptions
        .iter()
        .enumerate()
        .filter(|(_, exemption)| {
            let matcher = &exemption.matcher;
            match matcher.matches(&place.account, Some(&place.region), notebook) {
                Match::Yes => true,
                Match::No => false,
                // The match depends on tags. The finding quotes the exemption that matched.
                Match::Unknown => {
                    finding.verdict == Verdict::Exempt
                        && finding.reason.as_deref() == Some(exemption.reason.as_str())
                }
            }
        });
    let (index, exemption) =
        matching.min_by_key(|(index, exemption)| (!exemption.holds_at(evidence.now), *index))?;
    Some(Exemption {
        path: format!("spec.exemptions[{index}]"),
        reason: exemption.reason.clone(),
        expires_at: exemption.expires_at,
        expired: !exemption.holds_at(evidence.now),
    })
}

/// Returns the state of the windows, or `None` if the policy has none and any time is allowed.
fn window(windows: &[Window], now: Timestamp) -> Option<WindowView> {
    let (closes, opens, at) = match opening(windows, now) {
        Opening::Always => return None,
        Opening::Closed { opens } => (None, opens, now),
        Opening::Open { until } if may_begin(windows, now) => (Some(until), None, now),
        Opening::Open { until } => match opening(windows, until) {
            Opening::Closed { opens } => (Some(until), opens, until),
            Opening::Always | Opening::Open { .. } => (Some(until), Some(until), until),
        },
    };
    let opening_one = opens.and_then(|opens| {
        windows.iter().find(|window| {
            opening(std::slice::from_ref(*window), at) == Opening::Closed { opens: Some(opens) }
        })
    });
    Some(WindowView {
        open: closes.is_some(),
        may_begin: may_begin(windows, now),
        closes,
        opens,
        opens_local: opens
            .zip(opening_one)
            .map(|(opens, window)| times::local(opens, &window.time_zone)),
    })
}

fn last_scan(resource: &NotebookRootAccessPolicy) -> Option<Timestamp> {
    let status = resource.status.as_ref()?;
    status.last_scan_time.as_ref().map(|time| time.0)
}

/// Returns reasons to doubt a policy's findings.
fn warnings(
    resource: &NotebookRootAccessPolicy,
    policy: &domain::Policy,
    now: Timestamp,
) -> Vec<String> {
    let mut warnings = Vec::new();
    let Some(status) = &resource.status else {
        return warnings;
    };
    if status.observed_generation != resource.metadata.generation {
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
