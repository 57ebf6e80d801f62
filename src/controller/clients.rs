//! Clients of the API server, for watches and for requests.

use std::time::Duration;

use kube::{Client, Config};

/// Timeout of the API server's answer to a request. Shorter than a lease.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);

/// Timeout of a connection to the API server, TLS handshake included.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Two clients of the API server.
#[derive(Clone)]
pub struct Clients {
    /// Client for watches, which may be silent for long.
    pub watches: Client,
    /// Client for all other requests. A request fails within fifteen seconds without an answer, and
    /// at once if the API server answers 429, 503 or 504. The pass then backs off, so that no pass,
    /// claim or renewal of the lease waits inside a request.
    pub requests: Client,
}

impl Clients {
    /// Creates both clients of the API server in `config`.
    ///
    /// # Errors
    /// The configuration is not usable, for instance because a certificate is unreadable.
    pub fn new(config: Config) -> Result<Self, kube::Error> {
        Ok(Self {
            requests: Client::try_from(for_requests(config.clone()))?,
            watches: Client::try_from(config)?,
        })
    }
}

fn for_requests(mut config: Config) -> Config {
    // By default kube repeats a request answered with 429, 503 or 504 up to fifteen times, over
    // minutes.
    config.default_retry = false;
    config.connect_timeout = Some(CONNECT_TIMEOUT);
    config.read_timeout = Some(ANSWER_TIMEOUT);
    config.write_timeout = Some(ANSWER_TIMEOUT);
    // Without this, a connection's idle time before the request counts as time without an answer.
    config.reset_reader_on_write = true;
    config
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    };

    use axum::{Json, Router, response::IntoResponse};
    use k8s_openapi::api::core::v1::Namespace;
    use kube::Api;
    use serde_json::json;
    use tokio::{net::TcpListener, time::Instant};

    use super::*;

    /// Paused time advances when everything waits. It measures the waits, independent of the
    /// machine's speed.
    const SLACK: Duration = Duration::from_secs(1);

    /// Returns clients of an API server that serves only `router`.
    async fn clients(router: Router) -> Clients {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Clients::new(Config::new(url.parse().unwrap())).unwrap()
    }

    async fn get(client: &Client) -> Result<Namespace, kube::Error> {
        Api::all(client.clone()).get("default").await
    }

    fn namespace() -> impl IntoResponse {
        Json(json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "default"}}))
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_that_is_not_answered_fails() {
        let silent = Router::new().fallback(async || {
            std::future::pending::<()>().await;
        });
        let clients = clients(silent).await;
        let began = Instant::now();
        get(&clients.requests).await.unwrap_err();
        let took = began.elapsed();
        assert!(
            (ANSWER_TIMEOUT..ANSWER_TIMEOUT + SLACK).contains(&took),
            "{took:?}"
        );
    }

    /// Together, eight seconds idle and an answer after five exceed the timeout.
    #[tokio::test(start_paused = true)]
    async fn the_time_that_a_connection_was_idle_does_not_count() {
        let asked = Arc::<AtomicUsize>::default();
        let slow = Router::new().fallback(async move || {
            if asked.fetch_add(1, Ordering::SeqCst) > 0 {
                tokio::time::sleep(Duration::from_secs(5)).await;
            }
            namespace()
        });
        let clients = clients(slow).await;
        get(&clients.requests).await.unwrap();
        tokio::time::advance(Duration::from_secs(8)).await;
        get(&clients.requests).await.unwrap();
    }
}
