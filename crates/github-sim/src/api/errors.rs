//! GitHub's error answers.

use axum::Json;
use axum::http::StatusCode;
use axum::http::header::HeaderName;
use axum::response::{AppendHeaders, IntoResponse, Response};
use serde_json::json;

use crate::error::SimError;
use crate::jwt::Refusal;
use crate::model::installation_token::Rejection;

const DOCS: &str = "https://docs.github.com/rest";
const ACCEPTED_PERMISSIONS: HeaderName = HeaderName::from_static("x-accepted-github-permissions");

/// `{message, documentation_url, status}`, where the status is a string.
#[derive(Clone, Debug)]
pub(crate) struct ApiError {
    status: StatusCode,
    message: String,
    /// Which permission would have been enough.
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

impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> Self {
        let status = match refusal {
            Refusal::UnknownIssuer => StatusCode::NOT_FOUND,
            Refusal::Undecodable | Refusal::TooFarAhead | Refusal::NoExpiry | Refusal::NoIssueTime => {
                StatusCode::UNAUTHORIZED
            }
        };
        Self::new(status, refusal.message())
    }
}

impl From<Rejection> for ApiError {
    fn from(rejection: Rejection) -> Self {
        match rejection {
            Rejection::Bad => Self::bad_credentials(),
            Rejection::Suspended => Self::suspended(),
        }
    }
}

/// What the model does not know is not there; the endpoints give it nothing else to refuse.
impl From<SimError> for ApiError {
    fn from(error: SimError) -> Self {
        tracing::debug!(%error, "answered as not found");
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

/// 422, which names the field.
pub(crate) fn missing_field(resource: &str, field: &str) -> Response {
    let body = json!({
        "message": "Validation Failed",
        "errors": [{ "resource": resource, "field": field, "code": "missing_field" }],
        "documentation_url": DOCS,
        "status": "422",
    });
    (StatusCode::UNPROCESSABLE_ENTITY, Json(body)).into_response()
}
