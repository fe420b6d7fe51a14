//! Serves a router over HTTP/1.1, with every limit that a public port needs.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, HttpBody};
use axum::response::IntoResponse;
use axum::{BoxError, Router};
use futures_util::FutureExt;
use http::{Request, Response, StatusCode};
use hyper::body::{Frame, Incoming, SizeHint};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{Instant, Sleep, sleep, sleep_until, timeout};
use tower::ServiceExt;

/// What a client may take.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Time for a request's head, which is also how long a connection may idle.
    pub head: Duration,
    /// Time for a request's whole body, counted from its head. A handler that reads a late body gets an error from it,
    /// and answers as it answers any broken body.
    pub body: Duration,
    /// Time for a request's answer to begin; then it is a 503 without a body. Longer than the router's own deadline, whose
    /// answer has one.
    pub answer: Duration,
    /// Headers of a request; more are a 431.
    pub headers: usize,
    /// Bytes of a request's head: above it, one more read of at most as many may complete the head, then it is a 431.
    pub head_bytes: usize,
    /// Connections at a time; further ones wait in the operating system's queue.
    pub connections: usize,
    /// Time for running requests to end after the shutdown began.
    pub grace: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            head: Duration::from_secs(10),
            body: Duration::from_secs(30),
            answer: Duration::from_secs(70),
            headers: 100,
            head_bytes: 64 * 1024,
            connections: 1_024,
            grace: Duration::from_secs(10),
        }
    }
}

/// A port could not be listened on.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {address} ({flag}): {cause}. {mend}")]
pub struct BindFailed {
    address: SocketAddr,
    flag: &'static str,
    cause: io::Error,
    mend: &'static str,
}

/// Listens on `address`, which came from `flag`. Another port is never taken in its place.
///
/// # Errors
/// [`BindFailed`] says what to do.
pub async fn bind(address: SocketAddr, flag: &'static str) -> Result<TcpListener, BindFailed> {
    TcpListener::bind(address).await.map_err(|cause| {
        let taken = "End the program that has it, or choose another port; port 0 takes a free one.";
        let known = [
            (io::ErrorKind::AddrInUse, taken),
            (io::ErrorKind::PermissionDenied, "Choose a port above 1023."),
            (io::ErrorKind::AddrNotAvailable, "This machine has no such address; try 127.0.0.1."),
        ];
        let mend = known.iter().find(|(kind, _)| *kind == cause.kind());
        let mend = mend.map_or("Choose another address.", |(_, mend)| mend);
        BindFailed { address, flag, cause, mend }
    })
}

/// Serves `app` on `listener` until `shutdown` is done; then takes no more connections, and returns when the running
/// requests are answered or the grace is over.
pub async fn serve(
    listener: TcpListener,
    app: Router,
    limits: Limits,
    shutdown: impl Future<Output = ()> + Send,
) {
    let graceful = GracefulShutdown::new();
    let places = Arc::new(Semaphore::new(limits.connections));
    let mut connections = JoinSet::new();
    let mut shutdown = std::pin::pin!(shutdown);
    loop {
        let accepted = async {
            // The place comes first: a connection that nobody serves yet costs us nothing.
            let place = Arc::clone(&places).acquire_owned().await;
            (place, listener.accept().await)
        };
        tokio::select! {
            () = &mut shutdown => break,
            Some(_) = connections.join_next() => {}
            (place, accepted) = accepted => match accepted {
                Ok((stream, _)) => {
                    let connection = connection(stream, app.clone(), limits, graceful.watcher());
                    connections.spawn(async move {
                        connection.await;
                        drop(place);
                    });
                }
                Err(error) => {
                    // Most likely out of file descriptors: an immediate retry would only spin.
                    tracing::warn!(%error, "a connection was not accepted");
                    sleep(Duration::from_millis(50)).await;
                }
            },
        }
    }
    drop(listener);
    if timeout(limits.grace, graceful.shutdown()).await.is_err() {
        tracing::warn!(grace = ?limits.grace, "requests were still running after the grace; they are dropped");
    }
    connections.shutdown().await;
}

async fn connection(stream: TcpStream, app: Router, limits: Limits, graceful: Watcher) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "a connection keeps its delay");
    }
    let service = service_fn(move |request: Request<Incoming>| answer(app.clone(), request, limits));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head)
        .max_headers(limits.headers)
        .max_buf_size(limits.head_bytes)
        .serve_connection(TokioIo::new(stream), service);
    if let Err(error) = graceful.watch(connection).await {
        tracing::debug!(%error, "a connection ended early");
    }
}

async fn answer(
    app: Router,
    request: Request<Incoming>,
    limits: Limits,
) -> Result<Response<Body>, Infallible> {
    let until = Instant::now() + limits.body;
    let request = request.map(|body| Body::new(Punctual { body, until, late: None }));
    // Routers answer for their own panics; one that forgot to must not cut the connection either.
    let answer = AssertUnwindSafe(app.oneshot(request)).catch_unwind();
    match timeout(limits.answer, answer).await {
        Ok(Ok(answer)) => answer,
        Ok(Err(_)) => {
            tracing::error!("a handler panicked");
            Ok(StatusCode::INTERNAL_SERVER_ERROR.into_response())
        }
        Err(_) => {
            tracing::error!(after = ?limits.answer, "a request took too long and was given up");
            Ok(StatusCode::SERVICE_UNAVAILABLE.into_response())
        }
    }
}

/// A body that fails when it is not complete in time.
struct Punctual {
    body: Incoming,
    until: Instant,
    /// Made when the body is first waited for: most are there at once, or empty.
    late: Option<Pin<Box<Sleep>>>,
}

impl HttpBody for Punctual {
    type Data = <Incoming as HttpBody>::Data;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, BoxError>>> {
        let frame = Pin::new(&mut self.body).poll_frame(context).map_err(BoxError::from);
        if frame.is_ready() {
            return frame;
        }
        let until = self.until;
        let late = self.late.get_or_insert_with(|| Box::pin(sleep_until(until)));
        late.as_mut().poll(context).map(|()| Some(Err("the body did not come in time".into())))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
