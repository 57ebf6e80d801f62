//! `NotebookRemediation`: the record of one notebook's remediation, made and kept by the operator.
//!
//! The doc comments of the fields are what `kubectl explain` prints.

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

/// What was decided before anything was done. It never changes.
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
    doc = "The record of root access being taken away from one notebook: made by the operator before it does anything, kept as \
           the audit trail. Deleting one that is under way brings the notebook back first; deleting one that failed acknowledges \
           it, and the notebook is tried again.",
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
        description = "The AWS account that it is in"
    ),
    printcolumn(
        name = "Region",
        type_ = "string",
        json_path = ".spec.notebook.region",
        description = "The AWS region that it is in"
    ),
    printcolumn(
        name = "State",
        type_ = "string",
        json_path = ".status.state",
        description = "How far it is, or how it ended"
    ),
    printcolumn(
        name = "Downtime",
        type_ = "string",
        json_path = ".status.downtime",
        description = "How long the notebook was down"
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
        description = "The policy that wanted it",
        priority = 1
    ),
    printcolumn(
        name = "Reason",
        type_ = "string",
        json_path = ".status.reason",
        description = "Why it stands there, in one word",
        priority = 1
    ),
    printcolumn(
        name = "Message",
        type_ = "string",
        json_path = ".status.message",
        description = "The same in a sentence, with what to do",
        priority = 1
    )
)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = schema::tidy)]
#[x_kube(validation = schema::rule(schema::INTENT_NEVER_CHANGES))]
pub struct NotebookRemediationSpec {
    /// The name of the NotebookRootAccessPolicy that wants it.
    #[schemars(schema_with = "schema::object_name")]
    pub policy: String,

    /// The notebook instance.
    pub notebook: RemediatedNotebook,

    /// How the operator gets into the account, as the policy said when the record was made: so that it can be finished even after
    /// the policy changed.
    #[serde(default)]
    pub access: RemediationAccess,

    /// Whether the notebook was InService just before the record was made. Then it runs again afterwards; otherwise it is
    /// never started.
    pub was_running: bool,

    /// How long each step may take: then the record is NeedsAttention, or the update is given up and the notebook brought back.
    pub timeouts: RemediationTimeouts,

    /// How often root was taken away from this notebook before, and came back.
    #[serde(default)]
    #[schemars(schema_with = "schema::recurrence")]
    pub recurrence: u32,
}

/// Which notebook a record is about.
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
    /// The notebook instance's CreationTime. A notebook of the same name that was created at another time is another notebook.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::time")]
    pub created_at: Option<MicroTime>,
}

/// How the operator gets into an account.
#[derive(JsonSchema, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = schema::tidy)]
pub struct RemediationAccess {
    /// The IAM role that it assumes. Absent: its own identity.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::role")]
    pub role: Option<String>,
    /// The external id that is sent with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::external_id")]
    pub external_id: Option<String>,
}

/// How long each step may take, in hours, minutes and seconds.
#[derive(JsonSchema, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = schema::tidy)]
pub struct RemediationTimeouts {
    /// Until it is Stopped.
    #[schemars(schema_with = "schema::step_timeout")]
    pub stop: Duration,
    /// Until its root access is Disabled.
    #[schemars(schema_with = "schema::step_timeout")]
    pub update: Duration,
    /// Until it is InService again.
    #[schemars(schema_with = "schema::step_timeout")]
    pub start: Duration,
}

/// How far it is.
#[derive(JsonSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[schemars(transform = schema::without_defaults)]
pub struct NotebookRemediationStatus {
    /// Pending: nothing was done that takes the notebook down. Stopping, Updating, Starting: what is under way. NeedsAttention: it
    /// takes too long or is refused; the operator goes on trying, and a person should look. Finished: Succeeded: its users have
    /// no root, and it runs if it ran. Failed: it was not fixed, and is not tried again until somebody deletes the record.
    /// Cancelled: it was not fixed, because that is not wanted any more, or not now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<RemediationState>,
    /// Ready, Reconciling and Stalled.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "schema::conditions")]
    pub conditions: Vec<Condition>,
    /// When `state` last changed; before that, the record's creation. The timeouts count from here.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::time")]
    pub step_since: Option<MicroTime>,
    /// Of a record that needs attention: the step that takes too long.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attention_from: Option<RemediationStep>,
    /// When the last request that changes something was about to be sent to AWS.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::time")]
    pub last_write_at: Option<MicroTime>,
    /// When the first request to stop it was about to be sent. From then on it is the operator's doing if the notebook is down.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::time")]
    pub stop_requested_at: Option<MicroTime>,
    /// When a request to stop it was about to be sent that AWS has not answered. For a while it may still arrive.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::time")]
    pub unanswered_stop_at: Option<MicroTime>,
    /// When the first request to disable its root access was about to be sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::time")]
    pub update_requested_at: Option<MicroTime>,
    /// When the first request to start it was about to be sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::time")]
    pub start_requested_at: Option<MicroTime>,
    /// When AWS accepted the last request to start it. A notebook that is stopped long after that ran again, and was stopped by
    /// somebody else.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::time")]
    pub start_accepted_at: Option<MicroTime>,
    /// How many requests to start it were about to be sent.
    pub start_attempts: u32,
    /// Set: the notebook is started again without an update, for this reason.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rollback_reason: Option<String>,
    /// What AWS said when it last refused something or did not answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_error: Option<String>,
    /// FailureReason of the notebook instance when it was last seen in status Failed: why AWS could not start or update it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure_reason: Option<String>,
    /// When it finished.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::time")]
    pub completed_at: Option<MicroTime>,
    /// For how many seconds the notebook was down: from the request to stop it until it was seen running again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub downtime_seconds: Option<u32>,
    /// The same for people, such as 6m12s.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub downtime: Option<String>,
    /// Why it stands where it does, in one word.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The same in a sentence, with what to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// How far a remediation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
pub enum RemediationState {
    /// Nothing was done that takes the notebook down.
    Pending,
    /// It is being stopped.
    Stopping,
    /// Its root access is being disabled.
    Updating,
    /// It is being brought back.
    Starting,
    /// A person should look.
    NeedsAttention,
    /// Its users have no root.
    Succeeded,
    /// It was not fixed.
    Failed,
    /// It was not fixed, because that is not wanted any more, or not now.
    Cancelled,
    /// A state of a later version. It is read, and never written.
    #[schemars(skip)]
    Unrecognized,
}

/// A step of a remediation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
pub enum RemediationStep {
    /// Until it is Stopped.
    Stop,
    /// Until its root access is Disabled.
    Update,
    /// Until it is InService again.
    Start,
    /// A step of a later version. It is read, and never written.
    #[schemars(skip)]
    Unrecognized,
}

/// A record that a later version wrote still decodes: its notebook may be down.
impl<'de> Deserialize<'de> for RemediationState {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Ok(match text.as_str() {
            "Pending" => Self::Pending,
            "Stopping" => Self::Stopping,
            "Updating" => Self::Updating,
            "Starting" => Self::Starting,
            "NeedsAttention" => Self::NeedsAttention,
            "Succeeded" => Self::Succeeded,
            "Failed" => Self::Failed,
            "Cancelled" => Self::Cancelled,
            _ => Self::Unrecognized,
        })
    }
}

/// As for [`RemediationState`].
impl<'de> Deserialize<'de> for RemediationStep {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Ok(match text.as_str() {
            "Stop" => Self::Stop,
            "Update" => Self::Update,
            "Start" => Self::Start,
            _ => Self::Unrecognized,
        })
    }
}
