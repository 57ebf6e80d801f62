//! `NotebookRootAccessPolicy`: which notebooks must not have root, and what may be done about those that do.
//!
//! The doc comments of the fields are what `kubectl explain` prints: they are written for the people who write policies.

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

/// Which accounts and regions are looked at, which of their notebooks the policy covers, and what may be done about
/// notebooks whose users have root.
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
    doc = "Says that users of Amazon SageMaker notebook instances must not have root, for some accounts and regions. \
           The status tells for every notebook there whether they have.",
    printcolumn(
        name = "Mode",
        type_ = "string",
        json_path = ".spec.mode",
        description = "Audit reports; Enforce also takes root away"
    ),
    printcolumn(
        name = "Ready",
        type_ = "string",
        json_path = ".status.conditions[?(@.type==\"Ready\")].status",
        description = "Whether the last scan covered what the policy says"
    ),
    printcolumn(
        name = "Compliant",
        type_ = "string",
        json_path = ".status.conditions[?(@.type==\"Compliant\")].status",
        description = "Whether no covered notebook that is not exempt gives its users root; Unknown where something could not be read"
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
        description = "Notebooks whose users have root and should not"
    ),
    printcolumn(
        name = "Remediating",
        type_ = "integer",
        json_path = ".status.summary.remediating",
        description = "Notebooks that root is being taken from now"
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
        description = "Why Ready is what it is",
        priority = 1
    )
)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = schema::tidy)]
#[x_kube(validation = schema::rule(schema::REGIONS_FROM_SOMEWHERE).field_path(".regions"))]
pub struct NotebookRootAccessPolicySpec {
    /// What the operator does about notebooks whose users have root. Audit (the default): it reports them and changes
    /// nothing in AWS. Enforce: it also takes root away, as `remediation` says, which restarts running notebooks.
    #[serde(default)]
    pub mode: Mode,

    /// true: no scan is made and no notebook is newly taken down; what is already stopped is still updated and brought back, and
    /// the results of the last scan stay. Default false.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suspend: Option<bool>,

    /// How often the accounts are scanned: from 1m to 24h, in hours, minutes and seconds such as 90s, 10m or 1h30m.
    /// Default 10m. A scan of an unchanged region costs one List request per hundred notebooks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::scan_interval")]
    pub scan_interval: Option<Duration>,

    /// The AWS accounts to look at, 1 to 1000, each listed once.
    #[schemars(schema_with = "schema::accounts")]
    pub accounts: Vec<AccountSpec>,

    /// The regions to look at in every account that names none of its own: codes such as eu-west-1, at most 50, or "*"
    /// alone for every region that is enabled for the account (the operator then needs the permission
    /// account:ListRegions there). May be left out if every account names its regions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "schema::scanned_regions")]
    pub regions: Vec<String>,

    /// Which notebooks the policy covers: those that match everything given here. Default: every notebook.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub selector: Option<Selector>,

    /// Notebooks that may keep root, with the reason; at most 100. A notebook that matches one of them is reported
    /// as Exempt and left alone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "schema::exemptions")]
    pub exemptions: Vec<Exemption>,

    /// How root is taken away where `mode` is Enforce. Without it: one notebook at a time, at any time of day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remediation: Option<RemediationSpec>,
}

/// What the operator does about notebooks whose users have root.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub enum Mode {
    /// Report only; nothing in AWS is changed.
    #[default]
    Audit,
    /// Report, and take root away.
    Enforce,
}

/// One AWS account, and how the operator gets into it.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = schema::tidy)]
#[x_kube(validation = schema::rule(schema::EXTERNAL_ID_NEEDS_ROLE).field_path(".externalId"))]
pub struct AccountSpec {
    /// The account's id: twelve digits, in quotes so that YAML does not read a number.
    #[schemars(schema_with = "schema::account_id")]
    pub id: String,

    /// The IAM role that the operator assumes in this account: its name such as sudoless, or its path and name such as
    /// platform/sudoless; not its ARN. Without it the operator uses its own identity, which must then belong to this
    /// account; otherwise the account is reported as InvalidCredentials and not read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::role")]
    pub role: Option<String>,

    /// The external id that the role's trust policy asks for, 2 to 1224 characters. Only together with `role`. Default: none
    /// is sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::external_id")]
    pub external_id: Option<String>,

    /// The regions to look at in this account, instead of those in `spec.regions`: codes such as eu-west-1, at most 50,
    /// or "*" alone for every region that is enabled for the account. Default: `spec.regions`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "schema::scanned_regions")]
    pub regions: Vec<String>,
}

/// Which notebooks a policy covers. A notebook must match `names` and `tags`, where they are given.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = schema::tidy)]
#[x_kube(validation = schema::rule(schema::SELECTOR_NOT_EMPTY))]
pub struct Selector {
    /// Names of notebooks, or shell patterns such as team-a-*; 1 to 100. A notebook is covered if one of them matches its
    /// whole name. Default: every name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "schema::names")]
    pub names: Vec<String>,

    /// Tags that the notebook must all have, with exactly these values; 1 to 50. Default: any tags. The operator then needs
    /// the permission sagemaker:ListTags; a notebook whose tags cannot be read is reported as Unknown.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(schema_with = "schema::tags")]
    pub tags: BTreeMap<String, String>,
}

/// Notebooks that may keep root, and why. Of `names`, `tags`, `accounts` and `regions` at least one is given, and a notebook
/// must match all that are given.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = schema::tidy)]
#[x_kube(validation = schema::rule(schema::EXEMPTION_NOT_EMPTY))]
pub struct Exemption {
    /// Why these notebooks may keep root: a sentence for the people who read the policy and its report, at most 1024
    /// characters.
    #[schemars(schema_with = "schema::exemption_reason")]
    pub reason: String,

    /// Names of notebooks, or shell patterns such as legacy-*; 1 to 100, one of which must match the whole name.
    /// Default: every name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "schema::names")]
    pub names: Vec<String>,

    /// Tags that the notebook must all have, with exactly these values; 1 to 50. Default: any tags.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(schema_with = "schema::tags")]
    pub tags: BTreeMap<String, String>,

    /// Ids of the accounts where the exemption holds, twelve digits in quotes each; 1 to 1000. Default: every account of the
    /// policy.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "schema::exempt_accounts")]
    pub accounts: Vec<String>,

    /// Codes of the regions where the exemption holds, such as eu-west-1; 1 to 50. Default: every region of the policy.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "schema::exempt_regions")]
    pub regions: Vec<String>,

    /// When the exemption ends, as date, time and zone such as 2027-01-31T00:00:00Z. From then on the notebooks are covered
    /// like all others. Default: never, which the status points out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::expiry")]
    pub expires_at: Option<Time>,
}

/// How root is taken away where `mode` is Enforce. AWS can change root access only while a notebook is stopped, so running
/// notebooks are stopped, updated and started again: kernels and what is in memory are lost, files in
/// /home/ec2-user/SageMaker stay.
#[derive(JsonSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = schema::tidy)]
pub struct RemediationSpec {
    /// What happens to a notebook that is running. Restart (the default): it is stopped, updated and started again. Wait: it
    /// is fixed only after its owner has stopped it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when_running: Option<WhenRunning>,

    /// How many running notebooks may be down at the same time because of this policy, 1 to 100. Default 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::one_to_hundred")]
    pub max_concurrent: Option<u32>,

    /// How many running notebooks may be down at the same time because of this policy in one account and region, 1 to 100.
    /// Default 1. `maxConcurrent` holds in any case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::one_to_hundred")]
    pub max_concurrent_per_region: Option<u32>,

    /// After how many failed remediations in one account and region no new one is begun there, 1 to 100. Default 2. Deleting
    /// the failed NotebookRemediation acknowledges it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::one_to_hundred")]
    pub max_failures: Option<u32>,

    /// How long a notebook must have been stopped before root is taken away from it, from 0s to 24h. Default 5m. Tools such as
    /// Terraform stop a notebook, update it and start it; a change by the operator in between would make them fail and leave
    /// the notebook down. 0s updates stopped notebooks at once.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        serialize_with = "zero_in_seconds"
    )]
    #[schemars(schema_with = "schema::rest")]
    pub rest_after_stop: Option<Duration>,

    /// When running notebooks may be stopped; 1 to 20 windows, one of which must be open. What is begun in a window is
    /// finished even after it closes. Default: at any time.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "schema::windows")]
    pub windows: Vec<Window>,

    /// How long each step may take. After that the notebook is reported as needing attention, and the operator goes on trying;
    /// an update that takes too long is given up, and the notebook brought back as it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeouts: Option<Timeouts>,
}

/// What happens to a notebook that is running.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub enum WhenRunning {
    /// Stop it, update it, start it again.
    #[default]
    Restart,
    /// Update it once its owner has stopped it.
    Wait,
}

/// A time during which running notebooks may be stopped.
#[derive(JsonSchema, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = schema::tidy)]
pub struct Window {
    /// When the window opens, in cron's five fields: minute, hour, day of the month, month, day of the week. "0 2 * * SAT" is
    /// every Saturday at two in the morning.
    #[schemars(schema_with = "schema::cron")]
    pub schedule: String,

    /// How long the window stays open: from 1m to 168h (seven days), in hours, minutes and seconds such as 4h or 1h30m.
    #[schemars(schema_with = "schema::window_duration")]
    pub duration: Duration,

    /// The time zone of `schedule`, by its IANA name such as Europe/Berlin. Default UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::time_zone")]
    pub time_zone: Option<String>,
}

/// How long each step of a remediation may take. Each from 10s to 24h, in hours, minutes and seconds such as 90s or 30m.
#[derive(JsonSchema, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = schema::tidy)]
pub struct Timeouts {
    /// How long stopping may take, from 10s to 24h. Default 30m. AWS takes one to two minutes as a rule.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::step_timeout")]
    pub stop: Option<Duration>,

    /// How long taking root away may take once the notebook is stopped, from 10s to 24h. Default 15m. AWS takes about a
    /// minute as a rule.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::step_timeout")]
    pub update: Option<Duration>,

    /// How long starting may take, from 10s to 24h. Default 60m. AWS takes two to four minutes as a rule, longer when it is
    /// short of capacity.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::step_timeout")]
    pub start: Option<Duration>,
}

/// Writes no duration as `0s`: `Duration` itself writes `0ns`, a unit that the schema does not take.
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
