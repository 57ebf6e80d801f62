//! Configuration of the SDK's clients, shared by all sessions.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use aws_config::SdkConfig;
use aws_credential_types::{
    credential_fn::provide_credentials_fn,
    provider::{SharedCredentialsProvider, error::CredentialsError},
};
use aws_sdk_sts::config::{
    Region as SdkRegion, StalledStreamProtectionConfig,
    retry::{ClientRateLimiter, RetryConfig, RetryPartition, TokenBucket},
    timeout::TimeoutConfig,
};
use aws_smithy_types::retry::RetrySpec;

use super::{
    attempts::{Attempts, RequestObserver},
    identity::Identity,
    limit::LimitedClient,
    options::Options,
    rate::RateController,
};
use crate::domain::{Partition, Region};

/// Timeout of a call with all its attempts. Generous, because throttling has to be waited out and
/// every caller has its own deadline.
const OPERATION_TIMEOUT: Duration = Duration::from_mins(15);

/// State shared by all sessions.
pub(super) struct Foundation {
    pub(super) http: LimitedClient,
    pub(super) requests: Arc<dyn RequestObserver>,
    pub(super) describes_per_target: u32,
    pub(super) write_timeout: Duration,
    /// The client configurations `sagemaker`, `account` and `sts` hold no credentials. A client
    /// gets its session's credentials and has no others to fall back to.
    pub(super) sagemaker: aws_sdk_sagemaker::Config,
    pub(super) account: aws_sdk_account::Config,
    sts: aws_sdk_sts::Config,
    pub(super) own: Arc<Identity>,
    own_region: Option<Region>,
}

impl Foundation {
    pub(super) fn new(
        http: LimitedClient,
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
            .http_client(http.clone())
            .timeout_config(timeouts)
            .retry_config(retries)
            // The HTTP client bounds the time. A request that waits for a permit is not stalled.
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled());
        config.set_credentials_provider(None);
        let config = config.build();
        Self {
            sagemaker: aws_sdk_sagemaker::Config::new(&config),
            account: aws_sdk_account::config::Builder::from(&config)
                .interceptor(Attempts::new(Arc::clone(&requests)))
                .build(),
            sts: aws_sdk_sts::Config::new(&config),
            own: Arc::new(Identity::new(own)),
            own_region,
            describes_per_target: options
                .describes_per_target
                .try_into()
                .unwrap_or(u32::MAX)
                .max(1),
            write_timeout: options.write_timeout,
            http,
            requests,
        }
    }

    /// Returns the region of the SDK's configuration, if it is a valid one.
    pub(super) fn own_region(&self) -> Option<&Region> {
        self.own_region.as_ref()
    }

    pub(super) fn own_partition(&self) -> Partition {
        self.own_region
            .as_ref()
            .map_or(Partition::Aws, Region::partition)
    }

    pub(super) fn sts(
        &self,
        partition: Partition,
        identity: &Identity,
        retries: &RetryPartition,
        rate: &Arc<RateController>,
    ) -> aws_sdk_sts::Client {
        let mut config = self.sts.to_builder();
        config.set_credentials_provider(Some(identity.provider.clone()));
        aws_sdk_sts::Client::from_conf(
            config
                .identity_cache(identity.cache())
                .region(self.sts_region(partition))
                .retry_partition(retries.clone())
                .interceptor(Attempts::with_rate(
                    Arc::clone(&self.requests),
                    Arc::clone(rate),
                ))
                .build(),
        )
    }

    /// Returns the operator's own region, or else the partition's first region. No account can have
    /// either disabled, so credentials rejected there are invalid.
    fn sts_region(&self, partition: Partition) -> SdkRegion {
        match &self.own_region {
            Some(region) if region.partition() == partition => {
                SdkRegion::new(region.as_str().to_owned())
            }
            _ => SdkRegion::from_static(first_region(partition)),
        }
    }
}

/// Returns the adaptive retry mode: throttled requests are delayed, not dropped.
///
/// It uses "retry behaviour 2.1", which the SDK contains and does not yet use by default. With it,
/// 300 Describes against a bucket of ten a second take 29.3 s (28 s is the bucket's own limit) and
/// get 30 throttled answers. The default takes a third longer. Of a few dozen requests, some then
/// wait for half a minute, because each of their retries costs ten requests' worth.
fn retry_config(options: &Options) -> RetryConfig {
    RetryConfig::adaptive()
        .with_max_attempts(options.attempts.max(1))
        .with_initial_backoff(Duration::from_millis(500))
        // The rate limiter paces throttled requests anyway. Requests that fail otherwise for half a
        // minute are retried in the next pass.
        .with_max_backoff(Duration::from_secs(5))
        .with_retry_spec(RetrySpec::v2_1())
}

/// Returns the region of a partition that cannot be disabled. Source: the endpoint rules of the AWS
/// SDKs, and those of Account Management, which serves a whole partition from one region.
pub(super) fn first_region(partition: Partition) -> &'static str {
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

/// Returns a rate limiter and a retry budget for one target. By default all accounts of a region
/// share them, and one throttled account starves the others.
///
/// Throttled attempts cost nothing: the limiter paces them, and their number is bounded. Other
/// failures draw on 500 tokens, refilled at ten a second. By default tokens are refilled only by
/// success, so an outage would leave the target without retries for days.
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
            Foundation::new(LimitedClient::new(&options), config, &options, Arc::new(()))
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
