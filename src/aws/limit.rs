//! The limits of requests: the HTTP client of the process bounds the time of every request, and the
//! number of Describes in flight. Writes need no permit, because they are few and have little time.
//!
//! A permit is held only while a request is sent and answered, not while the SDK sleeps between two
//! attempts. The wait for a permit is not part of an attempt's time. A throttled target therefore
//! holds no permits. Slow or silent targets would hold many, and a few of them would take all
//! permits from the healthy ones. Slow targets therefore share a small part of the permits.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use aws_smithy_http_client::{Builder, ConnectorBuilder, proxy::ProxyConfig, tls};
use aws_smithy_runtime_api::client::{
    connector_metadata::ConnectorMetadata,
    http::{
        HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
        SharedHttpConnector,
    },
    orchestrator::{HttpRequest, HttpResponse},
    result::ConnectorError,
    runtime_components::RuntimeComponents,
};
use aws_smithy_types::{body::SdkBody, byte_stream::ByteStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::{options::Options, rate::RateController};

/// Time after which an answer marks its target as slow. SageMaker answers in tens to hundreds of
/// milliseconds.
const SLOW: Duration = Duration::from_secs(2);

/// Wait for a permit after which a request counts as delayed by other targets.
const QUEUED: Duration = Duration::from_secs(1);

/// Divisor of all permits: slow targets share this part.
const SLOW_PART: usize = 8;

/// Upper limit on an answer's size, in bytes. A page of a hundred notebooks has at most some
/// hundred kilobytes.
const LARGEST_ANSWER: usize = 8 * 1024 * 1024;

/// HTTP client that every request of the process uses.
#[derive(Clone, Debug)]
pub(super) struct LimitedClient {
    client: SharedHttpClient,
    time: TimeLimit,
    permits: Arc<Semaphore>,
    slow_permits: Arc<Semaphore>,
    /// Rate controller of the target that sends the requests. `None` for requests of no single
    /// target, such as those to STS.
    rate: Option<Arc<RateController>>,
}

/// Time limit of a request.
#[derive(Clone, Copy, Debug)]
enum TimeLimit {
    /// Timeout from sending the request to reading the whole answer.
    Each(Duration),
    /// Deadline. After it the request is not sent at all.
    Until(Instant),
}

#[derive(Debug)]
struct LimitedConnector {
    connector: SharedHttpConnector,
    limits: LimitedClient,
}

impl LimitedClient {
    pub(super) fn new(options: &Options) -> Self {
        // Same as the SDK's default client, which is private: hyper with rustls, and proxies from
        // the environment.
        let client = Builder::new().build_with_connector_fn(|settings, components| {
            let mut builder = ConnectorBuilder::default().tls_provider(tls::Provider::Rustls(
                tls::rustls_provider::CryptoMode::AwsLc,
            ));
            builder.set_connector_settings(settings.cloned());
            builder.set_sleep_impl(components.and_then(RuntimeComponents::sleep_impl));
            builder.set_proxy_config(Some(ProxyConfig::from_env()));
            builder.build()
        });
        let permits = options.describes_overall.clamp(1, Semaphore::MAX_PERMITS);
        Self {
            client,
            time: TimeLimit::Each(options.attempt_timeout),
            permits: Arc::new(Semaphore::new(permits)),
            slow_permits: Arc::new(Semaphore::new((permits / SLOW_PART).max(1))),
            rate: None,
        }
    }

    /// Returns the same client for a target's requests.
    pub(super) fn with_rate(&self, rate: Arc<RateController>) -> Self {
        Self {
            rate: Some(rate),
            ..self.clone()
        }
    }

    /// Returns the same client for one request with a deadline.
    pub(super) fn until(&self, deadline: Instant) -> Self {
        Self {
            time: TimeLimit::Until(deadline),
            ..self.clone()
        }
    }

    async fn acquire(&self, request: &HttpRequest) -> Result<Permit, ConnectorError> {
        if !is_describe(request) {
            return Ok(Permit::default());
        }
        let is_slow = || self.rate.as_ref().is_some_and(|rate| rate.is_slow());
        let mut slow = None;
        loop {
            if slow.is_none() && is_slow() {
                slow = Some(acquire(&self.slow_permits).await?);
            }
            let permit = acquire(&self.permits).await?;
            // A request that was queued before its target became slow also queues for a permit of
            // slow targets.
            if slow.is_some() || !is_slow() {
                return Ok(Permit {
                    _all: Some(permit),
                    _slow: slow,
                });
            }
        }
    }
}

/// Permits held while a request is sent and answered.
#[derive(Debug, Default)]
struct Permit {
    _all: Option<OwnedSemaphorePermit>,
    _slow: Option<OwnedSemaphorePermit>,
}

async fn acquire(permits: &Arc<Semaphore>) -> Result<OwnedSemaphorePermit, ConnectorError> {
    // The semaphore is never closed.
    Arc::clone(permits)
        .acquire_owned()
        .await
        .map_err(|closed| ConnectorError::other(closed.into(), None))
}

/// Returns true for the requests sent per notebook. Other requests are sent per target or account.
fn is_describe(request: &HttpRequest) -> bool {
    matches!(
        request.headers().get("x-amz-target"),
        Some("SageMaker.DescribeNotebookInstance" | "SageMaker.ListTags")
    )
}

// The client's own validation is left out, because it builds a whole connector with certificates
// for every client.
impl HttpClient for LimitedClient {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(LimitedConnector {
            connector: self.client.http_connector(settings, components),
            limits: self.clone(),
        })
    }

    fn connector_metadata(&self) -> Option<ConnectorMetadata> {
        self.client.connector_metadata()
    }
}

impl HttpConnector for LimitedConnector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let connector = self.connector.clone();
        let limits = self.limits.clone();
        HttpConnectorFuture::new(async move {
            let asked = Instant::now();
            let _permit = limits.acquire(&request).await?;
            let sent = Instant::now();
            if let Some(rate) = &limits.rate
                && sent - asked > QUEUED
            {
                // AWS is not silent: the request has not been sent yet.
                rate.progressed();
            }
            let answer = limits.time.bound(sent, send(&connector, request)).await;
            if let Some(rate) = &limits.rate {
                let timed_out = answer.as_ref().is_err_and(ConnectorError::is_timeout);
                rate.on_answer(timed_out || sent.elapsed() > SLOW);
            }
            answer
        })
    }
}

impl TimeLimit {
    /// Runs the exchange within the limit. A timeout alone would still send a request after its
    /// deadline, because a timeout polls its future once before its clock.
    async fn bound<T>(
        self,
        now: Instant,
        request: impl Future<Output = Result<T, ConnectorError>>,
    ) -> Result<T, ConnectorError> {
        let left = match self {
            Self::Each(limit) => limit,
            Self::Until(deadline) => deadline.saturating_duration_since(now),
        };
        if left.is_zero() {
            return Err(ConnectorError::timeout("too late to be sent".into()));
        }
        tokio::time::timeout(left, request)
            .await
            .unwrap_or_else(|elapsed| Err(ConnectorError::timeout(elapsed.into())))
    }
}

/// Sends the request and reads the whole answer, so that the limits also cover the body.
async fn send(
    connector: &SharedHttpConnector,
    request: HttpRequest,
) -> Result<HttpResponse, ConnectorError> {
    let mut response = connector.call(request).await?;
    let mut body = ByteStream::new(response.take_body());
    let mut read = Vec::new();
    while let Some(part) = body.next().await {
        let part = part.map_err(|error| ConnectorError::io(error.into()))?;
        if read.len() + part.len() > LARGEST_ANSWER {
            return Err(ConnectorError::other(
                "the answer is too large".into(),
                None,
            ));
        }
        read.extend_from_slice(&part);
    }
    *response.body_mut() = SdkBody::from(read);
    Ok(response)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_too_late_is_not_even_begun() {
        let now = Instant::now();
        let mut begun = false;
        let send = async {
            begun = true;
            Ok(())
        };
        let answer = TimeLimit::Until(now).bound(now, send).await;
        assert!(answer.is_err_and(|error| error.is_timeout()));
        assert!(!begun);

        let soon = now + Duration::from_mins(1);
        assert!(
            TimeLimit::Until(soon)
                .bound(now, async { Ok(()) })
                .await
                .is_ok()
        );
        let never = std::future::pending::<Result<(), _>>();
        let answer = TimeLimit::Until(now + Duration::from_millis(1))
            .bound(now, never)
            .await;
        assert!(answer.is_err_and(|error| error.is_timeout()));
    }
}
