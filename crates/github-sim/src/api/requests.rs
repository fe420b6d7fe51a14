//! What members asked for and no owner approved yet.

use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use serde_json::Value;

use super::auth::AppCaller;
use super::json;
use super::page::Page;
use crate::sim::GithubSim;
use crate::urls::{Params, Urls};

pub(super) fn routes() -> Router<GithubSim> {
    Router::new().route("/app/installation-requests", get(list))
}

async fn list(State(sim): State<GithubSim>, caller: AppCaller, urls: Urls, params: Params) -> Response {
    let world = sim.world();
    let own = world.model.installation_requests().filter(|request| request.app_id == caller.app_id);
    let all: Vec<Value> =
        own.map(|request| json::installation_request(&urls, &world.model, request)).collect();
    let (page, total) = (Page::asked(&params), all.len());
    page.answer(&format!("{}/app/installation-requests", urls.api), total, page.of(all).into())
}
