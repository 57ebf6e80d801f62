//! Credentials of the operator and of the roles that it assumes.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime},
};

use aws_credential_types::{
    Credentials,
    provider::{
        self, ProvideCredentials, SharedCredentialsProvider, error::CredentialsError, future,
    },
};
use aws_sdk_sts::config::{IdentityCache, SharedIdentityCache, retry::RetryPartition};

use super::{Operation, attempts::Pulse, fault::Fault, foundation::Foundation};
use crate::domain::{ExternalId, Partition, TargetState};

/// Name of the role sessions in CloudTrail.
const SESSION_NAME: &str = "sudoless";

/// Margin before expiry at which credentials are renewed. It tolerates small clock differences.
const RENEW_BEFORE: Duration = Duration::from_mins(1);

/// Timeout for loading credentials, a throttled `AssumeRole` included.
const CREDENTIALS_TIMEOUT: Duration = Duration::from_secs(150);

/// Credentials cache and its source.
pub(super) struct Identity {
    pub(super) provider: SharedCredentialsProvider,
    kept: Mutex<Kept>,
}

/// Cached credentials and their issue number.
#[derive(Clone)]
pub(super) struct Kept {
    pub(super) cache: SharedIdentityCache,
    pub(super) issue: u64,
}

/// Provider of a role's credentials, by `AssumeRole` with the operator's own.
///
/// The SDK's `AssumeRoleProvider` does not fit: it keeps a client for each role, loads the
/// operator's own credentials again for each, and logs a warning for every rejection.
pub(super) struct AssumedRole {
    pub(super) foundation: Arc<Foundation>,
    pub(super) partition: Partition,
    pub(super) retries: RetryPartition,
    pub(super) pulse: Arc<Pulse>,
    pub(super) arn: String,
    pub(super) external_id: Option<ExternalId>,
}

impl Identity {
    pub(super) fn new(provider: SharedCredentialsProvider) -> Self {
        Self {
            provider,
            kept: Mutex::new(Kept {
                cache: empty_cache(),
                issue: 0,
            }),
        }
    }

    pub(super) fn kept(&self) -> Kept {
        self.locked().clone()
    }

    pub(super) fn cache(&self) -> SharedIdentityCache {
        self.kept().cache
    }

    /// Drops the cached credentials. Rejected credentials must not stay until they expire by the
    /// local clock.
    pub(super) fn forget(&self) {
        let issue = self.kept().issue;
        self.forget_issue(issue);
    }

    /// Drops the cached credentials, unless a concurrent caller has already replaced this issue.
    pub(super) fn forget_issue(&self, issue: u64) {
        let mut kept = self.locked();
        if kept.issue == issue {
            *kept = Kept {
                cache: empty_cache(),
                issue: issue.wrapping_add(1),
            };
        }
    }

    fn locked(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn empty_cache() -> SharedIdentityCache {
    IdentityCache::lazy()
        .buffer_time(RENEW_BEFORE)
        .load_timeout(CREDENTIALS_TIMEOUT)
        .max_partitions(1)
        .build()
}

impl AssumedRole {
    async fn credentials(&self) -> provider::Result {
        const OPERATION: Operation = Operation::AssumeRole;
        let own = &self.foundation.own;
        let external_id = self.external_id.as_ref().map(ExternalId::as_str);
        let answer = self
            .foundation
            .sts(self.partition, own, &self.retries, &self.pulse)
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
