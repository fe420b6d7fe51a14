//! The one body that every 4xx and 5xx has (`contract.md` §2).

use std::panic::AssertUnwindSafe;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use dockline::ErrorCode;
use futures_util::FutureExt;
use http::{HeaderValue, StatusCode, Version, header};
use tokio::time::timeout;

use crate::context::Context;
use crate::error::ApiError;
use crate::request_id::RequestId;
use crate::wire::{Envelope, Failure};

/// Runs the rest within the deadline, turns a panic into a 500, and writes the envelope of whatever error came out.
pub(crate) async fn seal(State(context): State<Context>, request: Request, next: Next) -> Response {
    let id = request.extensions().get::<RequestId>().cloned();
    let mut response = match proper(&request) {
        Ok(()) => {
            let answer = AssertUnwindSafe(next.run(request)).catch_unwind();
            match timeout(context.options.deadline, answer).await {
                Ok(Ok(response)) => response,
                // The panic's own text went to stderr; it may quote anything, so it goes nowhere else.
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
    // What is somebody's own is nobody else's, and old news the next moment.
    let fresh = HeaderValue::from_static("no-store");
    response.headers_mut().entry(header::CACHE_CONTROL).or_insert(fresh);
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
    *response.body_mut() = Body::from(serde_json::to_vec(&body).unwrap_or_default());
    let headers = response.headers_mut();
    error.write_headers(headers);
    headers.remove(header::CONTENT_LENGTH);
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
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
