//! The one HTTP connector of the process, with a place in a bounded queue for each Describe and a limit in time for
//! every request. A write waits for no place: there are few of them, and each has little time.
//!
//! Places are held only while a request is on the wire: not while the SDK sleeps between two attempts, and the wait for
//! one is not part of an attempt's time. So a throttled target holds none. One that answers slowly or not at all would
//! hold many, and with a few such targets the healthy ones had none left: therefore the slow share a small part.

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

use super::{Options, attempts::Pulse};

/// An answer that takes longer than this makes its target a slow one. SageMaker answers in tens to hundreds of
/// milliseconds.
const SLOW: Duration = Duration::from_secs(2);

/// A request that waited longer for its place than this was held up by others.
const QUEUED: Duration = Duration::from_secs(1);

/// The part of all places that slow targets share.
const SLOW_PART: usize = 8;

/// The largest answer that is read. A page of a hundred notebooks is some hundred kilobytes at most.
const LARGEST_ANSWER: usize = 8 * 1024 * 1024;

/// What every request of the process goes through.
#[derive(Clone, Debug)]
pub(super) struct Wire {
    client: SharedHttpClient,
    limit: Limit,
    places: Arc<Semaphore>,
    slow_places: Arc<Semaphore>,
    /// Whose requests these are; `None`: nobody's in particular, such as STS's.
    pulse: Option<Arc<Pulse>>,
}

/// How long a request may take.
#[derive(Clone, Copy, Debug)]
enum Limit {
    /// So long, from when it is sent until its answer is read.
    Each(Duration),
    /// Until then, whenever it is sent; later than that it is not sent at all.
    Until(Instant),
}

#[derive(Debug)]
struct Line {
    connector: SharedHttpConnector,
    wire: Wire,
}

impl Wire {
    pub(super) fn new(options: &Options) -> Self {
        // As the SDK makes its own default client, which is private: hyper with rustls, proxies from the environment.
        let client = Builder::new().build_with_connector_fn(|settings, components| {
            let mut builder = ConnectorBuilder::default().tls_provider(tls::Provider::Rustls(
                tls::rustls_provider::CryptoMode::AwsLc,
            ));
            builder.set_connector_settings(settings.cloned());
            builder.set_sleep_impl(components.and_then(RuntimeComponents::sleep_impl));
            builder.set_proxy_config(Some(ProxyConfig::from_env()));
            builder.build()
        });
        let places = options.describes_overall.clamp(1, Semaphore::MAX_PERMITS);
        Self {
            client,
            limit: Limit::Each(options.attempt_timeout),
            places: Arc::new(Semaphore::new(places)),
            slow_places: Arc::new(Semaphore::new((places / SLOW_PART).max(1))),
            pulse: None,
        }
    }

    /// The same wire, for a target's requests.
    pub(super) fn of_target(&self, pulse: Arc<Pulse>) -> Self {
        Self {
            pulse: Some(pulse),
            ..self.clone()
        }
    }

    /// The same wire, for one request that must be over by then.
    pub(super) fn until(&self, deadline: Instant) -> Self {
        Self {
            limit: Limit::Until(deadline),
            ..self.clone()
        }
    }

    async fn place(&self, request: &HttpRequest) -> Result<Place, ConnectorError> {
        if !is_describe(request) {
            return Ok(Place::default());
        }
        let is_slow = || self.pulse.as_ref().is_some_and(|pulse| pulse.is_slow());
        let mut slow = None;
        loop {
            if slow.is_none() && is_slow() {
                slow = Some(acquire(&self.slow_places).await?);
            }
            let place = acquire(&self.places).await?;
            // Those that queued up before their target was known to be slow queue up again, with the slow.
            if slow.is_some() || !is_slow() {
                return Ok(Place {
                    _place: Some(place),
                    _slow: slow,
                });
            }
        }
    }
}

/// Held while a request is on the wire.
#[derive(Debug, Default)]
struct Place {
    _place: Option<OwnedSemaphorePermit>,
    _slow: Option<OwnedSemaphorePermit>,
}

async fn acquire(places: &Arc<Semaphore>) -> Result<OwnedSemaphorePermit, ConnectorError> {
    // Never closed.
    Arc::clone(places)
        .acquire_owned()
        .await
        .map_err(|closed| ConnectorError::other(closed.into(), None))
}

/// The requests that are made per notebook; the others are made per target or per account.
fn is_describe(request: &HttpRequest) -> bool {
    matches!(
        request.headers().get("x-amz-target"),
        Some("SageMaker.DescribeNotebookInstance" | "SageMaker.ListTags")
    )
}

// The client's own validation is left out: it builds a whole connector, certificates and all, for every client made.
impl HttpClient for Wire {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(Line {
            connector: self.client.http_connector(settings, components),
            wire: self.clone(),
        })
    }

    fn connector_metadata(&self) -> Option<ConnectorMetadata> {
        self.client.connector_metadata()
    }
}

impl HttpConnector for Line {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let connector = self.connector.clone();
        let wire = self.wire.clone();
        HttpConnectorFuture::new(async move {
            let asked = Instant::now();
            let _place = wire.place(&request).await?;
            let sent = Instant::now();
            if let Some(pulse) = &wire.pulse
                && sent - asked > QUEUED
            {
                // AWS is not silent: it has not been asked yet.
                pulse.progressed();
            }
            let answer = wire.limit.bound(sent, exchange(&connector, request)).await;
            if let Some(pulse) = &wire.pulse {
                let timed_out = answer.as_ref().is_err_and(ConnectorError::is_timeout);
                pulse.note_pace(timed_out || sent.elapsed() > SLOW);
            }
            answer
        })
    }
}

impl Limit {
    /// A timeout alone would let a request be sent that comes to its turn too late: it looks at its clock only after the
    /// first step of what it bounds.
    async fn bound<T>(
        self,
        now: Instant,
        exchange: impl Future<Output = Result<T, ConnectorError>>,
    ) -> Result<T, ConnectorError> {
        let left = match self {
            Self::Each(limit) => limit,
            Self::Until(deadline) => deadline.saturating_duration_since(now),
        };
        if left.is_zero() {
            return Err(ConnectorError::timeout("too late to be sent".into()));
        }
        tokio::time::timeout(left, exchange)
            .await
            .unwrap_or_else(|elapsed| Err(ConnectorError::timeout(elapsed.into())))
    }
}

/// Sends the request and reads the whole answer, so that the limits cover the body too.
async fn exchange(
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
        let answer = Limit::Until(now).bound(now, send).await;
        assert!(answer.is_err_and(|error| error.is_timeout()));
        assert!(!begun);

        let soon = now + Duration::from_mins(1);
        assert!(
            Limit::Until(soon)
                .bound(now, async { Ok(()) })
                .await
                .is_ok()
        );
        let never = std::future::pending::<Result<(), _>>();
        let answer = Limit::Until(now + Duration::from_millis(1))
            .bound(now, never)
            .await;
        assert!(answer.is_err_and(|error| error.is_timeout()));
    }
}
