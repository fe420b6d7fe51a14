//! One request and its response.

use std::convert::Infallible;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::FutureExt;
use http::request::Parts;
use http::{HeaderValue, Request, Response, StatusCode, header};
use http_body::Body;
use http_body_util::{Either, Full};
use hyper::body::Incoming;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::{Instant, sleep, timeout};
use tower::{BoxError, Service, ServiceExt};

use crate::body::{RequestBody, ResponseBody};
use crate::connection_state::ConnectionState;
use crate::limits::Limits;
use crate::rejection::{Rejection, Rejections};

/// The part that all requests of a listener share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) limits: Limits,
    pub(crate) rejections: Rejections,
    exempt: fn(&Parts) -> bool,
    /// Requests that the service may process at a time.
    processing: Semaphore,
    /// Requests that may wait for that.
    waiting: Semaphore,
    /// Requests that may be open at a time: those processed, those that wait for that, and those whose response is not
    /// fully read by the client.
    open: Arc<Semaphore>,
}

impl Shared {
    pub(crate) fn new(limits: Limits, rejections: Rejections, exempt: fn(&Parts) -> bool) -> Self {
        // Each HTTP/1 connection may have one unread response; only HTTP/2 streams can fill the memory.
        let open = limits.max_requests.saturating_add(limits.max_connections).min(Semaphore::MAX_PERMITS);
        let processing = Semaphore::new(limits.max_requests);
        let waiting = Semaphore::new(limits.max_waiting_requests.min(Semaphore::MAX_PERMITS));
        Self { limits, rejections, exempt, processing, waiting, open: Arc::new(Semaphore::new(open)) }
    }

    /// Answers a request with the response of `service`, or rejects it.
    pub(crate) async fn handle<S, B>(
        self: Arc<Self>,
        service: S,
        request: Request<Incoming>,
        state: Arc<ConnectionState>,
    ) -> Result<Response<ResponseBody<B>>, Infallible>
    where
        S: Service<Request<RequestBody>, Response = Response<B>, Error: Into<BoxError>>,
        B: Body<Data = Bytes>,
    {
        let open_request = state.open_request();
        let (head, body) = request.into_parts();
        let exempt = (self.exempt)(&head);
        let permit = if exempt { None } else { Arc::clone(&self.open).try_acquire_owned().ok() };
        let (body, rest) = RequestBody::new(body, &head, Instant::now() + self.limits.body_timeout);
        let overloaded = (permit.is_none() && !exempt).then_some(Rejection::Overloaded);
        let mut response = match self.check(&head).err().or(overloaded) {
            Some(rejection) => {
                drop(body);
                self.reject(rejection)
            }
            None => self.call(service, Request::from_parts(head, body), exempt).await,
        };
        // A sleep of no time would still take a turn of the timer.
        if !exempt && is_refusal(response.status()) && !self.limits.refusal_delay.is_zero() {
            sleep(self.limits.refusal_delay).await;
        }
        if !rest.end().await {
            // Where the next request begins is not known. Without the header, the client would send it on a connection that is
            // about to close.
            response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        open_request.response_progressed();
        Ok(response.map(|body| ResponseBody::new(body, open_request, permit)))
    }

    fn check(&self, head: &Parts) -> Result<(), Rejection> {
        let target = head.uri.path_and_query().map_or(0, |target| target.as_str().len());
        if target > self.limits.max_target_bytes {
            Err(Rejection::TargetTooLong)
        } else if head.headers.len() > self.limits.max_headers {
            Err(Rejection::HeadTooLarge)
        } else {
            Ok(())
        }
    }

    fn reject<B>(&self, rejection: Rejection) -> Response<Either<B, Full<Bytes>>> {
        self.rejections.response(rejection).map(|body| Either::Right(Full::new(body)))
    }

    /// Waits until the service may process a request. Returns `None` at once if too many requests wait.
    async fn place(&self) -> Option<SemaphorePermit<'_>> {
        if let Ok(place) = self.processing.try_acquire() {
            return Some(place);
        }
        let _waiting = self.waiting.try_acquire().ok()?;
        // Fails only if the semaphore is closed, which it never is.
        self.processing.acquire().await.ok()
    }

    async fn call<S, B>(
        &self,
        service: S,
        request: Request<RequestBody>,
        exempt: bool,
    ) -> Response<Either<B, Full<Bytes>>>
    where
        S: Service<Request<RequestBody>, Response = Response<B>, Error: Into<BoxError>>,
    {
        // A panic must not cut the connection, on which other requests may be open.
        let response = AssertUnwindSafe(async {
            let _place = if exempt { None } else { Some(self.place().await.ok_or(Rejection::Overloaded)?) };
            Ok(service.oneshot(request).await)
        });
        match timeout(self.limits.response_timeout, response.catch_unwind()).await {
            Ok(Ok(Ok(Ok(response)))) => response.map(Either::Left),
            Ok(Ok(Ok(Err(error)))) => {
                let error: BoxError = error.into();
                tracing::error!(error, "service failed");
                self.reject(Rejection::ServiceFailed)
            }
            Ok(Ok(Err(rejection))) => self.reject(rejection),
            // The text of the panic is left to the panic hook.
            Ok(Err(_)) => {
                tracing::error!("service panicked");
                self.reject(Rejection::ServiceFailed)
            }
            Err(_) => {
                tracing::error!(after = ?self.limits.response_timeout, "request timed out");
                self.reject(Rejection::ResponseTimeout)
            }
        }
    }
}

/// Returns whether the response asks the client to repeat the request later.
const fn is_refusal(status: StatusCode) -> bool {
    matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE)
}
