//! The socket as hyper sees it.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use crate::connection_state::ConnectionState;
use crate::request_head::RequestHead;

/// A borrowed socket that reports its progress to the connection's state.
///
/// hyper answers input that is not HTTP with a response without a body, and has no hook for it. Such a response is the only
/// thing that it writes while no request is open, so that writes are discarded then; `connection.rs` sends the listener's own
/// response after hyper has returned its error.
pub(crate) struct Io<'a> {
    stream: &'a mut TcpStream,
    /// Input that was read to detect the protocol; hyper reads it first.
    prefix: Vec<u8>,
    state: Arc<ConnectionState>,
    head: RequestHead,
}

impl<'a> Io<'a> {
    pub(crate) fn new(stream: &'a mut TcpStream, mut prefix: Vec<u8>, state: Arc<ConnectionState>) -> Self {
        let mut head = RequestHead::default();
        head.check(&mut prefix);
        Self { stream, prefix, state, head }
    }

    fn report<T>(&self, written: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if written.is_pending() {
            self.state.write_blocked();
        } else {
            self.state.write_progressed();
        }
        written
    }
}

impl AsyncRead for Io<'_> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if !self.prefix.is_empty() {
            let length = self.prefix.len().min(buffer.remaining());
            buffer.put_slice(self.prefix.get(..length).unwrap_or_default());
            self.prefix.drain(..length);
            return Poll::Ready(Ok(()));
        }
        let before = buffer.filled().len();
        ready!(Pin::new(&mut *self.stream).poll_read(context, buffer))?;
        if buffer.filled().len() > before {
            if self.state.input_arrived() {
                self.head = RequestHead::default();
            }
            self.head.check(buffer.filled_mut().get_mut(before..).unwrap_or_default());
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Io<'_> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.state.discards_writes() {
            return Poll::Ready(Ok(bytes.len()));
        }
        let written = Pin::new(&mut *self.stream).poll_write(context, bytes);
        self.report(written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if self.state.discards_writes() {
            return Poll::Ready(Ok(slices.iter().map(|slice| slice.len()).sum()));
        }
        let written = Pin::new(&mut *self.stream).poll_write_vectored(context, slices);
        self.report(written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(Pin::new(&mut *self.stream).poll_flush(context))?;
        self.state.flushed();
        Poll::Ready(Ok(()))
    }

    /// Does nothing: `connection.rs` closes the socket.
    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
