//! Builds the report from evaluations.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, HashMap},
};

use jiff::Timestamp;

use super::{
    model::{ApiVersion, BrokenOff, Counts, Kind, Notebook, Policy, Report, Summary, Target},
    remedy,
};
use crate::{
    api::{TargetState, Verdict},
    decide,
    domain::{self, AccountId, Evaluation, RetiredPlatforms, RoleName},
};

/// Times and end of a scan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run {
    /// Time when the scan began.
    pub started_at: Timestamp,
    /// Time when the scan ended.
    pub finished_at: Timestamp,
    /// The reason why the scan ended early, if it did.
    pub broken_off: Option<BrokenOff>,
}

/// A policy, and its evaluation of what was read.
#[derive(Clone, Copy, Debug)]
pub struct Judged<'a> {
    /// Source of the policy, as file and line. `None` if it was made from flags.
    pub source: Option<&'a str>,
    /// The policy.
    pub policy: &'a domain::Policy,
    /// The policy's evaluation.
    pub evaluation: &'a Evaluation,
    /// The platforms on which AWS does not start stopped notebooks.
    pub retired_platforms: &'a RetiredPlatforms,
}

impl Report {
    /// Creates the report of a scan.
    #[must_use]
    pub fn new<'a>(run: Run, judged: impl IntoIterator<Item = Judged<'a>>) -> Self {
        let policies: Vec<Policy> = judged.into_iter().map(policy).collect();
        let summary = match policies.as_slice() {
            [only] => only.summary,
            several => total(several),
        };
        let complete = run.broken_off.is_none()
            && summary.unreadable_targets == 0
            && summary.counts.unknown == 0;
        Self {
            api_version: ApiVersion::V1Alpha1,
            kind: Kind::ScanReport,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            started_at: decide::whole_seconds(run.started_at),
            finished_at: decide::whole_seconds(run.finished_at),
            complete,
            broken_off: run.broken_off,
            summary,
            policies,
        }
    }
}

fn policy(judged: Judged<'_>) -> Policy {
    let evaluation = judged.evaluation;
    let roles: HashMap<&AccountId, &RoleName> = judged
        .policy
        .accounts
        .iter()
        .filter_map(|account| Some((&account.id, account.access.role.as_ref()?)))
        .collect();
    let mut targets: Vec<Target> = evaluation
        .targets
        .iter()
        .map(|report| target(report, roles.get(&report.target.account).copied()))
        .collect();
    // A stable sort: within each kind, targets stay sorted by account and region.
    targets.sort_by_key(|target| {
        let counts = target.counts.unwrap_or_default();
        (urgency(target.state), Reverse(counts.non_compliant))
    });
    let mut notebooks: Vec<Notebook> = evaluation
        .findings
        .iter()
        .map(|finding| {
            let role = roles.get(&finding.target.account).copied();
            notebook(finding, role, judged.retired_platforms)
        })
        .collect();
    notebooks.sort_by_key(|notebook| rank(notebook.verdict));
    Policy {
        name: judged.policy.name.to_string(),
        source: judged.source.map(str::to_owned),
        mode: judged.policy.mode,
        summary: Summary::of(
            targets.iter().map(|target| target.state),
            targets.iter().filter_map(|target| target.counts),
        ),
        warnings: evaluation.warnings.clone(),
        targets,
        notebooks,
    }
}

fn target(report: &domain::TargetReport, role: Option<&RoleName>) -> Target {
    let status = decide::reported_target(report);
    Target {
        role: role.map(ToString::to_string),
        advice: remedy::for_target(status.state, &status.region),
        counts: status.notebooks.map(|notebooks| Counts {
            notebooks,
            compliant: report.count(domain::Verdict::Compliant),
            non_compliant: report.count(domain::Verdict::NonCompliant),
            exempt: report.count(domain::Verdict::Exempt),
            unknown: report.count(domain::Verdict::Unknown),
            not_restartable: report.not_restartable,
            lifecycle_configs: report.lifecycle_configs,
        }),
        account: status.account,
        region: status.region,
        state: status.state,
        message: status.message,
    }
}

fn notebook(
    finding: &domain::Finding,
    role: Option<&RoleName>,
    retired_platforms: &RetiredPlatforms,
) -> Notebook {
    let reported = decide::reported(finding);
    let details = finding.notebook.details.as_ref().ok();
    let obstacle = details.and_then(|details| retired_platforms.check(details).err());
    let notebook = Notebook {
        account: reported.account,
        region: reported.region,
        name: reported.name,
        arn: reported.arn,
        verdict: reported.verdict,
        status: reported.status,
        root_access: reported.root_access,
        next: reported.next,
        reason: reported.reason,
        message: reported.message,
        platform: reported.platform,
        lifecycle_config: reported.lifecycle_config,
        why: None,
        remedy: None,
    };
    Notebook {
        why: remedy::why(notebook.verdict).map(str::to_owned),
        remedy: remedy::for_notebook(&notebook, role, obstacle.as_ref()),
        ..notebook
    }
}

/// Returns the totals over several policies, which may cover the same targets and notebooks.
pub(super) fn total(policies: &[Policy]) -> Summary {
    let mut states = BTreeMap::new();
    let mut notebooks: BTreeMap<&str, &Notebook> = BTreeMap::new();
    for policy in policies {
        for target in &policy.targets {
            let place = (&target.account, &target.region);
            let state = states.entry(place).or_insert(target.state);
            if urgency(target.state) < urgency(*state) {
                *state = target.state;
            }
        }
        for notebook in &policy.notebooks {
            let known = notebooks.entry(&notebook.arn).or_insert(notebook);
            if severity(notebook.verdict) > severity(known.verdict) {
                *known = notebook;
            }
        }
    }
    let counts = notebooks.into_values().map(Counts::of);
    Summary::of(states.into_values(), counts)
}

impl Summary {
    fn of(
        states: impl IntoIterator<Item = TargetState>,
        counts: impl IntoIterator<Item = Counts>,
    ) -> Self {
        let mut summary = Self::default();
        for state in states {
            summary.targets += 1;
            match state {
                TargetState::Scanned => {}
                TargetState::RegionDisabled => summary.disabled_targets += 1,
                _ => summary.unreadable_targets += 1,
            }
        }
        for more in counts {
            summary.counts.add(more);
        }
        summary
    }
}

impl Counts {
    fn of(notebook: &Notebook) -> Self {
        let mut counts = Self {
            notebooks: 1,
            not_restartable: u32::from(notebook.is_not_restartable()),
            lifecycle_configs: u32::from(notebook.lifecycle_config.is_some()),
            ..Self::default()
        };
        *match notebook.verdict {
            Verdict::Compliant => &mut counts.compliant,
            Verdict::NonCompliant => &mut counts.non_compliant,
            Verdict::Exempt => &mut counts.exempt,
            Verdict::Unknown => &mut counts.unknown,
        } = 1;
        counts
    }

    fn add(&mut self, more: Self) {
        self.notebooks += more.notebooks;
        self.compliant += more.compliant;
        self.non_compliant += more.non_compliant;
        self.exempt += more.exempt;
        self.unknown += more.unknown;
        self.not_restartable += more.not_restartable;
        self.lifecycle_configs += more.lifecycle_configs;
    }
}

/// Returns the sort key of a target: unreadable targets come first, disabled regions last.
fn urgency(state: TargetState) -> u8 {
    match state {
        TargetState::InvalidCredentials => 0,
        TargetState::AccessDenied => 1,
        TargetState::Unreachable => 2,
        TargetState::Throttled => 3,
        TargetState::Scanned => 4,
        TargetState::RegionDisabled => 5,
    }
}

/// Returns the sort key of a notebook: unknown notebooks come first.
fn rank(verdict: Verdict) -> u8 {
    match verdict {
        Verdict::Unknown => 0,
        Verdict::NonCompliant => 1,
        Verdict::Exempt => 2,
        Verdict::Compliant => 3,
    }
}

/// Returns the severity of a verdict. The worst verdict of several policies counts: `Unknown` does
/// not outweigh a violation.
fn severity(verdict: Verdict) -> u8 {
    match verdict {
        Verdict::Compliant => 0,
        Verdict::Exempt => 1,
        Verdict::Unknown => 2,
        Verdict::NonCompliant => 3,
    }
}
