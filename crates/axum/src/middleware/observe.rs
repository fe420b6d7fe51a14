//! One span, one log line and one count for each request.

use std::time::Instant;

use axum::extract::{MatchedPath, Request};
use axum::response::Response;
use dockline::{Actor, OrganizationId};
use http::{Method, StatusCode};
use metrics::{Gauge, SharedString, counter, gauge, histogram};
use tracing::field::Empty;
use tracing::level_filters::LevelFilter;
use tracing::{Instrument, Level, Span};

use super::request_id::RequestId;
use super::trace_parent::{TraceLinks, TraceParent};
use crate::endpoint::Endpoint;
use crate::monitoring::{HTTP_REQUEST_DURATION, HTTP_REQUESTS, HTTP_REQUESTS_IN_FLIGHT};
use crate::wire::ApiErrorCode;

/// Extension of a response: the code of its error, for log and metrics.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ResponseCode {
    pub(crate) code: ApiErrorCode,
    /// Whether the request was refused because too many others wait.
    pub(crate) overloaded: bool,
}

/// Opens the span of the request, then logs and counts the response. The span has the level ERROR, so that every log line has
/// the fields of its request.
pub(super) async fn record<F: Future<Output = Response>>(
    links: Option<&dyn TraceLinks>,
    id: &RequestId,
    request: Request,
    rest: impl FnOnce(Request) -> F,
) -> Response {
    let method = method_label(request.method());
    let route = request.extensions().get::<MatchedPath>().cloned();
    let span = tracing::error_span!(
        "request",
        request_id = id.as_str(),
        method,
        route = route.as_ref().map_or(UNMATCHED, MatchedPath::as_str),
        organization = Empty,
        actor = Empty,
        status = Empty,
        code = Empty,
        latency_ms = Empty,
    );
    if let Some(links) = links
        && let Some(parent) = TraceParent::of(request.headers())
    {
        links.link(&span, &parent);
    }
    let in_flight = InFlight::start(method, route, span.clone());
    let mut response = rest(request).instrument(span).await;
    let code = response.extensions_mut().remove::<ResponseCode>();
    in_flight.end(response.status(), code);
    response
}

/// Records the caller on the span of the request.
pub(crate) fn identify(organization: &OrganizationId, actor: &Actor) {
    let span = Span::current();
    tracing::record_all!(span, organization = %organization, actor = %actor);
}

const UNMATCHED: &str = "unmatched";

/// The code of an error that has none: a refused prefetch.
const NO_CODE: &str = "NONE";

/// Status and code of a request whose client disconnected; 499 is nginx's number, never sent.
const CLIENT_GONE: (&str, &str) = ("499", "CLIENT_GONE");

/// A request in flight. If dropped before its end, it counts as one whose client disconnected.
struct InFlight {
    method: &'static str,
    route: Option<MatchedPath>,
    span: Span,
    started: Instant,
    in_flight: Gauge,
    ended: bool,
}

impl InFlight {
    fn start(method: &'static str, route: Option<MatchedPath>, span: Span) -> Self {
        let in_flight = gauge!(HTTP_REQUESTS_IN_FLIGHT);
        in_flight.increment(1.0);
        Self { method, route, span, started: Instant::now(), in_flight, ended: false }
    }

    fn end(mut self, status: StatusCode, code: Option<ResponseCode>) {
        self.ended = true;
        let overloaded = code.is_some_and(|code| code.overloaded);
        let code = match code {
            Some(ResponseCode { code, .. }) => code.as_str(),
            None if status.as_u16() < 400 => "OK",
            None => NO_CODE,
        };
        // A refused prefetch is not a failure, and anyone can send one. In an overload, refusals are too many to log as
        // errors.
        let level = if status.is_server_error() && code != NO_CODE && !overloaded {
            Level::ERROR
        } else if self.is_probe() {
            Level::DEBUG
        } else {
            Level::INFO
        };
        self.finish(level, status.as_str(), code);
        let _in_span = self.span.enter();
        match level {
            Level::ERROR => tracing::error!("answered"),
            Level::DEBUG => tracing::debug!("answered"),
            _ => tracing::info!("answered"),
        }
    }

    /// Probes come every few seconds, so a successful one is logged at DEBUG.
    fn is_probe(&self) -> bool {
        let route = self.route.as_ref().map_or(UNMATCHED, MatchedPath::as_str);
        ["/healthz", "/readyz", "/metrics"].iter().any(|probe| route.ends_with(probe))
    }

    /// Counts the response, and records it on the span unless nothing of `level` is logged or exported: a log line formats the
    /// fields of its span beforehand.
    fn finish(&self, level: Level, status: &str, code: &'static str) {
        let duration = self.started.elapsed();
        if level <= LevelFilter::current() {
            let latency_ms = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
            tracing::record_all!(self.span, status = status, code = code, latency_ms = latency_ms);
        }
        let route = self.route_label();
        histogram!(HTTP_REQUEST_DURATION, "route" => route.clone(), "method" => self.method).record(duration);
        counter!(
            HTTP_REQUESTS,
            "route" => route, "method" => self.method, "status" => status.to_owned(), "code" => code
        )
        .increment(1);
        self.in_flight.decrement(1.0);
    }

    fn route_label(&self) -> SharedString {
        let Some(route) = &self.route else { return SharedString::const_str(UNMATCHED) };
        let mut known = Endpoint::ALL.iter().map(|endpoint| endpoint.method_and_path().1);
        // Under a prefix, the route is not one of the known ones.
        match known.find(|known| *known == route.as_str()) {
            Some(known) => SharedString::const_str(known),
            None => SharedString::from_owned(route.as_str().to_owned()),
        }
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        if !self.ended {
            self.finish(Level::INFO, CLIENT_GONE.0, CLIENT_GONE.1);
            let _in_span = self.span.enter();
            tracing::info!("the client went away");
        }
    }
}

/// Returns the metric label of a method, which is free text on the wire.
fn method_label(method: &Method) -> &'static str {
    const KNOWN: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
    KNOWN.into_iter().find(|known| method.as_str() == *known).unwrap_or("OTHER")
}
