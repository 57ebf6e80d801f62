//! HTTP server for Prometheus and the kubelet.

mod connections;

use std::{io, net::SocketAddr, sync::Arc};

use axum::{
    Router,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use prometheus::TEXT_FORMAT;
use tokio::{net::TcpListener, sync::Semaphore};
use tokio_util::sync::CancellationToken;

use self::connections::Limits;
use super::{Metrics, Readiness};

/// Reason why the server cannot listen on an address.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// Another process uses the port.
    #[error("cannot listen on {address}: address in use; choose another with --metrics-addr")]
    InUse {
        /// Requested address.
        address: String,
    },
    /// Any other error: unknown host, unknown interface, or a privileged port.
    #[error("cannot listen on {address}: {source}; choose another with --metrics-addr host:port")]
    Refused {
        /// Requested address.
        address: String,
        /// Error of the operating system.
        source: io::Error,
    },
}

/// Server of the metrics and the probes.
#[derive(Clone)]
pub struct Server {
    metrics: Metrics,
    readiness: Readiness,
    /// Limits scrapes to one at a time, so that several need no more memory than one. Each scrape
    /// computes all series.
    scrapes: Arc<Semaphore>,
}

/// Listens on `host:port`. Port 0 selects any free port.
///
/// # Errors
/// [`ListenError`], with what to choose instead.
pub async fn listen(address: &str) -> Result<TcpListener, ListenError> {
    TcpListener::bind(address).await.map_err(|source| {
        let address = address.to_owned();
        if source.kind() == io::ErrorKind::AddrInUse {
            ListenError::InUse { address }
        } else {
            ListenError::Refused { address, source }
        }
    })
}

impl Server {
    /// Creates a server for these metrics and this readiness.
    #[must_use]
    pub fn new(metrics: Metrics, readiness: Readiness) -> Self {
        Self {
            metrics,
            readiness,
            scrapes: Arc::new(Semaphore::new(1)),
        }
    }

    /// Serves `/metrics`, `/healthz` and `/readyz` over HTTP/1.1 until `shutdown`. Answers in
    /// flight then have up to two seconds to finish. The number and the duration of connections are
    /// bounded, so that no client grows the process's memory or blocks others.
    ///
    /// # Errors
    /// The listener's own address cannot be read.
    pub async fn serve(self, listener: TcpListener, shutdown: CancellationToken) -> io::Result<()> {
        let address: SocketAddr = listener.local_addr()?;
        tracing::info!(%address, "serving /metrics, /healthz and /readyz");
        connections::serve(listener, self.routes(), Limits::default(), shutdown).await;
        Ok(())
    }

    fn routes(self) -> Router {
        Router::new()
            .route("/metrics", get(metrics))
            .route("/healthz", get(healthz))
            .route("/readyz", get(readyz))
            .fallback(not_found)
            .with_state(self)
    }
}

async fn metrics(State(server): State<Server>) -> Response {
    let Ok(permit) = Arc::clone(&server.scrapes).acquire_owned().await else {
        // The semaphore is never closed.
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    };
    let rendered = tokio::task::spawn_blocking(move || {
        let page = server.metrics.render();
        drop(permit);
        page
    });
    match rendered.await {
        Ok(Ok(page)) => {
            let content_type = format!("{TEXT_FORMAT}; charset=utf-8");
            ([(header::CONTENT_TYPE, content_type)], page).into_response()
        }
        Ok(Err(error)) => unrenderable(&error),
        Err(error) => unrenderable(&error),
    }
}

fn unrenderable(error: &(dyn std::error::Error + 'static)) -> Response {
    tracing::error!(error, "the metrics could not be rendered");
    (
        StatusCode::INTERNAL_SERVER_ERROR,
        "the metrics could not be rendered; the log says why\n",
    )
        .into_response()
}

/// A process that answers is alive. This check contacts neither AWS nor the API server, because
/// their outage must not make the kubelet restart the operator.
async fn healthz() -> &'static str {
    "ok\n"
}

async fn readyz(State(server): State<Server>) -> (StatusCode, String) {
    match server.readiness.page() {
        (true, page) => (StatusCode::OK, page),
        (false, page) => (StatusCode::SERVICE_UNAVAILABLE, page),
    }
}

async fn not_found() -> (StatusCode, &'static str) {
    (
        StatusCode::NOT_FOUND,
        "not found; there are /metrics, /healthz and /readyz\n",
    )
}
