//! Responses of the callback: pages, redirects, and nothing.

use axum::response::{Html, IntoResponse, Response};
use dockline::WaysOut;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};

use crate::options::Context;
use crate::pages::{Pages, Refusal};
use crate::wire::error::ApiError;
use crate::wire::header_list;

/// Answers a browser with a page, and any other client with the JSON error body.
pub(super) fn refusal(
    context: &Context,
    headers: &HeaderMap,
    error: ApiError,
    ways_out: &WaysOut,
) -> Response {
    if !header_list::accepts(headers, "text/html") {
        return error.into_response();
    }
    let pages = context.options.pages.as_ref();
    let html = pages.refusal(&Refusal { code: error.code, message: &error.message, ways_out });
    let mut response = page(pages, html, "'none'");
    *response.status_mut() = error.status;
    response.extensions_mut().insert(error.response_code());
    error.write_headers(response.headers_mut());
    response
}

pub(super) fn page(pages: &dyn Pages, html: String, form_action: &str) -> Response {
    const FIXED: [(HeaderName, &str); 4] = [
        (header::CACHE_CONTROL, "no-store"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
    ];
    let policy = format!(
        "default-src 'none'; base-uri 'none'; frame-ancestors 'none'; form-action {form_action}; {}",
        pages.content_sources()
    );
    let mut response =
        (FIXED.map(|(name, value)| (name, HeaderValue::from_static(value))), Html(html)).into_response();
    let policy = HeaderValue::from_str(policy.trim_end_matches([' ', ';']))
        .unwrap_or_else(|_| HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'"));
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
    response
}

pub(super) fn redirect(status: StatusCode, url: &str) -> Response {
    // Always printable ASCII: the return URL was parsed when it was stored, and the others come from the configuration.
    let Ok(location) = HeaderValue::from_str(url) else { return ApiError::internal().into_response() };
    let mut response = status.into_response();
    let headers = response.headers_mut();
    headers.insert(header::LOCATION, location);
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    response
}

/// Answers `HEAD`, which is sent by link checkers and changes nothing.
pub(super) fn head() -> Response {
    (StatusCode::OK, [(header::CACHE_CONTROL, "no-store")]).into_response()
}

/// Answers a prefetch: the browser drops it and asks again when the visitor comes. The code of the visit stays unused. It
/// has no error code, so that it is not counted as a failure.
pub(super) fn prefetch() -> Response {
    (StatusCode::SERVICE_UNAVAILABLE, [(header::CACHE_CONTROL, "no-store")]).into_response()
}
