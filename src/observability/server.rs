//! The HTTP server that Prometheus and the kubelet ask.

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

/// Why an address cannot be listened on.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// Another process has the port.
    #[error("cannot listen on {address}: address in use; choose another with --metrics-addr")]
    InUse {
        /// What was asked for.
        address: String,
    },
    /// Anything else: no such host, no such interface, a privileged port.
    #[error("cannot listen on {address}: {source}; choose another with --metrics-addr host:port")]
    Refused {
        /// What was asked for.
        address: String,
        /// The system's word.
        source: io::Error,
    },
}

/// What is served.
#[derive(Clone)]
pub struct Server {
    metrics: Metrics,
    readiness: Readiness,
    /// A scrape computes every series anew: scrapes queue, so that several at once cost no more memory than one.
    scrapes: Arc<Semaphore>,
}

/// Listens on `host:port`; port 0 means any free one.
///
/// # Errors
/// [`ListenError`] says what to choose instead.
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
    /// A server of these metrics and this readiness.
    #[must_use]
    pub fn new(metrics: Metrics, readiness: Readiness) -> Self {
        Self {
            metrics,
            readiness,
            scrapes: Arc::new(Semaphore::new(1)),
        }
    }

    /// Serves `/metrics`, `/healthz` and `/readyz` over HTTP/1.1 until `shutdown`, then lets answers under way finish, for at most two
    /// seconds. Connections are bounded in number and time, so that no client grows the process's memory or holds up others.
    ///
    /// # Errors
    /// Only if the listener's own address cannot be read.
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

/// Alive is whoever answers. Nothing outside the process is asked: an outage of AWS or of the API server must not make
/// the kubelet restart the operator.
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
