//! The control API: all that the library can do, for programs in other languages.

mod changes;
mod read;
mod webhooks;
mod write;

use axum::Json;
use axum::Router;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post};
use serde_json::json;

use crate::error::SimError;
use crate::sim::GithubSim;

/// Where the control API lives. Its requests are neither recorded nor faulted.
pub(crate) const CONTROL: &str = "/_control";

/// Why the control API refused.
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
            | SimError::UnknownRequest(_)
            | SimError::UnknownDelivery(_) => StatusCode::NOT_FOUND,
            SimError::Taken(_) | SimError::InstallationIdUsed(_) | SimError::AlreadyInstalled(_) => {
                StatusCode::CONFLICT
            }
            SimError::WrongKind { .. } | SimError::Invalid(_) => StatusCode::UNPROCESSABLE_ENTITY,
            SimError::NoRandomness => StatusCode::INTERNAL_SERVER_ERROR,
        };
        (status, Json(json!({ "error": self.0.to_string() }))).into_response()
    }
}

pub(crate) fn routes() -> Router<GithubSim> {
    Router::new()
        .route("/state", get(read::state))
        .route("/requests", get(read::requests).delete(write::clear_requests))
        .route("/apps", post(write::app))
        .route("/apps/{id}", get(read::app))
        .route("/apps/{id}/permissions", post(write::app_permissions))
        .route("/apps/{id}/webhook", post(webhooks::hook))
        .route("/apps/{id}/ping", post(webhooks::ping))
        .route("/delivery-mode", post(webhooks::mode))
        .route("/webhook-shape", post(webhooks::shape))
        .route("/deliveries", get(webhooks::deliveries).delete(webhooks::clear))
        .route("/deliveries/settle", post(webhooks::settle))
        .route("/deliveries/release", post(webhooks::release))
        .route("/deliveries/{id}/deliver", post(webhooks::deliver))
        .route("/deliveries/{id}/redeliver", post(webhooks::redeliver))
        .route("/users", post(write::user))
        .route("/users/{login}/refuse-authorization", post(changes::refuse_authorization))
        .route("/authorizations", delete(changes::revoke_authorization))
        .route("/organizations", post(write::organization))
        .route("/enterprises", post(write::enterprise))
        .route("/default-user", post(write::default_user))
        .route("/memberships", post(write::membership).delete(write::end_membership))
        .route("/repositories", post(write::repository))
        .route("/repositories/{id}/transfer", post(changes::transfer))
        .route("/collaborators", post(write::collaborator))
        .route("/accounts/{login}/rename", post(write::rename))
        .route("/installations", post(write::install))
        .route("/installations/{id}/suspend", post(write::suspend))
        .route("/installations/{id}/unsuspend", post(write::unsuspend))
        .route("/installations/{id}/uninstall", post(changes::uninstall))
        .route("/installations/{id}/null-account", post(write::null_account))
        .route("/installations/{id}/accept-permissions", post(write::accept_permissions))
        .route("/installation-requests/{id}/approve", post(write::approve))
        .route("/codes", post(write::code))
        .route("/user-tokens", post(write::user_token))
        .route("/faults", post(write::fault).delete(write::clear_faults))
        .route("/clock", delete(write::reset_clock).post(write::clock))
        .fallback(async || (StatusCode::NOT_FOUND, Json(json!({ "error": "no such control" }))))
}
