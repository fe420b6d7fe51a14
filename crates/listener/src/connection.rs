//! One connection, from its first byte to its end.

use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy, sink};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until, timeout, timeout_at};
use tower::{BoxError, Service};

use crate::body::RequestBody;
use crate::connection_state::{ConnectionState, Expiry};
use crate::handler::Shared;
use crate::io::Io;
use crate::limits::Limits;
use crate::rejection::Rejection;

/// The first bytes of an HTTP/2 connection (RFC 9113 §3.4).
const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Time for the first byte of a new connection once the shutdown has begun: its request may be on the way.
const FIRST_BYTE_IN_SHUTDOWN: Duration = Duration::from_millis(250);

/// Time for an idle connection to complete its graceful close.
const GRACEFUL_CLOSE: Duration = Duration::from_secs(5);

/// Time to read, and bytes to discard, of what the client still sends after the last response. Closing a socket with unread
/// input makes the operating system drop sent data that the client has not read.
const LINGER: Duration = Duration::from_secs(1);
const MAX_LINGER_BYTES: u64 = 256 * 1024;

/// Serves a connection until it ends or has to be cut, and holds its places until then.
pub(crate) async fn serve<S, B>(
    mut stream: TcpStream,
    peer: SocketAddr,
    service: impl Future<Output = Result<S, BoxError>>,
    shared: Arc<Shared>,
    shutdown: watch::Receiver<bool>,
    _places: impl Send,
) where
    S: Service<Request<RequestBody>, Response = Response<B>, Error: Into<BoxError>, Future: Send>,
    S: Clone + Send + 'static,
    B: Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
{
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "setting TCP_NODELAY failed");
    }
    let limits = shared.limits;
    let accepted = Instant::now();
    let prefix = match read_prefix(&stream, accepted + limits.head_timeout, shutdown.clone()).await {
        Ok(prefix) if prefix.is_empty() => return,
        Ok(prefix) => prefix,
        Err(error) if error.kind() == io::ErrorKind::TimedOut => {
            return close(&mut stream, &shared.rejections.http1(Rejection::HeadTimeout)).await;
        }
        Err(error) => {
            tracing::debug!(%peer, %error, "connection failed before its first request");
            return;
        }
    };
    let service = match service.await {
        Ok(service) => service,
        Err(error) => {
            tracing::error!(error, "making the service of a connection failed");
            return;
        }
    };
    let is_http2 = prefix == PREFACE;
    let state = ConnectionState::new(is_http2, if is_http2 { Instant::now() } else { accepted });
    let io = TokioIo::new(Io::new(&mut stream, prefix, Arc::clone(&state)));
    let (handler_shared, handler_state) = (Arc::clone(&shared), Arc::clone(&state));
    // Boxed, because hyper keeps memory for the future of a request as long as the connection is open.
    let handler = service_fn(move |request| {
        Box::pin(Arc::clone(&handler_shared).handle(service.clone(), request, Arc::clone(&handler_state)))
    });
    // Boxed, so that a connection without a request takes little memory, and moving it copies nothing.
    let end = if is_http2 {
        let connection = Box::pin(http2(&limits).serve_connection(io, handler));
        drive(connection, http2::Connection::graceful_shutdown, &state, &limits, shutdown).await
    } else {
        let connection = Box::pin(http1(&limits).serve_connection(io, handler));
        drive(connection, http1::Connection::graceful_shutdown, &state, &limits, shutdown).await
    };
    let rejection = match end {
        End::Closed => None,
        End::Failed(error) => {
            tracing::debug!(%peer, error = %error, "connection failed");
            let too_large = error.is_parse_too_large();
            let rejection = if too_large { Rejection::HeadTooLarge } else { Rejection::Malformed };
            state.has_discarded().then_some(rejection)
        }
        End::Expired(Expiry::Head) => Some(Rejection::HeadTimeout),
        End::Expired(expiry) => {
            match expiry {
                Expiry::Resets => tracing::info!(%peer, "connection cut: too many reset streams"),
                Expiry::Write => tracing::debug!(%peer, "connection cut: the client does not read"),
                Expiry::Head | Expiry::Idle => tracing::debug!(%peer, "connection cut: idle"),
            }
            return;
        }
    };
    let last = rejection.map(|rejection| shared.rejections.http1(rejection));
    close(&mut stream, &last.unwrap_or_default()).await;
}

/// Reads as many bytes as are needed to detect the protocol; none if the client sent nothing.
///
/// Fails with `TimedOut` if the client has sent only a part of the HTTP/2 preface until then.
async fn read_prefix(
    stream: &TcpStream,
    mut deadline: Instant,
    mut shutdown: watch::Receiver<bool>,
) -> io::Result<Vec<u8>> {
    let mut prefix = Vec::new();
    let mut buffer = [0; PREFACE.len()];
    let mut shutting_down = false;
    while prefix.len() < PREFACE.len() && PREFACE.starts_with(&prefix) {
        tokio::select! {
            readable = timeout_at(deadline, stream.readable()) => match readable {
                Ok(readable) => readable?,
                Err(_) if prefix.is_empty() => break,
                Err(_) => return Err(io::ErrorKind::TimedOut.into()),
            },
            // An error means that the listener is gone, which is a shutdown too.
            _ = shutdown.wait_for(|shutdown| *shutdown), if !shutting_down => {
                shutting_down = true;
                deadline = deadline.min(Instant::now() + FIRST_BYTE_IN_SHUTDOWN);
                continue;
            }
        }
        let missing = buffer.get_mut(prefix.len()..).unwrap_or_default();
        match stream.try_read(missing) {
            Ok(0) => break,
            Ok(length) => prefix.extend_from_slice(missing.get(..length).unwrap_or_default()),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
    Ok(prefix)
}

fn http1(limits: &Limits) -> http1::Builder {
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        // A client may close its side once it has sent its request, and read the response then.
        .half_close(true)
        // hyper's timeout does not tell a head from idleness; `ConnectionState` does.
        .header_read_timeout(None)
        .max_headers(limits.max_headers)
        .max_header_size(limits.max_head_bytes)
        .max_buf_size(limits.max_head_bytes.max(Limits::MIN_HEAD_BYTES));
    builder
}

fn http2(limits: &Limits) -> http2::Builder<TokioExecutor> {
    let mut builder = http2::Builder::new(TokioExecutor::new());
    builder
        .timer(TokioTimer::new())
        .max_concurrent_streams(limits.max_streams)
        .max_header_list_size(u32::try_from(limits.max_head_bytes).unwrap_or(u32::MAX))
        .max_frame_size(16 * 1024)
        // Input that the service has not read is in memory: the protocol's default windows bound it per connection.
        .initial_stream_window_size(65_535)
        .initial_connection_window_size(65_535)
        .max_send_buf_size(64 * 1024)
        .max_pending_accept_reset_streams(20)
        .max_local_error_reset_streams(100)
        .keep_alive_interval(limits.ping_interval)
        .keep_alive_timeout(limits.ping_interval);
    builder
}

/// How hyper's part of a connection ended.
enum End {
    Closed,
    Failed(hyper::Error),
    Expired(Expiry),
}

/// Polls a connection to its end, closes it gracefully in a shutdown, and enforces its deadlines.
async fn drive<C: Future<Output = hyper::Result<()>>>(
    mut connection: Pin<Box<C>>,
    graceful_shutdown: fn(Pin<&mut C>),
    state: &ConnectionState,
    limits: &Limits,
    mut shutdown: watch::Receiver<bool>,
) -> End {
    let mut shutdown = pin!(async move {
        let _ = shutdown.wait_for(|shutdown| *shutdown).await;
    });
    let mut shutting_down = false;
    // Set once the connection was asked to close because it is idle.
    let mut close_deadline: Option<Instant> = None;
    let mut timer = pin!(sleep_until(Instant::now() + limits.head_timeout));
    poll_fn(move |context| {
        loop {
            if let Poll::Ready(end) = connection.as_mut().poll(context) {
                return Poll::Ready(end.map_or_else(End::Failed, |()| End::Closed));
            }
            if !shutting_down && shutdown.as_mut().poll(context).is_ready() {
                shutting_down = true;
                graceful_shutdown(connection.as_mut());
                continue;
            }
            let Some((mut at, expiry)) = state.deadline(limits) else { return Poll::Pending };
            if expiry == Expiry::Idle {
                at = close_deadline.unwrap_or(at);
            }
            if at > Instant::now() {
                // Deadlines usually move on before they pass: the timer is only reset if it would fire too late.
                if timer.deadline() > at || timer.is_elapsed() {
                    timer.as_mut().reset(at);
                }
                if timer.as_mut().poll(context).is_pending() {
                    return Poll::Pending;
                }
            } else if expiry == Expiry::Idle && close_deadline.is_none() {
                close_deadline = Some(Instant::now() + GRACEFUL_CLOSE);
                graceful_shutdown(connection.as_mut());
            } else {
                return Poll::Ready(End::Expired(expiry));
            }
        }
    })
    .await
}

/// Writes `last` and closes the connection so that the client can still read all that was sent.
async fn close(stream: &mut TcpStream, last: &[u8]) {
    let closing = async {
        stream.write_all(last).await?;
        stream.shutdown().await?;
        copy(&mut stream.take(MAX_LINGER_BYTES), &mut sink()).await
    };
    // Neither a timeout nor an error matters: the connection ends now.
    let _ = timeout(LINGER, closing).await;
}
