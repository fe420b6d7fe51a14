//! Middleware of the REST API: required headers, the API version, rate limits, and the headers of every response.

use axum::extract::{FromRequestParts, Request, State};
use axum::http::StatusCode;
use axum::http::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, USER_AGENT};
use axum::http::request::Parts;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::auth::authorization;
use super::errors::ApiError;
use super::jwt;
use crate::fixture::Fixture;
use crate::sim::GithubSim;
use crate::traffic::rate_limit::{RateLimitCaller, RateLimitStatus};

const VERSION: HeaderName = HeaderName::from_static("x-github-api-version");
const SELECTED: HeaderName = HeaderName::from_static("x-github-api-version-selected");
const JSON: HeaderValue = HeaderValue::from_static("application/json; charset=utf-8");

/// A version of the REST API.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) enum ApiVersion {
    #[default]
    V2022_11_28,
    V2026_03_10,
}

impl ApiVersion {
    fn as_str(self) -> &'static str {
        match self {
            Self::V2022_11_28 => "2022-11-28",
            Self::V2026_03_10 => "2026-03-10",
        }
    }

    /// Returns the requested version, or `None` if it is not supported.
    fn requested(headers: &HeaderMap) -> Option<Self> {
        let Some(version) = headers.get(VERSION) else { return Some(Self::default()) };
        [Self::V2022_11_28, Self::V2026_03_10].into_iter().find(|known| version == known.as_str())
    }
}

impl FromRequestParts<GithubSim> for ApiVersion {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &GithubSim) -> Result<Self, ApiError> {
        Self::requested(&parts.headers).ok_or_else(unsupported)
    }
}

fn unsupported() -> ApiError {
    ApiError::new(
        StatusCode::BAD_REQUEST,
        "The API version in the X-GitHub-Api-Version header is not supported.",
    )
}

/// Rejects requests without a `User-Agent`, over the rate limit, or with an unsupported version, as GitHub does before routing.
pub(super) async fn gate(State(sim): State<GithubSim>, request: Request, next: Next) -> Response {
    if request.headers().get(USER_AGENT).is_none_or(HeaderValue::is_empty) {
        // GitHub answers this in plain text, from a proxy in front of the API.
        let text = "Request forbidden by administrative rules. Please make sure your request has a User-Agent header.";
        return (StatusCode::FORBIDDEN, text).into_response();
    }
    let version = ApiVersion::requested(request.headers());
    let (caller, limit) = count(&mut sim.fixture(), request.headers());
    let mut response = match (caller, version) {
        (Some(caller), _) if limit.exceeded => exceeded(caller).into_response(),
        (_, None) => unsupported().into_response(),
        (_, Some(_)) => next.run(request).await,
    };
    let headers = response.headers_mut();
    if headers.contains_key(CONTENT_TYPE) {
        headers.insert(CONTENT_TYPE, JSON);
    }
    headers.insert(SELECTED, HeaderValue::from_static(version.unwrap_or_default().as_str()));
    set_limit_headers(limit, headers);
    response
}

/// Counts the request for its caller.
fn count(fixture: &mut Fixture, headers: &HeaderMap) -> (Option<RateLimitCaller>, RateLimitStatus) {
    let (caller, now) = (caller(fixture, headers), fixture.now());
    (caller, fixture.rate_limits.count(caller, now))
}

/// Returns the caller of a valid credential, even if the request will be rejected.
fn caller(fixture: &Fixture, headers: &HeaderMap) -> Option<RateLimitCaller> {
    let (_, credential) = authorization(headers)?;
    let (model, now) = (&fixture.model, fixture.now());
    let installation = model.installation_of_token(credential, now).map(RateLimitCaller::Installation);
    installation.or_else(|| jwt::verify(model, credential, now).ok().map(|app| RateLimitCaller::App(app.id)))
}

fn exceeded(caller: RateLimitCaller) -> ApiError {
    let caller = match caller {
        RateLimitCaller::App(id) => format!("app ID {id}"),
        RateLimitCaller::Installation(id) => format!("installation ID {id}"),
    };
    ApiError::new(StatusCode::FORBIDDEN, format!("API rate limit exceeded for {caller}."))
}

fn set_limit_headers(status: RateLimitStatus, headers: &mut HeaderMap) {
    let RateLimitStatus { limit, used, reset, .. } = status;
    let mut set =
        |name: &'static str, value: HeaderValue| headers.insert(HeaderName::from_static(name), value);
    set("x-ratelimit-limit", limit.into());
    set("x-ratelimit-remaining", limit.saturating_sub(used).into());
    set("x-ratelimit-used", used.into());
    set("x-ratelimit-reset", reset.into());
    set("x-ratelimit-resource", HeaderValue::from_static("core"));
}
