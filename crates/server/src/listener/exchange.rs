//! One request and its answer.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::ConnectInfo;
use axum::{BoxError, Router};
use futures_util::FutureExt;
use http::{HeaderValue, Request, Response, Version, header};
use hyper::body::{Frame, Incoming, SizeHint};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, Sleep, sleep_until, timeout};
use tower::ServiceExt;

use super::limits::Limits;
use super::refusal::Refusal;
use super::vitals::{UnderWay, Vitals};

/// Bytes of an answer that are handed to a connection at a time: what it does not take stays in one place.
const PIECE: usize = 16 * 1024;

/// Bytes of a body that nobody has read which hyper still takes off the connection, so that it can be kept; beyond, it is
/// closed.
const TAKEN_OFF: u64 = 8 * 1024;

/// What all requests of a listener share.
#[derive(Debug, Clone)]
pub(super) struct Exchange {
    app: Router,
    /// Of requests that are worked on.
    places: Arc<Semaphore>,
    /// Of those, of requests that wait for such a place, and of answers that wait to be taken.
    rooms: Arc<Semaphore>,
    pub(super) limits: Limits,
}

impl Exchange {
    pub(super) fn new(app: Router, limits: Limits) -> Self {
        let places = Arc::new(Semaphore::new(limits.requests));
        // Each connection of HTTP/1 may have one that waits; it is the many of HTTP/2 that could fill the memory.
        let rooms = limits.requests.saturating_add(limits.connections).min(Semaphore::MAX_PERMITS);
        Self { app, places, rooms: Arc::new(Semaphore::new(rooms)), limits }
    }

    /// Answers a request, whatever becomes of it.
    pub(super) async fn answer(
        self,
        mut request: Request<Incoming>,
        peer: SocketAddr,
        vitals: Arc<Vitals>,
    ) -> Result<Response<Answer>, Infallible> {
        let under_way = vitals.begin();
        let room = Arc::clone(&self.rooms).try_acquire_owned().ok();
        let answer = match self.refused(&request) {
            Some(refusal) => refusal.to_response(),
            None if room.is_none() => Refusal::Busy.to_response(),
            None => {
                request.extensions_mut().insert(ConnectInfo(peer));
                self.ask(request).await
            }
        };
        under_way.answers();
        Ok(answer.map(|body| Answer { body, rest: Bytes::new(), under_way, _room: room }))
    }

    fn refused(&self, request: &Request<Incoming>) -> Option<Refusal> {
        let target = request.uri().path_and_query().map_or(0, |target| target.as_str().len());
        if target > self.limits.target_bytes {
            Some(Refusal::LongTarget)
        } else if request.headers().len() > self.limits.headers {
            Some(Refusal::LargeHead)
        } else {
            None
        }
    }

    async fn ask(self, request: Request<Incoming>) -> Response<Body> {
        let Self { app, places, rooms: _, limits } = self;
        let until = Instant::now() + limits.body;
        let left = Arc::new(AtomicBool::new(false));
        let closes = (request.version() < Version::HTTP_2).then(|| Arc::clone(&left));
        let request =
            request.map(|body| Body::new(Punctual { body, until, late: None, read: 0, ended: false, left }));
        // Routers answer for their own panics; one that forgot to must not cut the connection either.
        let answer = AssertUnwindSafe(async {
            // The semaphore is never closed.
            let _place = places.acquire().await;
            app.oneshot(request).await
        });
        let mut answer = match timeout(limits.answer, answer.catch_unwind()).await {
            Ok(Ok(Ok(answer))) => answer,
            Ok(Ok(Err(impossible))) => match impossible {},
            Ok(Err(_)) => {
                tracing::error!("a handler panicked");
                Refusal::Panicked.to_response()
            }
            Err(_) => {
                tracing::error!(after = ?limits.answer, "a request took too long and was given up");
                Refusal::Late.to_response()
            }
        };
        if closes.is_some_and(|left| left.load(Ordering::Relaxed)) {
            // Said, so that no client sends its next request into a connection that is about to close.
            answer.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        answer
    }
}

/// A request's body that fails when it is not complete in time.
struct Punctual {
    body: Incoming,
    until: Instant,
    /// Made when the body is first waited for: most are there at once, or empty.
    late: Option<Pin<Box<Sleep>>>,
    read: u64,
    ended: bool,
    /// Set where more of it was left unread than is taken off the connection.
    left: Arc<AtomicBool>,
}

impl Drop for Punctual {
    fn drop(&mut self) {
        let ended = self.ended || self.body.is_end_stream();
        let much = self.body.size_hint().lower().max(self.read) > TAKEN_OFF;
        self.left.store(!ended && much, Ordering::Relaxed);
    }
}

impl HttpBody for Punctual {
    type Data = <Incoming as HttpBody>::Data;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, BoxError>>> {
        let frame = Pin::new(&mut self.body).poll_frame(context).map_err(BoxError::from);
        match &frame {
            Poll::Ready(Some(Ok(part))) => {
                self.read += part.data_ref().map_or(0, |data| data.len() as u64);
                return frame;
            }
            Poll::Ready(end) => {
                self.ended = end.is_none();
                return frame;
            }
            Poll::Pending => {}
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

/// An answer's body, in pieces of which each one taken is progress. The request is under way for as long as it lives.
pub(super) struct Answer {
    body: Body,
    rest: Bytes,
    under_way: UnderWay,
    _room: Option<OwnedSemaphorePermit>,
}

impl HttpBody for Answer {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        if self.rest.is_empty() {
            match ready!(Pin::new(&mut self.body).poll_frame(context)) {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => self.rest = data,
                    Err(frame) => return Poll::Ready(Some(Ok(frame))),
                },
                other => return Poll::Ready(other),
            }
        }
        self.under_way.answers();
        let length = self.rest.len().min(PIECE);
        Poll::Ready(Some(Ok(Frame::data(self.rest.split_to(length)))))
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
