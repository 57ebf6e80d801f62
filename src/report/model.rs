//! The model. Its doc comments are the descriptions in the published schema.
#![allow(
    clippy::doc_markdown,
    reason = "the schema shows the texts as they are"
)]

use jiff::Timestamp;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use crate::{
    api::{Mode, NextStep, RootAccess, TargetState, Verdict},
    domain::WaitReason,
};

/// Report of a scan: root access of users to SageMaker notebook instances.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Report {
    /// Version of this format.
    pub api_version: ApiVersion,
    /// Kind of this document.
    pub kind: Kind,
    /// The version of sudoless that made the report.
    pub version: String,
    /// Time when the scan began. Each notebook was read at this time or later.
    #[schemars(schema_with = "time")]
    pub started_at: Timestamp,
    /// Time when the scan ended.
    #[schemars(schema_with = "time")]
    pub finished_at: Timestamp,
    /// True if all notebooks that the policies cover were read and judged. If false, there may be
    /// more violations than listed. `brokenOff`, `summary.unreadableTargets` and `summary.unknown`
    /// say why.
    pub complete: bool,
    /// The reason why the scan ended early. Absent if it did not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub broken_off: Option<BrokenOff>,
    /// Totals over all policies. A notebook that several policies cover counts once, with its worst
    /// verdict.
    pub summary: Summary,
    /// Results, policy by policy.
    pub policies: Vec<Policy>,
}

/// Version of this format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum ApiVersion {
    /// The first version.
    #[serde(rename = "sudoless.dev/v1alpha1")]
    V1Alpha1,
}

/// Kind of this document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Kind {
    /// The report of a scan.
    ScanReport,
}

/// Reason why a scan ended early.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum BrokenOff {
    /// A signal, such as Ctrl-C, ended the scan.
    Interrupted,
    /// The timeout of the scan expired.
    TimedOut,
}

/// Totals.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Summary {
    /// Number of accounts and regions of the policies, each pair counted once.
    pub targets: u32,
    /// Number of accounts and regions that could not be read. Their notebooks are unknown.
    pub unreadable_targets: u32,
    /// Number of regions that are not enabled for their account. They have no notebooks, and are
    /// not counted as unreadable.
    pub disabled_targets: u32,
    /// Figures of notebooks.
    #[serde(flatten)]
    pub counts: Counts,
}

/// Figures of notebooks. `notebooks` is the sum of the next four.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Counts {
    /// Number of covered notebooks.
    pub notebooks: u32,
    /// Number of notebooks whose users do not have root.
    pub compliant: u32,
    /// Number of notebooks whose users have root and should not.
    pub non_compliant: u32,
    /// Number of notebooks that an exemption matches.
    pub exempt: u32,
    /// Number of notebooks that could not be judged. They are never counted as compliant.
    pub unknown: u32,
    /// Number of running notebooks whose users have root and should not, and that AWS would not
    /// start again. Their platform is retired or unknown, or an accelerator is attached.
    pub not_restartable: u32,
    /// Number of notebooks with a lifecycle configuration. Its scripts run as root, whatever the
    /// notebook's root access is.
    pub lifecycle_configs: u32,
}

/// Results of one policy.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Policy {
    /// The policy's name.
    pub name: String,
    /// Source of the policy, as file and line. Absent if the policy was made from flags.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// Reaction of the operator to violations of the policy. A scan changes nothing in either mode.
    pub mode: Mode,
    /// Totals of this policy.
    pub summary: Summary,
    /// Sentences about parts of the policy that are valid but probably not intended.
    #[serde(default)]
    pub warnings: Vec<String>,
    /// All accounts and regions of the policy. Unreadable ones come first, then those with most
    /// violations.
    pub targets: Vec<Target>,
    /// All notebooks that the policy covers: first unknown, then non-compliant, then exempt, then
    /// compliant notebooks. Each group is sorted by account, region and name.
    pub notebooks: Vec<Notebook>,
}

/// One region of one account.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Target {
    /// Account id, twelve digits.
    pub account: String,
    /// Region code. "*" if the account's regions could not be listed.
    pub region: String,
    /// The role that the scan assumed. Absent if the scan used the caller's own identity.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// Scanned: the account and region was read, and single notebooks there may still be Unknown.
    /// RegionDisabled: the region is not enabled for the account. Every other state: the account
    /// and region could not be read.
    pub state: TargetState,
    /// The error message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// Advice on the error.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub advice: Option<String>,
    /// Figures of the notebooks there. Absent if the notebooks could not be listed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counts: Option<Counts>,
}

/// One notebook instance.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Notebook {
    /// Account id, twelve digits.
    pub account: String,
    /// Region code.
    pub region: String,
    /// The notebook instance's name.
    pub name: String,
    /// The notebook instance's ARN.
    pub arn: String,
    /// Compliant: the users do not have root. NonCompliant: the users have root and should not.
    /// Exempt: an exemption matches. Unknown: the notebook could not be judged, which never counts
    /// as compliant.
    pub verdict: Verdict,
    /// The notebook's status as AWS spells it, such as InService or Stopped.
    pub status: String,
    /// Root access of the users: Enabled, Disabled, or Unknown if AWS did not report it.
    pub root_access: RootAccess,
    /// Next action of the operator under this policy in mode Enforce, apart from windows, budgets
    /// and the canary.
    pub next: NextStep,
    /// Reason why the verdict is not Compliant, in one word. For an exempt notebook, the
    /// exemption's own reason.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The reason as a sentence. For an exempt notebook, the expiry of the exemption.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// The notebook's platform as AWS spells it, such as notebook-al2023-v1. Absent if AWS did not
    /// report it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform: Option<String>,
    /// The notebook's lifecycle configuration. Its scripts run as root, whatever the notebook's
    /// root access is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lifecycle_config: Option<String>,
    /// Reason why the finding matters. Absent if nothing has to be done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// Steps to fix the finding by hand. Absent if nothing has to be done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remedy: Option<Remedy>,
}

/// Steps to fix a finding by hand.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Remedy {
    /// The steps in their order. If a step fails, the next must not run.
    pub steps: Vec<Step>,
    /// Note on the steps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// One step of a remedy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Step {
    /// Purpose of the step.
    pub what: String,
    /// Shell command of the step. Absent if the step has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
}

impl Report {
    /// Returns true if any notebook gives its users root and should not.
    #[must_use]
    pub fn has_violations(&self) -> bool {
        self.summary.counts.non_compliant > 0
    }
}

impl Target {
    /// Returns true if the target may have notebooks that were not read.
    #[must_use]
    pub fn is_unreadable(&self) -> bool {
        !matches!(
            self.state,
            TargetState::Scanned | TargetState::RegionDisabled
        )
    }
}

impl Notebook {
    /// Returns true if the notebook runs, violates the policy, and AWS would not start it again.
    #[must_use]
    pub fn is_not_restartable(&self) -> bool {
        self.reason.as_deref() == Some(WaitReason::NotRestartable.as_str())
            && self.verdict == Verdict::NonCompliant
    }

    /// Returns true if the notebook is a finding: every verdict except `Compliant`.
    #[must_use]
    pub fn is_finding(&self) -> bool {
        self.verdict != Verdict::Compliant
    }
}

fn time(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "string", "format": "date-time"})
}
