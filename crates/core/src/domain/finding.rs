//! What a policy says about notebooks and targets.

use std::{collections::BTreeSet, fmt, sync::Arc};

use jiff::Timestamp;

use super::{Notebook, Target, TargetState};

/// What a policy says about a notebook.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verdict {
    /// Its users do not have root.
    Compliant,
    /// They have, and may.
    Exempt,
    /// It could not be judged. Never counted as compliant (promise P1).
    Unknown,
    /// They have, and may not.
    NonCompliant,
}

/// What Enforce does, or would do, about a notebook.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Nothing.
    None,
    /// Update it: it is stopped anyway, and nobody is disturbed.
    Update,
    /// Stop, update and start it.
    Restart,
    /// Not now.
    Wait(WaitReason),
}

/// Why a notebook is not fixed now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WaitReason {
    /// It is running, and the policy waits for its owner to stop it.
    Running,
    /// Its status is one that passes, or one that is not known.
    TransitionalStatus,
    /// Its status is Failed, or its remediation failed and nobody acknowledged that yet.
    Failed,
    /// No window is open, or it closes too soon.
    Window,
    /// As many notebooks are being restarted, or updated, as may be at the same time.
    Budget,
    /// The first notebook that is restarted in its account and region has not come back yet.
    Canary,
    /// Too many remediations failed in its account and region.
    Halted,
    /// It was fixed several times, and root came back each time.
    Recurring,
    /// Another policy exempts it, or may.
    PolicyConflict,
    /// Another policy's remediation of it is under way.
    OtherPolicy,
    /// AWS will not start it again once it is stopped: its platform is retired or not known, or it has an accelerator.
    NotRestartable,
    /// It came to Stopped only minutes ago: its owner, or a tool of its owner, may be about to start it.
    RecentlyStopped,
    /// It, or its tags, could not be read just before it was to be claimed.
    ReadFailed,
    /// Its policy or its record changed since the plan was made: the next pass looks again.
    Superseded,
    /// Its record cannot be understood by this version.
    RecordInvalid,
}

/// What a policy says about one notebook.
#[derive(Clone, Debug)]
pub struct Finding {
    /// Where it is.
    pub target: Arc<Target>,
    /// What was read of it.
    pub notebook: Arc<Notebook>,
    /// What the policy says.
    pub verdict: Verdict,
    /// What Enforce does about it.
    pub next: Next,
    /// Why the verdict is not Compliant: one word, or an exemption's own reason.
    pub reason: Option<String>,
    /// The same in a sentence.
    pub message: Option<String>,
}

/// What a pass found out about one target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TargetReport {
    /// Which.
    pub target: Arc<Target>,
    /// How reading it ended.
    pub state: TargetState,
    /// Why it could not be read, or not in full.
    pub message: Option<String>,
    /// Notebooks in the policy's scope.
    pub notebooks: u32,
    /// How many of them have which verdict, in the order of [`Verdict::ALL`].
    pub verdicts: [u32; 4],
    /// How many of them have a lifecycle configuration.
    pub lifecycle_configs: u32,
    /// How many of them wait because AWS would not start them again ([`WaitReason::NotRestartable`]); the plan counts them.
    pub not_restartable: u32,
    /// When the last attempt began that read all of it.
    pub last_success: Option<Timestamp>,
    /// Of the notebooks that violate the policy: when the one was last modified that was not for the longest time. Its users have
    /// had root at least since then: AWS changes root access only while a notebook is stopped, and moves that time when it stops
    /// or starts. `None`: there is none, or AWS did not say.
    pub oldest_violation: Option<Timestamp>,
}

/// All that a pass found out.
#[derive(Clone, Debug, Default)]
pub struct Evaluation {
    /// Every notebook in scope, sorted by account, region and name.
    pub findings: Vec<Finding>,
    /// Every target, sorted by account and region.
    pub targets: Vec<TargetReport>,
    /// What is not wrong but probably not meant either, as sentences.
    pub warnings: Vec<String>,
    /// When the next exemption expires, and this result with it.
    pub next_expiry: Option<Timestamp>,
    /// What is being done about the findings.
    pub flights: Flights,
}

/// A policy's remediations, taken together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Flights {
    /// How many are under way, but for those that need a person.
    pub remediating: u32,
    /// The names of the records that need a person.
    pub needs_attention: Vec<String>,
    /// How many failed, and are not acknowledged.
    pub failed: u32,
    /// The brake of an enforcing policy: so many notebooks are down and need attention that no other running notebook is stopped.
    pub braked: bool,
    /// Where nothing new is begun, because too many failed.
    pub halted: BTreeSet<Target>,
    /// When a window opens that a notebook waits for.
    pub window_opens: Option<Timestamp>,
    /// When the first notebook has rested of those that were stopped too recently.
    pub rested_at: Option<Timestamp>,
}

impl Verdict {
    /// Every verdict, from good to bad.
    pub const ALL: [Self; 4] = [
        Self::Compliant,
        Self::Exempt,
        Self::Unknown,
        Self::NonCompliant,
    ];

    /// The verdict as the status and the metrics spell it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Compliant => "Compliant",
            Self::Exempt => "Exempt",
            Self::Unknown => "Unknown",
            Self::NonCompliant => "NonCompliant",
        }
    }
}

impl Next {
    /// The step as the status spells it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "None",
            Self::Update => "Update",
            Self::Restart => "Restart",
            Self::Wait(_) => "Wait",
        }
    }
}

impl WaitReason {
    /// Every reason.
    pub const ALL: [Self; 15] = [
        Self::Running,
        Self::TransitionalStatus,
        Self::Failed,
        Self::Window,
        Self::Budget,
        Self::Canary,
        Self::Halted,
        Self::Recurring,
        Self::PolicyConflict,
        Self::OtherPolicy,
        Self::NotRestartable,
        Self::RecentlyStopped,
        Self::ReadFailed,
        Self::Superseded,
        Self::RecordInvalid,
    ];

    /// The reason as the status spells it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Running => "Running",
            Self::TransitionalStatus => "TransitionalStatus",
            Self::Failed => "Failed",
            Self::Window => "Window",
            Self::Budget => "Budget",
            Self::Canary => "Canary",
            Self::Halted => "Halted",
            Self::Recurring => "Recurring",
            Self::PolicyConflict => "PolicyConflict",
            Self::OtherPolicy => "OtherPolicy",
            Self::NotRestartable => "NotRestartable",
            Self::RecentlyStopped => "RecentlyStopped",
            Self::ReadFailed => "ReadFailed",
            Self::Superseded => "Superseded",
            Self::RecordInvalid => "RecordInvalid",
        }
    }
}

impl TargetReport {
    /// Counts one notebook more.
    pub fn add(&mut self, verdict: Verdict, notebook: &Notebook) {
        self.notebooks += 1;
        self.lifecycle_configs += u32::from(notebook.lifecycle_config().is_some());
        if verdict == Verdict::NonCompliant {
            let modified = notebook.summary.last_modified;
            self.oldest_violation = self.oldest_violation.into_iter().chain(modified).min();
        }
        for (each, count) in Verdict::ALL.iter().zip(&mut self.verdicts) {
            *count += u32::from(*each == verdict);
        }
    }

    /// How many notebooks have a verdict.
    #[must_use]
    pub fn count(&self, verdict: Verdict) -> u32 {
        Verdict::ALL
            .iter()
            .zip(self.verdicts)
            .find_map(|(each, count)| (*each == verdict).then_some(count))
            .unwrap_or_default()
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.as_str())
    }
}
