//! Converts the SDK's errors to an outcome and a message.

use std::{error::Error, sync::Arc};

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_sts::operation::assume_role_with_web_identity::AssumeRoleWithWebIdentityError;
use aws_smithy_runtime_api::client::{
    orchestrator::HttpResponse,
    result::{ConnectorError, SdkError},
};
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

use super::{
    outcome::{Operation, Outcome, Symptom},
    wording,
};
use crate::domain::{ReadFailure, TargetState};

/// Failure of a request after all its retries.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{operation}: {words}")]
pub(super) struct Fault {
    /// Request that failed. It is `AssumeRole` if the role's credentials for another request could
    /// not be obtained.
    pub(super) operation: Operation,
    /// Meaning of the failure.
    pub(super) outcome: Outcome,
    /// Error code and message, fit to show. Shared, because one rejected role fails the reads of
    /// all its regions.
    words: Arc<str>,
}

impl Fault {
    /// Returns the fault of an answer that is not an error but is incomplete.
    pub(super) fn of_answer(operation: Operation, words: &str) -> Self {
        Self {
            operation,
            outcome: Outcome::Failed,
            words: words.into(),
        }
    }

    /// Returns the fault of a request that timed out, sent or not.
    pub(super) fn timed_out(operation: Operation) -> Self {
        Self {
            operation,
            outcome: Outcome::TimedOut,
            words: TIMED_OUT.into(),
        }
    }

    /// Classifies an error of the SDK. `secret` is removed from its message.
    pub(super) fn of<E>(
        operation: Operation,
        error: &SdkError<E, HttpResponse>,
        secret: Option<&str>,
    ) -> Self
    where
        E: Error + ProvideErrorMetadata + 'static,
    {
        if let Some(fault) = find::<Self>(error) {
            return fault.clone();
        }
        let shown = |text: &str| wording::stable(text, secret);
        let (symptom, words) = match error {
            SdkError::ServiceError(context) => {
                let (symptom, words) = answered(context.err(), context.raw());
                (symptom, shown(&words))
            }
            SdkError::ResponseError(context) => (
                Symptom::Unreadable,
                format!(
                    "HTTP {}, unreadable answer",
                    context.raw().status().as_u16()
                ),
            ),
            SdkError::TimeoutError(_) => (Symptom::TimedOut, TIMED_OUT.to_owned()),
            other => {
                let (symptom, words) = not_answered(other);
                (symptom, shown(&words))
            }
        };
        Self {
            operation,
            outcome: Outcome::of(operation, symptom),
            words: words.into(),
        }
    }

    /// Returns true if the credentials are no longer accepted, so that new ones may help. The next
    /// pass would load new ones anyway, but failures until then would be Unknown.
    pub(super) fn is_of_old_credentials(&self) -> bool {
        self.outcome == Outcome::InvalidCredentials && self.operation != Operation::AssumeRole
    }

    /// Returns true if the request has to be sent with new credentials. Unrecognized credentials
    /// may be valid, in a region that is not enabled. Dropping them then costs one request.
    pub(super) fn refuses_credentials(&self) -> bool {
        matches!(
            self.outcome,
            Outcome::InvalidCredentials | Outcome::Unrecognized
        )
    }

    /// Returns the read failure of a target in this state.
    pub(super) fn reads(&self, state: TargetState) -> ReadFailure {
        ReadFailure {
            state,
            message: self.to_string(),
        }
    }
}

const TIMED_OUT: &str = "no answer in time";

/// Replaces the SDK's message, which lists every place where it looked.
const NOT_LOADED: &str = "no credentials: not found in the environment, a profile, IRSA, Pod Identity \
                          or an instance role";

fn answered<'a, E>(error: &'a E, response: &HttpResponse) -> (Symptom<'a>, String)
where
    E: ProvideErrorMetadata,
{
    let status = response.status().as_u16();
    let message = error.message().unwrap_or_default();
    let words = match (error.code(), message) {
        (Some(code), "") => code.to_owned(),
        (Some(code), message) => format!("{code}: {message}"),
        (None, _) => format!("HTTP {status} without an error code"),
    };
    let symptom = Symptom::Error {
        code: error.code(),
        message,
        status,
    };
    (symptom, words)
}

/// Classifies an error without an answer: the connection failed, or there were no credentials.
fn not_answered<'a>(error: &'a (dyn Error + 'static)) -> (Symptom<'a>, String) {
    if let Some(error) = find::<AssumeRoleWithWebIdentityError>(error)
        && let Some(code) = error.code()
    {
        // This is the operator's own token. If it is rejected, the operator has no identity at all,
        // which is not a matter of one target's permissions.
        let message = error.message().unwrap_or_default();
        let symptom = match (Symptom::Error {
            code: Some(code),
            message,
            status: 400,
        }) {
            symptom if is_passing(symptom) => symptom,
            _ => Symptom::NoCredentials,
        };
        return (
            symptom,
            format!("AssumeRoleWithWebIdentity: {code}: {message}"),
        );
    }
    // The outermost error may only wrap a failure to find credentials. The innermost connector
    // error is the one from the network.
    match (
        find::<CredentialsError>(error),
        innermost_connector_error(error),
    ) {
        (_, Some(connector)) if connector.is_timeout() => (Symptom::TimedOut, TIMED_OUT.to_owned()),
        (Some(CredentialsError::ProviderTimedOut(_)), _) => (
            Symptom::TimedOut,
            "loading credentials timed out".to_owned(),
        ),
        (None, _) => (
            Symptom::Disconnected,
            format!("no connection: {}", root(error)),
        ),
        (Some(_), Some(connector)) if connector.is_io() => (
            Symptom::Disconnected,
            format!("no credentials: {}", root(error)),
        ),
        (Some(CredentialsError::CredentialsNotLoaded(_)), _) => {
            (Symptom::NoCredentials, NOT_LOADED.to_owned())
        }
        (Some(credentials @ CredentialsError::Unhandled(_)), _) => {
            (Symptom::Unreadable, no_credentials(credentials))
        }
        (Some(credentials), _) => (Symptom::NoCredentials, no_credentials(credentials)),
    }
}

/// Describes why a configured source returned no credentials. The message has the whole chain of
/// errors, because the innermost may be just "no such file".
fn no_credentials(error: &CredentialsError) -> String {
    let why: Vec<_> = chain(error).skip(1).map(ToString::to_string).collect();
    format!("no credentials: {}", why.join(": "))
}

/// Returns true if the symptom says nothing about the credentials.
fn is_passing(symptom: Symptom<'_>) -> bool {
    matches!(
        Outcome::of(Operation::AssumeRole, symptom),
        Outcome::Throttled | Outcome::TimedOut | Outcome::Failed
    )
}

fn chain<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&error| error.source())
}

fn find<'a, E: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a E> {
    chain(error).find_map(|error| error.downcast_ref())
}

fn innermost_connector_error<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a ConnectorError> {
    chain(error)
        .filter_map(|error| error.downcast_ref::<ConnectorError>())
        .last()
}

/// Returns the message of the innermost error. The outer ones add addresses, which change.
fn root(error: &(dyn Error + 'static)) -> String {
    chain(error)
        .last()
        .map(ToString::to_string)
        .unwrap_or_default()
}
