//! The REST API.

mod app;
mod app_manifests;
mod auth;
mod body;
mod errors;
mod etag;
mod gate;
mod installation;
mod jwt;
mod meta;
mod page;
mod repository;
mod repository_json;
mod user;

use axum::Router;
use axum::middleware::from_fn_with_state;

use time::OffsetDateTime;

pub(crate) use app::access_token::NOT_ACCESSIBLE;
pub(crate) use auth::{authorization, decode_basic, same_secret};
pub(crate) use errors::ApiError;
pub(crate) use gate::complete;
pub(crate) use repository_json::webhook_repository;

use crate::model::Model;
use crate::sim::GithubSim;

/// Like GitHub, answers unknown paths, trailing slashes and unsupported methods with 404.
async fn not_found() -> ApiError {
    ApiError::not_found()
}

/// Returns the App id of a valid JWT.
pub(crate) fn app_of_jwt(model: &Model, token: &str, now: OffsetDateTime) -> Option<u64> {
    jwt::verify(model, token, now).ok().map(|app| app.id)
}

pub(crate) fn routes(sim: &GithubSim) -> Router<GithubSim> {
    Router::new()
        .merge(app::routes())
        .merge(app_manifests::routes())
        .merge(user::routes())
        .merge(installation::routes())
        .merge(repository::routes())
        .merge(meta::routes())
        .fallback(not_found)
        .method_not_allowed_fallback(not_found)
        .layer(from_fn_with_state(sim.clone(), gate::gate))
}
