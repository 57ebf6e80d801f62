//! Limits on the number and the duration of the server's connections.

use std::{pin::pin, sync::Arc, time::Duration};

use axum::{Router, serve::Listener};
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
};
use tokio_util::sync::CancellationToken;

/// Time for answers in flight after the shutdown began. It is longer than a scrape of a large
/// fleet, and shorter than Kubernetes' grace period of a pod. Idle connections are closed at once.
const GRACE: Duration = Duration::from_secs(2);

/// Upper limit on the head of a request, in bytes. The requests of Prometheus and the kubelet have
/// a few hundred.
const HEAD_BYTES: usize = 16 * 1024;

/// Limits on the clients' use of the process.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// Open connections. Further ones wait in the kernel until one is closed.
    pub(super) connections: u32,
    /// Timeout for the head of a request, from the connection's start or the last answer. It bounds
    /// half-open requests and idle connections.
    pub(super) request_head: Duration,
    /// Timeout of a connection. It bounds clients that do not read their answer.
    pub(super) connection: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 512,
            request_head: Duration::from_secs(10),
            connection: Duration::from_mins(1),
        }
    }
}

/// Serves HTTP/1.1 until `shutdown`. Answers in flight then have up to [`GRACE`] to finish.
pub(super) async fn serve(
    mut listener: TcpListener,
    router: Router,
    limits: Limits,
    shutdown: CancellationToken,
) {
    let slots = Arc::new(Semaphore::new(limits.connections as usize));
    let accepting = async {
        // The semaphore is never closed.
        while let Ok(slot) = Arc::clone(&slots).acquire_owned().await {
            let (stream, _) = Listener::accept(&mut listener).await;
            let answering = answer(stream, router.clone(), limits, shutdown.clone());
            tokio::spawn(async move {
                answering.await;
                drop(slot);
            });
        }
    };
    shutdown.run_until_cancelled(accepting).await;
    drop(listener);
    // Each connection ends within the grace period.
    let _ = slots.acquire_many(limits.connections).await;
}

/// Answers the requests of one connection. Its errors are caused by the client and ignored.
async fn answer(stream: TcpStream, router: Router, limits: Limits, shutdown: CancellationToken) {
    let mut connection = pin!(
        http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(limits.request_head)
            .max_buf_size(HEAD_BYTES)
            .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router))
    );
    tokio::select! {
        _ = connection.as_mut() => return,
        () = tokio::time::sleep(limits.connection) => {}
        () = shutdown.cancelled() => {}
    }
    connection.as_mut().graceful_shutdown();
    let _ = tokio::time::timeout(GRACE, connection).await;
}

#[cfg(test)]
mod tests {
    use axum::routing::get;
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        task::JoinHandle,
        time::Instant,
    };

    use super::*;

    const LIMITS: Limits = Limits {
        connections: 3,
        request_head: Duration::from_secs(10),
        connection: Duration::from_mins(1),
    };

    /// In paused time, longer than every limit.
    const DEADLINE: Duration = Duration::from_mins(5);

    /// Bytes, more than the buffers of a connection hold.
    const LARGE: usize = 64 * 1024 * 1024;

    struct Running {
        address: String,
        shutdown: CancellationToken,
        serving: JoinHandle<()>,
    }

    async fn start() -> Running {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let shutdown = CancellationToken::new();
        let router = Router::new()
            .route("/", get(async || "ok"))
            .route("/large", get(async || "x".repeat(LARGE)));
        let serving = tokio::spawn(serve(listener, router, LIMITS, shutdown.clone()));
        Running {
            address,
            shutdown,
            serving,
        }
    }

    impl Running {
        async fn send(&self, request: &str) -> TcpStream {
            let mut stream = TcpStream::connect(&self.address).await.unwrap();
            stream.write_all(request.as_bytes()).await.unwrap();
            stream
        }

        async fn get(&self) -> String {
            let request = "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
            read(self.send(request).await).await
        }
    }

    /// Reads until the server closes the connection.
    async fn read(mut stream: TcpStream) -> String {
        let mut answer = Vec::new();
        let reading = stream.read_to_end(&mut answer);
        let closed = tokio::time::timeout(DEADLINE, reading).await;
        let _ = closed.expect("the connection stays open");
        String::from_utf8(answer).unwrap()
    }

    fn took(began: Instant, expected: Duration) -> bool {
        (expected..expected + Duration::from_secs(1)).contains(&began.elapsed())
    }

    #[tokio::test(start_paused = true)]
    async fn connections_above_the_limit_wait_for_a_slot() {
        let server = start().await;
        let began = Instant::now();
        let mut half_open = Vec::new();
        for _ in 0..LIMITS.connections {
            half_open.push(server.send("GET / HTTP/1.1\r\n").await);
        }
        assert!(server.get().await.ends_with("ok"));
        assert!(took(began, LIMITS.request_head), "{:?}", began.elapsed());
        for stream in half_open {
            assert_eq!(read(stream).await, "");
        }
        assert!(server.get().await.ends_with("ok"));
        assert!(took(began, LIMITS.request_head), "{:?}", began.elapsed());
    }

    #[tokio::test(start_paused = true)]
    async fn an_idle_connection_is_closed_at_the_deadline() {
        let server = start().await;
        let stream = server.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n").await;
        let began = Instant::now();
        assert!(read(stream).await.ends_with("ok"));
        assert!(took(began, LIMITS.request_head), "{:?}", began.elapsed());
    }

    /// Slow bytes do not extend the deadline.
    #[tokio::test(start_paused = true)]
    async fn a_head_that_trickles_is_cut_off_at_the_deadline() {
        let server = start().await;
        let began = Instant::now();
        let mut stream = server.send("GET / HTTP/1.1\r\n").await;
        let mut byte = [0];
        while began.elapsed() < DEADLINE {
            stream.write_all(b"X-A: b\r\n").await.unwrap();
            let pause = Duration::from_secs(1);
            if tokio::time::timeout(pause, stream.read(&mut byte))
                .await
                .is_ok()
            {
                break;
            }
        }
        assert!(took(began, LIMITS.request_head), "{:?}", began.elapsed());
    }

    #[tokio::test(start_paused = true)]
    async fn a_head_that_is_too_long_is_refused() {
        let server = start().await;
        let request = format!("GET / HTTP/1.1\r\nX-A: {}\r\n", "a".repeat(2 * HEAD_BYTES));
        let mut stream = TcpStream::connect(&server.address).await.unwrap();
        let _ = stream.write_all(request.as_bytes()).await;
        let began = Instant::now();
        let answer = read(stream).await;
        assert!(
            answer.is_empty() || answer.starts_with("HTTP/1.1 431"),
            "{answer}"
        );
        assert!(took(began, Duration::ZERO), "{:?}", began.elapsed());
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_does_not_read_loses_its_slot() {
        let server = start().await;
        let began = Instant::now();
        let mut silent = Vec::new();
        for _ in 0..LIMITS.connections {
            let request = "GET /large HTTP/1.1\r\nHost: x\r\n\r\n";
            silent.push(server.send(request).await);
        }
        assert!(server.get().await.ends_with("ok"));
        assert!(
            took(began, LIMITS.connection + GRACE),
            "{:?}",
            began.elapsed()
        );
    }

    #[tokio::test(start_paused = true)]
    async fn half_open_requests_do_not_hold_up_the_shutdown() {
        let server = start().await;
        let silent = server.send("GET / HTTP/1.1\r\n").await;
        assert!(server.get().await.ends_with("ok"));
        let began = Instant::now();
        server.shutdown.cancel();
        server.serving.await.unwrap();
        assert!(began.elapsed() <= GRACE, "{:?}", began.elapsed());
        drop(silent);
    }
}
