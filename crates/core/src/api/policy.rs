//! `NotebookRootAccessPolicy`: the notebooks that must not give their users root, and the permitted
//! remediation.
//!
//! `kubectl explain` prints the doc comments of the fields. Their readers are the authors of
//! policies.

#![allow(
    clippy::doc_markdown,
    reason = "kubectl explain prints the texts as they are"
)]
#![allow(
    clippy::duplicated_attributes,
    reason = "each printcolumn has a type, and they are alike"
)]

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::core::Duration;
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize, Serializer};

use super::policy_status::NotebookRootAccessPolicyStatus;
use super::schema;
use crate::domain::{Mode, WhenRunning};

/// The accounts and regions to scan, the notebooks that the policy covers, and the permitted
/// remediation.
#[derive(CustomResource, KubeSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[kube(
    group = "sudoless.dev",
    version = "v1alpha1",
    kind = "NotebookRootAccessPolicy",
    plural = "notebookrootaccesspolicies",
    shortname = "nrap",
    category = "sudoless",
    status = "NotebookRootAccessPolicyStatus",
    derive = "PartialEq",
    doc = "Forbids root access for users of Amazon SageMaker notebook instances in the named accounts and regions. \
           The status reports which notebooks give their users root.",
    printcolumn(
        name = "Mode",
        type_ = "string",
        json_path = ".spec.mode",
        description = "Audit reports; Enforce also disables root access"
    ),
    printcolumn(
        name = "Ready",
        type_ = "string",
        json_path = ".status.conditions[?(@.type==\"Ready\")].status",
        description = "True if the last scan covered the spec"
    ),
    printcolumn(
        name = "Compliant",
        type_ = "string",
        json_path = ".status.conditions[?(@.type==\"Compliant\")].status",
        description = "True if every covered notebook has root access disabled or is exempt; Unknown if something could not be read"
    ),
    printcolumn(
        name = "Notebooks",
        type_ = "integer",
        json_path = ".status.summary.notebooks",
        description = "Notebooks that the policy covers"
    ),
    printcolumn(
        name = "Violations",
        type_ = "integer",
        json_path = ".status.summary.nonCompliant",
        description = "Notebooks that give their users root against the policy"
    ),
    printcolumn(
        name = "Remediating",
        type_ = "integer",
        json_path = ".status.summary.remediating",
        description = "Notebooks under remediation"
    ),
    printcolumn(
        name = "Age",
        type_ = "date",
        json_path = ".metadata.creationTimestamp"
    ),
    printcolumn(
        name = "Last scan",
        type_ = "date",
        json_path = ".status.lastScanTime",
        description = "Time since the last scan",
        priority = 1
    ),
    printcolumn(
        name = "Reason",
        type_ = "string",
        json_path = ".status.conditions[?(@.type==\"Ready\")].reason",
        description = "Reason of the Ready condition",
        priority = 1
    )
)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = schema::tidy)]
#[x_kube(validation = schema::rule(schema::REGIONS_FROM_SOMEWHERE).field_path(".regions"))]
pub struct NotebookRootAccessPolicySpec {
    /// The reaction to notebooks that give their users root. Audit (the default) reports the
    /// notebooks and changes nothing in AWS. Enforce also disables root access, as `remediation`
    /// says, which restarts running notebooks.
    #[serde(default)]
    pub mode: Mode,

    /// True to pause the policy. A suspended policy scans nothing and stops no further notebook.
    /// Notebooks that the operator has already stopped are still updated and started. The results
    /// of the last scan stay. Default false.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suspend: Option<bool>,

    /// The interval between scans, from 1m to 24h, in hours, minutes and seconds such as 90s, 10m
    /// or 1h30m. Default 10m. A scan of an unchanged region costs one List request per hundred
    /// notebooks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::scan_interval")]
    pub scan_interval: Option<Duration>,

    /// The AWS accounts to scan, 1 to 1000, each listed once.
    #[schemars(schema_with = "schema::accounts::<AccountSpec>")]
    pub accounts: Vec<AccountSpec>,

    /// The regions to scan in every account without regions of its own: up to 50 codes such as
    /// eu-west-1, or "*" alone for every region enabled for the account. "*" needs the permission
    /// account:ListRegions in the account. Required unless every account has its own regions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "schema::scanned_regions")]
    pub regions: Vec<String>,

    /// The notebooks that the policy covers. A notebook must match `names` and `tags`, if given.
    /// Default: every notebook.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub selector: Option<Selector>,

    /// The notebooks that may keep root access, with the reason; at most 100. A notebook that
    /// matches an exemption is reported as Exempt and is not changed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "schema::exemptions::<Exemption>")]
    pub exemptions: Vec<Exemption>,

    /// The rules for disabling root access if `mode` is Enforce. Default: one running notebook at a
    /// time, at any time of day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remediation: Option<RemediationSpec>,
}

/// An AWS account, and the role for access to the account.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = schema::tidy)]
#[x_kube(validation = schema::rule(schema::EXTERNAL_ID_NEEDS_ROLE).field_path(".externalId"))]
pub struct AccountSpec {
    /// The account's id, twelve digits in quotes. Without quotes YAML reads a number.
    #[schemars(schema_with = "schema::account_id")]
    pub id: String,

    /// The IAM role that the operator assumes in this account: a name such as sudoless, or a path
    /// and name such as platform/sudoless, not an ARN. Default: the operator's own identity, which
    /// must belong to this account. Otherwise the account is reported as InvalidCredentials and is
    /// not read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::role")]
    pub role: Option<String>,

    /// The external id that the role's trust policy requires, 2 to 1224 characters. Only together
    /// with `role`. Default: no external id is sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::external_id")]
    pub external_id: Option<String>,

    /// The regions to scan in this account, instead of `spec.regions`: up to 50 codes such as
    /// eu-west-1, or "*" alone for every region enabled for the account. Default: `spec.regions`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "schema::scanned_regions")]
    pub regions: Vec<String>,
}

/// The notebooks that a policy covers. A notebook must match `names` and `tags`, if given.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = schema::tidy)]
#[x_kube(validation = schema::rule(schema::SELECTOR_NOT_EMPTY))]
pub struct Selector {
    /// Names or shell patterns such as team-a-*, 1 to 100. At least one must match the notebook's
    /// whole name. Default: every name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "schema::names")]
    pub names: Vec<String>,

    /// Tags that the notebook must have, with exactly these values, 1 to 50. The notebook must have
    /// all of them. Default: any tags. The operator then needs the permission sagemaker:ListTags. A
    /// notebook whose tags cannot be read is reported as Unknown.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(schema_with = "schema::tags")]
    pub tags: BTreeMap<String, String>,
}

/// Notebooks that may keep root access, and the reason. At least one of `names`, `tags`, `accounts`
/// and `regions` is required. A notebook must match all that are given.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = schema::tidy)]
#[x_kube(validation = schema::rule(schema::EXEMPTION_NOT_EMPTY))]
pub struct Exemption {
    /// The reason why these notebooks may keep root access, at most 1024 characters. The finding of
    /// each exempt notebook shows the reason.
    #[schemars(schema_with = "schema::exemption_reason")]
    pub reason: String,

    /// Names or shell patterns such as legacy-*, 1 to 100. At least one must match the notebook's
    /// whole name. Default: every name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "schema::names")]
    pub names: Vec<String>,

    /// Tags that the notebook must have, with exactly these values, 1 to 50. The notebook must have
    /// all of them. Default: any tags.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(schema_with = "schema::tags")]
    pub tags: BTreeMap<String, String>,

    /// Ids of the exempt accounts, 1 to 1000, each twelve digits in quotes. Default: every account
    /// of the policy.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "schema::exempt_accounts")]
    pub accounts: Vec<String>,

    /// Codes of the exempt regions such as eu-west-1, 1 to 50. Default: every region of the policy.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "schema::exempt_regions")]
    pub regions: Vec<String>,

    /// The time when the exemption expires, as date, time and zone such as 2027-01-31T00:00:00Z.
    /// From this time on, the notebooks are judged like all others. Default: no expiry; the
    /// findings say so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::expiry")]
    pub expires_at: Option<Time>,
}

/// The rules for disabling root access if `mode` is Enforce. AWS changes root access only on a
/// stopped notebook, so running notebooks are stopped, updated and started again. A restart loses
/// kernels and memory, and keeps the files in /home/ec2-user/SageMaker.
#[derive(JsonSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = schema::tidy)]
pub struct RemediationSpec {
    /// The handling of a running notebook. Restart (the default) stops, updates and starts the
    /// notebook. Wait updates the notebook only after its owner has stopped it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when_running: Option<WhenRunning>,

    /// The maximum number of running notebooks that are down at the same time because of this
    /// policy, 1 to
    /// 100. Default 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::one_to_hundred")]
    pub max_concurrent: Option<u32>,

    /// The maximum number of running notebooks that are down at the same time in one account and
    /// region because of this policy, 1 to 100. Default 1. `maxConcurrent` applies as well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::one_to_hundred")]
    pub max_concurrent_per_region: Option<u32>,

    /// The number of failures that halts remediation, 1 to 100. Default 2. With this many failed
    /// remediations in one account and region, no new remediation begins there. Deleting the failed
    /// NotebookRemediations ends this halt. While this many notebooks of the policy are down and
    /// need attention, in any accounts and regions, no running notebook is stopped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::one_to_hundred")]
    pub max_failures: Option<u32>,

    /// The minimum time since a notebook was stopped before its root access is disabled, from 0s to
    /// 24h. Default 5m. Terraform and similar tools stop a notebook, update it and start it. An
    /// update by the operator in between would make the tool fail and leave the notebook down. With
    /// 0s, stopped notebooks are updated at once.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        serialize_with = "zero_in_seconds"
    )]
    #[schemars(schema_with = "schema::rest")]
    pub rest_after_stop: Option<Duration>,

    /// The times when running notebooks may be stopped, 1 to 20 windows. At least one window must
    /// be open. A restart that begins in a window is finished even after the window closes.
    /// Default: any time.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "schema::windows::<Window>")]
    pub windows: Vec<Window>,

    /// The timeout of each step. Before the notebook is stopped, an expired timeout cancels the
    /// remediation. An update that exceeds its timeout is given up, and a notebook that the
    /// operator stopped is started as it was. Otherwise an expired timeout marks the record as
    /// NeedsAttention, and the operator keeps trying.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeouts: Option<Timeouts>,
}

/// A period when running notebooks may be stopped.
#[derive(JsonSchema, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = schema::tidy)]
pub struct Window {
    /// The opening time in cron's five fields: minute, hour, day of the month, month, day of the
    /// week. "0 2 * * SAT" is every Saturday at 02:00.
    #[schemars(schema_with = "schema::cron")]
    pub schedule: String,

    /// The time that the window stays open, from 1m to 168h (seven days), in hours, minutes and
    /// seconds such as 4h or 1h30m.
    #[schemars(schema_with = "schema::window_duration")]
    pub duration: Duration,

    /// The time zone of `schedule`, an IANA name such as Europe/Berlin. Default UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::time_zone")]
    pub time_zone: Option<String>,
}

/// The timeout of each step of a remediation, from 10s to 24h, in hours, minutes and seconds such
/// as 90s or 30m.
#[derive(JsonSchema, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = schema::tidy)]
pub struct Timeouts {
    /// The timeout of the stop, from 10s to 24h. Default 30m. AWS usually takes one to two minutes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::step_timeout")]
    pub stop: Option<Duration>,

    /// The timeout of the update after the stop, from 10s to 24h. Default 15m. AWS usually takes
    /// about a minute.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::step_timeout")]
    pub update: Option<Duration>,

    /// The timeout of the start, from 10s to 24h. Default 60m. AWS usually takes two to four
    /// minutes, and longer when it is short of capacity.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::step_timeout")]
    pub start: Option<Duration>,
}

/// Serializes a zero duration as `0s`. `Duration` itself writes `0ns`, a unit that the schema
/// rejects.
#[expect(clippy::ref_option, reason = "serde calls it so")]
fn zero_in_seconds<S: Serializer>(
    duration: &Option<Duration>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match duration {
        Some(duration) if std::time::Duration::from(*duration).is_zero() => {
            serializer.serialize_str("0s")
        }
        duration => duration.serialize(serializer),
    }
}
