//! Error table: the meaning of AWS's answers, and of missing answers.

use strum::{Display, EnumString, IntoStaticStr, VariantArray};

use crate::domain::{Call, TargetState, WriteOutcome};

/// Operations that the operator sends. The three of [`Call`] are writes.
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
    /// `sagemaker:StopNotebookInstance`, a write.
    StopNotebookInstance,
    /// `sagemaker:UpdateNotebookInstance`, a write.
    UpdateNotebookInstance,
    /// `sagemaker:StartNotebookInstance`, a write.
    StartNotebookInstance,
}

/// Outcome of one request to AWS.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Display, IntoStaticStr, VariantArray,
)]
pub enum Outcome {
    /// The request succeeded.
    Answered,
    /// The resource does not exist (any more).
    NotFound,
    /// The identity lacks permission.
    AccessDenied,
    /// The notebook's status does not allow the write.
    WrongStatus,
    /// The write would exceed a quota. Unrelated to the rate of requests.
    LimitExceeded,
    /// The credentials are not recognized: either they are invalid, or the region is not enabled
    /// for the account.
    Unrecognized,
    /// The credentials are missing or expired, or their signature is rejected.
    InvalidCredentials,
    /// Too many requests.
    Throttled,
    /// No answer in time.
    TimedOut,
    /// No connection, a server fault, an unreadable answer, or an unknown error.
    Failed,
}

/// Observed failure of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Symptom<'a> {
    /// AWS answered with an error.
    Error {
        /// Error code: `__type` or `Code`, without its namespace.
        code: Option<&'a str>,
        /// Error message of AWS.
        message: &'a str,
        /// HTTP status.
        status: u16,
    },
    /// No answer in time.
    TimedOut,
    /// No connection, or a broken one.
    Disconnected,
    /// Unreadable answer.
    Unreadable,
    /// The request was not sent: no credentials were found, or they are invalid.
    NoCredentials,
}

impl Operation {
    /// Returns the operation's name in AWS's spelling.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// Returns true if STS answers the operation. The operator calls STS in regions that are always
    /// enabled, so credentials unrecognized there are invalid.
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
    /// Returns the outcome's label in the metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// Classifies a symptom.
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

    /// Returns the state of a target that is unread because of this outcome. Returns `None` for
    /// unrecognized credentials, because they have two possible causes.
    pub(super) fn target_state(self) -> Option<TargetState> {
        match self {
            Self::Unrecognized => None,
            Self::AccessDenied => Some(TargetState::AccessDenied),
            Self::InvalidCredentials => Some(TargetState::InvalidCredentials),
            Self::Throttled => Some(TargetState::Throttled),
            // The outcomes from Answered on make no sense as the cause of a failed read. Such a
            // target is still unread.
            Self::TimedOut
            | Self::Failed
            | Self::Answered
            | Self::NotFound
            | Self::WrongStatus
            | Self::LimitExceeded => Some(TargetState::Unreachable),
        }
    }

    /// Returns the meaning of a write's outcome for the notebook. Rejected credentials prove
    /// nothing, because AWS did not check their permissions.
    pub(super) fn answer(self) -> WriteOutcome {
        match self {
            Self::Answered => WriteOutcome::Accepted,
            Self::NotFound => WriteOutcome::NotFound,
            Self::AccessDenied => WriteOutcome::Denied,
            Self::WrongStatus => WriteOutcome::WrongStatus,
            Self::LimitExceeded => WriteOutcome::LimitExceeded,
            Self::Throttled => WriteOutcome::Throttled,
            Self::Unrecognized | Self::InvalidCredentials | Self::TimedOut | Self::Failed => {
                WriteOutcome::Unclear
            }
        }
    }

    /// Classifies an error code. The codes come from the service models and AWS's pages "Common
    /// errors". The throttling codes are the AWS SDK's own list
    /// (`aws_runtime::retries::classifiers::THROTTLING_ERRORS`), and the identity provider codes
    /// are STS's.
    fn of_code(operation: Operation, code: &str, message: &str) -> Option<Self> {
        match code {
            // `RecordNotFound` is SageMaker's own wording. The rest of AWS uses the other two
            // codes.
            "ValidationException" if message.starts_with("RecordNotFound") => Some(Self::NotFound),
            "ResourceNotFound" | "ResourceNotFoundException" => Some(Self::NotFound),

            // Stop and Start say "Status (Stopped) not in ([InService]). …". The message of Update
            // was never captured (hashicorp/terraform-provider-aws#16767,
            // aws/amazon-sagemaker-examples#1094 and #1798). So the message is not compared. A
            // write sends a name that AWS returned and a value of AWS's own model, so only the
            // notebook's status can make it invalid.
            "ValidationException" if operation.writes() => Some(Self::WrongStatus),
            // This is the only error in the service model of Update and Start.
            // `LimitExceededException` differs: the SDK treats it as throttling, and so does this
            // table.
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
            // The role, its external ID or the region of STS is rejected, until a person changes
            // it.
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

#[cfg(test)]
mod tests;
