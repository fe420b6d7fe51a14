//! Middleware of the REST API: required headers, the API version, rate limits, and the headers of every response.

use axum::extract::{FromRequestParts, Request, State};
use axum::http::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, USER_AGENT};
use axum::http::request::Parts;
use axum::http::{Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::errors::ApiError;
use super::etag::tagged;
use crate::fixture::Fixture;
use crate::sim::GithubSim;
use crate::traffic::rate_limit::{RateLimitCaller, RateLimitStatus};
use crate::traffic::target::caller;

const VERSION: HeaderName = HeaderName::from_static("x-github-api-version");
const SELECTED: HeaderName = HeaderName::from_static("x-github-api-version-selected");
const MEDIA_TYPE: HeaderName = HeaderName::from_static("x-github-media-type");
/// The requests that are not counted.
const RATE_LIMIT: &str = "/rate_limit";
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
    let counted = !request.uri().path().ends_with(RATE_LIMIT);
    let (caller, mut limit) = count(&mut sim.fixture(), request.headers(), counted);
    let get = (request.method() == Method::GET).then(|| request.headers().clone());
    let mut response = match (caller, version) {
        (Some(caller), _) if limit.exceeded => exceeded(caller).into_response(),
        (_, None) => unsupported().into_response(),
        (_, Some(_)) => next.run(request).await,
    };
    if let (Some(headers), StatusCode::OK) = (get, response.status()) {
        response = tagged(&headers, response).await;
    }
    if response.status() == StatusCode::NOT_MODIFIED {
        // GitHub does not count these.
        limit = sim.fixture().rate_limits.uncount(caller, limit);
    }
    set_headers(response.headers_mut(), version, limit);
    response
}

/// Counts a request that is answered by a fault, and adds the headers that the answer lacks.
pub(crate) fn complete(sim: &GithubSim, request: &HeaderMap, response: &mut Response) {
    if response.headers().contains_key(SELECTED) {
        return;
    }
    let (_, limit) = count(&mut sim.fixture(), request, true);
    set_headers(response.headers_mut(), ApiVersion::requested(request), limit);
}

/// Counts the request for the caller of a valid credential, even if the request will be rejected.
fn count(
    fixture: &mut Fixture,
    headers: &HeaderMap,
    counted: bool,
) -> (Option<RateLimitCaller>, RateLimitStatus) {
    let (caller, now) = (caller(fixture, headers), fixture.now());
    let limits = &mut fixture.rate_limits;
    (caller, if counted { limits.count(caller, now) } else { limits.status(caller, now) })
}

fn exceeded(caller: RateLimitCaller) -> ApiError {
    ApiError::new(StatusCode::FORBIDDEN, format!("API rate limit exceeded for {caller}."))
}

/// Adds the headers of every answer of the REST API, but for those that are set.
fn set_headers(headers: &mut HeaderMap, version: Option<ApiVersion>, limit: RateLimitStatus) {
    if headers.get(CONTENT_TYPE).is_some_and(|value| value == "application/json") {
        headers.insert(CONTENT_TYPE, JSON);
    }
    let RateLimitStatus { limit, used, reset, .. } = limit;
    let all = [
        (SELECTED, HeaderValue::from_static(version.unwrap_or_default().as_str())),
        (MEDIA_TYPE, HeaderValue::from_static("github.v3; format=json")),
        (HeaderName::from_static("x-ratelimit-limit"), limit.into()),
        (HeaderName::from_static("x-ratelimit-remaining"), limit.saturating_sub(used).into()),
        (HeaderName::from_static("x-ratelimit-used"), used.into()),
        (HeaderName::from_static("x-ratelimit-reset"), reset.into()),
        (HeaderName::from_static("x-ratelimit-resource"), HeaderValue::from_static("core")),
    ];
    for (name, value) in all {
        headers.entry(name).or_insert(value);
    }
}
