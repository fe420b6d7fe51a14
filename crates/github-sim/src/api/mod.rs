//! The REST API.

mod access_token;
mod app;
mod auth;
mod deliveries;
mod errors;
mod installation;
mod page;
mod rate_limit;
mod repository_json;
mod requests;
mod token;
mod user;
mod version;

use axum::Router;
use axum::middleware::from_fn_with_state;

pub(crate) use auth::authorization;
pub(crate) use token::same_secret;

use crate::json;
use crate::sim::GithubSim;
use errors::ApiError;

/// A path that is not there, also one with a slash too many, or a method that it does not have.
async fn not_found() -> ApiError {
    ApiError::not_found()
}

pub(crate) fn routes(sim: &GithubSim) -> Router<GithubSim> {
    Router::new()
        .merge(app::routes())
        .merge(deliveries::routes())
        .merge(requests::routes())
        .merge(user::routes())
        .merge(token::routes())
        .merge(access_token::routes())
        .merge(installation::routes())
        .fallback(not_found)
        .method_not_allowed_fallback(not_found)
        .layer(from_fn_with_state(sim.clone(), version::gate))
}
