//! The responses of faults.

use std::convert::Infallible;
use std::future::pending;
use std::time::Duration;

use axum::Json;
use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::StatusCode;
use axum::http::header::{CONTENT_TYPE, HeaderName, HeaderValue, LOCATION, SERVER};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use serde_json::json;

use super::fault::{Fault, Garbage};
use super::faults::Taken;
use super::list_fault::{HiddenOrganizations, ListFault};
use super::refusal::{self, Refused, SSO, error};
use crate::api::{ApiError, NOT_ACCESSIBLE};

const PROXY_NOT_FOUND: &str = "<html>\r\n<head><title>404 Not Found</title></head>\r\n<body>\r\n\
    <center><h1>404 Not Found</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n";
const JSON: (HeaderName, HeaderValue) =
    (CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8"));
const UNICORN: &str = "<!DOCTYPE html>\n<html>\n<head><title>Unicorn! &middot; GitHub</title></head>\n\
    <body><p><strong>We had issues producing the response to your request.</strong></p></body>\n</html>\n";

/// Response extension that tells the server to close the connection instead of sending the response.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CloseConnection;

/// Response extension that marks an answer of a proxy, which has none of GitHub's headers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FromProxy;

/// Request extension: for how many seconds a removed installation is still shown.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SlowUninstall(pub(crate) u32);

/// Returns the response to a request with faults.
pub(crate) async fn respond(taken: Taken, refused: Refused, mut request: Request, next: Next) -> Response {
    let hidden = taken.hidden;
    request.extensions_mut().insert(HiddenOrganizations(hidden.clone()));
    let mut response = match taken.fault {
        Some(fault) => fault_response(fault, &refused, request, next).await,
        None => next.run(request).await,
    };
    if !hidden.is_empty() && response.status().is_success() {
        let ids = hidden.iter().map(u64::to_string).collect::<Vec<_>>().join(",");
        let value = HeaderValue::try_from(format!("partial-results; organizations={ids}"));
        response.headers_mut().extend(value.ok().map(|value| (SSO, value)));
    }
    response
}

/// Handles the request only for faults that say so.
async fn fault_response(fault: Fault, refused: &Refused, mut request: Request, next: Next) -> Response {
    match fault {
        Fault::Status { code } => status(code),
        Fault::Garbage { form: Garbage::Html } => ([JSON], UNICORN).into_response(),
        Fault::Garbage { form: Garbage::Truncated } => ([JSON], "{\"id\": 5029").into_response(),
        Fault::PrimaryRateLimit { reset_in } => refused.primary_limit(reset_in),
        Fault::SecondaryRateLimit { retry_after, status } => refusal::secondary_limit(retry_after, status),
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
        Fault::IpAllowList => refused.ip_allow_list(),
        Fault::Saml => refused.saml(),
        Fault::SuspendedUser => error(StatusCode::FORBIDDEN, "Sorry. Your account was suspended."),
        Fault::SuspendedInstallation => ApiError::suspended().into_response(),
        Fault::LegalBlock => refused.legal_block(),
        Fault::NotAccessibleToParent => ApiError::unprocessable(NOT_ACCESSIBLE).into_response(),
        Fault::MissingPermission { accepted } => refusal::missing_permission(&accepted),
        Fault::NotFound => ApiError::not_found().into_response(),
        Fault::ProxyNotFound => proxy_not_found(),
        Fault::SlowUninstall { seconds } => {
            request.extensions_mut().insert(SlowUninstall(seconds));
            next.run(request).await
        }
        Fault::List { missing, total_count_off_by, max_per_page, .. } => {
            ListFault { missing, total_count_off_by, max_per_page }.respond(request, next).await
        }
    }
}

fn proxy_not_found() -> Response {
    let html = [(CONTENT_TYPE, "text/html"), (SERVER, "nginx")];
    let mut response = (StatusCode::NOT_FOUND, html, PROXY_NOT_FOUND).into_response();
    response.extensions_mut().insert(FromProxy);
    response
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
            error(status, message)
        }
    }
}

/// Streams 1.5 MiB of JSON without a `Content-Length`.
fn huge() -> Body {
    const PIECE: Bytes = Bytes::from_static(&[b'a'; 1 << 16]);
    let pieces = std::iter::repeat_n(PIECE, 24);
    let opening = std::iter::once(Bytes::from_static(b"{\"padding\": \""));
    let closing = std::iter::once(Bytes::from_static(b"\"}"));
    Body::from_stream(stream::iter(opening.chain(pieces).chain(closing).map(Ok::<_, Infallible>)))
}
