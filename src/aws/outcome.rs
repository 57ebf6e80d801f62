//! The error table: what an answer of AWS, or its absence, means.

use std::fmt;

use crate::domain::TargetState;

/// The operations that the operator sends. None of them writes.
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
    pub const ALL: [Self; 6] = [
        Self::AssumeRole,
        Self::GetCallerIdentity,
        Self::ListRegions,
        Self::ListNotebookInstances,
        Self::DescribeNotebookInstance,
        Self::ListTags,
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
}

impl Outcome {
    /// Every outcome.
    pub const ALL: [Self; 8] = [
        Self::Answered,
        Self::NotFound,
        Self::AccessDenied,
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
            // Answered and NotFound: as the reason of a failure they make no sense, and what makes no sense is unread.
            Self::TimedOut | Self::Failed | Self::Answered | Self::NotFound => {
                Some(TargetState::Unreachable)
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
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn error<'a>(code: &'a str, message: &'a str) -> Symptom<'a> {
        Symptom::Error {
            code: Some(code),
            message,
            status: 400,
        }
    }

    fn status(status: u16) -> Symptom<'static> {
        Symptom::Error {
            code: None,
            message: "",
            status,
        }
    }

    const LIST: Operation = Operation::ListNotebookInstances;
    const DESCRIBE: Operation = Operation::DescribeNotebookInstance;
    const ASSUME: Operation = Operation::AssumeRole;
    const CALLER: Operation = Operation::GetCallerIdentity;

    #[test]
    fn every_outcome_has_its_symptoms() {
        use Outcome::{
            AccessDenied, Failed, InvalidCredentials, NotFound, Throttled, TimedOut, Unrecognized,
        };
        let gone = "RecordNotFound";
        let table = [
            (DESCRIBE, error("ValidationException", gone), NotFound),
            (DESCRIBE, error("ResourceNotFound", ""), NotFound),
            (
                LIST,
                error("AccessDeniedException", "not authorized"),
                AccessDenied,
            ),
            (LIST, error("AccessDenied", ""), AccessDenied),
            (LIST, error("UnauthorizedOperation", ""), AccessDenied),
            (LIST, error("NotAuthorized", ""), AccessDenied),
            (ASSUME, error("AccessDenied", ""), AccessDenied),
            (ASSUME, error("ValidationError", ""), AccessDenied),
            (ASSUME, error("RegionDisabledException", ""), AccessDenied),
            (LIST, error("UnrecognizedClientException", ""), Unrecognized),
            (LIST, error("InvalidClientTokenId", ""), Unrecognized),
            (LIST, error("AuthFailure", ""), Unrecognized),
            (LIST, error("OptInRequired", ""), Unrecognized),
            (
                ASSUME,
                error("InvalidClientTokenId", ""),
                InvalidCredentials,
            ),
            (
                CALLER,
                error("UnrecognizedClientException", ""),
                InvalidCredentials,
            ),
            (LIST, error("ExpiredTokenException", ""), InvalidCredentials),
            (ASSUME, error("ExpiredToken", ""), InvalidCredentials),
            (
                LIST,
                error("InvalidSignatureException", ""),
                InvalidCredentials,
            ),
            (
                CALLER,
                error("SignatureDoesNotMatch", ""),
                InvalidCredentials,
            ),
            (LIST, Symptom::NoCredentials, InvalidCredentials),
            (
                LIST,
                error("ThrottlingException", "Rate exceeded"),
                Throttled,
            ),
            (ASSUME, error("Throttling", ""), Throttled),
            (DESCRIBE, error("RequestLimitExceeded", ""), Throttled),
            (DESCRIBE, status(429), Throttled),
            (LIST, Symptom::TimedOut, TimedOut),
            (LIST, error("RequestTimeout", ""), TimedOut),
            (LIST, status(504), TimedOut),
            (LIST, Symptom::Disconnected, Failed),
            (LIST, Symptom::Unreadable, Failed),
            (LIST, error("InternalFailure", ""), Failed),
            (LIST, status(500), Failed),
            (LIST, status(403), Failed),
            (
                LIST,
                error("ValidationException", "1 validation error"),
                Failed,
            ),
            (
                DESCRIBE,
                error("ValidationException", "no RecordNotFound"),
                Failed,
            ),
            (LIST, error("ValidationError", ""), Failed),
            (LIST, error("BrandNewException", gone), Failed),
        ];
        let mut seen = BTreeSet::from([Outcome::Answered]);
        for (operation, symptom, expected) in table {
            assert_eq!(
                Outcome::of(operation, symptom),
                expected,
                "{operation} {symptom:?}"
            );
            seen.insert(expected);
        }
        assert_eq!(seen, BTreeSet::from(Outcome::ALL));
    }

    #[test]
    fn nothing_that_went_wrong_counts_as_read() {
        for outcome in Outcome::ALL {
            assert_ne!(outcome.target_state(), Some(TargetState::Scanned));
            // Only the check of the credentials may find that a region is not enabled.
            assert_ne!(outcome.target_state(), Some(TargetState::RegionDisabled));
        }
    }

    #[test]
    fn operations_are_known_by_name() {
        for operation in Operation::ALL {
            assert_eq!(Operation::named(operation.as_str()), Some(operation));
        }
        assert_eq!(Operation::named("StopNotebookInstance"), None);
    }
}
