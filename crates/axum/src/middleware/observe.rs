//! One span, one line in the log and one count for each request.

use std::sync::Arc;
use std::time::Instant;

use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use dockline::{Actor, OrganizationId};
use http::{Method, StatusCode};
use metrics::{counter, gauge, histogram};
use tracing::field::{Empty, display};
use tracing::{Instrument, Span};

use super::request_id::RequestId;
use super::trace_parent::{TraceLinks, TraceParent};
use crate::metric_names::{HTTP_REQUEST_DURATION, HTTP_REQUESTS, HTTP_REQUESTS_IN_FLIGHT};
use crate::wire::ApiErrorCode;

/// The code of an error answer, for those who watch: left on the response by whoever sealed it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AnsweredCode(pub(crate) ApiErrorCode);

/// Watches the rest. The span is at the level of errors, so that whatever is logged at all has its request's fields.
pub(crate) async fn watch(
    State(links): State<Option<Arc<dyn TraceLinks>>>,
    request: Request,
    next: Next,
) -> Response {
    let method = spelled(request.method());
    let route = request.extensions().get::<MatchedPath>().cloned();
    let id = request.extensions().get::<RequestId>().cloned();
    let span = tracing::error_span!(
        "request",
        request_id = id.as_ref().map(RequestId::as_str),
        method,
        route = route.as_ref().map_or(UNMATCHED, MatchedPath::as_str),
        organization = Empty,
        actor = Empty,
        status = Empty,
        code = Empty,
        latency_ms = Empty,
    );
    if let (Some(links), Some(parent)) = (&links, TraceParent::of(request.headers())) {
        links.link(&span, &parent);
    }
    let watched = Watched::begin(method, route, span.clone());
    let mut response = next.run(request).instrument(span).await;
    let answered = response.extensions_mut().remove::<AnsweredCode>();
    watched.end(response.status(), answered);
    response
}

/// Says on the request's span who calls.
pub(crate) fn identify(organization: &OrganizationId, actor: &Actor) {
    let span = Span::current();
    span.record("organization", display(organization));
    span.record("actor", display(actor));
}

const UNMATCHED: &str = "unmatched";

/// What a client that went away did not wait for: nginx's number, which is never sent.
const GONE: (&str, &str) = ("499", "CLIENT_GONE");

/// A request under way. Dropped before its end, it still counts: its client went away.
struct Watched {
    method: &'static str,
    route: Option<MatchedPath>,
    span: Span,
    begun: Instant,
    ended: bool,
}

impl Watched {
    fn begin(method: &'static str, route: Option<MatchedPath>, span: Span) -> Self {
        gauge!(HTTP_REQUESTS_IN_FLIGHT).increment(1.0);
        Self { method, route, span, begun: Instant::now(), ended: false }
    }

    fn end(mut self, status: StatusCode, answered: Option<AnsweredCode>) {
        self.ended = true;
        let code = match answered {
            Some(AnsweredCode(code)) => code.as_str(),
            None if status.as_u16() < 400 => "OK",
            None => "NONE",
        };
        self.tell(status.as_str(), code);
        let _in_span = self.span.enter();
        if status.is_server_error() {
            tracing::error!("answered");
        } else if self.is_probe() {
            tracing::debug!("answered");
        } else {
            tracing::info!("answered");
        }
    }

    /// Asked every few seconds by machines: as long as they are answered that all is well, that is no news.
    fn is_probe(&self) -> bool {
        let route = self.route.as_ref().map_or(UNMATCHED, MatchedPath::as_str);
        ["/healthz", "/readyz", "/metrics"].iter().any(|probe| route.ends_with(probe))
    }

    fn tell(&self, status: &str, code: &'static str) {
        let took = self.begun.elapsed();
        self.span.record("status", status);
        self.span.record("code", code);
        self.span.record("latency_ms", u64::try_from(took.as_millis()).unwrap_or(u64::MAX));
        let route = self.route.as_ref().map_or(UNMATCHED, MatchedPath::as_str).to_owned();
        histogram!(HTTP_REQUEST_DURATION, "route" => route.clone(), "method" => self.method).record(took);
        counter!(
            HTTP_REQUESTS,
            "route" => route, "method" => self.method, "status" => status.to_owned(), "code" => code
        )
        .increment(1);
        gauge!(HTTP_REQUESTS_IN_FLIGHT).decrement(1.0);
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        if !self.ended {
            self.tell(GONE.0, GONE.1);
            let _in_span = self.span.enter();
            tracing::info!("the client went away");
        }
    }
}

/// Methods are free text on the wire.
fn spelled(method: &Method) -> &'static str {
    const KNOWN: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
    KNOWN.into_iter().find(|known| method.as_str() == *known).unwrap_or("OTHER")
}
