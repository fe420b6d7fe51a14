//! The control API: the operations of [`GithubSim`] over HTTP, for programs in other languages.

mod accounts;
mod apps;
mod deliveries;
mod installations;
mod repositories;
mod state;
mod traffic;

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::{Json, Router};
use serde_json::{Value, json};

use crate::error::SimError;
use crate::sim::GithubSim;

/// The path of the control API. Its requests are not recorded, and faults do not apply to them.
pub(crate) const CONTROL: &str = "/_control";

/// 204, or the error.
type Done = Result<StatusCode, ControlError>;
/// 201 with a body, or the error.
type Created = Result<(StatusCode, Json<Value>), ControlError>;

fn done(result: Result<(), SimError>) -> Done {
    Ok(result.map(|()| StatusCode::NO_CONTENT)?)
}

fn created(body: Value) -> Created {
    Ok((StatusCode::CREATED, Json(body)))
}

struct ControlError(SimError);

impl From<SimError> for ControlError {
    fn from(error: SimError) -> Self {
        Self(error)
    }
}

impl IntoResponse for ControlError {
    fn into_response(self) -> Response {
        let status = match self.0 {
            SimError::UnknownAccount(_)
            | SimError::UnknownApp(_)
            | SimError::UnknownInstallation(_)
            | SimError::UnknownRepository(_)
            | SimError::UnknownRequest(_)
            | SimError::UnknownDelivery(_)
            | SimError::UnknownFault(_) => StatusCode::NOT_FOUND,
            SimError::Taken(_) | SimError::InstallationIdUsed(_) | SimError::AlreadyInstalled(_) => {
                StatusCode::CONFLICT
            }
            SimError::Git(_) => StatusCode::INTERNAL_SERVER_ERROR,
            SimError::WrongKind { .. } | SimError::Invalid(_) => StatusCode::UNPROCESSABLE_ENTITY,
        };
        (status, Json(json!({ "error": self.0.to_string() }))).into_response()
    }
}

pub(crate) fn routes() -> Router<GithubSim> {
    Router::new()
        .merge(accounts::routes())
        .merge(apps::routes())
        .merge(deliveries::routes())
        .merge(installations::routes())
        .merge(repositories::routes())
        .merge(state::routes())
        .merge(traffic::routes())
        .fallback(async || (StatusCode::NOT_FOUND, Json(json!({ "error": "no such control endpoint" }))))
}
