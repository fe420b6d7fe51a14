//! Own failures as errors of the client library, whose constructors are private.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_postgres::config::SslMode;
use tokio_postgres::{Config, Error, NoTls};

/// Returns an I/O error of the client library with `error` as its source.
pub(crate) async fn fail<T>(error: io::Error) -> Result<T, Error> {
    match Config::new().user("none").ssl_mode(SslMode::Disable).connect_raw(Failing(error), NoTls).await {
        Err(error) => Err(error),
        // Impossible, since each write fails.
        Ok(_) => std::future::pending().await,
    }
}

/// A stream whose calls all fail with this error.
struct Failing(io::Error);

impl Failing {
    fn error(&self) -> io::Error {
        io::Error::new(self.0.kind(), self.0.to_string())
    }
}

impl AsyncRead for Failing {
    fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, _: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Err(self.error()))
    }
}

impl AsyncWrite for Failing {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, _: &[u8]) -> Poll<io::Result<usize>> {
        Poll::Ready(Err(self.error()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Err(self.error()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Err(self.error()))
    }
}
