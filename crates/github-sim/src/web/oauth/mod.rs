//! OAuth: the web flow and the device flow.

mod authorize;
mod device;
mod error;
mod exchange;

use axum::Router;
use axum::routing::{get, post};

use crate::sim::GithubSim;

pub(super) fn routes() -> Router<GithubSim> {
    Router::new()
        .route("/login/oauth/authorize", get(authorize::authorize))
        .route("/login/oauth/access_token", post(exchange::exchange))
        .route("/login/device/code", post(device::start))
        .route("/login/device", get(device::show).post(device::submit))
}
