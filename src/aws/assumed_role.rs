//! Credentials of the roles that the operator assumes.

use std::{fmt, sync::Arc, time::SystemTime};

use aws_credential_types::{
    Credentials,
    provider::{self, ProvideCredentials, error::CredentialsError, future},
};
use aws_sdk_sts::config::retry::RetryPartition;

use super::{fault::Fault, foundation::Foundation, outcome::Operation, rate::RateController};
use crate::domain::{ExternalId, Partition, TargetState};

/// Name of the role sessions in CloudTrail.
const SESSION_NAME: &str = "sudoless";

/// Provider of a role's credentials, by `AssumeRole` with the operator's own.
///
/// The SDK's `AssumeRoleProvider` does not fit: it keeps a client for each role, loads the
/// operator's own credentials again for each, and logs a warning for every rejection.
pub(super) struct AssumedRole {
    pub(super) foundation: Arc<Foundation>,
    pub(super) partition: Partition,
    pub(super) retries: RetryPartition,
    pub(super) rate: Arc<RateController>,
    pub(super) arn: String,
    pub(super) external_id: Option<ExternalId>,
}

impl AssumedRole {
    async fn credentials(&self) -> provider::Result {
        const OPERATION: Operation = Operation::AssumeRole;
        let own = &self.foundation.own;
        let external_id = self.external_id.as_ref().map(ExternalId::as_str);
        let answer = self
            .foundation
            .sts(self.partition, own, &self.retries, &self.rate)
            .assume_role()
            .role_arn(&self.arn)
            .role_session_name(SESSION_NAME)
            .set_external_id(external_id.map(str::to_owned))
            .send()
            .await
            .map_err(|error| Fault::of(OPERATION, &error, external_id));
        let incomplete = || Fault::of_answer(OPERATION, "an answer without credentials");
        let credentials = answer.and_then(|answer| {
            let given = answer.credentials.ok_or_else(incomplete)?;
            let expiry = SystemTime::try_from(given.expiration).map_err(|_| incomplete())?;
            Ok(Credentials::builder()
                .access_key_id(given.access_key_id)
                .secret_access_key(given.secret_access_key)
                .session_token(given.session_token)
                .expiry(expiry)
                .provider_name("AssumedRole")
                .build())
        });
        credentials.map_err(|fault| {
            if fault.outcome.target_state() == Some(TargetState::InvalidCredentials) {
                own.forget();
            }
            CredentialsError::provider_error(fault)
        })
    }
}

impl ProvideCredentials for AssumedRole {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(self.credentials())
    }
}

impl fmt::Debug for AssumedRole {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("AssumedRole")
            .field("arn", &self.arn)
            .finish_non_exhaustive()
    }
}
