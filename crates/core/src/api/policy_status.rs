//! The status of a `NotebookRootAccessPolicy`: the results of the last pass, written by the
//! operator only.
//!
//! The schema limits nothing here, because a status that the API server rejects would hide the
//! results.

#![allow(
    clippy::doc_markdown,
    reason = "kubectl explain prints the texts as they are"
)]

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::schema;
use crate::domain::{NextStep, RootAccess, TargetState, Verdict};

/// The results of the last scan.
#[derive(JsonSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[schemars(transform = schema::without_defaults)]
pub struct NotebookRootAccessPolicyStatus {
    /// The generation of the spec (metadata.generation) that this status is about. An older
    /// generation means that the operator has not processed the latest change yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,

    /// The conditions Ready, Reconciling, Stalled and Compliant. All four are present after the
    /// first pass.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "schema::conditions")]
    pub conditions: Vec<Condition>,

    /// The start time of the last scan. A notebook that AWS lists as unchanged is described again
    /// after six hours at the latest.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::time")]
    pub last_scan_time: Option<Time>,

    /// The totals of the last scan.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub summary: Option<Summary>,

    /// The state of each account and region, at most 100. Unreadable ones come first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "schema::reported::<TargetStatus>")]
    pub targets: Vec<TargetStatus>,

    /// The number of accounts and regions beyond the limit of `targets`.
    pub targets_omitted: u32,

    /// The notebooks that are not plainly compliant, sorted by account, region and name, at most
    /// 100.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "schema::reported::<Finding>")]
    pub findings: Vec<Finding>,

    /// The number of notebooks beyond the limit of `findings`.
    pub findings_omitted: u32,
}

/// The totals of the last scan. Each notebook counts in exactly one of compliant, nonCompliant,
/// exempt and unknown.
#[derive(JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[schemars(transform = schema::without_defaults)]
pub struct Summary {
    /// Notebooks that the policy covers, including exempt notebooks.
    pub notebooks: u32,
    /// Notebooks that do not give their users root.
    pub compliant: u32,
    /// Notebooks that give their users root against the policy.
    pub non_compliant: u32,
    /// Notebooks that an exemption matches.
    pub exempt: u32,
    /// Notebooks that could not be judged. Never counted as compliant.
    pub unknown: u32,
    /// Notebooks under remediation, except those that need attention.
    pub remediating: u32,
    /// Notebooks whose remediation exceeded a timeout or was denied. A person should look.
    pub needs_attention: u32,
    /// Running notebooks that are not restarted because AWS would not start them again. Their
    /// platform is retired or unknown, or an accelerator is attached.
    pub not_restartable: u32,
    /// Notebooks whose remediation failed. A notebook is tried again after its NotebookRemediation
    /// is deleted.
    pub failed: u32,
    /// Notebooks with a lifecycle configuration. Its scripts run as root whatever the notebook's
    /// root access is.
    pub lifecycle_configs: u32,
    /// Accounts and regions of the policy. Each pair of account and region counts once.
    pub targets: u32,
    /// Accounts and regions that could not be read. Notebooks last seen there count as unknown.
    pub unreadable_targets: u32,
}

/// The state of one region of one account.
#[derive(JsonSchema, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = schema::without_defaults)]
pub struct TargetStatus {
    /// The account's id, twelve digits.
    pub account: String,
    /// The region's code, or "*" if the account's regions could not be listed.
    pub region: String,
    /// The result of the last read. Scanned: the read succeeded. AccessDenied: AWS denied the role,
    /// or denied listing or describing the notebooks. RegionDisabled: the region is not enabled for
    /// the account; such a region does not count as unreadable. Throttled: AWS kept throttling the
    /// requests. Unreachable: no usable response arrived. InvalidCredentials: the operator's
    /// identity is invalid there or belongs to another account.
    pub state: TargetState,
    /// The number of covered notebooks in this account and region. Absent if they could not be
    /// read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notebooks: Option<u32>,
    /// The number of notebooks in this account and region that give their users root against the
    /// policy. Absent if they could not be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub non_compliant: Option<u32>,
    /// The error and the remedy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
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
    /// The judgement of the policy. NonCompliant: the notebook gives its users root against the
    /// policy. Exempt: an exemption matches. Unknown: the notebook could not be judged.
    pub verdict: Verdict,
    /// The notebook's status in AWS's spelling, such as InService or Stopped.
    pub status: String,
    /// The notebook's root access: Enabled, Disabled, or Unknown if AWS did not report it.
    pub root_access: RootAccess,
    /// The next action of Enforce; in Audit, a preview of the action. Update: the notebook is
    /// stopped, and disabling root access disturbs nobody. Restart: the notebook is stopped,
    /// updated and started again. Wait: nothing yet; `reason` says why. None: no action.
    pub next: NextStep,
    /// The reason in one word. For an exempt notebook, the reason of the exemption.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The explanation in a sentence. For an exempt notebook, the expiry of the exemption.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// The notebook's platform in AWS's spelling, such as notebook-al2023-v1. Absent if AWS did not
    /// report it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform: Option<String>,
    /// The notebook's lifecycle configuration. Its scripts run as root whatever the notebook's root
    /// access is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lifecycle_config: Option<String>,
}
