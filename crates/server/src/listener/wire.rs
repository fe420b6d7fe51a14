//! A connection's socket: tells the vitals what moves, gives hyper's own refusals the contract's body, and lets go of
//! clients in a way in which they can still read the last answer.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Sleep, sleep};

use super::refusal::Refusal;
use super::vitals::Vitals;

/// How long, after the last answer, what a client still sends is read and thrown away: a socket that is closed with
/// unread bytes in it takes the answer back.
const LINGER: Duration = Duration::from_secs(1);

/// How much of it.
const MOST_LINGERED: usize = 256 * 1024;

/// The socket under hyper.
pub(super) struct Wire {
    stream: TcpStream,
    /// What was read to tell the protocols apart, and is not handed on yet.
    first: Vec<u8>,
    vitals: Arc<Vitals>,
    replacing: Option<Replacing>,
    lingering: Option<Lingering>,
}

/// Ours is written in the place of so many of hyper's bytes.
struct Replacing {
    ours: Vec<u8>,
    written: usize,
    theirs: usize,
}

struct Lingering {
    until: Pin<Box<Sleep>>,
    left: usize,
}

impl Wire {
    /// `first` was read from the stream before.
    pub(super) const fn new(stream: TcpStream, first: Vec<u8>, vitals: Arc<Vitals>) -> Self {
        Self { stream, first, vitals, replacing: None, lingering: None }
    }

    fn noted<T>(&self, written: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if written.is_pending() {
            self.vitals.could_not_write();
        } else {
            self.vitals.wrote();
        }
        written
    }

    /// Where hyper refuses what was not let through to a service, it does so without a body.
    fn replacement(&self, begins: &[u8], theirs: usize) -> Option<Replacing> {
        if !self.vitals.answers_nothing() {
            return None;
        }
        let status =
            begins.strip_prefix(b"HTTP/1.1 ").or_else(|| begins.strip_prefix(b"HTTP/1.0 "))?.get(..3)?;
        let ours = Refusal::of_status(status)?.to_http1();
        Some(Replacing { ours, written: 0, theirs })
    }

    fn poll_replace(&mut self, context: &mut Context<'_>) -> Poll<io::Result<usize>> {
        while let Some(replacing) = &mut self.replacing {
            let rest = replacing.ours.get(replacing.written..).unwrap_or_default();
            if rest.is_empty() {
                let theirs = replacing.theirs;
                self.replacing = None;
                return Poll::Ready(Ok(theirs));
            }
            let written = Pin::new(&mut self.stream).poll_write(context, rest);
            if written.is_pending() {
                self.vitals.could_not_write();
            }
            replacing.written += ready!(written)?;
        }
        Poll::Ready(Ok(0))
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.vitals.is_late() {
            // As far as it goes: whoever is too slow for a head gets no further time.
            let _ = self.stream.try_write(&Refusal::LateHead.to_http1());
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        if !self.first.is_empty() {
            let length = self.first.len().min(buffer.remaining());
            buffer.put_slice(self.first.get(..length).unwrap_or_default());
            self.first.drain(..length);
            return Poll::Ready(Ok(()));
        }
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(context, buffer))?;
        if buffer.filled().len() > before {
            self.vitals.read();
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.replacing.is_none() {
            self.replacing = self.replacement(bytes, bytes.len());
        }
        if self.replacing.is_some() {
            return self.poll_replace(context);
        }
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.noted(written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if self.replacing.is_none() {
            let begins = slices.iter().find(|slice| !slice.is_empty()).map_or(&[][..], |slice| slice);
            self.replacing = self.replacement(begins, slices.iter().map(|slice| slice.len()).sum());
        }
        if self.replacing.is_some() {
            return self.poll_replace(context);
        }
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.noted(written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(Pin::new(&mut self.stream).poll_flush(context))?;
        self.vitals.flushed();
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if this.lingering.is_none() {
            ready!(Pin::new(&mut this.stream).poll_shutdown(context))?;
        }
        let lingering = this
            .lingering
            .get_or_insert_with(|| Lingering { until: Box::pin(sleep(LINGER)), left: MOST_LINGERED });
        let mut room = [0; 4 * 1024];
        while lingering.left > 0 && lingering.until.as_mut().poll(context).is_pending() {
            let mut thrown_away = ReadBuf::new(&mut room);
            ready!(Pin::new(&mut this.stream).poll_read(context, &mut thrown_away))?;
            match thrown_away.filled().len() {
                0 => break,
                length => lingering.left = lingering.left.saturating_sub(length),
            }
        }
        Poll::Ready(Ok(()))
    }
}
