//! A notebook instance, as AWS describes it.

use std::{collections::BTreeMap, fmt};

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use strum::{Display, IntoStaticStr};

use super::{NotebookArn, ReadFailure};

/// The tags of a resource.
pub type Tags = BTreeMap<String, String>;

/// The result of `ListNotebookInstances` for a notebook. It has no root access and no tags.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotebookSummary {
    /// The ARN.
    pub arn: NotebookArn,
    /// The name, unique within an account and region.
    pub name: String,
    /// The status at the time of the List.
    pub status: NotebookStatus,
    /// The time of the last change. AWS updates it at each stop and start.
    pub last_modified: Option<Timestamp>,
    /// The attached lifecycle configuration. Its scripts run as root whatever `RootAccess` is.
    pub lifecycle_config: Option<String>,
}

/// The result of `DescribeNotebookInstance` for a notebook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotebookDetails {
    /// The root access of the notebook's users.
    pub root_access: RootAccess,
    /// The status at the time of the Describe, newer than the status of the summary.
    pub status: NotebookStatus,
    /// The attached lifecycle configuration.
    pub lifecycle_config: Option<String>,
    /// `PlatformIdentifier`, such as `notebook-al2023-v1`. `None` if AWS did not report it.
    pub platform: Option<String>,
    /// `AcceleratorTypes`: the attached Elastic Inference accelerators, which AWS no longer
    /// supports.
    pub accelerators: Vec<String>,
    /// `FailureReason`: AWS's message about the last failed start or update.
    pub failure_reason: Option<String>,
    /// `CreationTime`, in whole microseconds. A notebook of the same name with another
    /// `CreationTime` is another notebook.
    pub created_at: Option<Timestamp>,
    /// `LastModifiedTime`, in whole microseconds. AWS updates it at each stop and start.
    pub last_modified: Option<Timestamp>,
}

/// A notebook in a snapshot, with the errors of the parts that could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notebook {
    /// The result of the last List.
    pub summary: NotebookSummary,
    /// The result of the last Describe of this version of the notebook.
    pub details: Result<NotebookDetails, ReadFailure>,
    /// The result of `ListTags`. `None` if no policy uses tags.
    pub tags: Option<Result<Tags, ReadFailure>>,
    /// The time when reading `details` and `tags` began.
    pub described_at: Timestamp,
}

/// The status of a notebook instance.
///
/// The SDK's enum is open. AWS returns `PendingMaintenance` and `InMaintenance` although they are
/// not documented. An unknown status is kept as data and never acted upon.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum NotebookStatus {
    /// Starting.
    Pending,
    /// Running.
    InService,
    /// Being stopped.
    Stopping,
    /// Stopped. Root access can be changed in this status only.
    Stopped,
    /// A start or an update failed.
    Failed,
    /// Being deleted.
    Deleting,
    /// Being updated.
    Updating,
    /// Any other status, in AWS's spelling.
    Other(String),
}

/// The root access of a notebook's users.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    Serialize,
    Deserialize,
    JsonSchema,
    Display,
    IntoStaticStr,
)]
pub enum RootAccess {
    /// The users have root.
    Enabled,
    /// The users do not have root.
    Disabled,
    /// AWS did not report the root access, or could not be read.
    Unknown,
}

impl Notebook {
    /// Returns the newest known status.
    #[must_use]
    pub fn status(&self) -> &NotebookStatus {
        self.details
            .as_ref()
            .map_or(&self.summary.status, |details| &details.status)
    }

    /// Returns true if the notebook is running by the newest known status.
    #[must_use]
    pub fn is_running(&self) -> bool {
        *self.status() == NotebookStatus::InService
    }

    /// Returns the time of the last change: the later time of List and Describe.
    #[must_use]
    pub fn last_modified(&self) -> Option<Timestamp> {
        let described = self
            .details
            .as_ref()
            .ok()
            .and_then(|details| details.last_modified);
        described.max(self.summary.last_modified)
    }

    /// Returns the root access, or `Unknown` if the notebook could not be described.
    #[must_use]
    pub fn root_access(&self) -> RootAccess {
        self.details
            .as_ref()
            .map_or(RootAccess::Unknown, |details| details.root_access)
    }

    /// Returns the platform, if known.
    #[must_use]
    pub fn platform(&self) -> Option<&str> {
        self.details.as_ref().ok()?.platform.as_deref()
    }

    /// Returns the attached lifecycle configuration, if any.
    #[must_use]
    pub fn lifecycle_config(&self) -> Option<&str> {
        match &self.details {
            Ok(details) => details.lifecycle_config.as_deref(),
            Err(_) => self.summary.lifecycle_config.as_deref(),
        }
    }
}

impl NotebookStatus {
    /// Returns the status in AWS's spelling.
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
    /// Returns the value in AWS's spelling, or `Unknown`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.into()
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

    /// Promise P1: an absent or unknown value of AWS is Unknown.
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
