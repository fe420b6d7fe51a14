//! Bodies of requests and responses, with their deadlines.

use std::io;
use std::mem;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http::request::Parts;
use http::{Version, header};
use http_body::{Body, Frame, SizeHint};
use http_body_util::{BodyExt, Either, Full};
use hyper::body::Incoming;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, Sleep, sleep_until, timeout};
use tower::BoxError;

use crate::connection_state::OpenRequest;

/// A response is written in pieces of this size, so that progress is noticed piece by piece.
const PIECE: usize = 16 * 1024;

/// The limits for discarding the rest of a request body that the service left unread, so that the connection can be
/// kept: bytes, and the time to wait for them. Clients often send head and body in two segments, up to a delayed
/// acknowledgement (200 ms) apart.
const MAX_READ_OFF: u64 = 64 * 1024;
const READ_OFF_WAIT: Duration = Duration::from_millis(250);

/// The body of a request. Reading it fails if it is not complete before
/// [`Limits::body_timeout`](crate::Limits::body_timeout).
#[derive(Debug)]
pub struct RequestBody {
    /// Absent only while this is dropped.
    body: Option<Incoming>,
    deadline: Instant,
    /// Created when the body is first waited for: most bodies are empty or there at once.
    timeout: Option<Pin<Box<Sleep>>>,
    polled: bool,
    end: BodyEnd,
    /// Where this body is left on drop; absent if it does not matter to the connection.
    rest: Option<Arc<Mutex<Rest>>>,
    expects_continue: bool,
}

/// How much of a body was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum BodyEnd {
    NotSeen,
    Seen,
    /// An error, or trailers. hyper accepts a single line feed where trailers may begin, so what looks like trailers may be
    /// the next request.
    Unreliable,
}

/// The part of a body that the service left unread.
#[derive(Debug, Default)]
enum Rest {
    #[default]
    InUse,
    Unread(Incoming),
    Ended,
    Unreliable,
}

/// The unread rest of an HTTP/1 request body, on whose end the next request on the connection depends.
#[derive(Debug)]
pub(crate) struct RestOfBody(Option<Arc<Mutex<Rest>>>);

impl RequestBody {
    /// Wraps the body of a request with this head, to be complete at `deadline`.
    pub(crate) fn new(body: Incoming, head: &Parts, deadline: Instant) -> (Self, RestOfBody) {
        // The end of an HTTP/2 body does not affect other requests.
        let tracked = head.version < Version::HTTP_2 && !body.is_end_stream();
        let rest = tracked.then(Arc::<Mutex<Rest>>::default);
        let body = Self {
            body: Some(body),
            deadline,
            timeout: None,
            polled: false,
            end: BodyEnd::NotSeen,
            rest: rest.clone(),
            expects_continue: head.headers.contains_key(header::EXPECT),
        };
        (body, RestOfBody(rest))
    }
}

impl RestOfBody {
    /// Reads a little off if the service left something unread. Returns whether the end of the body is known, so that the
    /// connection can be kept.
    pub(crate) async fn end(self) -> bool {
        let Some(rest) = self.0 else { return true };
        let rest = mem::take(&mut *rest.lock().unwrap_or_else(PoisonError::into_inner));
        let mut body = match rest {
            Rest::Ended => return true,
            Rest::InUse | Rest::Unreliable => return false,
            Rest::Unread(body) => body,
        };
        if body.size_hint().lower() > MAX_READ_OFF {
            return false;
        }
        let read_off = async {
            let mut read = 0;
            while let Some(frame) = body.frame().await {
                let Some(data) = frame.ok().and_then(|frame| frame.into_data().ok()) else { return false };
                read += data.len() as u64;
                if read > MAX_READ_OFF {
                    return false;
                }
            }
            true
        };
        timeout(READ_OFF_WAIT, read_off).await.unwrap_or(false)
    }
}

impl Drop for RequestBody {
    fn drop(&mut self) {
        let (Some(rest), Some(body)) = (self.rest.take(), self.body.take()) else { return };
        let left = match self.end {
            BodyEnd::Seen => Rest::Ended,
            BodyEnd::Unreliable => Rest::Unreliable,
            BodyEnd::NotSeen if body.is_end_stream() => Rest::Ended,
            // Reading it would ask the client to send it.
            BodyEnd::NotSeen if self.expects_continue && !self.polled => Rest::Unreliable,
            BodyEnd::NotSeen => Rest::Unread(body),
        };
        *rest.lock().unwrap_or_else(PoisonError::into_inner) = left;
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        self.polled = true;
        let Some(body) = &mut self.body else { return Poll::Ready(None) };
        if let Poll::Ready(frame) = Pin::new(body).poll_frame(context) {
            match &frame {
                Some(Ok(frame)) if frame.is_data() => {}
                Some(_) => self.end = BodyEnd::Unreliable,
                None if self.end == BodyEnd::NotSeen => self.end = BodyEnd::Seen,
                None => {}
            }
            return Poll::Ready(frame.map(|frame| frame.map_err(BoxError::from)));
        }
        let deadline = self.deadline;
        let timeout = self.timeout.get_or_insert_with(|| Box::pin(sleep_until(deadline)));
        timeout.as_mut().poll(context).map(|()| {
            let error = io::Error::new(io::ErrorKind::TimedOut, "the request body did not arrive in time");
            Some(Err(error.into()))
        })
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(Incoming::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map(Incoming::size_hint).unwrap_or_default()
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
