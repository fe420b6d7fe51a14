//! The REST API.

mod app;
mod auth;
mod deliveries;
mod errors;
mod page;
mod requests;
mod token;
mod user;
mod version;

use axum::Router;
use axum::middleware::from_fn_with_state;

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
        .fallback(not_found)
        .method_not_allowed_fallback(not_found)
        .layer(from_fn_with_state(sim.clone(), version::gate))
}
