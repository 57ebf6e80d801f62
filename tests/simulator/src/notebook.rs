//! A notebook instance as data: what a fleet file says of it, and what the admin interface shows.

use std::{collections::BTreeMap, convert::Infallible, fmt, str::FromStr};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// `NotebookInstanceStatus`. The list is open: whatever AWS might invent is [`Status::Other`].
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum Status {
    /// Starting, or being created.
    Pending,
    /// Running.
    #[default]
    InService,
    /// On the way down.
    Stopping,
    /// Down.
    Stopped,
    /// Could not be started; `FailureReason` says why.
    Failed,
    /// On the way out.
    Deleting,
    /// An Update is being applied.
    Updating,
    /// Any other value, as the client sees it.
    Other(String),
}

impl Status {
    /// The value on the wire.
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
            Self::Other(other) => other,
        }
    }
}

impl From<&str> for Status {
    fn from(value: &str) -> Self {
        match value {
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

impl From<String> for Status {
    fn from(value: String) -> Self {
        Self::from(value.as_str())
    }
}

impl From<Status> for String {
    fn from(value: Status) -> Self {
        value.as_str().to_owned()
    }
}

impl FromStr for Status {
    type Err = Infallible;
    fn from_str(value: &str) -> Result<Self, Infallible> {
        Ok(Self::from(value))
    }
}

impl fmt::Display for Status {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// `RootAccess` of a Describe answer.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum RootAccess {
    /// Users have root. AWS's default for a new notebook.
    #[default]
    Enabled,
    /// Users have no root.
    Disabled,
    /// The field is missing from the answer; `absent` in files.
    Absent,
    /// A value that AWS might invent.
    Other(String),
}

impl RootAccess {
    /// The value on the wire; `None` where the field is missing.
    #[must_use]
    pub fn wire(&self) -> Option<&str> {
        match self {
            Self::Enabled => Some("Enabled"),
            Self::Disabled => Some("Disabled"),
            Self::Absent => None,
            Self::Other(other) => Some(other),
        }
    }
}

impl From<&str> for RootAccess {
    fn from(value: &str) -> Self {
        match value {
            "Enabled" => Self::Enabled,
            "Disabled" => Self::Disabled,
            "absent" => Self::Absent,
            other => Self::Other(other.to_owned()),
        }
    }
}

impl From<String> for RootAccess {
    fn from(value: String) -> Self {
        Self::from(value.as_str())
    }
}

impl From<RootAccess> for String {
    fn from(value: RootAccess) -> Self {
        value.wire().unwrap_or("absent").to_owned()
    }
}

/// A notebook instance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Notebook {
    /// Twelve digits; quote it in YAML.
    pub account: String,
    /// Such as `eu-west-1`.
    pub region: String,
    /// Unique within account and region.
    pub name: String,
    /// Any value; `InService` if not given.
    #[serde(default)]
    pub status: Status,
    /// `Enabled`, `Disabled` or `absent`; `Enabled` if not given, as for AWS's Create.
    #[serde(default)]
    pub root_access: RootAccess,
    /// At most fifty at AWS, any number here.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
    /// Name of its lifecycle configuration.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lifecycle_config: Option<String>,
    /// `ml.t3.medium` if not given.
    #[serde(default = "default_instance_type")]
    pub instance_type: String,
    /// Shown by Describe only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure_reason: Option<String>,
    /// `CreationTime`; the present if not given.
    #[serde(default = "Timestamp::now")]
    pub created: Timestamp,
    /// `LastModifiedTime`; the present if not given.
    #[serde(default = "Timestamp::now")]
    pub last_modified: Timestamp,
}

fn default_instance_type() -> String {
    "ml.t3.medium".to_owned()
}

impl Notebook {
    /// A running notebook whose users have root.
    #[must_use]
    pub fn new(account: &str, region: &str, name: &str) -> Self {
        let now = Timestamp::now();
        Self {
            account: account.to_owned(),
            region: region.to_owned(),
            name: name.to_owned(),
            status: Status::default(),
            root_access: RootAccess::default(),
            tags: BTreeMap::new(),
            lifecycle_config: None,
            instance_type: default_instance_type(),
            failure_reason: None,
            created: now,
            last_modified: now,
        }
    }

    /// With this status, known or not.
    #[must_use]
    pub fn status(mut self, status: impl Into<Status>) -> Self {
        self.status = status.into();
        self
    }

    /// With this `RootAccess`.
    #[must_use]
    pub fn root_access(mut self, root_access: impl Into<RootAccess>) -> Self {
        self.root_access = root_access.into();
        self
    }

    /// With one more tag.
    #[must_use]
    pub fn tag(mut self, key: &str, value: &str) -> Self {
        self.tags.insert(key.to_owned(), value.to_owned());
        self
    }

    /// With a lifecycle configuration.
    #[must_use]
    pub fn lifecycle_config(mut self, name: &str) -> Self {
        self.lifecycle_config = Some(name.to_owned());
        self
    }

    /// Its ARN, in the partition of its region.
    #[must_use]
    pub fn arn(&self) -> String {
        let Self {
            account,
            region,
            name,
            ..
        } = self;
        let partition = crate::regions::partition(region);
        format!("arn:{partition}:sagemaker:{region}:{account}:notebook-instance/{name}")
    }
}
