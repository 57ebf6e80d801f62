//! Nouns: plain values with a grammar, without behaviour of their own.
//!
//! Text from users and from AWS is parsed into these types once, at the boundary. Inside the
//! boundary no bare string stands for an account, a region or a role.

mod answer;
mod finding;
mod identifier;
mod matcher;
mod notebook;
mod platform;
mod policy;
mod record;
mod target;
mod undecodable;

pub use answer::{Call, WriteOutcome, WriteResponse};
pub use finding::{
    Evaluation, Finding, Next, NextStep, RemediationCounts, TargetReport, Verdict, WaitReason,
};
pub use identifier::{
    AccountId, ExternalId, InvalidIdentifier, NotebookArn, Partition, Region, RoleName,
};
pub use matcher::{Globs, InvalidGlob, Match, Matcher};
pub use notebook::{Notebook, NotebookDetails, NotebookStatus, NotebookSummary, RootAccess, Tags};
pub use platform::{CURRENT_PLATFORM, InvalidPlatform, NotRestartable, RetiredPlatforms};
pub use policy::{
    Account, Exemption, Mode, Policy, PolicyName, Regions, Remediation, RepeatedTime, Timeouts,
    Warning, WhenRunning, Window,
};
pub use record::{EndReason, Intent, NotebookRef, Progress, Record, RecordName, RecordState, Step};
pub use target::{Access, ReadFailure, Snapshot, Target, TargetKey, TargetRegion, TargetState};
pub use undecodable::Undecodable;
