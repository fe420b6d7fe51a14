//! Answers with the document, and with 304 to whoever has it.

use axum::body::Body;
use axum::extract::{OriginalUri, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, StatusCode, header};

use super::document;
use crate::context::Context;
use crate::endpoint::Endpoint;

/// It changes with the server's version and options only.
const FRESH: &str = "public, max-age=300";

pub(crate) async fn tell(
    State(context): State<Context>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
) -> Response {
    // Where the router is nested is known to requests only.
    let (_, own) = Endpoint::GetOpenapi.place();
    let prefix = uri.path().strip_suffix(own).filter(|prefix| !prefix.is_empty()).unwrap_or("/");
    let server = context.options.server_url.as_deref().unwrap_or(prefix);
    let document = context.document.get(server, || document(Endpoint::served(&context), server).to_string());
    let mut response = if document.tag.as_ref().is_some_and(|tag| has(&headers, tag)) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        ([(header::CONTENT_TYPE, "application/json")], Body::from(document.text)).into_response()
    };
    let headers = response.headers_mut();
    headers.extend(document.tag.map(|tag| (header::ETAG, tag)));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(FRESH));
    response
}

/// Whether `If-None-Match` names it (RFC 9110 §13.1.2: compared weakly).
fn has(headers: &HeaderMap, tag: &HeaderValue) -> bool {
    let known = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|tags| tags.to_str().ok());
    let mut known = known.flat_map(|tags| tags.split(',')).map(str::trim);
    known.any(|one| one == "*" || tag == one.trim_start_matches("W/"))
}
