//! The responses of faults.

use std::convert::Infallible;
use std::future::pending;
use std::time::Duration;

use axum::Json;
use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::StatusCode;
use axum::http::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, LOCATION, RETRY_AFTER};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use serde_json::{Value, json};
use time::OffsetDateTime;

use crate::traffic::fault::{Fault, Garbage};

const LIMITS: &str = "https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api";
const JSON: (HeaderName, HeaderValue) =
    (CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8"));
const UNICORN: &str = "<!DOCTYPE html>\n<html>\n<head><title>Unicorn! &middot; GitHub</title></head>\n\
    <body><p><strong>We had issues producing the response to your request.</strong></p></body>\n</html>\n";

/// Response extension that tells the server to close the connection instead of sending the response.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CloseConnection;

/// Returns the response of a fault. Only [`Fault::Slow`] and [`Fault::LoseAnswer`] handle the request.
pub(crate) async fn respond(fault: Fault, now: OffsetDateTime, request: Request, next: Next) -> Response {
    match fault {
        Fault::Status { code } => status(code),
        Fault::Garbage { form: Garbage::Html } => ([JSON], UNICORN).into_response(),
        Fault::Garbage { form: Garbage::Truncated } => ([JSON], "{\"id\": 5029").into_response(),
        Fault::PrimaryRateLimit { reset_in } => primary_limit(now.unix_timestamp().saturating_add(reset_in)),
        Fault::SecondaryRateLimit { retry_after, status } => secondary_limit(retry_after, status),
        Fault::Slow { ms } => {
            tokio::time::sleep(Duration::from_millis(ms)).await;
            next.run(request).await
        }
        Fault::Hang => pending().await,
        Fault::Huge => ([JSON], huge()).into_response(),
        Fault::Redirect { to } => match HeaderValue::try_from(to) {
            Ok(to) => (StatusCode::FOUND, [(LOCATION, to)]).into_response(),
            Err(_) => status(500),
        },
        Fault::LoseAnswer => {
            next.run(request).await;
            close_connection()
        }
        Fault::Drop => close_connection(),
        Fault::WrongJson => Json(json!([{ "unexpected": true }])).into_response(),
    }
}

fn close_connection() -> Response {
    let mut response = StatusCode::BAD_GATEWAY.into_response();
    response.extensions_mut().insert(CloseConnection);
    response
}

fn status(code: u16) -> Response {
    let status = StatusCode::from_u16(code).ok().filter(|status| !status.is_success() && code >= 400);
    let status = status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    match status {
        StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT => {
            (status, [(CONTENT_TYPE, "text/html; charset=utf-8")], UNICORN).into_response()
        }
        _ => {
            let message = status.canonical_reason().unwrap_or("Server Error");
            (status, [JSON], error(status, message, "https://docs.github.com/rest")).into_response()
        }
    }
}

fn error(status: StatusCode, message: &str, url: &str) -> String {
    let body: Value =
        json!({ "message": message, "documentation_url": url, "status": status.as_u16().to_string() });
    body.to_string()
}

fn primary_limit(reset: i64) -> Response {
    let mut headers = HeaderMap::new();
    let mut set =
        |name: &'static str, value: HeaderValue| headers.insert(HeaderName::from_static(name), value);
    set("x-ratelimit-limit", 5000.into());
    set("x-ratelimit-remaining", 0.into());
    set("x-ratelimit-used", 5000.into());
    set("x-ratelimit-reset", reset.into());
    set("x-ratelimit-resource", HeaderValue::from_static("core"));
    let body = error(StatusCode::FORBIDDEN, "API rate limit exceeded for installation.", LIMITS);
    (StatusCode::FORBIDDEN, headers, [JSON], body).into_response()
}

fn secondary_limit(retry_after: Option<u64>, status: u16) -> Response {
    let status = if status == 429 { StatusCode::TOO_MANY_REQUESTS } else { StatusCode::FORBIDDEN };
    let message = "You have exceeded a secondary rate limit. Please wait a few minutes before you try again.";
    let mut headers = HeaderMap::new();
    headers.extend(retry_after.map(|seconds| (RETRY_AFTER, HeaderValue::from(seconds))));
    let body = error(status, message, &format!("{LIMITS}#about-secondary-rate-limits"));
    (status, headers, [JSON], body).into_response()
}

/// Streams 1.5 MiB of JSON without a `Content-Length`.
fn huge() -> Body {
    const PIECE: Bytes = Bytes::from_static(&[b'a'; 1 << 16]);
    let pieces = std::iter::repeat_n(PIECE, 24);
    let opening = std::iter::once(Bytes::from_static(b"{\"padding\": \""));
    let closing = std::iter::once(Bytes::from_static(b"\"}"));
    Body::from_stream(stream::iter(opening.chain(pieces).chain(closing).map(Ok::<_, Infallible>)))
}
