//! A notebook instance as data, in fleet files and in the admin interface.

use std::{collections::BTreeMap, convert::Infallible, fmt, str::FromStr, time::Duration};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Deserializer, Serialize, de};

use crate::Platform;

/// Default age of a notebook.
const CREATED_AGO: SignedDuration = SignedDuration::from_hours(30 * 24);
/// Default time since a notebook came to its status. Too long to count as recently stopped.
const MODIFIED_AGO: SignedDuration = SignedDuration::from_hours(6);

/// `NotebookInstanceStatus`. The list is open: unknown values are [`Status::Other`].
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum Status {
    /// Starting, or being created.
    Pending,
    /// Running.
    #[default]
    InService,
    /// Being stopped.
    Stopping,
    /// Stopped.
    Stopped,
    /// The start failed. `FailureReason` has the reason.
    Failed,
    /// Being deleted.
    Deleting,
    /// An Update is being applied.
    Updating,
    /// Any other value, as the client sees it.
    Other(String),
}

impl Status {
    /// Returns the value on the wire.
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
    /// Users have root access, AWS's default for a new notebook.
    #[default]
    Enabled,
    /// Users have no root access.
    Disabled,
    /// The field is missing from the answer. `absent` in files.
    Absent,
    /// Unknown value, for changes of AWS's API.
    Other(String),
}

impl RootAccess {
    /// Returns the value on the wire, or `None` if the field is missing.
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
    /// Twelve digits. Quote them in YAML.
    pub account: String,
    /// Region, such as `eu-west-1`.
    pub region: String,
    /// Name, unique within account and region.
    pub name: String,
    /// Any status. Default: `InService`.
    #[serde(default)]
    pub status: Status,
    /// `Enabled`, `Disabled` or `absent`. Default: `Enabled`, as for AWS's Create.
    #[serde(default)]
    pub root_access: RootAccess,
    /// Tags. AWS allows fifty, the simulator any number.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
    /// Name of the lifecycle configuration.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lifecycle_config: Option<String>,
    /// Instance type. Default: `ml.t3.medium`.
    #[serde(default = "default_instance_type")]
    pub instance_type: String,
    /// `PlatformIdentifier`, in Describe only: an identifier or `absent`. Default:
    /// `notebook-al2023-v1`.
    #[serde(default)]
    pub platform: Platform,
    /// Elastic Inference accelerators such as `ml.eia2.medium`, in Describe only. Default: none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub accelerator_types: Vec<String>,
    /// `FailureReason`, in Describe only, and only in status `Failed`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure_reason: Option<String>,
    /// `CreationTime`: a time, or an age such as `48h ago`. Default: thirty days ago.
    #[serde(default = "long_ago", deserialize_with = "time_or_age")]
    pub created: Timestamp,
    /// `LastModifiedTime`: a time, or an age such as `3m ago`. Default: six hours ago. Every
    /// transition changes it.
    #[serde(default = "hours_ago", deserialize_with = "time_or_age")]
    pub last_modified: Timestamp,
}

fn long_ago() -> Timestamp {
    before_now(CREATED_AGO)
}

fn hours_ago() -> Timestamp {
    before_now(MODIFIED_AGO)
}

fn before_now(age: SignedDuration) -> Timestamp {
    let now = Timestamp::now();
    now.saturating_sub(age).unwrap_or(now)
}

/// Reads a time in the notation of RFC 3339, or relative to the present: `3m ago` for the past,
/// `3m` for the future.
fn time_or_age<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
    let text = String::deserialize(deserializer)?;
    if let Ok(distance) = text.parse::<SignedDuration>() {
        return Ok(before_now(-distance));
    }
    text.parse().map_err(|error| {
        de::Error::custom(format!(
            "{text:?} is neither a time nor an age such as 3m ago: {error}"
        ))
    })
}

fn default_instance_type() -> String {
    "ml.t3.medium".to_owned()
}

impl Notebook {
    /// Creates a running notebook on the current platform, with root access for its users, last
    /// modified hours ago.
    #[must_use]
    pub fn new(account: &str, region: &str, name: &str) -> Self {
        Self {
            account: account.to_owned(),
            region: region.to_owned(),
            name: name.to_owned(),
            status: Status::default(),
            root_access: RootAccess::default(),
            tags: BTreeMap::new(),
            lifecycle_config: None,
            instance_type: default_instance_type(),
            platform: Platform::default(),
            accelerator_types: Vec::new(),
            failure_reason: None,
            created: long_ago(),
            last_modified: hours_ago(),
        }
    }

    /// Sets the status, known or not.
    #[must_use]
    pub fn status(mut self, status: impl Into<Status>) -> Self {
        self.status = status.into();
        self
    }

    /// Sets `RootAccess`.
    #[must_use]
    pub fn root_access(mut self, root_access: impl Into<RootAccess>) -> Self {
        self.root_access = root_access.into();
        self
    }

    /// Adds a tag.
    #[must_use]
    pub fn tag(mut self, key: &str, value: &str) -> Self {
        self.tags.insert(key.to_owned(), value.to_owned());
        self
    }

    /// Sets the lifecycle configuration.
    #[must_use]
    pub fn lifecycle_config(mut self, name: &str) -> Self {
        self.lifecycle_config = Some(name.to_owned());
        self
    }

    /// Sets the platform. With `absent`, Describe omits it.
    #[must_use]
    pub fn platform(mut self, platform: impl Into<Platform>) -> Self {
        self.platform = platform.into();
        self
    }

    /// Adds an Elastic Inference accelerator, such as `ml.eia2.medium`.
    #[must_use]
    pub fn accelerator(mut self, accelerator_type: &str) -> Self {
        self.accelerator_types.push(accelerator_type.to_owned());
        self
    }

    /// Sets status `Failed` and this `FailureReason`.
    #[must_use]
    pub fn failed(mut self, reason: &str) -> Self {
        self.status = Status::Failed;
        self.failure_reason = Some(reason.to_owned());
        self
    }

    /// Sets the age of `LastModifiedTime`.
    #[must_use]
    pub fn modified_ago(mut self, age: Duration) -> Self {
        self.last_modified = before_now(age.try_into().unwrap_or(SignedDuration::MAX));
        self
    }

    /// Returns the notebook's ARN, in the partition of its region.
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
