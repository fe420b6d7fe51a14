//! The one body that every 4xx and 5xx has (`contract.md` §2).

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
use super::observe::AnsweredCode;
use super::request_id::{NAME, RequestId};
use crate::options::Context;
use crate::wire::ApiErrorCode;
use crate::wire::bodies::{Envelope, Failure};
use crate::wire::error::{ApiError, Details};

/// An error answer for what never reaches the router, such as a listener's own: the contract's body with a request id of
/// its own.
#[derive(Debug, Clone)]
pub struct ErrorEnvelope {
    id: RequestId,
    json: String,
}

impl ErrorEnvelope {
    /// With a fresh request id. `message` is for people, and SHOULD name the mend.
    #[must_use]
    pub fn new(code: impl Into<ApiErrorCode>, message: &str) -> Self {
        let id = RequestId::mint(&SystemClock, &OsEntropy);
        let failure: Failure<'_, Details> =
            Failure { code: code.into(), message, request_id: id.as_str(), details: None };
        // A struct of strings always serialises.
        let json = serde_json::to_string(&Envelope { error: failure }).unwrap_or_default();
        Self { id, json }
    }

    /// The value of `X-Request-Id`.
    #[must_use]
    pub fn request_id(&self) -> &str {
        self.id.as_str()
    }

    /// The body, `application/json`.
    #[must_use]
    pub fn json(&self) -> &str {
        &self.json
    }

    /// The whole answer, with the headers of every error.
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

/// Runs the rest within the deadline, turns a panic into a 500, and writes the envelope of whatever error came out, and where the
/// caller stands.
pub(crate) async fn seal(State(context): State<Context>, mut request: Request, next: Next) -> Response {
    let id = request.extensions().get::<RequestId>().cloned();
    let level = BudgetLevel::default();
    request.extensions_mut().insert(level.clone());
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
    level.write(response.headers_mut());
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
    response.extensions_mut().insert(AnsweredCode(error.code));
    *response.body_mut() = Body::from(serde_json::to_vec(&body).unwrap_or_default());
    let headers = response.headers_mut();
    error.write_headers(headers);
    headers.remove(header::CONTENT_LENGTH);
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// Exactly one `Host`, well-formed (RFC 9112 §3.2): the server below us accepts none, several, and anything, and proxies
/// may disagree on which one counts. HTTP/1.0 knows no `Host`, HTTP/2 names it elsewhere (RFC 9113 §8.3.1).
fn proper(request: &Request) -> Result<(), ApiError> {
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

/// A name or an address, and a port. Of what else a URL's host may hold nothing is in use, and a comma is how some proxies
/// join two headers.
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
