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

/// What a scan found out about the users' root access to SageMaker notebook instances.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Report {
    /// The version of this format.
    pub api_version: ApiVersion,
    /// What this document is.
    pub kind: Kind,
    /// The version of sudoless that scanned.
    pub version: String,
    /// When the scan began. What it says of a notebook was so at this time or later.
    #[schemars(schema_with = "time")]
    pub started_at: Timestamp,
    /// When it ended.
    #[schemars(schema_with = "time")]
    pub finished_at: Timestamp,
    /// true: everything that the policies name was read and judged. false: it was not, so that there may be violations that are not
    /// listed; `brokenOff`, `summary.unreadableTargets` and `summary.unknown` say why.
    pub complete: bool,
    /// Why the scan ended before its time. Absent where it did not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub broken_off: Option<BrokenOff>,
    /// Totals over all policies. A notebook that several policies cover counts once, with the worst of its verdicts.
    pub summary: Summary,
    /// What was found, policy by policy.
    pub policies: Vec<Policy>,
}

/// The version of this format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum ApiVersion {
    /// The first.
    #[serde(rename = "sudoless.dev/v1alpha1")]
    V1Alpha1,
}

/// What this document is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Kind {
    /// The report of a scan.
    ScanReport,
}

/// Why a scan ended before its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum BrokenOff {
    /// Somebody ended it, with Ctrl-C or another signal.
    Interrupted,
    /// The time that it was given was over.
    TimedOut,
}

/// Totals.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Summary {
    /// Accounts and regions that are named, each pair counted once.
    pub targets: u32,
    /// Those that could not be read. What is there is not known.
    pub unreadable_targets: u32,
    /// Regions that are not enabled for their account. They have no notebooks, and are not counted as unreadable.
    pub disabled_targets: u32,
    /// Notebooks.
    #[serde(flatten)]
    pub counts: Counts,
}

/// Figures of notebooks; `notebooks` is the sum of the next four.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Counts {
    /// Notebooks that are covered.
    pub notebooks: u32,
    /// Those whose users do not have root.
    pub compliant: u32,
    /// Those whose users have root and should not.
    pub non_compliant: u32,
    /// Those that an exemption matches.
    pub exempt: u32,
    /// Those that could not be judged. They are never counted as compliant.
    pub unknown: u32,
    /// Those that run, whose users have root and should not, and that AWS would not start again: their platform is retired or not known,
    /// or an accelerator is attached.
    pub not_restartable: u32,
    /// Those with a lifecycle configuration. Its scripts run as root whatever the notebook's root access is.
    pub lifecycle_configs: u32,
}

/// What was found under one policy.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Policy {
    /// The policy's name.
    pub name: String,
    /// Where it was read from, as file and line. Absent where it was made of the command's flags.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// What the operator does about violations of it. A scan changes nothing in either case.
    pub mode: Mode,
    /// Totals of this policy.
    pub summary: Summary,
    /// What is not wrong with the policy but probably not meant either, as sentences.
    #[serde(default)]
    pub warnings: Vec<String>,
    /// Every account and region that the policy names: first those that could not be read, then those with most violations.
    pub targets: Vec<Target>,
    /// Every notebook that the policy covers: first those that could not be judged, then violations, then what is exempt, then what is
    /// compliant; each sorted by account, region and name.
    pub notebooks: Vec<Notebook>,
}

/// One region of one account.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Target {
    /// The account's id, twelve digits.
    pub account: String,
    /// The region's code. "*" where the account's regions could not be listed.
    pub region: String,
    /// The role that was assumed there. Absent: it was read with the caller's own identity.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// Scanned: it was read, and single notebooks there may still be Unknown. RegionDisabled: the region is not enabled for the account.
    /// Every other state: it could not be read.
    pub state: TargetState,
    /// What went wrong.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// What would help.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub advice: Option<String>,
    /// Figures of the notebooks there. Absent where they could not even be listed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counts: Option<Counts>,
}

/// One notebook instance.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Notebook {
    /// The account's id, twelve digits.
    pub account: String,
    /// The region's code.
    pub region: String,
    /// The notebook instance's name.
    pub name: String,
    /// The notebook instance's ARN.
    pub arn: String,
    /// Compliant: its users do not have root. NonCompliant: they have and should not. Exempt: an exemption matches. Unknown: it could not
    /// be judged, which is never as good as compliant.
    pub verdict: Verdict,
    /// The notebook's status as AWS spells it, such as InService or Stopped.
    pub status: String,
    /// Whether its users have root: Enabled, Disabled, or Unknown where AWS did not say.
    pub root_access: RootAccess,
    /// What the operator would do about it under this policy in mode Enforce, leaving aside what depends on the moment.
    pub next: NextStep,
    /// Why the verdict is not Compliant, in one word; for an exempt notebook the exemption's own reason.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The same in a sentence; for an exempt notebook until when it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// The notebook's platform as AWS spells it, such as notebook-al2023-v1. Absent where AWS did not say it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform: Option<String>,
    /// The notebook's lifecycle configuration. Its scripts run as root whatever the notebook's root access is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lifecycle_config: Option<String>,
    /// Why it matters. Absent where nothing has to be done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// How to fix it by hand. Absent where nothing has to be done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remedy: Option<Remedy>,
}

/// How a finding is fixed by hand.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Remedy {
    /// One after the other; where one fails, not the next.
    pub steps: Vec<Step>,
    /// What to bear in mind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// One step of a remedy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Step {
    /// What it does.
    pub what: String,
    /// The command for a shell. Absent where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
}

impl Report {
    /// Whether any notebook gives its users root that should not.
    #[must_use]
    pub fn has_violations(&self) -> bool {
        self.summary.counts.non_compliant > 0
    }
}

impl Target {
    /// Whether notebooks may be there that nobody saw.
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

    /// Whether it is in a list of findings: all but what is plainly compliant.
    #[must_use]
    pub fn is_finding(&self) -> bool {
        self.verdict != Verdict::Compliant
    }
}

fn time(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "string", "format": "date-time"})
}
