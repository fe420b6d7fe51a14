//! Finds out whether a pooler is between us and the server.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_postgres::Client;
use tokio_postgres::tls::{ChannelBinding, TlsConnect, TlsStream};

/// The length of a cancel request: length, code, process id and secret.
const CANCEL_REQUEST: usize = 16;

/// Returns whether the session's process is another one than the login named. Poolers that share server connections
/// assign cancel keys of their own, so that they can pass on requests to the right server.
pub(crate) async fn is_between(client: &Client) -> Result<bool, tokio_postgres::Error> {
    let rows = client.query_typed("SELECT pg_catalog.pg_backend_pid()", &[]).await?;
    let process = rows.first().map(|row| row.try_get::<_, i32>(0)).transpose()?;
    Ok(process != named_process(client).await)
}

/// Returns the process id that the login named. The client library shows it only in a cancel request, which is written into
/// memory here.
async fn named_process(client: &Client) -> Option<i32> {
    let recorder = Recorder::default();
    client.cancel_token().cancel_query_raw(recorder.clone(), NoEncryption).await.ok()?;
    let written = recorder.0.lock().unwrap_or_else(PoisonError::into_inner);
    let request = written.get(written.len().checked_sub(CANCEL_REQUEST)?..)?;
    request.get(8..12)?.try_into().ok().map(i32::from_be_bytes)
}

/// Keeps what is written, and answers that TLS is welcome.
#[derive(Debug, Clone, Default)]
struct Recorder(Arc<Mutex<Vec<u8>>>);

impl AsyncRead for Recorder {
    fn poll_read(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if buffer.remaining() > 0 {
            buffer.put_slice(b"S");
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Recorder {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

impl TlsStream for Recorder {
    fn channel_binding(&self) -> ChannelBinding {
        ChannelBinding::none()
    }
}

/// The handshake of a stream that stays as it is.
struct NoEncryption;

impl TlsConnect<Recorder> for NoEncryption {
    type Stream = Recorder;
    type Error = Infallible;
    type Future = Ready<Result<Recorder, Infallible>>;

    fn connect(self, stream: Recorder) -> Self::Future {
        ready(Ok(stream))
    }
}
