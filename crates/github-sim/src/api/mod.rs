//! The REST API.

mod access_token;
mod app;
mod auth;
mod deliveries;
mod errors;
mod gate;
mod installation;
mod jwt;
mod page;
mod repository_json;
mod user;

use axum::Router;
use axum::middleware::from_fn_with_state;

pub(crate) use auth::{authorization, decode_basic, same_secret};

use crate::sim::GithubSim;
use errors::ApiError;

/// Like GitHub, answers unknown paths, trailing slashes and unsupported methods with 404.
async fn not_found() -> ApiError {
    ApiError::not_found()
}

pub(crate) fn routes(sim: &GithubSim) -> Router<GithubSim> {
    Router::new()
        .merge(app::routes())
        .merge(deliveries::routes())
        .merge(user::routes())
        .merge(access_token::routes())
        .merge(installation::routes())
        .fallback(not_found)
        .method_not_allowed_fallback(not_found)
        .layer(from_fn_with_state(sim.clone(), gate::gate))
}
