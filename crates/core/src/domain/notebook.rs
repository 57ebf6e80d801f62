//! A notebook instance as AWS shows it.

use std::{collections::BTreeMap, fmt};

use jiff::Timestamp;

use super::{NotebookArn, ReadFailure};

/// The tags of a resource.
pub type Tags = BTreeMap<String, String>;

/// What `ListNotebookInstances` tells about a notebook: no root access and no tags.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotebookSummary {
    /// The ARN.
    pub arn: NotebookArn,
    /// The name, unique within an account and region.
    pub name: String,
    /// The status at the time of the List.
    pub status: NotebookStatus,
    /// When AWS last noted a change; it moves on every stop and start.
    pub last_modified: Option<Timestamp>,
    /// The lifecycle configuration attached, whose scripts run as root whatever `RootAccess` says.
    pub lifecycle_config: Option<String>,
}

/// What `DescribeNotebookInstance` adds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotebookDetails {
    /// Whether its users have root.
    pub root_access: RootAccess,
    /// The status at the time of the Describe, newer than the summary's.
    pub status: NotebookStatus,
    /// The lifecycle configuration attached.
    pub lifecycle_config: Option<String>,
    /// `PlatformIdentifier`, such as `notebook-al2023-v1`; `None`: AWS did not say.
    pub platform: Option<String>,
    /// `AcceleratorTypes`: the Elastic Inference accelerators attached, which AWS does not support any more.
    pub accelerators: Vec<String>,
    /// `FailureReason`: why the last start or update failed, in AWS's words.
    pub failure_reason: Option<String>,
    /// `CreationTime`, in whole microseconds. A notebook of the same name with another one is another notebook.
    pub created_at: Option<Timestamp>,
    /// `LastModifiedTime`, in whole microseconds: it moves at each stop and start.
    pub last_modified: Option<Timestamp>,
}

/// A notebook in a snapshot, with what of it could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notebook {
    /// From the last List.
    pub summary: NotebookSummary,
    /// From the last Describe of this version of the notebook.
    pub details: Result<NotebookDetails, ReadFailure>,
    /// From `ListTags`; `None` where no policy speaks of tags.
    pub tags: Option<Result<Tags, ReadFailure>>,
    /// When reading `details` and `tags` began.
    pub described_at: Timestamp,
}

/// The status of a notebook instance.
///
/// The SDK's enum is open, and `PendingMaintenance` and `InMaintenance` are seen though not documented: a
/// status that is not known here is data, never acted upon.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum NotebookStatus {
    /// Starting.
    Pending,
    /// Running.
    InService,
    /// Being stopped.
    Stopping,
    /// Stopped: the only status in which root access can be changed.
    Stopped,
    /// A start or an update failed.
    Failed,
    /// Being deleted.
    Deleting,
    /// Being updated.
    Updating,
    /// Anything else.
    Other(String),
}

/// Whether the users of a notebook have root.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RootAccess {
    /// They have.
    Enabled,
    /// They do not.
    Disabled,
    /// AWS did not say, or said something that is not known here.
    Unknown,
}

impl Notebook {
    /// The newest status known.
    #[must_use]
    pub fn status(&self) -> &NotebookStatus {
        self.details
            .as_ref()
            .map_or(&self.summary.status, |details| &details.status)
    }

    /// Whether it is running, by the newest status known.
    #[must_use]
    pub fn is_running(&self) -> bool {
        *self.status() == NotebookStatus::InService
    }

    /// When AWS last noted a change, as the newest reading tells it: the later one of List and Describe.
    #[must_use]
    pub fn last_modified(&self) -> Option<Timestamp> {
        let described = self
            .details
            .as_ref()
            .ok()
            .and_then(|details| details.last_modified);
        described.max(self.summary.last_modified)
    }

    /// Whether its users have root, as far as it is known.
    #[must_use]
    pub fn root_access(&self) -> RootAccess {
        self.details
            .as_ref()
            .map_or(RootAccess::Unknown, |details| details.root_access)
    }

    /// The platform, as far as it is known.
    #[must_use]
    pub fn platform(&self) -> Option<&str> {
        self.details.as_ref().ok()?.platform.as_deref()
    }

    /// The lifecycle configuration attached, if any.
    #[must_use]
    pub fn lifecycle_config(&self) -> Option<&str> {
        match &self.details {
            Ok(details) => details.lifecycle_config.as_deref(),
            Err(_) => self.summary.lifecycle_config.as_deref(),
        }
    }
}

impl NotebookStatus {
    /// The status in AWS's spelling.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Pending => "Pending",
            Self::InService => "InService",
            Self::Stopping => "Stopping",
            Self::Stopped => "Stopped",
            Self::Failed => "Failed",
            Self::Deleting => "Deleting",
            Self::Updating => "Updating",
            Self::Other(status) => status,
        }
    }
}

impl From<&str> for NotebookStatus {
    fn from(status: &str) -> Self {
        match status {
            "Pending" => Self::Pending,
            "InService" => Self::InService,
            "Stopping" => Self::Stopping,
            "Stopped" => Self::Stopped,
            "Failed" => Self::Failed,
            "Deleting" => Self::Deleting,
            "Updating" => Self::Updating,
            other => Self::Other(other.to_owned()),
        }
    }
}

impl fmt::Display for NotebookStatus {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.as_str())
    }
}

impl RootAccess {
    /// AWS's spelling, and `Unknown`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Enabled => "Enabled",
            Self::Disabled => "Disabled",
            Self::Unknown => "Unknown",
        }
    }
}

impl From<Option<&str>> for RootAccess {
    fn from(text: Option<&str>) -> Self {
        match text {
            Some("Enabled") => Self::Enabled,
            Some("Disabled") => Self::Disabled,
            _ => Self::Unknown,
        }
    }
}

impl fmt::Display for RootAccess {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_keep_what_is_not_known() {
        for status in [
            "Pending",
            "InService",
            "Stopping",
            "Stopped",
            "Failed",
            "Deleting",
            "Updating",
        ] {
            let read = NotebookStatus::from(status);
            assert!(!matches!(read, NotebookStatus::Other(_)), "{status}");
            assert_eq!(read.as_str(), status);
        }
        for status in ["InMaintenance", "stopped", ""] {
            assert_eq!(
                NotebookStatus::from(status),
                NotebookStatus::Other(status.to_owned())
            );
        }
    }

    /// Promise P1: what AWS leaves out, or says in words that are not known here, is Unknown.
    #[test]
    fn root_access_is_unknown_unless_aws_says_it() {
        for (said, expected) in [
            (Some("Enabled"), RootAccess::Enabled),
            (Some("Disabled"), RootAccess::Disabled),
            (Some("disabled"), RootAccess::Unknown),
            (Some(""), RootAccess::Unknown),
            (None, RootAccess::Unknown),
        ] {
            assert_eq!(RootAccess::from(said), expected, "{said:?}");
        }
    }
}
