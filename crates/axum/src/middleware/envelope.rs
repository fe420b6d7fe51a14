//! The JSON body of every 4xx and 5xx, the deadline, and the check of `Host`.

use std::panic::AssertUnwindSafe;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use dockline::ports::{OsEntropy, SystemClock};
use futures_util::FutureExt;
use http::uri::Authority;
use http::{HeaderName, HeaderValue, StatusCode, Version, header};
use tokio::time::timeout;

use super::budget_headers::BudgetLevel;
use super::observe::ResponseCode;
use super::request_id::{NAME, RequestId};
use crate::options::Context;
use crate::wire::ApiErrorCode;
use crate::wire::bodies::{Envelope, Failure};
use crate::wire::error::{ApiError, Details};

/// An error response for a request that never reaches the router, such as a listener's: the same body, with a new request
/// id.
#[derive(Debug, Clone)]
pub struct ErrorEnvelope {
    id: RequestId,
    json: String,
}

impl ErrorEnvelope {
    /// Creates an error with a new request id. `message` is for people and should say what to do.
    #[must_use]
    pub fn new(code: impl Into<ApiErrorCode>, message: &str) -> Self {
        let id = RequestId::mint(&SystemClock, &OsEntropy);
        let failure: Failure<'_, Details> =
            Failure { code: code.into(), message, request_id: id.as_str(), details: None };
        // A struct of strings always serialises.
        let json = serde_json::to_string(&Envelope { error: failure }).unwrap_or_default();
        Self { id, json }
    }

    /// Returns the value of `X-Request-Id`.
    #[must_use]
    pub fn request_id(&self) -> &str {
        self.id.as_str()
    }

    /// Returns the body, `application/json`.
    #[must_use]
    pub fn json(&self) -> &str {
        &self.json
    }

    /// Returns the response, with the headers of every error.
    #[must_use]
    pub fn into_response(self, status: StatusCode) -> Response {
        let headers = [
            (header::CONTENT_TYPE, "application/json"),
            (header::CACHE_CONTROL, "no-store"),
            (HeaderName::from_static(NAME), self.id.as_str()),
        ];
        (status, headers, self.json).into_response()
    }
}

/// Middleware: enforces the deadline, turns panics into 500, renders errors as JSON and adds rate-limit headers.
pub(crate) async fn render_errors(
    State(context): State<Context>,
    mut request: Request,
    next: Next,
) -> Response {
    let id = request.extensions().get::<RequestId>().cloned();
    let level = BudgetLevel::default();
    request.extensions_mut().insert(level.clone());
    let mut response = match check_host(&request) {
        Ok(()) => {
            let answer = AssertUnwindSafe(next.run(request)).catch_unwind();
            match timeout(context.options.deadline, answer).await {
                Ok(Ok(response)) => response,
                // The text of a panic may hold anything, so it is left to the host's panic hook.
                Ok(Err(_)) => {
                    tracing::error!(request_id = id.as_ref().map(RequestId::as_str), "a handler panicked");
                    ApiError::internal().into_response()
                }
                Err(_) => {
                    tracing::error!(request_id = id.as_ref().map(RequestId::as_str), "request timed out");
                    ApiError::timed_out().into_response()
                }
            }
        }
        Err(error) => error.into_response(),
    };
    level.write(response.headers_mut());
    // Responses are private and change at any time.
    let no_store = HeaderValue::from_static("no-store");
    response.headers_mut().entry(header::CACHE_CONTROL).or_insert(no_store);
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
    response.extensions_mut().insert(ResponseCode(error.code));
    *response.body_mut() = Body::from(serde_json::to_vec(&body).unwrap_or_default());
    let headers = response.headers_mut();
    error.write_headers(headers);
    headers.remove(header::CONTENT_LENGTH);
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// Requires exactly one well-formed `Host` (RFC 9112 §3.2): hyper accepts none, several and malformed ones, and proxies may
/// disagree on which one counts. HTTP/1.0 has no `Host`, HTTP/2 has `:authority` (RFC 9113 §8.3.1).
fn check_host(request: &Request) -> Result<(), ApiError> {
    let refused = |message| Err(ApiError::new(StatusCode::BAD_REQUEST, ApiErrorCode::BadRequest, message));
    let mut hosts = request.headers().get_all(header::HOST).iter();
    let named = request.uri().authority();
    match (hosts.next(), hosts.next()) {
        (None, _) if named.is_some() || request.version() != Version::HTTP_11 => Ok(()),
        (Some(host), None) => match authority(host) {
            None => refused("The Host header is not a host with an optional port."),
            Some(host)
                if request.version() >= Version::HTTP_2 && named.is_some_and(|named| *named != host) =>
            {
                refused("The Host header names another host than the request does.")
            }
            Some(_) => Ok(()),
        },
        _ => refused("A request has exactly one Host header."),
    }
}

/// Parses a name or address with an optional port. Rejects other characters that URLs allow, such as a comma, with which
/// some proxies join two headers.
fn authority(host: &HeaderValue) -> Option<Authority> {
    let authority: Authority = host.to_str().ok()?.parse().ok()?;
    let name = authority.host();
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:[]".contains(&byte);
    let port = authority.as_str().strip_prefix(name)?;
    let port = match port.strip_prefix(':') {
        Some(port) => port.is_empty() || port.parse::<u16>().is_ok(),
        None => port.is_empty(),
    };
    (port && !name.is_empty() && name.bytes().all(plain)).then_some(authority)
}

pub(crate) async fn not_found() -> ApiError {
    ApiError::no_such_path()
}

pub(crate) async fn method_not_allowed() -> ApiError {
    let message = "This path does not take this method; Allow lists those that it takes.";
    ApiError::new(StatusCode::METHOD_NOT_ALLOWED, ApiErrorCode::MethodNotAllowed, message)
}
