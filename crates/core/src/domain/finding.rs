//! The judgements of a policy about notebooks and targets.

use std::{collections::BTreeSet, sync::Arc};

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use strum::{Display, EnumDiscriminants, IntoStaticStr, VariantArray};

use super::{Notebook, Target, TargetState};

/// The judgement of a policy about a notebook.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    Serialize,
    Deserialize,
    JsonSchema,
    Display,
    IntoStaticStr,
    VariantArray,
)]
pub enum Verdict {
    /// The notebook does not give its users root.
    Compliant,
    /// The notebook gives its users root against the policy.
    NonCompliant,
    /// An exemption matches.
    Exempt,
    /// The notebook could not be judged. Never counted as compliant.
    Unknown,
}

/// The action that Enforce takes, or would take, on a notebook. A status stores the action without
/// the reason of a `Wait`, as [`NextStep`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumDiscriminants)]
#[strum_discriminants(
    name(NextStep),
    derive(Hash, Serialize, Deserialize, JsonSchema),
    doc = "The next action of Enforce on a notebook."
)]
pub enum Next {
    /// Disables root access of a stopped notebook. Nobody is disturbed.
    Update,
    /// Stops, updates and starts the notebook.
    Restart,
    /// Nothing yet. The finding's reason says why.
    Wait(WaitReason),
    /// No action.
    None,
}

/// The reason why root access is not disabled now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, IntoStaticStr, VariantArray)]
pub enum WaitReason {
    /// The notebook is running, and the policy waits for its owner to stop it.
    Running,
    /// The notebook's status is transitional or unknown.
    TransitionalStatus,
    /// The notebook's status is Failed, or its remediation failed and is not acknowledged yet.
    Failed,
    /// No window is open, or the open window closes too soon.
    Window,
    /// The maximum number of notebooks is already being restarted, or updated.
    Budget,
    /// The first restarted notebook in the account and region has not come back yet.
    Canary,
    /// Too many remediations failed in the account and region, or too many notebooks of the policy
    /// are down and need attention.
    Halted,
    /// Root access was disabled several times, and was enabled again each time.
    Recurring,
    /// Another policy exempts the notebook, or may exempt it.
    PolicyConflict,
    /// Another policy's remediation of the notebook is in progress.
    OtherPolicy,
    /// AWS will not start the notebook again after a stop. Its platform is retired or unknown, or
    /// it has an accelerator.
    NotRestartable,
    /// The notebook came to Stopped only minutes ago. Its owner, or a tool of its owner, may be
    /// about to start it.
    RecentlyStopped,
    /// The notebook or its tags could not be read just before the claim.
    ReadFailed,
    /// The policy or the record changed after planning. The next pass looks again.
    Superseded,
    /// This version cannot understand the notebook's record.
    RecordInvalid,
}

/// The result of a policy for one notebook.
#[derive(Clone, Debug)]
pub struct Finding {
    /// The notebook's account and region.
    pub target: Arc<Target>,
    /// The notebook as it was read.
    pub notebook: Arc<Notebook>,
    /// The judgement of the policy.
    pub verdict: Verdict,
    /// The action of Enforce.
    pub next: Next,
    /// The reason of the verdict or of the action: one word, or the reason of an exemption. `None`
    /// if the notebook is compliant.
    pub reason: Option<String>,
    /// The explanation in a sentence.
    pub message: Option<String>,
}

/// The results of a pass for one target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TargetReport {
    /// The target.
    pub target: Arc<Target>,
    /// The result of reading the target.
    pub state: TargetState,
    /// The reason why the target was not read, or not fully.
    pub message: Option<String>,
    /// Notebooks in the policy's scope.
    pub notebooks: u32,
    /// The number of notebooks by verdict, in the order of [`Verdict::VARIANTS`].
    pub verdicts: [u32; 4],
    /// The number of notebooks with a lifecycle configuration.
    pub lifecycle_configs: u32,
    /// The number of notebooks that wait because AWS would not start them again
    /// ([`WaitReason::NotRestartable`]). The plan counts them.
    pub not_restartable: u32,
    /// The start time of the last attempt that read the whole target.
    pub last_success: Option<Timestamp>,
    /// `LastModifiedTime` of the non-compliant notebook that is unchanged for longest. It is a
    /// lower bound on how long the users have had root. AWS changes root access only on a stopped
    /// notebook, and updates `LastModifiedTime` at each stop and start. `None` if no notebook
    /// violates the policy, or AWS reported no time.
    pub oldest_violation: Option<Timestamp>,
}

/// The results of a pass.
#[derive(Clone, Debug, Default)]
pub struct Evaluation {
    /// Every notebook in scope, sorted by account, region and name.
    pub findings: Vec<Finding>,
    /// Every target, sorted by account and region.
    pub targets: Vec<TargetReport>,
    /// Settings that are valid but probably unintended, as sentences.
    pub warnings: Vec<String>,
    /// The time when the next exemption expires. The evaluation is outdated from then on.
    pub next_expiry: Option<Timestamp>,
    /// The remediations of the policy.
    pub remediations: RemediationCounts,
}

/// A summary of a policy's remediations.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RemediationCounts {
    /// The number of remediations in progress, except those that need attention.
    pub remediating: u32,
    /// The names of the records that need attention.
    pub needs_attention: Vec<String>,
    /// The number of failed remediations that are not acknowledged.
    pub failed: u32,
    /// True if the brake of an enforcing policy holds: too many notebooks are down and need
    /// attention, so no other running notebook is stopped.
    pub braked: bool,
    /// The targets where nothing new begins, because too many remediations failed.
    pub halted: BTreeSet<Target>,
    /// The opening time of the next window, if a notebook waits for one.
    pub window_opens: Option<Timestamp>,
    /// The time when the first recently stopped notebook has rested.
    pub rested_at: Option<Timestamp>,
}

impl Verdict {
    /// Returns the verdict in the spelling of the status and the metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

impl WaitReason {
    /// Returns the reason in the spelling of the status.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

impl TargetReport {
    /// Counts another notebook.
    pub fn add(&mut self, verdict: Verdict, notebook: &Notebook) {
        self.notebooks += 1;
        self.lifecycle_configs += u32::from(notebook.lifecycle_config().is_some());
        if verdict == Verdict::NonCompliant {
            let modified = notebook.summary.last_modified;
            self.oldest_violation = self.oldest_violation.into_iter().chain(modified).min();
        }
        for (each, count) in Verdict::VARIANTS.iter().zip(&mut self.verdicts) {
            *count += u32::from(*each == verdict);
        }
    }

    /// Returns the number of notebooks with a verdict.
    #[must_use]
    pub fn count(&self, verdict: Verdict) -> u32 {
        Verdict::VARIANTS
            .iter()
            .zip(self.verdicts)
            .find_map(|(each, count)| (*each == verdict).then_some(count))
            .unwrap_or_default()
    }
}
