//! The one body that every 4xx and 5xx has (`contract.md` §2).

use std::panic::AssertUnwindSafe;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use dockline::ErrorCode;
use futures_util::FutureExt;
use http::{HeaderValue, StatusCode, Version, header};
use serde::Serialize;
use tokio::time::timeout;

use crate::context::Context;
use crate::error::{ApiError, Details};
use crate::observe::Told;
use crate::request_id::RequestId;

#[derive(Debug, Serialize)]
struct Envelope<'a> {
    error: Failure<'a>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Failure<'a> {
    code: ErrorCode,
    message: &'a str,
    request_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    details: Option<&'a Details>,
}

/// Runs the rest within the deadline, turns a panic into a 500, and writes the envelope of whatever error came out.
pub(crate) async fn seal(State(context): State<Context>, request: Request, next: Next) -> Response {
    let id = request.extensions().get::<RequestId>().cloned();
    let mut response = match proper(&request) {
        Ok(()) => {
            let answer = AssertUnwindSafe(next.run(request)).catch_unwind();
            match timeout(context.options.deadline, answer).await {
                Ok(Ok(response)) => response,
                // The panic's own text may quote anything: it is left to the host's hook.
                Ok(Err(_)) => {
                    tracing::error!(request_id = id.as_ref().map(RequestId::as_str), "a handler panicked");
                    ApiError::internal().into_response()
                }
                Err(_) => {
                    tracing::error!(
                        request_id = id.as_ref().map(RequestId::as_str),
                        "a request took too long"
                    );
                    ApiError::too_late().into_response()
                }
            }
        }
        Err(error) => error.into_response(),
    };
    let Some(error) = response.extensions_mut().remove::<ApiError>() else { return response };
    let body = Envelope {
        error: Failure {
            code: error.code,
            message: error.message,
            request_id: id.as_ref().map_or("", RequestId::as_str),
            details: error.details.as_ref(),
        },
    };
    // A struct of strings and numbers always serialises.
    response.extensions_mut().insert(Told(error.code));
    *response.body_mut() = Body::from(serde_json::to_vec(&body).unwrap_or_default());
    let headers = response.headers_mut();
    error.write_headers(headers);
    headers.remove(header::CONTENT_LENGTH);
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// Exactly one `Host` (RFC 9112 §3.2): the server below us accepts none or several, and proxies may disagree on which
/// one counts.
fn proper(request: &Request) -> Result<(), ApiError> {
    let hosts = request.headers().get_all(header::HOST).iter().count();
    let named_otherwise = request.uri().authority().is_some() || request.version() >= Version::HTTP_2;
    if hosts == 1 || (hosts == 0 && named_otherwise) {
        return Ok(());
    }
    let message = "A request has exactly one Host header.";
    Err(ApiError::new(StatusCode::BAD_REQUEST, ErrorCode::BadRequest, message))
}

pub(crate) async fn not_found() -> ApiError {
    ApiError::new(StatusCode::NOT_FOUND, ErrorCode::NotFound, "There is nothing at this path.")
}

pub(crate) async fn method_not_allowed() -> ApiError {
    let message = "This path does not take this method; Allow lists those that it takes.";
    ApiError::new(StatusCode::METHOD_NOT_ALLOWED, ErrorCode::MethodNotAllowed, message)
}
