//! Who the operator is in an account, and what it means when that is not accepted.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, SystemTime},
};

use aws_config::SdkConfig;
use aws_credential_types::{
    Credentials,
    credential_fn::provide_credentials_fn,
    provider::{
        self, ProvideCredentials, SharedCredentialsProvider, error::CredentialsError, future,
    },
};
use aws_sdk_sts::config::{
    IdentityCache, Region as SdkRegion, SharedIdentityCache, StalledStreamProtectionConfig,
    retry::{ClientRateLimiter, RetryConfig, RetryPartition, TokenBucket},
    timeout::TimeoutConfig,
};
use aws_smithy_types::retry::RetrySpec;
use tokio::sync::OnceCell;

use super::{Operation, Options, RequestObserver, fault::Fault, observe::Attempts, wire::Wire};
use crate::domain::{Access, AccountId, ExternalId, Partition, ReadFailure, Region, TargetState};

/// The name of the role sessions, as CloudTrail shows it.
const SESSION_NAME: &str = "sudoless";

/// Credentials are renewed this long before they expire, so that clocks may differ a little.
const RENEW_BEFORE: Duration = Duration::from_mins(1);

/// How long credentials may take, an `AssumeRole` that is throttled included.
const CREDENTIALS_TIMEOUT: Duration = Duration::from_secs(150);

/// A bound on a call with all its attempts. Generous: throttling is ridden out, and whoever calls has a deadline.
const OPERATION_TIMEOUT: Duration = Duration::from_mins(15);

/// What all sessions build on.
pub(super) struct Foundation {
    pub(super) wire: Wire,
    pub(super) requests: Arc<dyn RequestObserver>,
    pub(super) describes_per_target: u32,
    /// These three know no credentials: a client is given those of its session, and has no other to fall back to.
    pub(super) sagemaker: aws_sdk_sagemaker::Config,
    account: aws_sdk_account::Config,
    sts: aws_sdk_sts::Config,
    own: Arc<Identity>,
    own_region: Option<Region>,
}

/// Credentials, and where they come from.
pub(super) struct Identity {
    pub(super) provider: SharedCredentialsProvider,
    cache: Mutex<SharedIdentityCache>,
}

/// The operator in an account of a partition.
pub(super) struct Session {
    pub(super) foundation: Arc<Foundation>,
    pub(super) identity: Arc<Identity>,
    pub(super) account: AccountId,
    partition: Partition,
    /// No role is named: the account of the operator's own identity has to be this one.
    is_own: bool,
    retries: RetryPartition,
    verified: OnceCell<()>,
}

/// Credentials of a role, by `AssumeRole` with the operator's own.
///
/// Not the SDK's `AssumeRoleProvider`: that keeps a client for each role, loads the operator's own credentials anew
/// for each, and warns in the log of every refusal.
struct AssumedRole {
    foundation: Arc<Foundation>,
    partition: Partition,
    retries: RetryPartition,
    arn: String,
    external_id: Option<ExternalId>,
}

impl Foundation {
    pub(super) fn new(
        wire: Wire,
        config: SdkConfig,
        options: &Options,
        requests: Arc<dyn RequestObserver>,
    ) -> Self {
        let own = config.credentials_provider().unwrap_or_else(|| {
            SharedCredentialsProvider::new(provide_credentials_fn(|| async {
                Err(CredentialsError::not_loaded_no_source())
            }))
        });
        let own_region = config
            .region()
            .and_then(|region| region.as_ref().parse().ok());
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(options.connect_timeout)
            .operation_timeout(OPERATION_TIMEOUT)
            .build();
        let retries = retry_config(options);
        let mut config = config
            .into_builder()
            .http_client(wire.clone())
            .timeout_config(timeouts)
            .retry_config(retries)
            // Time is bounded on the wire, and a request that waits for its place there is not stalled.
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled());
        config.set_credentials_provider(None);
        let config = config.build();
        let attempts = || Attempts::all(Arc::clone(&requests));
        Self {
            sagemaker: aws_sdk_sagemaker::Config::new(&config),
            account: aws_sdk_account::config::Builder::from(&config)
                .interceptor(attempts())
                .build(),
            sts: aws_sdk_sts::config::Builder::from(&config)
                .interceptor(attempts())
                .build(),
            own: Arc::new(Identity::new(own)),
            own_region,
            describes_per_target: options
                .describes_per_target
                .try_into()
                .unwrap_or(u32::MAX)
                .max(1),
            wire,
            requests,
        }
    }

    pub(super) fn own_partition(&self) -> Partition {
        self.own_region
            .as_ref()
            .map_or(Partition::Aws, Region::partition)
    }

    fn sts(
        &self,
        partition: Partition,
        identity: &Identity,
        retries: &RetryPartition,
    ) -> aws_sdk_sts::Client {
        let mut config = self.sts.to_builder();
        config.set_credentials_provider(Some(identity.provider.clone()));
        aws_sdk_sts::Client::from_conf(
            config
                .identity_cache(identity.cache())
                .region(self.sts_region(partition))
                .retry_partition(retries.clone())
                .build(),
        )
    }

    /// The operator's own region, else the partition's first: both are enabled whatever the account has disabled, so
    /// that credentials refused there are bad ones.
    fn sts_region(&self, partition: Partition) -> SdkRegion {
        match &self.own_region {
            Some(region) if region.partition() == partition => {
                SdkRegion::new(region.as_str().to_owned())
            }
            _ => SdkRegion::from_static(first_region(partition)),
        }
    }
}

/// Adaptive: what is throttled is sent later, not dropped.
///
/// With "retry behaviour 2.1", which the SDK has and does not yet use by default: 300 Describes against a bucket of
/// ten a second take 29.3 s (28 s is the bucket's own limit) and 30 throttled answers. The default takes a third
/// longer, and of a few dozen some wait for half a minute, because each of their retries costs ten requests' worth.
fn retry_config(options: &Options) -> RetryConfig {
    RetryConfig::adaptive()
        .with_max_attempts(options.attempts.max(1))
        .with_initial_backoff(Duration::from_millis(500))
        // The limiter paces throttled requests anyway; what else fails for half a minute is tried in the next pass.
        .with_max_backoff(Duration::from_secs(5))
        .with_retry_spec(RetrySpec::v2_1())
}

/// The region of a partition that cannot be disabled. Source: the endpoint rules of the AWS SDKs, and those of
/// Account Management, which answers for a whole partition from one region.
fn first_region(partition: Partition) -> &'static str {
    match partition {
        Partition::Aws => "us-east-1",
        Partition::AwsCn => "cn-northwest-1",
        Partition::AwsUsGov => "us-gov-west-1",
        Partition::AwsIso => "us-iso-east-1",
        Partition::AwsIsoB => "us-isob-east-1",
        Partition::AwsIsoE => "eu-isoe-west-1",
        Partition::AwsIsoF => "us-isof-south-1",
        Partition::AwsEusc => "eusc-de-east-1",
    }
}

/// A rate limiter and a budget of retries of one's own. By default all accounts of a region share them, and one that
/// is throttled starves the others.
///
/// Throttled attempts cost nothing: the limiter paces them, and their number is bounded. Other failures draw on 500
/// tokens, which come back at ten a second, where by default they come back only with success: an outage would leave
/// the target without retries for days.
pub(super) fn own_retries() -> RetryPartition {
    let now = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    RetryPartition::custom("target")
        .client_rate_limiter(ClientRateLimiter::new(now.as_secs_f64()))
        .token_bucket(
            TokenBucket::builder()
                .capacity(500)
                .retry_cost(14)
                .timeout_retry_cost(14)
                .throttling_retry_cost(0)
                .refill_rate(10.0)
                .build(),
        )
        .build()
}

impl Identity {
    fn new(provider: SharedCredentialsProvider) -> Self {
        Self {
            provider,
            cache: Mutex::new(empty_cache()),
        }
    }

    pub(super) fn cache(&self) -> SharedIdentityCache {
        self.cache
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Credentials that AWS refuses are not kept until they expire by the local clock.
    fn forget(&self) {
        *self.cache.lock().unwrap_or_else(PoisonError::into_inner) = empty_cache();
    }
}

fn empty_cache() -> SharedIdentityCache {
    IdentityCache::lazy()
        .buffer_time(RENEW_BEFORE)
        .load_timeout(CREDENTIALS_TIMEOUT)
        .max_partitions(1)
        .build()
}

impl Session {
    pub(super) fn new(
        foundation: Arc<Foundation>,
        account: AccountId,
        access: Access,
        partition: Partition,
    ) -> Self {
        let retries = own_retries();
        let is_own = access.role.is_none();
        let identity = match access.role {
            None => Arc::clone(&foundation.own),
            Some(role) => Arc::new(Identity::new(SharedCredentialsProvider::new(AssumedRole {
                foundation: Arc::clone(&foundation),
                partition,
                retries: retries.clone(),
                arn: role.arn(partition, &account),
                external_id: access.external_id,
            }))),
        };
        Self {
            foundation,
            identity,
            account,
            partition,
            is_own,
            retries,
            verified: OnceCell::new(),
        }
    }

    /// Makes sure, once, that the operator's own identity is in the account, where no role says so.
    pub(super) async fn verify(&self) -> Result<(), ReadFailure> {
        if !self.is_own {
            return Ok(());
        }
        let verify = async || {
            let caller = match self.caller().await {
                Ok(caller) => caller,
                Err(fault) => return Err(self.failure(fault).await),
            };
            if caller == self.account.as_str() {
                return Ok(());
            }
            Err(ReadFailure {
                state: TargetState::InvalidCredentials,
                message: format!(
                    "the operator's own identity is in account {caller}, not in {}: write the role to assume there in \
                     accounts[].role",
                    self.account
                ),
            })
        };
        self.verified.get_or_try_init(verify).await.copied()
    }

    /// The account that the session's credentials are in.
    async fn caller(&self) -> Result<String, Fault> {
        const OPERATION: Operation = Operation::GetCallerIdentity;
        self.foundation
            .sts(self.partition, &self.identity, &self.retries)
            .get_caller_identity()
            .send()
            .await
            .map_err(|error| Fault::of(OPERATION, &error, None))?
            .account
            .ok_or_else(|| Fault::of_answer(OPERATION, "an answer without an account"))
    }

    /// What a fault means for what was to be read. Credentials that are not recognized are bad, or the region is not
    /// enabled for the account: it is the latter only if STS takes the same credentials.
    pub(super) async fn failure(&self, fault: Fault) -> ReadFailure {
        let failure = match fault.outcome.target_state() {
            Some(state) => fault.reads(state),
            None => match self.caller().await {
                Ok(_) if fault.operation == Operation::ListRegions => {
                    fault.reads(TargetState::Unreachable)
                }
                Ok(_) => fault.reads(TargetState::RegionDisabled),
                Err(check) => match check.outcome.target_state() {
                    None | Some(TargetState::InvalidCredentials) => {
                        fault.reads(TargetState::InvalidCredentials)
                    }
                    Some(state) => check.reads(state),
                },
            },
        };
        if failure.state == TargetState::InvalidCredentials {
            self.identity.forget();
        }
        failure
    }

    pub(super) fn account_client(&self) -> aws_sdk_account::Client {
        let mut config = self.foundation.account.to_builder();
        config.set_credentials_provider(Some(self.identity.provider.clone()));
        aws_sdk_account::Client::from_conf(
            config
                .identity_cache(self.identity.cache())
                .region(SdkRegion::from_static(first_region(self.partition)))
                .retry_partition(self.retries.clone())
                .build(),
        )
    }
}

impl AssumedRole {
    async fn credentials(&self) -> provider::Result {
        const OPERATION: Operation = Operation::AssumeRole;
        let own = &self.foundation.own;
        let external_id = self.external_id.as_ref().map(ExternalId::as_str);
        let answer = self
            .foundation
            .sts(self.partition, own, &self.retries)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sts_is_asked_where_it_is_always_enabled() {
        let foundation = |region: &'static str| {
            let options = Options::default();
            let config = SdkConfig::builder()
                .behavior_version(aws_config::BehaviorVersion::latest())
                .region(SdkRegion::from_static(region))
                .build();
            Foundation::new(Wire::new(&options), config, &options, Arc::new(()))
        };
        for (own, partition, expected) in [
            ("eu-west-1", Partition::Aws, "eu-west-1"),
            ("eu-west-1", Partition::AwsUsGov, "us-gov-west-1"),
            ("cn-north-1", Partition::AwsCn, "cn-north-1"),
            ("nowhere", Partition::Aws, "us-east-1"),
        ] {
            assert_eq!(foundation(own).sts_region(partition).as_ref(), expected);
        }
        assert_eq!(foundation("cn-north-1").own_partition(), Partition::AwsCn);
    }

    #[test]
    fn each_partition_answers_for_itself() {
        for partition in [
            Partition::Aws,
            Partition::AwsCn,
            Partition::AwsUsGov,
            Partition::AwsIso,
            Partition::AwsIsoB,
            Partition::AwsIsoE,
            Partition::AwsIsoF,
            Partition::AwsEusc,
        ] {
            let region: Region = first_region(partition).parse().unwrap();
            assert_eq!(region.partition(), partition);
        }
    }
}
