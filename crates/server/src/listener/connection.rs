//! One connection, from its first byte to its end.

use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulConnection;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until, timeout_at};

use super::exchange::Exchange;
use super::limits::Limits;
use super::refusal::Refusal;
use super::vitals::{Due, Vitals};
use super::wire::Wire;

/// What a connection of HTTP/2 begins with (RFC 9113 §3.4).
const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// How long a new connection may be silent once the shutdown has begun: a request may be right behind it.
const PATIENCE_AT_THE_END: Duration = Duration::from_millis(250);

/// How long a connection may take to end after it was told to, if nothing is under way on it.
const PATIENCE_TO_CLOSE: Duration = Duration::from_secs(5);

/// Serves a connection until it ends, or has to.
pub(super) async fn run(
    stream: TcpStream,
    peer: SocketAddr,
    exchange: Exchange,
    stopped: watch::Receiver<bool>,
) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "a connection keeps its delay");
    }
    let began = Instant::now();
    let limits = exchange.limits;
    let first = match begin(&stream, began + limits.head, stopped.clone()).await {
        Ok(first) if first.is_empty() => return,
        Ok(first) => first,
        Err(error) => {
            tracing::debug!(%error, "a connection ended before its first request");
            return;
        }
    };
    let is_http2 = first == PREFACE;
    let vitals = Vitals::new(is_http2, if is_http2 { Instant::now() } else { began });
    let wire = TokioIo::new(Wire::new(stream, first, Arc::clone(&vitals)));
    let told = Arc::clone(&vitals);
    let service = service_fn(move |request| exchange.clone().answer(request, peer, Arc::clone(&told)));
    // Boxed, so that a connection that has said nothing yet costs no more than it has to.
    let ended = if is_http2 {
        Box::pin(drive(http2(&limits).serve_connection(wire, service), &vitals, &limits, stopped)).await
    } else {
        Box::pin(drive(http1(&limits).serve_connection(wire, service), &vitals, &limits, stopped)).await
    };
    match ended {
        Ended::Fine => {}
        Ended::Failed(error) => tracing::debug!(%error, "a connection ended early"),
        Ended::Cut(Due::Stuck) => tracing::debug!(%peer, "a connection was cut: nobody took the answer"),
        Ended::Cut(Due::Abusive) => {
            tracing::info!(%peer, "a connection was cut: too many of its requests were given up");
        }
        Ended::Cut(due) => tracing::debug!(%peer, ?due, "a connection was cut"),
    }
}

/// Reads what tells the protocols apart; nothing where there was nothing to read.
async fn begin(
    stream: &TcpStream,
    until: Instant,
    mut stopped: watch::Receiver<bool>,
) -> io::Result<Vec<u8>> {
    let mut first = Vec::new();
    let mut room = [0; PREFACE.len()];
    let mut until = until;
    let mut stopping = false;
    while first.len() < PREFACE.len() && PREFACE.starts_with(&first) {
        tokio::select! {
            readable = timeout_at(until, stream.readable()) => match readable {
                Ok(readable) => readable?,
                Err(_) if first.is_empty() => break,
                Err(_) => {
                    let _ = stream.try_write(&Refusal::LateHead.to_http1());
                    return Err(io::ErrorKind::TimedOut.into());
                }
            },
            // Where nobody can stop it any more, it is as good as stopped.
            _ = stopped.wait_for(|stopped| *stopped), if !stopping => {
                stopping = true;
                until = until.min(Instant::now() + PATIENCE_AT_THE_END);
                continue;
            }
        }
        let missing = room.get_mut(first.len()..).unwrap_or_default();
        match stream.try_read(missing) {
            Ok(0) => break,
            Ok(length) => first.extend_from_slice(missing.get(..length).unwrap_or_default()),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
    Ok(first)
}

fn http1(limits: &Limits) -> http1::Builder {
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        // The vitals tell a head from idleness, which this does not.
        .header_read_timeout(None)
        .max_headers(limits.headers)
        .max_header_size(limits.head_bytes)
        .max_buf_size(limits.head_bytes.max(Limits::LEAST_HEAD_BYTES));
    builder
}

fn http2(limits: &Limits) -> http2::Builder<TokioExecutor> {
    let mut builder = http2::Builder::new(TokioExecutor::new());
    builder
        .timer(TokioTimer::new())
        .max_concurrent_streams(limits.streams)
        .max_header_list_size(u32::try_from(limits.head_bytes).unwrap_or(u32::MAX))
        .max_frame_size(16 * 1024)
        // What comes before somebody reads it lies in our memory: the protocol's own default, for each connection.
        .initial_stream_window_size(65_535)
        .initial_connection_window_size(65_535)
        .max_send_buf_size(64 * 1024)
        .max_pending_accept_reset_streams(20)
        .max_local_error_reset_streams(100)
        .keep_alive_interval(limits.ping)
        .keep_alive_timeout(limits.ping);
    builder
}

enum Ended<E> {
    Fine,
    Failed(E),
    Cut(Due),
}

/// Polls a connection to its end, and sees to it that it ends.
async fn drive<C: GracefulConnection>(
    connection: C,
    vitals: &Vitals,
    limits: &Limits,
    mut stopped: watch::Receiver<bool>,
) -> Ended<C::Error> {
    let mut connection = pin!(connection);
    let mut stop = pin!(async move {
        let _ = stopped.wait_for(|stopped| *stopped).await;
    });
    let mut stopping = false;
    // Until when it may be idle although it was told to close.
    let mut closing: Option<Instant> = None;
    let mut timer = pin!(sleep_until(Instant::now() + limits.head));
    poll_fn(move |context| {
        loop {
            if let Poll::Ready(ended) = connection.as_mut().poll(context) {
                return Poll::Ready(ended.map_or_else(Ended::Failed, |()| Ended::Fine));
            }
            if !stopping && stop.as_mut().poll(context).is_ready() {
                stopping = true;
                connection.as_mut().graceful_shutdown();
                continue;
            }
            let due = match (vitals.due(limits), closing) {
                (Some((_, Due::Idle)), Some(until)) => Some((until, Due::Idle)),
                (due, _) => due,
            };
            let Some((at, due)) = due else { return Poll::Pending };
            if at > Instant::now() {
                // It goes off at that time or before, and then this is asked anew: most times are put off again and again.
                if timer.deadline() > at || timer.is_elapsed() {
                    timer.as_mut().reset(at);
                }
                if timer.as_mut().poll(context).is_pending() {
                    return Poll::Pending;
                }
                continue;
            }
            match due {
                Due::LateHead if !vitals.is_late() => vitals.say_late(),
                Due::Idle if closing.is_none() => {
                    closing = Some(Instant::now() + PATIENCE_TO_CLOSE);
                    connection.as_mut().graceful_shutdown();
                }
                Due::LateHead | Due::Idle | Due::Stuck | Due::Abusive => return Poll::Ready(Ended::Cut(due)),
            }
        }
    })
    .await
}
