//! Bodies of requests and responses, with their deadlines.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use http_body_util::{Either, Full};
use hyper::body::Incoming;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, Sleep, sleep_until};
use tower::BoxError;

use crate::connection_state::OpenRequest;

/// A response is written in pieces of this size, so that progress is noticed piece by piece.
const PIECE: usize = 16 * 1024;

/// hyper reads up to this much of an unread request body so that the connection can be kept; with more it closes it.
const MAX_UNREAD: u64 = 8 * 1024;

/// The body of a request. Reading it fails if it is not complete before
/// [`Limits::body_timeout`](crate::Limits::body_timeout).
#[derive(Debug)]
pub struct RequestBody {
    body: Incoming,
    deadline: Instant,
    /// Created when the body is first waited for: most bodies are empty or there at once.
    timeout: Option<Pin<Box<Sleep>>>,
    read: u64,
    ended: bool,
    left_unread: LeftUnread,
}

/// Reports whether a dropped request body was left with so much unread input that hyper closes the connection.
#[derive(Debug, Clone, Default)]
pub(crate) struct LeftUnread(Arc<AtomicBool>);

impl LeftUnread {
    pub(crate) fn get(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

impl RequestBody {
    pub(crate) const fn new(body: Incoming, deadline: Instant, left_unread: LeftUnread) -> Self {
        Self { body, deadline, timeout: None, read: 0, ended: false, left_unread }
    }
}

impl Drop for RequestBody {
    fn drop(&mut self) {
        let ended = self.ended || self.body.is_end_stream();
        let large = self.body.size_hint().lower().max(self.read) > MAX_UNREAD;
        self.left_unread.0.store(!ended && large, Ordering::Relaxed);
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        if let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(context) {
            match &frame {
                Some(Ok(frame)) => self.read += frame.data_ref().map_or(0, |data| data.len() as u64),
                Some(Err(_)) => {}
                None => self.ended = true,
            }
            return Poll::Ready(frame.map(|frame| frame.map_err(BoxError::from)));
        }
        let deadline = self.deadline;
        let timeout = self.timeout.get_or_insert_with(|| Box::pin(sleep_until(deadline)));
        timeout.as_mut().poll(context).map(|()| Some(Err("the request body did not arrive in time".into())))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

pin_project_lite::pin_project! {
    /// The body of a response. hyper takes the next piece once it has written most of what it has, so each piece is
    /// progress. The request is open until this is dropped.
    pub(crate) struct ResponseBody<B> {
        #[pin]
        body: Either<B, Full<Bytes>>,
        rest: Bytes,
        request: OpenRequest,
        permit: Option<OwnedSemaphorePermit>,
    }
}

impl<B> ResponseBody<B> {
    pub(crate) const fn new(
        body: Either<B, Full<Bytes>>,
        request: OpenRequest,
        permit: Option<OwnedSemaphorePermit>,
    ) -> Self {
        Self { body, rest: Bytes::new(), request, permit }
    }
}

impl<B: Body<Data = Bytes, Error: Into<BoxError>>> Body for ResponseBody<B> {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let this = self.project();
        if this.rest.is_empty() {
            match ready!(this.body.poll_frame(context)) {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => *this.rest = data,
                    Err(frame) => return Poll::Ready(Some(Ok(frame))),
                },
                end => return Poll::Ready(end),
            }
        }
        this.request.response_progressed();
        let length = this.rest.len().min(PIECE);
        Poll::Ready(Some(Ok(Frame::data(this.rest.split_to(length)))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let (rest, body) = (self.rest.len() as u64, self.body.size_hint());
        let mut hint = SizeHint::new();
        hint.set_lower(body.lower().saturating_add(rest));
        if let Some(upper) = body.upper() {
            hint.set_upper(upper.saturating_add(rest));
        }
        hint
    }
}
