//! Listening socket, with connections that a request can reset.

use std::{
    io,
    net::SocketAddr,
    pin::Pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use axum::{
    Router,
    body::{Bytes, to_bytes},
    extract::{ConnectInfo, Request, State, connect_info::Connected},
    http::StatusCode,
    response::{IntoResponse, Response},
    serve::{IncomingStream, Listener},
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpStream},
};

use crate::{admin, aws, world::World};

/// Upper limit on a request's size, in bytes. AWS's own requests have a few kilobytes.
const LARGEST_BODY: usize = 1 << 20;

/// State shared by all requests.
#[derive(Debug)]
pub(crate) struct Shared {
    world: Mutex<World>,
    /// Delay added to every answer of AWS.
    pub(crate) latency: Duration,
    pub(crate) url: String,
}

/// Connection of a request.
#[derive(Clone, Debug, Default)]
pub(crate) struct Connection {
    reset: Arc<AtomicBool>,
}

/// Stream that fails, and closes its connection, after a reset was requested.
#[derive(Debug)]
pub(crate) struct Stream {
    tcp: TcpStream,
    connection: Connection,
}

#[derive(Debug)]
struct Incoming(TcpListener);

impl Shared {
    pub(crate) fn new(world: World, latency: Duration, url: String) -> Self {
        Self {
            world: Mutex::new(world),
            latency,
            url,
        }
    }

    /// Locks the state. The lock is never held across an await.
    pub(crate) fn world(&self) -> MutexGuard<'_, World> {
        // A panic leaves no state that a later request could not handle.
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Connection {
    /// Resets the connection instead of sending the next answer.
    pub(crate) fn reset(&self) {
        self.reset.store(true, Ordering::Release);
    }
}

impl Stream {
    fn check(&self) -> io::Result<()> {
        if !self.connection.reset.load(Ordering::Acquire) {
            return Ok(());
        }
        // Closing then sends RST instead of FIN. If setting this fails, the client still loses the
        // connection.
        let _ = self.tcp.set_zero_linger();
        Err(io::ErrorKind::ConnectionReset.into())
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_read(context, buffer)
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.check()?;
        Pin::new(&mut self.tcp).poll_write(context, buffer)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffers: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.check()?;
        Pin::new(&mut self.tcp).poll_write_vectored(context, buffers)
    }

    fn is_write_vectored(&self) -> bool {
        self.tcp.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.check()?;
        Pin::new(&mut self.tcp).poll_shutdown(context)
    }
}

impl Listener for Incoming {
    type Io = Stream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Stream, SocketAddr) {
        let (tcp, address) = Listener::accept(&mut self.0).await;
        // Small answers must not wait for more data, which can take 40 ms. This call cannot fail on
        // a live socket.
        let _ = tcp.set_nodelay(true);
        let connection = Connection::default();
        (Stream { tcp, connection }, address)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.0.local_addr()
    }
}

impl Connected<IncomingStream<'_, Incoming>> for Connection {
    fn connect_info(stream: IncomingStream<'_, Incoming>) -> Self {
        stream.io().connection.clone()
    }
}

/// Serves until the runtime ends.
pub(crate) async fn serve(listener: TcpListener, shared: Arc<Shared>) -> io::Result<()> {
    let router = Router::new()
        .nest("/_admin", admin::router())
        .fallback(aws)
        .with_state(shared);
    let service = router.into_make_service_with_connect_info::<Connection>();
    axum::serve(Incoming(listener), service).await
}

async fn aws(
    State(shared): State<Arc<Shared>>,
    ConnectInfo(connection): ConnectInfo<Connection>,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    let body: Bytes = match to_bytes(body, LARGEST_BODY).await {
        Ok(body) => body,
        Err(error) => return (StatusCode::PAYLOAD_TOO_LARGE, error.to_string()).into_response(),
    };
    aws::serve(shared, connection, parts, body).await
}
