use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Serialize;

/// Why a request failed.
pub enum Failure {
    Unauthenticated,
    NotFound,
    Conflict,
    InvalidState,
    GitHub(octocrab::Error),
    Database(sqlx::Error),
}

#[derive(Serialize)]
struct Body {
    error: String,
}

impl From<sqlx::Error> for Failure {
    fn from(error: sqlx::Error) -> Self {
        match &error {
            sqlx::Error::Database(violation) if violation.is_unique_violation() => Self::Conflict,
            _ => Self::Database(error),
        }
    }
}

impl From<octocrab::Error> for Failure {
    fn from(error: octocrab::Error) -> Self {
        Self::GitHub(error)
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let (status, error) = match self {
            Self::Unauthenticated => (StatusCode::UNAUTHORIZED, "unknown key".to_owned()),
            Self::NotFound => (StatusCode::NOT_FOUND, "no installation is bound".to_owned()),
            Self::Conflict => (StatusCode::CONFLICT, "another installation is bound".to_owned()),
            Self::InvalidState => (StatusCode::UNPROCESSABLE_ENTITY, "invalid state".to_owned()),
            Self::GitHub(error) => (StatusCode::BAD_GATEWAY, error.to_string()),
            Self::Database(error) => (StatusCode::SERVICE_UNAVAILABLE, error.to_string()),
        };
        (status, Json(Body { error })).into_response()
    }
}
