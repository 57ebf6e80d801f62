//! The server, over a real socket.

use std::{io, time::Duration};

use strum::VariantArray;
use sudoless::observability::{self, ListenError, Metrics, Readiness, ReadinessCheck, Server};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    task::JoinHandle,
    time::{Instant, timeout},
};
use tokio_util::sync::CancellationToken;

use super::{
    DEADLINE,
    fixture::{busy_metrics, metrics},
    http::get,
    lint,
};
use crate::support::alone::is_alone;

/// What answers may take in paused time, which moves only when nothing else can happen.
const ANSWERED: Duration = Duration::from_secs(1);

/// When half-open connections are closed at the latest.
const CLOSED: Duration = Duration::from_secs(11);

/// A server on a port of its own.
struct Running {
    address: String,
    shutdown: CancellationToken,
    serving: JoinHandle<io::Result<()>>,
}

async fn serve(metrics: Metrics, readiness: Readiness) -> Running {
    let listener = observability::listen("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let shutdown = CancellationToken::new();
    let serving = tokio::spawn(Server::new(metrics, readiness).serve(listener, shutdown.clone()));
    Running {
        address,
        shutdown,
        serving,
    }
}

impl Running {
    async fn stop(self) {
        self.shutdown.cancel();
        timeout(DEADLINE, self.serving)
            .await
            .expect("it does not stop")
            .unwrap()
            .unwrap();
    }
}

#[tokio::test]
async fn metrics_are_served_in_prometheus_text_format() {
    let metrics = busy_metrics();
    let server = serve(metrics.clone(), Readiness::new()).await;
    let answer = get(&server.address, "/metrics").await;
    assert_eq!(answer.status, 200);
    assert_eq!(
        answer.header("content-type"),
        Some("text/plain; version=0.0.4; charset=utf-8")
    );
    assert_eq!(lint::lint(&answer.body), Vec::<String>::new());
    let ours = |page: &str| -> Vec<String> {
        page.lines()
            .filter(|line| line.contains("sudoless"))
            .map(str::to_owned)
            .collect()
    };
    assert_eq!(ours(&answer.body), ours(&metrics.render().unwrap()));
    server.stop().await;
}

#[tokio::test]
async fn readiness_names_what_it_waits_for_and_liveness_waits_for_nothing() {
    let readiness = Readiness::new();
    let server = serve(metrics(), readiness.clone()).await;
    for &gate in ReadinessCheck::VARIANTS {
        let answer = get(&server.address, "/readyz").await;
        assert_eq!(answer.status, 503);
        assert!(
            answer.body.contains(&format!("[-]{gate} waits for ")),
            "{}",
            answer.body
        );
        assert_eq!(answer.body.lines().count(), ReadinessCheck::VARIANTS.len());
        assert_eq!(get(&server.address, "/healthz").await.status, 200);

        readiness.shut(gate, "a certain thing");
        let answer = get(&server.address, "/readyz").await;
        assert!(
            answer
                .body
                .contains(&format!("[-]{gate} waits for a certain thing\n")),
            "{}",
            answer.body
        );

        readiness.open(gate);
    }
    let answer = get(&server.address, "/readyz").await;
    assert_eq!(answer.status, 200);
    assert_eq!(
        answer.body,
        "[+]custom-resource-definitions ok\n[+]policy-watch ok\n"
    );
    server.stop().await;
}

#[tokio::test]
async fn other_paths_are_not_found() {
    let server = serve(metrics(), Readiness::new()).await;
    for path in ["/", "/metrics/", "/healthz/x", "/debug"] {
        let answer = get(&server.address, path).await;
        assert_eq!(answer.status, 404, "{path}");
        assert!(answer.body.contains("/metrics"), "{}", answer.body);
    }
    server.stop().await;
}

/// Paused time moves only when nothing else can happen: had the server waited, it would have.
#[tokio::test(start_paused = true)]
async fn without_clients_the_shutdown_takes_no_time() {
    let start = Instant::now();
    serve(metrics(), Readiness::new()).await.stop().await;
    assert_eq!(start.elapsed(), Duration::ZERO);
}

#[tokio::test]
async fn a_silent_client_does_not_hold_up_the_shutdown() {
    let server = serve(metrics(), Readiness::new()).await;
    let mut silent = TcpStream::connect(&server.address).await.unwrap();
    silent
        .write_all(b"GET /metrics HTTP/1.1\r\n")
        .await
        .unwrap();
    // Answered after the silent client was accepted, because connections are accepted in order.
    assert_eq!(get(&server.address, "/healthz").await.status, 200);
    server.stop().await;
    drop(silent);
}

/// A connection that sent nothing, and one that sent half a request. Runs in its own process,
/// because the open files of a process are limited.
#[tokio::test(start_paused = true)]
async fn hundreds_of_half_open_requests_hold_up_nobody_and_are_closed() {
    const HALF_OPEN: usize = 400;
    if !is_alone(
        "observability::server::hundreds_of_half_open_requests_hold_up_nobody_and_are_closed",
    ) {
        return;
    }
    let server = serve(metrics(), Readiness::new()).await;
    let began = Instant::now();
    let mut half_open = Vec::new();
    for number in 0..HALF_OPEN {
        let mut stream = TcpStream::connect(&server.address).await.unwrap();
        if number % 2 == 0 {
            stream
                .write_all(b"GET /metrics HTTP/1.1\r\nHost: x\r\n")
                .await
                .unwrap();
        }
        half_open.push(stream);
    }
    for path in ["/healthz", "/metrics"] {
        assert_eq!(get(&server.address, path).await.status, 200);
    }
    assert!(began.elapsed() < ANSWERED, "{:?}", began.elapsed());
    for mut stream in half_open {
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        assert!(answer.is_empty());
    }
    assert!(began.elapsed() < CLOSED, "{:?}", began.elapsed());
    server.stop().await;
}

#[tokio::test]
async fn an_address_that_cannot_be_had_is_named_with_what_to_do() {
    let taken = observability::listen("127.0.0.1:0").await.unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let error = observability::listen(&address).await.unwrap_err();
    assert!(matches!(error, ListenError::InUse { .. }));
    assert_eq!(
        error.to_string(),
        format!("cannot listen on {address}: address in use; choose another with --metrics-addr")
    );
    let error = observability::listen("nonsense")
        .await
        .unwrap_err()
        .to_string();
    assert!(error.starts_with("cannot listen on nonsense: "), "{error}");
    assert!(
        error.ends_with("choose another with --metrics-addr host:port"),
        "{error}"
    );
}
