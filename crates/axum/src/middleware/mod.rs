//! The middleware of every route: request ids, spans and metrics, error bodies, authentication, limits.

pub(crate) mod auth_failures;
pub(crate) mod authenticate;
pub(crate) mod budget_headers;
mod client_address;
mod cross_site;
pub(crate) mod envelope;
mod failure_store;
pub(crate) mod observe;
mod request_head;
pub(crate) mod request_id;
pub(crate) mod tenant_selector;
pub(crate) mod trace_parent;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;

use self::request_id::RequestId;
use crate::options::Context;

/// The middleware of every route as one layer: for each request, axum clones every layer with all that it wraps.
pub(crate) async fn around(State(context): State<Context>, request: Request, next: Next) -> Response {
    let id = RequestId::mint(&*context.options.clock, &*context.options.entropy);
    let limited = |request| auth_failures::limit(context.auth_failures.as_ref(), request, next);
    let rendered = |request| envelope::render_errors(context.options.deadline, &id, request, limited);
    let links = context.options.trace_links.as_deref();
    let mut response = observe::record(links, &id, request, rendered).await;
    id.write(response.headers_mut());
    response
}
