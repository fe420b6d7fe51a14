//! What every REST request must say, and every answer says.

use axum::extract::{FromRequestParts, Request, State};
use axum::http::StatusCode;
use axum::http::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, USER_AGENT};
use axum::http::request::Parts;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::errors::ApiError;
use super::rate_limit;
use crate::sim::GithubSim;

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

    fn asked(headers: &HeaderMap) -> Option<Self> {
        let Some(asked) = headers.get(VERSION) else { return Some(Self::default()) };
        [Self::V2022_11_28, Self::V2026_03_10].into_iter().find(|version| asked == version.as_str())
    }
}

impl FromRequestParts<GithubSim> for ApiVersion {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &GithubSim) -> Result<Self, ApiError> {
        Self::asked(&parts.headers).ok_or_else(unsupported)
    }
}

fn unsupported() -> ApiError {
    ApiError::new(
        StatusCode::BAD_REQUEST,
        "The API version in the X-GitHub-Api-Version header is not supported.",
    )
}

/// Refuses what GitHub refuses before it looks at the path, and sets the headers of every answer.
pub(super) async fn gate(State(sim): State<GithubSim>, request: Request, next: Next) -> Response {
    if request.headers().get(USER_AGENT).is_none_or(HeaderValue::is_empty) {
        // Not JSON: this one comes from in front of the API.
        let text = "Request forbidden by administrative rules. Please make sure your request has a User-Agent header.";
        return (StatusCode::FORBIDDEN, text).into_response();
    }
    let version = ApiVersion::asked(request.headers());
    let (caller, standing) = rate_limit::count(&sim, request.headers());
    let mut response = match (caller, version) {
        (Some(caller), _) if standing.exceeded => rate_limit::exceeded(caller).into_response(),
        (_, None) => unsupported().into_response(),
        (_, Some(_)) => next.run(request).await,
    };
    let headers = response.headers_mut();
    if headers.contains_key(CONTENT_TYPE) {
        headers.insert(CONTENT_TYPE, JSON);
    }
    headers.insert(SELECTED, HeaderValue::from_static(version.unwrap_or_default().as_str()));
    rate_limit::tell(standing, headers);
    response
}
