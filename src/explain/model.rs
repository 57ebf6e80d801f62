//! The answer as plain values, for `-o json` and for the text.
#![allow(
    clippy::doc_markdown,
    reason = "the texts are for people who read the JSON"
)]

use jiff::Timestamp;
use serde::Serialize;

use crate::{
    api::{Mode, NextStep, RecordState, RootAccess, Verdict},
    report::ApiVersion,
};

/// Explanation why a notebook is being fixed now, or is not.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Explanation {
    /// Version of this format.
    pub api_version: ApiVersion,
    /// Kind of this document.
    pub kind: Kind,
    /// Time of the explanation.
    pub at: Timestamp,
    /// The notebook.
    pub notebook: Notebook,
    /// The short answer.
    pub answer: Answer,
    /// All policies. Those that list the notebook come first.
    pub policies: Vec<PolicyView>,
    /// Records of the notebook, the newest first.
    pub records: Vec<RecordView>,
}

/// Kind of a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Kind {
    /// Explanation of one notebook.
    NotebookExplanation,
    /// No notebook was found.
    NotebookNotFound,
}

/// A notebook, with its last known state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Notebook {
    /// ARN. Absent if no finding and no record names the notebook.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub arn: Option<String>,
    /// Account id.
    pub account: String,
    /// Region code.
    pub region: String,
    /// Name.
    pub name: String,
    /// Last known state. Absent if no policy lists the notebook.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seen: Option<Observation>,
}

/// State of a notebook at a policy's last scan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Observation {
    /// Time when the scan began.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
    /// Name of the policy.
    pub policy: String,
    /// Status of the notebook, as AWS spells it.
    pub status: String,
    /// Root access of the users.
    pub root_access: RootAccess,
    /// Platform of the notebook, as AWS spells it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub platform: Option<String>,
    /// Lifecycle configuration of the notebook. Its scripts run as root in any case.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lifecycle_config: Option<String>,
}

/// The short answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Answer {
    /// The outcome in one word.
    pub outcome: Outcome,
    /// The outcome in a sentence.
    pub summary: String,
}

/// Outcome in one word: the notebook is being fixed now, or the reason why it is not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Outcome {
    /// The notebook's record is in progress.
    BeingFixed,
    /// The notebook's record is in progress and needs a person.
    NeedsAttention,
    /// Nothing blocks the remediation. The operator begins at its next pass.
    Next,
    /// A policy in mode Enforce waits. Its reason says why.
    Waits,
    /// The policies that would fix the notebook are suspended.
    Suspended,
    /// All policies that find root access are in mode Audit.
    OnlyAudited,
    /// The notebook could not be judged. That is not compliant.
    Unknown,
    /// An exemption matches.
    Exempt,
    /// Root access was disabled, and no policy has found it enabled since.
    Fixed,
    /// AWS reported that the notebook does not exist any more.
    Gone,
    /// Policies cover the notebook's account and region and do not list the notebook. It is
    /// compliant, or does not exist.
    NotListed,
    /// No policy covers the notebook.
    NotCovered,
}

/// One policy's view of the notebook.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PolicyView {
    /// Name of the policy.
    pub name: String,
    /// Mode, Audit or Enforce. Absent if the policy does not decode.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mode: Option<Mode>,
    /// True if the policy is suspended.
    pub suspended: bool,
    /// Coverage of the notebook, and if there is none, the part that does not match.
    pub relation: Relation,
    /// Verdict of the last scan. Absent if the notebook is not listed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verdict: Option<Verdict>,
    /// Next action, or the next action in mode Enforce.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<NextStep>,
    /// Reason in one word, as in the policy's status.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Reason in a sentence.
    pub message: String,
    /// The exemption that matches, or that matched before it expired.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exemption: Option<Exemption>,
    /// Window of the policy, if it has windows and the notebook is running.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub window: Option<WindowView>,
    /// The records that the notebook waits for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub blockers: Vec<Blocker>,
    /// Advice for people.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub advice: Vec<Advice>,
    /// Time when the policy's last scan began.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_scan: Option<Timestamp>,
    /// Reasons to doubt the policy's findings.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

/// Relation of a policy to a notebook.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Relation {
    /// The policy covers the notebook, and its last scan lists it.
    Listed,
    /// The policy covers the notebook, but its account and region could not be read.
    Unread,
    /// The policy covers the notebook, but its account and region have not been read yet.
    NotReadYet,
    /// The policy covers the notebook. Its status omits some findings, and the notebook may be
    /// among them.
    Omitted,
    /// The policy covers the notebook and does not list it. The notebook is compliant, or does not
    /// exist.
    NotListed,
    /// The policy is invalid.
    Invalid,
    /// The policy covers other notebooks of the account and region.
    NotSelected,
    /// The policy covers other regions of the account.
    RegionNotNamed,
    /// The policy covers other accounts.
    AccountNotNamed,
    /// The policy is being deleted.
    BeingDeleted,
}

/// An exemption of a policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Exemption {
    /// Field path, such as `spec.exemptions[0]`.
    pub path: String,
    /// Reason that the policy gives.
    pub reason: String,
    /// Expiry. Absent if the exemption never expires.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// True if the exemption has expired.
    pub expired: bool,
}

/// Windows in which running notebooks may be stopped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct WindowView {
    /// True if a window is open.
    pub open: bool,
    /// True if a restart may begin now. False if no window is open, or the window closes too soon.
    pub may_begin: bool,
    /// Time when the open window closes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub closes: Option<Timestamp>,
    /// Time when the next window opens. Absent if a restart may begin now, or if no window opens in
    /// the next four years.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub opens: Option<Timestamp>,
    /// Local time when the next window opens, in the window's time zone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub opens_local: Option<String>,
}

/// A record that the notebook waits for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Blocker {
    /// Name of the record.
    pub record: String,
    /// Name of its notebook.
    pub notebook: String,
    /// Name of its policy.
    pub policy: String,
    /// State of the record.
    pub state: String,
    /// Time since which the record has this state.
    pub since: Timestamp,
}

/// Advice for people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Advice {
    /// The advice in a sentence.
    pub what: String,
    /// Command to run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
}

/// A record of the notebook.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RecordView {
    /// Name.
    pub name: String,
    /// Policy that caused the remediation.
    pub policy: String,
    /// State. Absent if the operator has not processed the record yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<RecordState>,
    /// Reason in one word.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Reason in a sentence, with advice.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// Time when the record was created.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created_at: Option<Timestamp>,
    /// Time when the current step began.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub step_since: Option<Timestamp>,
    /// Deadline of the current step. Absent if the record already needs attention or has finished.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub step_deadline: Option<Timestamp>,
    /// Time when the record finished.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub completed_at: Option<Timestamp>,
    /// Downtime of the notebook.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub downtime: Option<String>,
    /// True if the notebook was running when the record was created. Then it is started again
    /// afterwards.
    pub was_running: bool,
    /// Number of times that root access was disabled before and enabled again.
    pub recurrence: u32,
    /// True if the record is being deleted.
    pub being_deleted: bool,
    /// Error that makes the record invalid.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

/// Answer for a name without finding or record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct NotFound {
    /// Version of this format.
    pub api_version: ApiVersion,
    /// Kind of this document.
    pub kind: Kind,
    /// Name of the query.
    pub name: String,
    /// Number of policies, findings and records searched, in a sentence.
    pub looked_at: String,
    /// Possible reasons, one sentence each.
    pub may_mean: Vec<String>,
    /// Similar names.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub similar: Vec<String>,
}

impl PolicyView {
    /// Returns the view of a policy about which nothing else is known.
    pub(super) fn new(name: &str, relation: Relation) -> Self {
        Self {
            name: name.to_owned(),
            mode: None,
            suspended: false,
            relation,
            verdict: None,
            next: None,
            reason: None,
            message: String::new(),
            exemption: None,
            window: None,
            blockers: Vec::new(),
            advice: Vec::new(),
            last_scan: None,
            warnings: Vec::new(),
        }
    }
}

impl Outcome {
    /// Returns the headline above the sentence.
    #[must_use]
    pub fn headline(self) -> &'static str {
        match self {
            Self::BeingFixed => "BEING FIXED NOW",
            Self::NeedsAttention => "NEEDS ATTENTION",
            Self::Next => "NEXT",
            Self::Waits | Self::Suspended | Self::OnlyAudited => "NOT BEING FIXED NOW",
            Self::Unknown => "NOT KNOWN",
            Self::Exempt => "EXEMPT",
            Self::Fixed | Self::Gone | Self::NotListed => "NOTHING TO FIX IS KNOWN",
            Self::NotCovered => "NOT COVERED",
        }
    }
}

impl Relation {
    /// Returns true if the policy covers the notebook, whatever its last scan found.
    #[must_use]
    pub fn covers(self) -> bool {
        self.rank() < Self::Invalid.rank()
    }

    /// Returns the sort key. The most informative relation comes first.
    pub(super) fn rank(self) -> u8 {
        match self {
            Self::Listed => 0,
            Self::Unread => 1,
            Self::NotReadYet => 2,
            Self::Omitted => 3,
            Self::NotListed => 4,
            Self::Invalid => 5,
            Self::NotSelected => 6,
            Self::RegionNotNamed => 7,
            Self::AccountNotNamed => 8,
            Self::BeingDeleted => 9,
        }
    }
}
