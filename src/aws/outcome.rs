//! The error table: what an answer of AWS, or its absence, means.

use std::fmt;

use crate::domain::{AnswerKind, Call, TargetState};

/// The operations that the operator sends. Three of them write: those of [`Call`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Operation {
    /// `sts:AssumeRole`.
    AssumeRole,
    /// `sts:GetCallerIdentity`, which needs no permission.
    GetCallerIdentity,
    /// `account:ListRegions`.
    ListRegions,
    /// `sagemaker:ListNotebookInstances`.
    ListNotebookInstances,
    /// `sagemaker:DescribeNotebookInstance`.
    DescribeNotebookInstance,
    /// `sagemaker:ListTags`.
    ListTags,
    /// `sagemaker:StopNotebookInstance`, which writes.
    StopNotebookInstance,
    /// `sagemaker:UpdateNotebookInstance`, which writes.
    UpdateNotebookInstance,
    /// `sagemaker:StartNotebookInstance`, which writes.
    StartNotebookInstance,
}

/// How one request to AWS ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Outcome {
    /// It was answered.
    Answered,
    /// What it asked about does not exist (any more).
    NotFound,
    /// The identity may not.
    AccessDenied,
    /// A write that the notebook's status does not allow.
    WrongStatus,
    /// A write for which a quota is used up. It says nothing of the rate of requests.
    LimitExceeded,
    /// The credentials are not recognized: they are bad, or the region is not enabled for the account.
    Unrecognized,
    /// The credentials are missing, expired, or do not sign.
    InvalidCredentials,
    /// Too many requests.
    Throttled,
    /// No answer in time.
    TimedOut,
    /// No connection, a server's fault, an answer that cannot be read, or an error that is not known.
    Failed,
}

/// What was seen of a request that was not answered as it should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Symptom<'a> {
    /// AWS answered with an error.
    Error {
        /// `__type` or `Code`, without its namespace.
        code: Option<&'a str>,
        /// AWS's words.
        message: &'a str,
        /// The HTTP status.
        status: u16,
    },
    /// No answer in time.
    TimedOut,
    /// No connection, or it broke.
    Disconnected,
    /// An answer that cannot be read.
    Unreadable,
    /// The request could not be made: no credentials were found, or those found are no good.
    NoCredentials,
}

impl Operation {
    /// Every operation.
    pub const ALL: [Self; 9] = [
        Self::AssumeRole,
        Self::GetCallerIdentity,
        Self::ListRegions,
        Self::ListNotebookInstances,
        Self::DescribeNotebookInstance,
        Self::ListTags,
        Self::StopNotebookInstance,
        Self::UpdateNotebookInstance,
        Self::StartNotebookInstance,
    ];

    /// The operation in AWS's spelling.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AssumeRole => "AssumeRole",
            Self::GetCallerIdentity => "GetCallerIdentity",
            Self::ListRegions => "ListRegions",
            Self::ListNotebookInstances => "ListNotebookInstances",
            Self::DescribeNotebookInstance => "DescribeNotebookInstance",
            Self::ListTags => "ListTags",
            Self::StopNotebookInstance => "StopNotebookInstance",
            Self::UpdateNotebookInstance => "UpdateNotebookInstance",
            Self::StartNotebookInstance => "StartNotebookInstance",
        }
    }

    /// The operation of a name, if it is one of ours.
    pub(super) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|each| each.as_str() == name)
    }

    /// Whether STS answers it. STS of the region asked is always enabled, so that credentials which it does not
    /// recognize are bad.
    fn is_sts(self) -> bool {
        matches!(self, Self::AssumeRole | Self::GetCallerIdentity)
    }

    fn writes(self) -> bool {
        matches!(
            self,
            Self::StopNotebookInstance | Self::UpdateNotebookInstance | Self::StartNotebookInstance
        )
    }
}

impl From<Call> for Operation {
    fn from(call: Call) -> Self {
        match call {
            Call::Stop => Self::StopNotebookInstance,
            Call::Update => Self::UpdateNotebookInstance,
            Call::Start => Self::StartNotebookInstance,
        }
    }
}

impl Outcome {
    /// Every outcome.
    pub const ALL: [Self; 10] = [
        Self::Answered,
        Self::NotFound,
        Self::AccessDenied,
        Self::WrongStatus,
        Self::LimitExceeded,
        Self::Unrecognized,
        Self::InvalidCredentials,
        Self::Throttled,
        Self::TimedOut,
        Self::Failed,
    ];

    /// The outcome as the metrics spell it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Answered => "Answered",
            Self::NotFound => "NotFound",
            Self::AccessDenied => "AccessDenied",
            Self::WrongStatus => "WrongStatus",
            Self::LimitExceeded => "LimitExceeded",
            Self::Unrecognized => "Unrecognized",
            Self::InvalidCredentials => "InvalidCredentials",
            Self::Throttled => "Throttled",
            Self::TimedOut => "TimedOut",
            Self::Failed => "Failed",
        }
    }

    /// The outcome that a symptom stands for.
    pub(super) fn of(operation: Operation, symptom: Symptom<'_>) -> Self {
        let outcome = match symptom {
            Symptom::Error {
                code: Some(code),
                message,
                status,
            } => Self::of_code(operation, code, message).unwrap_or_else(|| Self::of_status(status)),
            Symptom::Error {
                code: None, status, ..
            } => Self::of_status(status),
            Symptom::TimedOut => Self::TimedOut,
            Symptom::Disconnected | Symptom::Unreadable => Self::Failed,
            Symptom::NoCredentials => Self::InvalidCredentials,
        };
        match outcome {
            Self::Unrecognized if operation.is_sts() => Self::InvalidCredentials,
            other => other,
        }
    }

    /// The state of a target that could not be read because of this. `None` where that depends on more than the
    /// outcome: credentials that are not recognized mean either of two things.
    pub(super) fn target_state(self) -> Option<TargetState> {
        match self {
            Self::Unrecognized => None,
            Self::AccessDenied => Some(TargetState::AccessDenied),
            Self::InvalidCredentials => Some(TargetState::InvalidCredentials),
            Self::Throttled => Some(TargetState::Throttled),
            // From Answered on: as the reason why something is unread they make no sense, and what makes no sense is unread.
            Self::TimedOut
            | Self::Failed
            | Self::Answered
            | Self::NotFound
            | Self::WrongStatus
            | Self::LimitExceeded => Some(TargetState::Unreachable),
        }
    }

    /// What it means for the notebook that a write ended so. Credentials that are refused prove nothing: it was not looked
    /// at what they may.
    pub(super) fn answer(self) -> AnswerKind {
        match self {
            Self::Answered => AnswerKind::Accepted,
            Self::NotFound => AnswerKind::NotFound,
            Self::AccessDenied => AnswerKind::Denied,
            Self::WrongStatus => AnswerKind::WrongStatus,
            Self::LimitExceeded => AnswerKind::LimitExceeded,
            Self::Throttled => AnswerKind::Throttled,
            Self::Unrecognized | Self::InvalidCredentials | Self::TimedOut | Self::Failed => {
                AnswerKind::Unclear
            }
        }
    }

    /// Codes come from the service models and AWS's pages "Common errors"; those of throttling are the AWS SDK's own
    /// list (`aws_runtime::retries::classifiers::THROTTLING_ERRORS`), those of an identity provider STS's.
    fn of_code(operation: Operation, code: &str, message: &str) -> Option<Self> {
        match code {
            // `RecordNotFound` is SageMaker's own way to say it; the other two are what the rest of AWS says.
            "ValidationException" if message.starts_with("RecordNotFound") => Some(Self::NotFound),
            "ResourceNotFound" | "ResourceNotFoundException" => Some(Self::NotFound),

            // Stop and Start say "Status (Stopped) not in ([InService]). …"; what Update says was never captured
            // (hashicorp/terraform-provider-aws#16767, aws/amazon-sagemaker-examples#1094 and #1798). So it is not told by
            // its words: a write sends a name that AWS gave and a word of its own model, and nothing in that is invalid but
            // the moment.
            "ValidationException" if operation.writes() => Some(Self::WrongStatus),
            // The one error that the service model has for Update and Start. `LimitExceededException` is something else: the
            // SDK takes it for throttling, and so does this table.
            "ResourceLimitExceeded" if operation.writes() => Some(Self::LimitExceeded),

            "AccessDenied"
            | "AccessDeniedException"
            | "AuthorizationError"
            | "AuthorizationErrorException"
            | "NotAuthorized"
            | "NotAuthorizedException"
            | "Unauthorized"
            | "UnauthorizedException"
            | "UnauthorizedOperation" => Some(Self::AccessDenied),
            // The role, its external id or the region of STS is refused, and stays so until somebody acts.
            "ValidationError" | "RegionDisabledException" if operation == Operation::AssumeRole => {
                Some(Self::AccessDenied)
            }

            "AuthFailure"
            | "InvalidClientTokenId"
            | "OptInRequired"
            | "UnrecognizedClientException" => Some(Self::Unrecognized),

            "ExpiredToken"
            | "ExpiredTokenException"
            | "ExpiredTokenError"
            | "IDPRejectedClaim"
            | "IncompleteSignature"
            | "IncompleteSignatureException"
            | "InvalidAccessKeyId"
            | "InvalidIdentityToken"
            | "InvalidSecurity"
            | "InvalidSignatureException"
            | "MissingAuthenticationToken"
            | "MissingAuthenticationTokenException"
            | "RequestExpired"
            | "RequestTimeTooSkewed"
            | "SignatureDoesNotMatch"
            | "TokenRefreshRequired" => Some(Self::InvalidCredentials),

            "BandwidthLimitExceeded"
            | "EC2ThrottledException"
            | "LimitExceededException"
            | "PriorRequestNotComplete"
            | "ProvisionedThroughputExceededException"
            | "RequestLimitExceeded"
            | "RequestThrottled"
            | "RequestThrottledException"
            | "SlowDown"
            | "ThrottledException"
            | "Throttling"
            | "ThrottlingException"
            | "TooManyRequestsException"
            | "TransactionInProgressException" => Some(Self::Throttled),

            "RequestTimeout" | "RequestTimeoutException" => Some(Self::TimedOut),
            _ => None,
        }
    }

    fn of_status(status: u16) -> Self {
        match status {
            429 => Self::Throttled,
            408 | 504 => Self::TimedOut,
            _ => Self::Failed,
        }
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.as_str())
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests;
