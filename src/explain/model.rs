//! The answer as plain values: what `-o json` prints, and what the text is made of.
#![allow(
    clippy::doc_markdown,
    reason = "the texts are for people who read the JSON"
)]

use jiff::Timestamp;
use serde::Serialize;

use crate::api::{Mode, NextStep, RemediationState, RootAccess, Verdict};

/// Why a notebook is being fixed now, or is not.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Explanation {
    /// The version of this format.
    pub api_version: ApiVersion,
    /// What this document is.
    pub kind: Kind,
    /// As of when it is true.
    pub at: Timestamp,
    /// Which notebook.
    pub notebook: Notebook,
    /// In short.
    pub answer: Answer,
    /// Policy by policy: first those that say something about it.
    pub policies: Vec<Policy>,
    /// Its records, the newest first.
    pub records: Vec<RecordView>,
}

/// The version of this format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum ApiVersion {
    /// The first.
    #[serde(rename = "sudoless.dev/v1alpha1")]
    V1Alpha1,
}

/// What a document is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Kind {
    /// One notebook, explained.
    NotebookExplanation,
    /// No notebook was found.
    NotebookNotFound,
}

/// A notebook, and what was last seen of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Notebook {
    /// Its ARN; absent where nothing tells of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub arn: Option<String>,
    /// Its account.
    pub account: String,
    /// Its region.
    pub region: String,
    /// Its name.
    pub name: String,
    /// As it was last seen. Absent: no policy lists it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seen: Option<Seen>,
}

/// What a policy's last scan saw of a notebook.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Seen {
    /// When that scan began.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
    /// The policy.
    pub policy: String,
    /// The notebook's status, as AWS spells it.
    pub status: String,
    /// Whether its users had root.
    pub root_access: RootAccess,
    /// Its platform, as AWS spells it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub platform: Option<String>,
    /// Its lifecycle configuration, whose scripts run as root in any case.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lifecycle_config: Option<String>,
}

/// The answer in short.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Answer {
    /// In a word.
    pub outcome: Outcome,
    /// In a sentence.
    pub summary: String,
}

/// Whether it is being fixed now, and if not, why in a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Outcome {
    /// Its record is under way.
    BeingFixed,
    /// Its record is under way, and a person should look.
    NeedsAttention,
    /// Nothing stands in the way: the operator begins at its next pass.
    Next,
    /// A policy that enforces waits, for the reason that it gives.
    Waits,
    /// The policies that would fix it are suspended.
    Suspended,
    /// The policies that find root on it only audit.
    OnlyAudited,
    /// It could not be judged. That is not compliant.
    Unknown,
    /// An exemption matches.
    Exempt,
    /// Root was taken away, and no policy has found it again.
    Fixed,
    /// AWS said that it does not exist any more.
    Gone,
    /// Policies cover its account and region and do not list it: it is compliant, or it is not there.
    NotListed,
    /// No policy covers it.
    NotCovered,
}

/// What one policy says about the notebook.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Policy {
    /// Its name.
    pub name: String,
    /// Audit or Enforce; absent where the policy does not decode.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mode: Option<Mode>,
    /// Whether it is suspended.
    pub suspended: bool,
    /// Whether it covers the notebook, and if not, what is missing.
    pub relation: Relation,
    /// What the last scan found. Absent where the notebook is not listed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verdict: Option<Verdict>,
    /// What is done next, or would be in Enforce.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<NextStep>,
    /// Why, in a word: those of the status.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The same in a sentence.
    pub message: String,
    /// The exemption that matches, or that matched until it expired.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exemption: Option<Exemption>,
    /// Its window, if it has any and the notebook is running.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub window: Option<WindowView>,
    /// The records that the notebook waits for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub blockers: Vec<Blocker>,
    /// What a person can do.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub advice: Vec<Advice>,
    /// When its last scan began.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_scan: Option<Timestamp>,
    /// What makes its findings doubtful.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

/// Whether a policy covers a notebook.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Relation {
    /// It covers it, and its last scan lists it.
    Listed,
    /// It covers it, but the notebook's account and region could not be read.
    Unread,
    /// It covers it, but has not been read so far.
    NotReadYet,
    /// It covers it, and lists only the first of its findings: this may be one of the others.
    Omitted,
    /// It covers it, and does not list it: it is compliant, or is not there.
    NotListed,
    /// It cannot be understood.
    Invalid,
    /// It covers other notebooks of the account and region.
    NotSelected,
    /// It covers other regions of the account.
    RegionNotNamed,
    /// It covers other accounts.
    AccountNotNamed,
    /// It is being deleted.
    BeingDeleted,
}

/// An exemption of a policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Exemption {
    /// Where it stands, such as `spec.exemptions[0]`.
    pub path: String,
    /// Why, in the words of the policy.
    pub reason: String,
    /// Until when it holds, or held. Absent: for ever.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// Whether it has expired.
    pub expired: bool,
}

/// Whether notebooks may be stopped now, and when next.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct WindowView {
    /// Whether one is open.
    pub open: bool,
    /// Whether a restart may be begun in it: not if it closes too soon.
    pub may_begin: bool,
    /// When it closes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub closes: Option<Timestamp>,
    /// When the next one opens. Absent where one is open that will do, and where none is found in the next four years.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub opens: Option<Timestamp>,
    /// The same by the clock of the window's time zone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub opens_local: Option<String>,
}

/// A record that the notebook waits for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Blocker {
    /// The record's name.
    pub record: String,
    /// Its notebook.
    pub notebook: String,
    /// Its policy.
    pub policy: String,
    /// Its state.
    pub state: String,
    /// Since when.
    pub since: Timestamp,
}

/// What a person can do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Advice {
    /// In a sentence.
    pub what: String,
    /// What to type.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
}

/// A record of the notebook.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RecordView {
    /// Its name.
    pub name: String,
    /// The policy that wanted it.
    pub policy: String,
    /// How far it is, or how it ended. Absent: the operator has not looked at it yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<RemediationState>,
    /// Why, in a word.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The same in a sentence, with what to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// When it was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created_at: Option<Timestamp>,
    /// When the step that is under way began.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub step_since: Option<Timestamp>,
    /// When that step has taken too long. Absent of one that needs attention already, and of a finished one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub step_deadline: Option<Timestamp>,
    /// When it finished.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub completed_at: Option<Timestamp>,
    /// For how long the notebook was down.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub downtime: Option<String>,
    /// Whether the notebook ran when it was made: then it runs again afterwards.
    pub was_running: bool,
    /// How often root was taken away before, and came back.
    pub recurrence: u32,
    /// Whether somebody asked to delete it.
    pub being_deleted: bool,
    /// What in it cannot be understood.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

/// What is said of a name that nothing tells of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct NotFound {
    /// The version of this format.
    pub api_version: ApiVersion,
    /// What this document is.
    pub kind: Kind,
    /// The name that was asked for.
    pub name: String,
    /// What was looked at, in a sentence.
    pub looked_at: String,
    /// What it may mean, a sentence each.
    pub may_mean: Vec<String>,
    /// Names that are much like it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub similar: Vec<String>,
}

impl Outcome {
    /// What stands before the sentence.
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
    /// Whether the policy is about notebooks such as this one, whatever it found.
    #[must_use]
    pub fn covers(self) -> bool {
        self.rank() < Self::Invalid.rank()
    }

    /// Those that say most come first.
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
