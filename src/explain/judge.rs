//! What one policy says about the notebook, and why it is not fixed now.

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
    decide::{Horizon, Opening, Policies, Wait, admit, blockers, may_begin, opening, validate},
    domain::{
        self, Match, Mode, Next, Notebook, Record, RecordName, Undecodable, WaitReason, Window,
    },
};

/// Scans that may be missed before it is asked whether an operator runs.
const MISSED_SCANS: u32 = 3;

/// Between two passes of an operator that has much to do.
const PATIENCE: SignedDuration = SignedDuration::from_mins(10);

/// What is decided now about a notebook that violates a policy.
enum Decision {
    /// Nothing speaks against it.
    Begins,
    /// It is not begun.
    Waits(Wait),
    /// Nothing is begun while the policy is suspended.
    Suspended,
}

/// The policy's part of the answer.
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
            "it is being deleted: it says nothing any more, and goes when its notebooks are back"
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

/// A policy that does not decode.
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
            "it cannot be understood, and may exempt the notebook; until it is corrected, nothing new is begun in the accounts that it \
             names: {problem}"
        ),
        advice: vec![Advice {
            what: "correct it, or delete it".to_owned(),
            command: Some(format!("kubectl describe nrap {}", view.name)),
        }],
        ..view
    }
}

/// Its last scan lists the notebook.
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
                    "the exemption that matched has expired or was changed: the next scan judges the notebook anew".to_owned(),
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
            "the policy is suspended: nothing new is begun, and nothing is scanned"
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

/// The operator's own judgement, of the notebook as its last scan saw it, and of everything else as it is now.
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
    // Without what it says of tags, which are not at hand.
    let Some(settled) = evidence.policies.get(&policy.name) else {
        return Decision::Waits(Wait::read_failed(
            "the policy no longer selects the notebook".to_owned(),
        ));
    };
    let horizon = match policy.mode {
        Mode::Enforce => Horizon::Now,
        Mode::Audit => Horizon::Preview,
    };
    let tally = evidence.tally(&policy.name);
    let policies = Policies {
        retired_platforms: retired_platforms(finding),
        ..evidence.policies.clone()
    };
    let admitted = admit(
        settled,
        (&policies, &tally),
        place,
        notebook,
        (evidence.now, horizon),
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
    wait: Wait,
) {
    let place = &evidence.subject.place;
    view.next = Some(match wait.next {
        Next::None => NextStep::None,
        Next::Update => NextStep::Update,
        Next::Restart => NextStep::Restart,
        Next::Wait(_) => NextStep::Wait,
    });
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

/// The operator saw accelerators and times too, and had its own list of platforms.
fn in_the_operators_words(wait: Wait, finding: &api::Finding) -> Wait {
    let message = finding.message.clone();
    match message.filter(|_| finding.reason.as_deref() == Some(wait.reason)) {
        Some(message) => Wait { message, ..wait },
        None => wait,
    }
}

/// Nothing speaks against it, or nothing would.
fn begins(policy: &domain::Policy, finding: &api::Finding, running: bool) -> String {
    let how = if running {
        "it is running: it is stopped, updated and started again"
    } else {
        "it is stopped: it is updated, and nobody is disturbed"
    };
    if policy.mode == Mode::Audit {
        return format!(
            "the policy only audits. In Enforce: {how}, as far as windows and budgets allow"
        );
    }
    let before = match finding.reason.as_deref() {
        Some(reason)
            if [WaitReason::ReadFailed, WaitReason::Superseded]
                .iter()
                .any(|each| each.as_str() == reason) =>
        {
            format!(
                ". At its last pass it could not: {}",
                finding.message.as_deref().unwrap_or(reason)
            )
        }
        _ => String::new(),
    };
    format!(
        "{how}. Nothing speaks against it any more: the operator begins at its next pass, unless another notebook takes the slot; stopped \
         ones come first, then by account, region and name{before}"
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

/// The exemption that matches, else one that did until it expired.
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
                // It hangs on tags: the finding quotes the one that matched.
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

/// `None`: any time.
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

/// What makes a policy's findings doubtful.
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
            "the operator has not looked at the latest change of this policy so far: what it found is of the spec before".to_owned(),
        );
    }
    let patience = policy.scan_interval.saturating_mul(MISSED_SCANS);
    if let Some(scan) = last_scan(resource)
        && !policy.suspended
        && let Ok(patience) = SignedDuration::try_from(patience)
        && now.duration_since(scan) > patience.saturating_add(PATIENCE)
    {
        warnings.push(format!(
            "its last scan began {}, although it scans every {}: does the operator run?",
            times::distance(scan, now),
            times::span(policy.scan_interval),
        ));
    }
    warnings
}
