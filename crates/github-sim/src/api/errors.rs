//! Error responses in GitHub's format.

use axum::Json;
use axum::http::StatusCode;
use axum::http::header::HeaderName;
use axum::response::{AppendHeaders, IntoResponse, Response};
use serde_json::json;

use super::jwt::JwtError;
use crate::error::SimError;
use crate::model::installation_token::TokenError;

const DOCS: &str = "https://docs.github.com/rest";
const ACCEPTED_PERMISSIONS: HeaderName = HeaderName::from_static("x-accepted-github-permissions");

/// An error with the body `{message, documentation_url, status}`, where `status` is a string.
#[derive(Clone, Debug)]
pub(crate) struct ApiError {
    status: StatusCode,
    message: String,
    /// The value of `X-Accepted-GitHub-Permissions`.
    accepted: Option<&'static str>,
}

impl ApiError {
    pub(crate) fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self { status, message: message.into(), accepted: None }
    }

    pub(crate) fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "Not Found")
    }

    pub(crate) fn bad_credentials() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "Bad credentials")
    }

    pub(crate) fn suspended() -> Self {
        Self::new(StatusCode::FORBIDDEN, "This installation has been suspended")
    }

    pub(crate) fn unprocessable(message: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, message)
    }

    pub(crate) fn lacks_permission(accepted: &'static str) -> Self {
        let error = Self::new(StatusCode::FORBIDDEN, "Resource not accessible by integration");
        Self { accepted: Some(accepted), ..error }
    }
}

impl From<JwtError> for ApiError {
    fn from(error: JwtError) -> Self {
        let status = match error {
            JwtError::UnknownIssuer => StatusCode::NOT_FOUND,
            JwtError::Undecodable | JwtError::TooFarAhead | JwtError::NoExpiry | JwtError::NoIssueTime => {
                StatusCode::UNAUTHORIZED
            }
        };
        Self::new(status, error.message())
    }
}

impl From<TokenError> for ApiError {
    fn from(error: TokenError) -> Self {
        match error {
            TokenError::Bad => Self::bad_credentials(),
            TokenError::Suspended => Self::suspended(),
        }
    }
}

/// The handlers pass only valid values to the model, so all its errors mean that something does not exist.
impl From<SimError> for ApiError {
    fn from(error: SimError) -> Self {
        tracing::debug!(%error, "responding 404");
        Self::not_found()
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let body = json!({
            "message": self.message,
            "documentation_url": DOCS,
            "status": self.status.as_u16().to_string(),
        });
        let accepted = self.accepted.map(|accepted| [(ACCEPTED_PERMISSIONS, accepted)]);
        (self.status, accepted.map(AppendHeaders), Json(body)).into_response()
    }
}

/// Returns 422 for a missing field.
pub(crate) fn missing_field(resource: &str, field: &str) -> Response {
    let body = json!({
        "message": "Validation Failed",
        "errors": [{ "resource": resource, "field": field, "code": "missing_field" }],
        "documentation_url": DOCS,
        "status": "422",
    });
    (StatusCode::UNPROCESSABLE_ENTITY, Json(body)).into_response()
}
