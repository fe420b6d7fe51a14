//! Conditional requests: every successful GET has an `ETag`, and one that matches `If-None-Match` is answered with 304.

use axum::body::{Body, to_bytes};
use axum::http::StatusCode;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, ETAG, HeaderMap, HeaderValue, IF_NONE_MATCH, VARY,
};
use axum::response::Response;
use data_encoding::HEXLOWER;

use crate::model::grant::hash_secret;

/// Adds the headers of a cacheable response, and turns it into a 304 if the client has it. GitHub's tags are weak, and private.
pub(super) async fn tagged(request: &HeaderMap, response: Response) -> Response {
    let (mut head, body) = response.into_parts();
    let bytes = to_bytes(body, usize::MAX).await.unwrap_or_default();
    let tag = format!("W/\"{}\"", HEXLOWER.encode(&hash_secret(&String::from_utf8_lossy(&bytes))));
    let matches = has(request, &tag);
    head.headers.extend(HeaderValue::try_from(tag).ok().map(|tag| (ETAG, tag)));
    head.headers.insert(CACHE_CONTROL, HeaderValue::from_static("private, max-age=60, s-maxage=60"));
    head.headers.insert(VARY, HeaderValue::from_static("Accept, Authorization, Cookie, X-GitHub-OTP"));
    if !matches {
        return Response::from_parts(head, Body::from(bytes));
    }
    head.status = StatusCode::NOT_MODIFIED;
    head.headers.remove(CONTENT_LENGTH);
    head.headers.remove(CONTENT_TYPE);
    Response::from_parts(head, Body::empty())
}

/// Compares the tags of `If-None-Match` weakly.
fn has(request: &HeaderMap, tag: &str) -> bool {
    let opaque = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
    let values = request.get_all(IF_NONE_MATCH).into_iter().filter_map(|value| value.to_str().ok());
    let mut tags = values.flat_map(|value| value.split(','));
    tags.any(|known| known.trim() == "*" || opaque(known) == opaque(tag))
}
