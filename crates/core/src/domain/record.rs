//! The record of one notebook's remediation at the API server: intent and progress.

use std::fmt;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use strum::{Display, EnumString, IntoStaticStr, VariantArray};

use super::{
    Access, AccountId, NotebookArn, NotebookSummary, PolicyName, Region, Target, TargetKey,
    TargetRegion, Timeouts,
};

/// The number of hexadecimal digits of the ARN's digest in a record's name.
const DIGEST_DIGITS: usize = 16;

/// The name of a record. It follows from the notebook's ARN, so that the API server rejects a
/// second record of the same notebook: the create is the lock (promise P5).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecordName(String);

/// The notebook of a record.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct NotebookRef {
    /// The notebook's ARN.
    pub arn: NotebookArn,
    /// The notebook's account.
    pub account: AccountId,
    /// The notebook's region.
    pub region: Region,
    /// The notebook's name.
    pub name: String,
    /// The notebook's `CreationTime`. A notebook of the same name with another `CreationTime` is
    /// another notebook. `None` if AWS did not report it, or if an older version created the
    /// record.
    pub created_at: Option<Timestamp>,
}

/// The intent, recorded before any action. Immutable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Intent {
    /// The policy that requested the remediation.
    pub policy: PolicyName,
    /// The notebook.
    pub notebook: NotebookRef,
    /// The access to the account, kept so that the record can be finished after the policy changed.
    pub access: Access,
    /// True if the notebook was `InService` in the Describe just before the record was created.
    /// Such a notebook must run again (promise P2). Only such a notebook may be started (promise
    /// P3).
    pub was_running: bool,
    /// The timeout of each step.
    pub timeouts: Timeouts,
    /// The number of times that root access was disabled before and was enabled again.
    pub recurrence: u32,
}

/// A record as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The intent.
    pub intent: Intent,
    /// The progress.
    pub progress: Progress,
    /// The time of the record's creation.
    pub created_at: Timestamp,
    /// True if the record is being deleted. The notebook is restored first.
    pub being_deleted: bool,
    /// True if the record has a status. The first pass writes the status. A record that was
    /// restored from a backup may have none.
    pub has_status: bool,
}

/// The progress of a remediation.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Progress {
    /// The state.
    pub state: RecordState,
    /// The time when `state` last changed. `None`: the record's creation. Deadlines count from this
    /// time, never from a retry.
    pub step_since: Option<Timestamp>,
    /// The step that needs attention. The timeout and the writes of this step still apply.
    pub attention_from: Option<Step>,
    /// The time when the last write to AWS was about to be sent.
    pub last_write_at: Option<Timestamp>,
    /// The time when the first Stop was about to be sent. From then on the operator is responsible
    /// if the notebook is down.
    pub stop_requested_at: Option<Timestamp>,
    /// The time when an unanswered Stop was about to be sent. The Stop may still take effect for a
    /// while.
    pub unanswered_stop_at: Option<Timestamp>,
    /// The time when the first Update was about to be sent. A probe does not count.
    pub update_requested_at: Option<Timestamp>,
    /// The time when the first Start was about to be sent.
    pub start_requested_at: Option<Timestamp>,
    /// The time when AWS last accepted a Start.
    pub start_accepted_at: Option<Timestamp>,
    /// The number of Starts that were about to be sent.
    pub start_attempts: u32,
    /// The reason of a rollback. If set, no Update is sent any more, and the notebook is restored
    /// as it was.
    pub rollback_reason: Option<EndReason>,
    /// AWS's message when it last rejected a request or did not answer. No decision depends on this
    /// text.
    pub last_error: Option<String>,
    /// `FailureReason` of the last Describe that showed the notebook in status Failed. No decision
    /// depends on this text.
    pub failure_reason: Option<String>,
    /// The time when the remediation finished.
    pub completed_at: Option<Timestamp>,
    /// The reason of the result.
    pub end: Option<EndReason>,
}

/// The state of a record.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    JsonSchema,
    Display,
    IntoStaticStr,
    VariantArray,
)]
pub enum RecordState {
    /// No request has been sent that takes the notebook down.
    #[default]
    Pending,
    /// A Stop was requested, or is about to be.
    Stopping,
    /// The notebook is down, and root access is being disabled.
    Updating,
    /// The notebook is being started again.
    Starting,
    /// A step exceeded its timeout, or AWS denies a request. A person should look. The operator
    /// keeps trying.
    NeedsAttention,
    /// Root access is disabled, and the notebook runs if it ran before.
    Succeeded,
    /// Root access is not disabled. The notebook is as it was before, and is left alone until a
    /// person deletes the record.
    Failed,
    /// Root access is not disabled, because the policy does not want it any more or not now, or the
    /// owner changed the notebook.
    Cancelled,
    /// A state of a later version. This version reads it, treats it as unfinished and never writes
    /// it. The record must decode, because its notebook may be down.
    #[serde(other)]
    #[schemars(skip)]
    Unrecognized,
}

/// A step of a remediation with a timeout of its own.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema, EnumString,
)]
pub enum Step {
    /// Until the notebook is Stopped.
    Stop,
    /// Until root access is Disabled.
    Update,
    /// Until the notebook is `InService`.
    Start,
}

/// The reason of a rollback or of a result.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Display,
    EnumString,
    IntoStaticStr,
    VariantArray,
)]
pub enum EndReason {
    /// Root access is disabled. Otherwise the notebook is as it was.
    RootAccessDisabled,
    /// The notebook no longer exists.
    Deleted,
    /// The operator's role may not update or stop the notebook. Nobody was disturbed.
    AccessDenied,
    /// AWS denied the Update after the notebook had been stopped.
    UpdateDenied,
    /// AWS rejected the Update because the notebook is in status Failed.
    UpdateRefused,
    /// The Update had no effect within its timeout.
    UpdateTimedOut,
    /// AWS did not report the root access, or the tags that the policy uses could not be read.
    RootAccessUnknown,
    /// The policy does not want the remediation any more, or the record was deleted.
    Withdrawn,
    /// The notebook must not be disturbed now. For example, the window closed, the policy was
    /// suspended, or the budget is exhausted.
    Deferred,
    /// The owner started the notebook meanwhile. The next remediation records it as running.
    StartedByOwner,
    /// The notebook ran again after the operator's Start, and its owner stopped it. It is not
    /// started again.
    StoppedByOwner,
    /// The notebook was not stopped within `timeouts.stop`, because AWS gave no clear response to
    /// the probe.
    TimedOut,
    /// A reason of a later version.
    Unrecognized,
}

impl RecordName {
    /// Returns the name of a notebook's record.
    #[must_use]
    pub fn of(notebook: &NotebookRef) -> Self {
        // AWS allows letters, digits and hyphens (`NotebookInstanceName` in its API reference). If
        // AWS ever allows more characters, the digest still tells notebooks apart.
        let readable: String = notebook
            .name
            .chars()
            .map(|character| match character.to_ascii_lowercase() {
                allowed @ ('a'..='z' | '0'..='9' | '-') => allowed,
                _ => '-',
            })
            .collect();
        let readable = readable.trim_matches('-');
        let digest = Sha256::digest(notebook.arn.as_str());
        let digits: String = digest
            .iter()
            .flat_map(|byte| [byte >> 4, byte & 15])
            .take(DIGEST_DIGITS)
            .filter_map(|digit| char::from_digit(u32::from(digit), 16))
            .collect();
        Self(
            format!("{readable}-{digits}")
                .trim_start_matches('-')
                .to_owned(),
        )
    }

    /// Returns the name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl NotebookRef {
    /// Creates a reference to a listed notebook of an account and region.
    #[must_use]
    pub fn new(account: &AccountId, region: &Region, notebook: &NotebookSummary) -> Self {
        Self {
            arn: notebook.arn.clone(),
            account: account.clone(),
            region: region.clone(),
            name: notebook.name.clone(),
            created_at: None,
        }
    }

    /// Returns the notebook's account and region.
    #[must_use]
    pub fn target(&self) -> Target {
        Target {
            account: self.account.clone(),
            region: TargetRegion::Named(self.region.clone()),
        }
    }
}

impl Intent {
    /// Returns the target and the identity for reading and changing the notebook.
    #[must_use]
    pub fn key(&self) -> TargetKey {
        TargetKey {
            account: self.notebook.account.clone(),
            region: self.notebook.region.clone(),
            access: self.access.clone(),
        }
    }
}

impl Record {
    /// Creates a new record.
    #[must_use]
    pub fn new(intent: Intent, created_at: Timestamp) -> Self {
        Self {
            intent,
            progress: Progress::default(),
            created_at,
            being_deleted: false,
            has_status: false,
        }
    }

    /// Returns true if the record is finished.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.progress.state.is_finished()
    }

    /// Returns true if the operator stopped the notebook, or may have stopped it.
    #[must_use]
    pub fn was_stopped_by_us(&self) -> bool {
        self.intent.was_running && self.progress.stop_requested_at.is_some()
    }

    /// Returns true if the record counts as a notebook that is down (promise P6). It counts in
    /// every state from its creation until the notebook is verified running again, or was not
    /// touched.
    #[must_use]
    pub fn takes_a_slot(&self) -> bool {
        self.intent.was_running && !self.is_finished()
    }

    /// Returns true if the operator stopped the notebook and the notebook needs attention. Such a
    /// record gives its slot back, within `maxFailures`, and counts for the brake.
    #[must_use]
    pub fn is_down_and_needs_attention(&self) -> bool {
        self.was_stopped_by_us() && self.progress.state == RecordState::NeedsAttention
    }

    /// Returns true if the record proves that notebooks in its account and region come back: the
    /// evidence of the canary. A notebook that was deleted meanwhile proves nothing.
    #[must_use]
    pub fn shows_a_return(&self) -> bool {
        self.intent.was_running
            && self.progress.state == RecordState::Succeeded
            && self.progress.end != Some(EndReason::Deleted)
    }

    /// Returns true if the last request was a Start that AWS accepted.
    #[must_use]
    pub fn is_start_accepted(&self) -> bool {
        let progress = &self.progress;
        progress.start_accepted_at.is_some() && progress.start_accepted_at >= progress.last_write_at
    }

    /// Returns the step in progress, whose timeout applies.
    #[must_use]
    pub fn step(&self) -> Step {
        self.progress.step()
    }

    /// Returns the time when the step in progress began.
    #[must_use]
    pub fn step_since(&self) -> Timestamp {
        self.progress.step_since.unwrap_or(self.created_at)
    }
}

impl Progress {
    /// Returns the step in progress. In `NeedsAttention`, returns the step that needs attention.
    #[must_use]
    pub fn step(&self) -> Step {
        match self.state {
            RecordState::Updating => Step::Update,
            RecordState::Starting => Step::Start,
            RecordState::NeedsAttention => self.attention_from.unwrap_or(Step::Stop),
            RecordState::Pending
            | RecordState::Stopping
            | RecordState::Succeeded
            | RecordState::Failed
            | RecordState::Cancelled
            | RecordState::Unrecognized => Step::Stop,
        }
    }
}

impl Progress {
    /// Begins a step, and returns true unless the step is already in progress. `NeedsAttention`
    /// stays until another step begins.
    pub fn transition_to(&mut self, state: RecordState, now: Timestamp) -> bool {
        let entered = Self {
            state,
            ..Self::default()
        };
        let begins = self.step() != entered.step();
        if begins || (self.state != state && self.state != RecordState::NeedsAttention) {
            self.state = state;
            self.step_since = Some(now);
            self.attention_from = None;
        }
        if begins {
            self.last_error = None;
        }
        begins
    }

    /// Moves the times that were recorded for a request to the time when the request is sent.
    pub fn mark_sent(&mut self, noted_at: Timestamp, sent_at: Timestamp) {
        for time in [
            &mut self.last_write_at,
            &mut self.stop_requested_at,
            &mut self.unanswered_stop_at,
            &mut self.update_requested_at,
            &mut self.start_requested_at,
        ] {
            if *time == Some(noted_at) {
                *time = Some(sent_at);
            }
        }
    }

    /// Takes back the fields that say that a request was sent, because it was not. State, deadline
    /// and rollback stay, so that a notebook that is down still needs attention in time.
    pub fn take_back_sent(&mut self, before: &Self) {
        self.last_write_at = before.last_write_at;
        self.stop_requested_at = before.stop_requested_at;
        self.unanswered_stop_at = before.unanswered_stop_at;
        self.update_requested_at = before.update_requested_at;
        self.start_requested_at = before.start_requested_at;
        self.start_accepted_at = before.start_accepted_at;
        self.start_attempts = before.start_attempts;
    }

    /// Marks the record as `NeedsAttention`: the step exceeded its timeout, or AWS denies a
    /// request.
    pub fn need_attention(&mut self, now: Timestamp) {
        if self.state != RecordState::NeedsAttention {
            self.attention_from = Some(self.step());
            self.state = RecordState::NeedsAttention;
            self.step_since = Some(now);
        }
    }

    /// Finishes the record.
    pub fn finish(&mut self, state: RecordState, reason: EndReason, now: Timestamp) {
        self.state = state;
        self.step_since = Some(now);
        self.attention_from = None;
        self.completed_at = Some(now);
        self.end = Some(reason);
    }
}

impl RecordState {
    /// Returns the state in the spelling of the status and the metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// Returns true if the state is final.
    #[must_use]
    pub fn is_finished(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Cancelled)
    }
}

impl Step {
    /// Returns the timeout of the step.
    #[must_use]
    pub fn timeout(self, timeouts: &Timeouts) -> std::time::Duration {
        match self {
            Self::Stop => timeouts.stop,
            Self::Update => timeouts.update,
            Self::Start => timeouts.start,
        }
    }
}

impl EndReason {
    /// Returns the reason in the spelling of the status.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

impl fmt::Display for RecordName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(&self.0)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn notebook(name: &str) -> NotebookRef {
        NotebookRef {
            arn: format!("arn:aws:sagemaker:eu-west-1:111122223333:notebook-instance/{name}")
                .as_str()
                .into(),
            account: "111122223333".parse().unwrap(),
            region: "eu-west-1".parse().unwrap(),
            name: name.to_owned(),
            created_at: None,
        }
    }

    /// Expects the digits of `printf %s ARN | sha256sum`.
    #[test]
    fn a_name_follows_from_the_arn() {
        let name = RecordName::of(&notebook("churn"));
        assert_eq!(name.as_str(), "churn-036aaceed5e52113");
    }

    #[test]
    fn a_name_is_one_that_kubernetes_takes() {
        for name in ["Churn", "CHURN", "a_b", "-", "é"] {
            let name = RecordName::of(&notebook(name));
            let text = name.as_str();
            assert!(
                text.bytes()
                    .all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-')),
                "{text}"
            );
            assert!(!text.starts_with('-') && !text.ends_with('-'), "{text}");
        }
        assert_ne!(
            RecordName::of(&notebook("Churn")),
            RecordName::of(&notebook("churn"))
        );
    }
}
