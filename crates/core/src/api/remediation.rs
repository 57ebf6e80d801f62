//! `NotebookRemediation`: the record of one notebook's remediation, created and kept by the
//! operator.
//!
//! `kubectl explain` prints the doc comments of the fields.

#![allow(
    clippy::doc_markdown,
    reason = "kubectl explain prints the texts as they are"
)]
#![allow(
    clippy::duplicated_attributes,
    reason = "each printcolumn has a type, and they are alike"
)]

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, MicroTime};
use kube::core::Duration;
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};

use super::schema;
use crate::domain::{RecordState, Step};

/// The intent, recorded before any action. Immutable.
#[derive(CustomResource, KubeSchema, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[kube(
    group = "sudoless.dev",
    version = "v1alpha1",
    kind = "NotebookRemediation",
    plural = "notebookremediations",
    shortname = "nbr",
    category = "sudoless",
    status = "NotebookRemediationStatus",
    derive = "PartialEq",
    doc = "The record of disabling root access on one notebook. The operator creates the record before any action and keeps it as \
           the audit trail. Deleting an unfinished record restores the notebook first. Deleting a failed record acknowledges the \
           failure, and the notebook is tried again.",
    selectable = ".spec.policy",
    selectable = ".spec.notebook.account",
    selectable = ".spec.notebook.region",
    selectable = ".status.state",
    printcolumn(
        name = "Notebook",
        type_ = "string",
        json_path = ".spec.notebook.name",
        description = "The notebook instance"
    ),
    printcolumn(
        name = "Account",
        type_ = "string",
        json_path = ".spec.notebook.account",
        description = "The AWS account of the notebook"
    ),
    printcolumn(
        name = "Region",
        type_ = "string",
        json_path = ".spec.notebook.region",
        description = "The AWS region of the notebook"
    ),
    printcolumn(
        name = "State",
        type_ = "string",
        json_path = ".status.state",
        description = "The progress or the result"
    ),
    printcolumn(
        name = "Downtime",
        type_ = "string",
        json_path = ".status.downtime",
        description = "The time that the notebook was down"
    ),
    printcolumn(
        name = "Age",
        type_ = "date",
        json_path = ".metadata.creationTimestamp"
    ),
    printcolumn(
        name = "Policy",
        type_ = "string",
        json_path = ".spec.policy",
        description = "The policy that requested the remediation",
        priority = 1
    ),
    printcolumn(
        name = "Reason",
        type_ = "string",
        json_path = ".status.reason",
        description = "The reason of the state, in one word",
        priority = 1
    ),
    printcolumn(
        name = "Message",
        type_ = "string",
        json_path = ".status.message",
        description = "The explanation of the state and the remedy, in sentences",
        priority = 1
    )
)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = schema::tidy)]
#[x_kube(validation = schema::rule(schema::INTENT_NEVER_CHANGES))]
pub struct NotebookRemediationSpec {
    /// The name of the NotebookRootAccessPolicy that requested the remediation.
    #[schemars(schema_with = "schema::object_name")]
    pub policy: String,

    /// The notebook instance.
    pub notebook: RemediatedNotebook,

    /// The role for access to the account, copied from the policy when the record was created. With
    /// the copy the operator can finish the record even after the policy changed.
    #[serde(default)]
    pub access: RemediationAccess,

    /// True if the notebook was InService just before the record was created. Such a notebook is
    /// started again afterwards. Any other notebook is never started.
    pub was_running: bool,

    /// The timeout of each step. An expired timeout ends the remediation before the stop, rolls
    /// back an update, and otherwise marks the record as NeedsAttention.
    pub timeouts: RemediationTimeouts,

    /// The number of times that root access was disabled on this notebook before and was enabled
    /// again.
    #[serde(default)]
    #[schemars(schema_with = "schema::recurrence")]
    pub recurrence: u32,
}

/// The notebook of a record.
#[derive(JsonSchema, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = schema::tidy)]
pub struct RemediatedNotebook {
    /// The notebook instance's ARN.
    #[schemars(schema_with = "schema::recorded_text")]
    pub arn: String,
    /// The account's id, twelve digits.
    #[schemars(schema_with = "schema::account_id")]
    pub account: String,
    /// The region's code.
    #[schemars(schema_with = "schema::recorded_text")]
    pub region: String,
    /// The notebook instance's name.
    #[schemars(schema_with = "schema::recorded_text")]
    pub name: String,
    /// The notebook instance's CreationTime. A notebook of the same name with another CreationTime
    /// is another notebook.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::time")]
    pub created_at: Option<MicroTime>,
}

/// The role for access to an account.
#[derive(JsonSchema, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = schema::tidy)]
pub struct RemediationAccess {
    /// The IAM role that the operator assumes. Absent: the operator's own identity.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::role")]
    pub role: Option<String>,
    /// The external id that is sent when the role is assumed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::external_id")]
    pub external_id: Option<String>,
}

/// The timeout of each step, in hours, minutes and seconds.
#[derive(JsonSchema, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = schema::tidy)]
pub struct RemediationTimeouts {
    /// The timeout until the notebook is Stopped.
    #[schemars(schema_with = "schema::step_timeout")]
    pub stop: Duration,
    /// The timeout until the notebook's root access is Disabled.
    #[schemars(schema_with = "schema::step_timeout")]
    pub update: Duration,
    /// The timeout until the notebook is InService again.
    #[schemars(schema_with = "schema::step_timeout")]
    pub start: Duration,
}

/// The progress of the remediation.
#[derive(JsonSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[schemars(transform = schema::without_defaults)]
pub struct NotebookRemediationStatus {
    /// The state of the remediation. Pending: the operator has not requested a stop. Stopping,
    /// Updating, Starting: the step in progress. NeedsAttention: a step exceeded its timeout or was
    /// denied; the operator keeps trying, and a person should look. Succeeded: root access is
    /// disabled, and the notebook runs if it ran before. Failed: root access is not disabled; the
    /// operator tries again after a person deletes the record. Cancelled: root access is not
    /// disabled, because the policy does not want the remediation any more or not now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<RecordState>,
    /// The conditions Ready, Reconciling and Stalled.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "schema::conditions")]
    pub conditions: Vec<Condition>,
    /// The time when `state` last changed, or else the record's creation. Timeouts count from this
    /// time.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::time")]
    pub step_since: Option<MicroTime>,
    /// The step that needs attention. Set while `state` is NeedsAttention.
    #[serde(
        deserialize_with = "known_step",
        skip_serializing_if = "Option::is_none"
    )]
    pub attention_from: Option<Step>,
    /// The time when the last request that changes the notebook was about to be sent to AWS.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::time")]
    pub last_write_at: Option<MicroTime>,
    /// The time when the first stop request was about to be sent. From this time on, the operator
    /// is responsible if the notebook is down.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::time")]
    pub stop_requested_at: Option<MicroTime>,
    /// The time when a stop request that AWS has not answered was about to be sent. The request may
    /// still take effect for a while.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::time")]
    pub unanswered_stop_at: Option<MicroTime>,
    /// The time when the first request to disable root access was about to be sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::time")]
    pub update_requested_at: Option<MicroTime>,
    /// The time when the first start request was about to be sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::time")]
    pub start_requested_at: Option<MicroTime>,
    /// The time when AWS last accepted a start request. If the notebook was modified long after
    /// this time and is stopped, it ran again and its owner stopped it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::time")]
    pub start_accepted_at: Option<MicroTime>,
    /// The number of start requests that were about to be sent.
    pub start_attempts: u32,
    /// The reason of a rollback. If set, the notebook is started again without an update.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rollback_reason: Option<String>,
    /// The message of AWS when it last rejected a request or did not answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_error: Option<String>,
    /// The FailureReason of the notebook instance in status Failed: why AWS could not start or
    /// update the notebook.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure_reason: Option<String>,
    /// The time when the remediation finished.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::time")]
    pub completed_at: Option<MicroTime>,
    /// The downtime of the notebook in seconds, from the stop request until the notebook was seen
    /// running again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub downtime_seconds: Option<u32>,
    /// The downtime for people, such as 6m12s.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub downtime: Option<String>,
    /// The reason of `state`, in one word.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The explanation of `state` and the remedy, in sentences.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// Decodes a step of a later version as absent, because the record must decode: its notebook may
/// be down.
fn known_step<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Step>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    Ok(text.and_then(|text| text.parse().ok()))
}
