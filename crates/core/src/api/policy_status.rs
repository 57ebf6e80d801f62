//! The status of a `NotebookRootAccessPolicy`: what the last pass found, written by the operator only.
//!
//! Nothing here is limited by the schema: a status that the API server refused would hide what was found.

#![allow(
    clippy::doc_markdown,
    reason = "kubectl explain prints the texts as they are"
)]

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::schema;

/// What the operator found at its last scan.
#[derive(JsonSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[schemars(transform = schema::without_defaults)]
pub struct NotebookRootAccessPolicyStatus {
    /// The generation of the spec (metadata.generation) that this status is about. An older one means that the operator has not
    /// looked at the latest change yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,

    /// Ready, Reconciling, Stalled and Compliant. All four are there after the first pass.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "schema::conditions")]
    pub conditions: Vec<Condition>,

    /// When the last scan began. Notebooks that AWS lists as unchanged since they were last described are not described
    /// again, for up to six hours.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::time")]
    pub last_scan_time: Option<Time>,

    /// The figures of the last scan.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub summary: Option<Summary>,

    /// How each account and region was read: those that could not be read come first, at most 100.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "schema::targets")]
    pub targets: Vec<TargetStatus>,

    /// How many accounts and regions are not in `targets` for want of space.
    pub targets_omitted: u32,

    /// The notebooks that are not plainly compliant, sorted by account, region and name, at most 100.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "schema::findings")]
    pub findings: Vec<Finding>,

    /// How many notebooks are not in `findings` for want of space.
    pub findings_omitted: u32,
}

/// The figures of the last scan. Each notebook counts in exactly one of compliant, nonCompliant, exempt and unknown.
#[derive(JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[schemars(transform = schema::without_defaults)]
pub struct Summary {
    /// Notebooks that the policy covers, the exempt ones included.
    pub notebooks: u32,
    /// Notebooks whose users do not have root.
    pub compliant: u32,
    /// Notebooks whose users have root and should not.
    pub non_compliant: u32,
    /// Notebooks that an exemption matches.
    pub exempt: u32,
    /// Notebooks that could not be judged. They are never counted as compliant.
    pub unknown: u32,
    /// Notebooks that are being stopped, updated or started now, but for those that need attention.
    pub remediating: u32,
    /// Notebooks whose remediation takes too long or is refused: a person should look.
    pub needs_attention: u32,
    /// Running notebooks that are not restarted, because AWS would not start them again: their platform is retired or not known, or
    /// an accelerator is attached.
    pub not_restartable: u32,
    /// Notebooks whose remediation failed. None of them is tried again until its NotebookRemediation is deleted.
    pub failed: u32,
    /// Notebooks with a lifecycle configuration. Its scripts run as root whatever the notebook's root access is.
    pub lifecycle_configs: u32,
    /// Accounts and regions that the policy names, each pair counted once.
    pub targets: u32,
    /// Accounts and regions that could not be read. Notebooks last seen there count as unknown.
    pub unreadable_targets: u32,
}

/// How one region of one account was read.
#[derive(JsonSchema, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = schema::without_defaults)]
pub struct TargetStatus {
    /// The account's id, twelve digits.
    pub account: String,
    /// The region's code. "*" where the account's regions could not be listed.
    pub region: String,
    /// Scanned: it was read. AccessDenied: AWS refused the role, or to list or describe the notebooks. RegionDisabled: the
    /// named region is not enabled for the account, which does not count as unreadable. Throttled: AWS answered too many requests.
    /// Unreachable: no usable answer came. InvalidCredentials: the operator's identity is not valid there, or belongs to
    /// another account.
    pub state: TargetState,
    /// Notebooks there that the policy covers. Absent where it was not read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notebooks: Option<u32>,
    /// Notebooks there whose users have root and should not. Absent where it was not read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub non_compliant: Option<u32>,
    /// What went wrong, and what would help.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// How the reading of one region of one account ended.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
pub enum TargetState {
    /// It was read.
    Scanned,
    /// `AssumeRole`, List or Describe was refused.
    AccessDenied,
    /// The region is not enabled for the account.
    RegionDisabled,
    /// AWS answered too many requests, however often it was asked.
    Throttled,
    /// No usable answer came within the deadline.
    Unreachable,
    /// The identity is not valid there, or belongs to another account.
    InvalidCredentials,
}

/// A notebook that is not plainly compliant.
#[derive(JsonSchema, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = schema::without_defaults)]
pub struct Finding {
    /// The account's id, twelve digits.
    pub account: String,
    /// The region's code.
    pub region: String,
    /// The notebook instance's name.
    pub name: String,
    /// The notebook instance's ARN.
    pub arn: String,
    /// NonCompliant: its users have root and should not. Exempt: an exemption matches. Unknown: it could not be judged.
    pub verdict: Verdict,
    /// The notebook's status as AWS spells it, such as InService or Stopped.
    pub status: String,
    /// Whether its users have root: Enabled, Disabled, or Unknown where AWS did not say.
    pub root_access: RootAccess,
    /// What Enforce does next, and in Audit would do. Update: it is stopped, root can be taken away without disturbing
    /// anybody. Restart: it is stopped, updated and started again. Wait: nothing yet, `reason` says why. None: nothing.
    pub next: NextStep,
    /// Why, in one word; for an exempt notebook the exemption's own reason.
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
}

/// What a policy says about a notebook.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
pub enum Verdict {
    /// Its users do not have root.
    Compliant,
    /// Its users have root and should not.
    NonCompliant,
    /// An exemption matches.
    Exempt,
    /// It could not be judged. Never counted as compliant.
    Unknown,
}

/// Whether a notebook's users have root.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
pub enum RootAccess {
    /// They have.
    Enabled,
    /// They have not.
    Disabled,
    /// AWS did not say, or could not be asked.
    Unknown,
}

/// What Enforce does about a notebook next.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
pub enum NextStep {
    /// Root is taken away from a stopped notebook; nobody is disturbed.
    Update,
    /// Stop, update, start.
    Restart,
    /// Nothing yet; the finding's reason says why.
    Wait,
    /// Nothing.
    None,
}
