//! The closed sets that label values come from.

use std::fmt;

/// An AWS operation that the operator sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AwsOperation {
    /// SageMaker: a page of notebooks.
    ListNotebookInstances,
    /// SageMaker: one notebook, with its root access.
    DescribeNotebookInstance,
    /// SageMaker: the tags of one notebook.
    ListTags,
    /// STS: into an account's role.
    AssumeRole,
    /// STS: whose credentials these are.
    GetCallerIdentity,
    /// Account: the regions enabled.
    ListRegions,
}

/// How one attempt of an AWS request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AwsOutcome {
    /// Answered. What a dashboard should show nearly alone.
    Success,
    /// Asked for more than the quota gives; it is sent again, later.
    Throttled,
    /// The identity is known and may not: a role's permissions, its trust, or a service control policy.
    AccessDenied,
    /// The identity is not known there: a region that is not enabled for the account, or bad credentials. AWS uses the
    /// same codes for both.
    CredentialsRefused,
    /// The thing asked for is gone: a notebook that vanished between List and Describe. Harmless.
    NotFound,
    /// A fault on AWS's side (5xx).
    ServerFault,
    /// No answer in time.
    Timeout,
    /// No connection, no credentials to sign with, or an answer that could not be read.
    Unreachable,
    /// A refusal with a code that is not known: look into the logs.
    Other,
}

/// One of the operator's loops.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Controller {
    /// The one over `NotebookRootAccessPolicy`.
    Policy,
}

/// How one pass of a controller ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ReconciliationResult {
    /// The status says what was found, targets that could not be read included.
    Success,
    /// The resource could not be understood; nothing happens until a person changes it.
    Invalid,
    /// The pass did not get to its end, and is tried again with back-off.
    Failed,
}

impl AwsOperation {
    /// Every operation.
    pub const ALL: [Self; 6] = [
        Self::ListNotebookInstances,
        Self::DescribeNotebookInstance,
        Self::ListTags,
        Self::AssumeRole,
        Self::GetCallerIdentity,
        Self::ListRegions,
    ];

    /// AWS's spelling.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ListNotebookInstances => "ListNotebookInstances",
            Self::DescribeNotebookInstance => "DescribeNotebookInstance",
            Self::ListTags => "ListTags",
            Self::AssumeRole => "AssumeRole",
            Self::GetCallerIdentity => "GetCallerIdentity",
            Self::ListRegions => "ListRegions",
        }
    }
}

impl AwsOutcome {
    /// Every outcome.
    pub const ALL: [Self; 9] = [
        Self::Success,
        Self::Throttled,
        Self::AccessDenied,
        Self::CredentialsRefused,
        Self::NotFound,
        Self::ServerFault,
        Self::Timeout,
        Self::Unreachable,
        Self::Other,
    ];

    /// The outcome as the metrics spell it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Success => "Success",
            Self::Throttled => "Throttled",
            Self::AccessDenied => "AccessDenied",
            Self::CredentialsRefused => "CredentialsRefused",
            Self::NotFound => "NotFound",
            Self::ServerFault => "ServerFault",
            Self::Timeout => "Timeout",
            Self::Unreachable => "Unreachable",
            Self::Other => "Other",
        }
    }
}

impl Controller {
    /// Every controller.
    pub const ALL: [Self; 1] = [Self::Policy];

    /// The controller as the metrics spell it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Policy => "policy",
        }
    }
}

impl ReconciliationResult {
    /// Every result.
    pub const ALL: [Self; 3] = [Self::Success, Self::Invalid, Self::Failed];

    /// The result as the metrics spell it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Success => "Success",
            Self::Invalid => "Invalid",
            Self::Failed => "Failed",
        }
    }
}

macro_rules! as_text {
    ($($name:ident),+) => {$(
        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.pad(self.as_str())
            }
        }
    )+};
}

as_text!(AwsOperation, AwsOutcome, Controller, ReconciliationResult);
