//! The JSON body of every 4xx and 5xx, the deadline, and the check of the head.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use dockline::ports::{OsEntropy, SystemClock};
use futures_util::FutureExt;
use http::{HeaderValue, StatusCode, header};
use tokio::time::{Instant, timeout_at};

use super::budget_headers::BudgetLevel;
use super::request_head;
use super::request_id::{NAME, RequestId};
use crate::wire::ApiErrorCode;
use crate::wire::bodies::{Envelope, Failure};
use crate::wire::error::{ApiError, Details};
use crate::wire::request_body::BodyDeadline;

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
            (NAME, self.id.as_str()),
        ];
        (status, headers, self.json).into_response()
    }
}

/// Enforces the deadline, turns panics into 500, renders errors as JSON and adds rate-limit headers.
pub(super) async fn render_errors<F: Future<Output = Response>>(
    deadline: Duration,
    id: &RequestId,
    mut request: Request,
    rest: impl FnOnce(Request) -> F,
) -> Response {
    let level = BudgetLevel::default();
    request.extensions_mut().insert(level.clone());
    let now = Instant::now();
    // Earlier than the deadline of the request, so that a slow client is not taken for a slow server.
    request.extensions_mut().insert(BodyDeadline(now + deadline * 3 / 4));
    let mut response = match request_head::check(&request) {
        Ok(()) => {
            let answer = AssertUnwindSafe(rest(request)).catch_unwind();
            match timeout_at(now + deadline, answer).await {
                Ok(Ok(response)) => response,
                // The text of a panic may hold anything, so it is left to the host's panic hook.
                Ok(Err(_)) => {
                    tracing::error!(request_id = id.as_str(), "a handler panicked");
                    ApiError::internal().into_response()
                }
                Err(_) => {
                    tracing::error!(request_id = id.as_str(), "request timed out");
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
            message: &error.message,
            request_id: id.as_str(),
            details: error.details.as_deref(),
        },
    };
    // A struct of strings and numbers always serialises.
    response.extensions_mut().insert(error.response_code());
    *response.body_mut() = Body::from(serde_json::to_vec(&body).unwrap_or_default());
    let headers = response.headers_mut();
    error.write_headers(headers);
    headers.remove(header::CONTENT_LENGTH);
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

pub(crate) async fn not_found() -> ApiError {
    ApiError::no_such_path()
}

pub(crate) async fn method_not_allowed() -> ApiError {
    let message = "This path does not accept this method; Allow lists the accepted ones.";
    ApiError::new(StatusCode::METHOD_NOT_ALLOWED, ApiErrorCode::MethodNotAllowed, message)
}

#[cfg(test)]
mod tests {
    use axum::body::to_bytes;
    use dockline::ErrorCode;
    use serde_json::{Value, json};

    use super::*;

    #[tokio::test]
    async fn envelope_has_the_same_body_as_text_and_as_a_response() {
        let envelope = ErrorEnvelope::new(ErrorCode::Unavailable, "Try again later.");
        let id = envelope.request_id().to_owned();
        let expected = json!({ "code": "UNAVAILABLE", "message": "Try again later.", "requestId": id });
        let text: Value = serde_json::from_str(envelope.json()).unwrap();
        assert_eq!(text, json!({ "error": expected }));
        let response = envelope.into_response(StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
        for (name, value) in
            [("content-type", "application/json"), ("cache-control", "no-store"), ("x-request-id", &id)]
        {
            assert_eq!(response.headers()[name], *value, "{name}");
        }
        let body = to_bytes(response.into_body(), 1_024).await.unwrap();
        assert_eq!(serde_json::from_slice::<Value>(&body).unwrap(), text);
    }
}
