//! The operations that the simulator serves, and the services that they belong to.

use std::fmt;

use serde::{Deserialize, Serialize};

/// An AWS service, told from the signing name in the request's credential scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Service {
    /// Amazon `SageMaker`, signing name `sagemaker`, awsJson1.1.
    SageMaker,
    /// AWS Security Token Service, signing name `sts`, query protocol with XML answers.
    Sts,
    /// AWS Account Management, signing name `account`, REST-JSON.
    Account,
}

/// Operation, in AWS's spelling.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Operation {
    /// `SageMaker`: a page of notebook summaries.
    ListNotebookInstances,
    /// `SageMaker`: one notebook, `RootAccess` included.
    DescribeNotebookInstance,
    /// `SageMaker`: the tags of one ARN.
    ListTags,
    /// `SageMaker`, write: `InService` → `Stopping` → `Stopped`.
    StopNotebookInstance,
    /// `SageMaker`, write: `Stopped` or `Failed` → `Pending` → `InService`.
    StartNotebookInstance,
    /// `SageMaker`, write: `Stopped` → `Updating` → `Stopped`.
    UpdateNotebookInstance,
    /// `SageMaker`, write: `Stopped` or `Failed` → `Deleting` → gone.
    DeleteNotebookInstance,
    /// `SageMaker`, write: a new notebook, `Pending` → `InService`.
    CreateNotebookInstance,
    /// STS: temporary credentials of a role.
    AssumeRole,
    /// STS, unsigned: temporary credentials for a Kubernetes service account token.
    AssumeRoleWithWebIdentity,
    /// STS: the caller's identity.
    GetCallerIdentity,
    /// Account Management: the regions and their opt-in status.
    ListRegions,
    /// Any other operation: rejected with `UnknownOperationException`, and counted.
    Unknown,
}

impl Operation {
    /// All operations that are served.
    pub const ALL: [Self; 12] = [
        Self::ListNotebookInstances,
        Self::DescribeNotebookInstance,
        Self::ListTags,
        Self::StopNotebookInstance,
        Self::StartNotebookInstance,
        Self::UpdateNotebookInstance,
        Self::DeleteNotebookInstance,
        Self::CreateNotebookInstance,
        Self::AssumeRole,
        Self::AssumeRoleWithWebIdentity,
        Self::GetCallerIdentity,
        Self::ListRegions,
    ];

    /// Returns AWS's name of the operation, or `Unknown` if it is not served.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::ListNotebookInstances => "ListNotebookInstances",
            Self::DescribeNotebookInstance => "DescribeNotebookInstance",
            Self::ListTags => "ListTags",
            Self::StopNotebookInstance => "StopNotebookInstance",
            Self::StartNotebookInstance => "StartNotebookInstance",
            Self::UpdateNotebookInstance => "UpdateNotebookInstance",
            Self::DeleteNotebookInstance => "DeleteNotebookInstance",
            Self::CreateNotebookInstance => "CreateNotebookInstance",
            Self::AssumeRole => "AssumeRole",
            Self::AssumeRoleWithWebIdentity => "AssumeRoleWithWebIdentity",
            Self::GetCallerIdentity => "GetCallerIdentity",
            Self::ListRegions => "ListRegions",
            Self::Unknown => "Unknown",
        }
    }

    /// Returns true if the operation changes a notebook. Such operations are in the log of writes.
    #[must_use]
    pub const fn writes(self) -> bool {
        matches!(
            self,
            Self::StopNotebookInstance
                | Self::StartNotebookInstance
                | Self::UpdateNotebookInstance
                | Self::DeleteNotebookInstance
                | Self::CreateNotebookInstance
        )
    }

    pub(crate) fn named(name: &str) -> Self {
        Self::ALL
            .into_iter()
            .find(|operation| operation.name() == name)
            .unwrap_or(Self::Unknown)
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}
