//! A remediation of one notebook, as it is recorded at the API server: the intent, and how far it is.

use std::fmt;

use jiff::Timestamp;
use sha2::{Digest, Sha256};

use super::{
    Access, AccountId, NotebookArn, NotebookSummary, PolicyName, Region, Target, TargetKey,
    TargetRegion, Timeouts,
};

/// The hexadecimal digits of the ARN's digest in a record's name.
const DIGEST_DIGITS: usize = 16;

/// The name of a record. It follows from the notebook's ARN, so that the API server refuses a second record of one notebook:
/// the create is the lock (promise P5).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecordName(String);

/// Which notebook a record is about.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct NotebookRef {
    /// Its ARN.
    pub arn: NotebookArn,
    /// Its account.
    pub account: AccountId,
    /// Its region.
    pub region: Region,
    /// Its name.
    pub name: String,
    /// Its `CreationTime`: a notebook of this name with another one is another notebook. `None`: AWS did not say, or an older
    /// version made the record.
    pub created_at: Option<Timestamp>,
}

/// What was decided before anything was done; it never changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Intent {
    /// The policy that wants it.
    pub policy: PolicyName,
    /// The notebook.
    pub notebook: NotebookRef,
    /// How it is reached, so that it can be finished even after the policy changed.
    pub access: Access,
    /// Whether it was `InService` in the Describe just before the record was created: then it has to run again (promise P2), and
    /// only then it may be started (promise P3).
    pub was_running: bool,
    /// How long each step may take.
    pub timeouts: Timeouts,
    /// How often it was fixed before and came back with root.
    pub recurrence: u32,
}

/// A record as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// What was decided.
    pub intent: Intent,
    /// How far it is.
    pub progress: Progress,
    /// When it was created.
    pub created_at: Timestamp,
    /// Whether somebody asked to delete it: then the notebook is brought back first.
    pub being_deleted: bool,
    /// Whether it has a status. The first pass writes it; a record that was restored from a backup may have none.
    pub has_status: bool,
}

/// How far a remediation is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Progress {
    /// Where it stands.
    pub state: RecordState,
    /// When `state` last changed; `None`: at the record's creation. Deadlines count from here, never from a retry.
    pub step_since: Option<Timestamp>,
    /// Where it stood when it began to need attention; its step's timeout and writes go on to count.
    pub attention_from: Option<Step>,
    /// When the last write to AWS was about to be sent.
    pub last_write_at: Option<Timestamp>,
    /// When the first Stop was about to be sent: from then on it is our doing if the notebook is down.
    pub stop_requested_at: Option<Timestamp>,
    /// When a Stop was about to be sent that was not answered so far: for a while it may still arrive.
    pub unanswered_stop_at: Option<Timestamp>,
    /// When the first Update was about to be sent, once stopped.
    pub update_requested_at: Option<Timestamp>,
    /// When the first Start was about to be sent.
    pub start_requested_at: Option<Timestamp>,
    /// When AWS accepted the last Start that it accepted.
    pub start_accepted_at: Option<Timestamp>,
    /// How many Starts were about to be sent.
    pub start_attempts: u32,
    /// Set: no more Update, the notebook is brought back as it is, for this reason.
    pub rollback_reason: Option<EndReason>,
    /// What AWS said when it last refused something or did not answer. For people only: nothing is decided by it.
    pub last_error: Option<String>,
    /// `FailureReason` of the last Describe that showed the notebook in status Failed. For people only.
    pub failure_reason: Option<String>,
    /// When it finished.
    pub completed_at: Option<Timestamp>,
    /// Why it finished as it did.
    pub end: Option<EndReason>,
}

/// The state of a record.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RecordState {
    /// Nothing was done yet, or nothing that takes the notebook down.
    #[default]
    Pending,
    /// It was, or is about to be, asked to stop.
    Stopping,
    /// It is down, and root access is being disabled.
    Updating,
    /// It is being brought back.
    Starting,
    /// A step took longer than its timeout, or something refuses: a person should look. The operator goes on trying.
    NeedsAttention,
    /// Its users have no root, and it runs if it ran before.
    Succeeded,
    /// It was not fixed. It is as it was before, and stays so until somebody deletes the record.
    Failed,
    /// It was not fixed, because nobody wants it any more or its owner changed it.
    Cancelled,
    /// A state that a later version wrote. Not finished, as far as this version can tell.
    Unrecognized,
}

/// A part of a remediation that has a timeout of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Step {
    /// Until it is Stopped.
    Stop,
    /// Until root access is Disabled.
    Update,
    /// Until it is `InService`.
    Start,
}

/// Why a remediation was given up, or ended as it did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EndReason {
    /// Root access is disabled, and the notebook is as it was otherwise.
    RootAccessDisabled,
    /// The notebook does not exist any more.
    Deleted,
    /// The operator's role may not update or stop it; nobody was disturbed.
    AccessDenied,
    /// The Update was refused for want of permission, after it had been stopped.
    UpdateDenied,
    /// The Update was refused because the notebook is in status Failed.
    UpdateRefused,
    /// The Update did not take within its timeout.
    UpdateTimedOut,
    /// AWS did not say whether its users have root, or the tags that the policy speaks of could not be read.
    RootAccessUnknown,
    /// The policy does not want it any more, or somebody deleted the record.
    Withdrawn,
    /// The notebook is not to be disturbed now: the window closed, the policy was suspended, or the budget is used up.
    Deferred,
    /// Its owner started it meanwhile; the next remediation takes that into account.
    StartedByOwner,
    /// It ran again after the operator's Start, and was stopped by somebody else since: it is not started again.
    StoppedByOwner,
    /// It was not stopped within `timeouts.stop`, because AWS gave no clear answer to the probe.
    TimedOut,
    /// A reason that a later version wrote.
    Unrecognized,
}

impl RecordName {
    /// The name of the record of a notebook.
    #[must_use]
    pub fn of(notebook: &NotebookRef) -> Self {
        // AWS allows letters, digits and hyphens (`NotebookInstanceName` in its API reference). Should it allow more one day, the
        // digest still tells notebooks apart.
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

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl NotebookRef {
    /// The notebook that AWS lists in an account and region.
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

    /// The account and region that it is in.
    #[must_use]
    pub fn target(&self) -> Target {
        Target {
            account: self.account.clone(),
            region: TargetRegion::Named(self.region.clone()),
        }
    }
}

impl Intent {
    /// Where and as whom the notebook is read and changed.
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
    /// A record that was just created.
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

    /// Whether nothing will happen to it any more.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.progress.state.is_finished()
    }

    /// Whether it is our doing, or may be, if the notebook is down now.
    #[must_use]
    pub fn was_stopped_by_us(&self) -> bool {
        self.intent.was_running && self.progress.stop_requested_at.is_some()
    }

    /// Returns true if the record counts as a notebook that is down: from its creation until the notebook is verified running again, or
    /// was not touched, whatever the state in between (promise P6).
    #[must_use]
    pub fn takes_a_slot(&self) -> bool {
        self.intent.was_running && !self.is_finished()
    }

    /// Returns true if the notebook was stopped by the operator and needs a person: it gives its slot back, within `maxFailures`, and it
    /// counts for the brake.
    #[must_use]
    pub fn is_down_and_needs_attention(&self) -> bool {
        self.was_stopped_by_us() && self.progress.state == RecordState::NeedsAttention
    }

    /// Whether it shows that notebooks in its account and region come back: the canary's evidence. One that was deleted meanwhile
    /// never did.
    #[must_use]
    pub fn shows_a_return(&self) -> bool {
        self.intent.was_running
            && self.progress.state == RecordState::Succeeded
            && self.progress.end != Some(EndReason::Deleted)
    }

    /// Returns true if the last request about the notebook was a Start, and AWS accepted it.
    #[must_use]
    pub fn is_start_accepted(&self) -> bool {
        let progress = &self.progress;
        progress.start_accepted_at.is_some() && progress.start_accepted_at >= progress.last_write_at
    }

    /// The step that is under way, whose timeout counts.
    #[must_use]
    pub fn step(&self) -> Step {
        self.progress.step()
    }

    /// When that step began.
    #[must_use]
    pub fn step_since(&self) -> Timestamp {
        self.progress.step_since.unwrap_or(self.created_at)
    }
}

impl Progress {
    /// The step that is under way; of one that needs attention, the one that it came from.
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
    /// Begins a step, unless it is under way; returns whether it was not. Of one that needs attention the state stays until it
    /// reaches another step.
    pub fn enter(&mut self, state: RecordState, now: Timestamp) -> bool {
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

    /// Moves what was noted at one instant about a request to the instant at which it is sent.
    pub fn stamp(&mut self, noted_at: Timestamp, sent_at: Timestamp) {
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

    /// Takes back what says that a request was sent: it was not. State, deadline and rollback stay as they are, so that a notebook that is
    /// down still needs attention in time.
    pub fn take_back_sent(&mut self, before: &Self) {
        self.last_write_at = before.last_write_at;
        self.stop_requested_at = before.stop_requested_at;
        self.unanswered_stop_at = before.unanswered_stop_at;
        self.update_requested_at = before.update_requested_at;
        self.start_requested_at = before.start_requested_at;
        self.start_accepted_at = before.start_accepted_at;
        self.start_attempts = before.start_attempts;
    }

    /// The step took too long, or something refuses.
    pub fn need_attention(&mut self, now: Timestamp) {
        if self.state != RecordState::NeedsAttention {
            self.attention_from = Some(self.step());
            self.state = RecordState::NeedsAttention;
            self.step_since = Some(now);
        }
    }

    /// Nothing will happen any more.
    pub fn finish(&mut self, state: RecordState, reason: EndReason, now: Timestamp) {
        self.state = state;
        self.step_since = Some(now);
        self.attention_from = None;
        self.completed_at = Some(now);
        self.end = Some(reason);
    }
}

impl RecordState {
    /// Every state.
    pub const ALL: [Self; 9] = [
        Self::Pending,
        Self::Stopping,
        Self::Updating,
        Self::Starting,
        Self::NeedsAttention,
        Self::Succeeded,
        Self::Failed,
        Self::Cancelled,
        Self::Unrecognized,
    ];

    /// The state as the status and the metrics spell it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "Pending",
            Self::Stopping => "Stopping",
            Self::Updating => "Updating",
            Self::Starting => "Starting",
            Self::NeedsAttention => "NeedsAttention",
            Self::Succeeded => "Succeeded",
            Self::Failed => "Failed",
            Self::Cancelled => "Cancelled",
            Self::Unrecognized => "Unrecognized",
        }
    }

    /// Whether nothing happens after it.
    #[must_use]
    pub fn is_finished(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Cancelled)
    }
}

impl Step {
    /// How long it may take.
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
    /// Every reason.
    pub const ALL: [Self; 13] = [
        Self::RootAccessDisabled,
        Self::Deleted,
        Self::AccessDenied,
        Self::UpdateDenied,
        Self::UpdateRefused,
        Self::UpdateTimedOut,
        Self::RootAccessUnknown,
        Self::Withdrawn,
        Self::Deferred,
        Self::StartedByOwner,
        Self::StoppedByOwner,
        Self::TimedOut,
        Self::Unrecognized,
    ];

    /// The reason as the status spells it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::RootAccessDisabled => "RootAccessDisabled",
            Self::Deleted => "Deleted",
            Self::AccessDenied => "AccessDenied",
            Self::UpdateDenied => "UpdateDenied",
            Self::UpdateRefused => "UpdateRefused",
            Self::UpdateTimedOut => "UpdateTimedOut",
            Self::RootAccessUnknown => "RootAccessUnknown",
            Self::Withdrawn => "Withdrawn",
            Self::Deferred => "Deferred",
            Self::StartedByOwner => "StartedByOwner",
            Self::StoppedByOwner => "StoppedByOwner",
            Self::TimedOut => "TimedOut",
            Self::Unrecognized => "Unrecognized",
        }
    }
}

impl fmt::Display for RecordName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(&self.0)
    }
}

impl fmt::Display for RecordState {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.as_str())
    }
}

impl fmt::Display for EndReason {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.as_str())
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

    /// The digits are those of `printf %s ARN | sha256sum`.
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
