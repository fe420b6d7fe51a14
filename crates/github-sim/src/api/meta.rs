//! `GET /meta` and `GET /rate_limit`, which need no credential.

use axum::Json;
use axum::Router;
use axum::extract::State;
use axum::http::header::HeaderMap;
use axum::routing::get;
use serde_json::{Value, json};

use super::gate::ApiVersion;
use crate::sim::GithubSim;
use crate::traffic::rate_limit::RateLimitStatus;
use crate::traffic::target::caller;

/// Addresses of the simulator.
const ADDRESSES: [&str; 2] = ["127.0.0.0/8", "::1/128"];

pub(super) fn routes() -> Router<GithubSim> {
    Router::new().route("/meta", get(meta)).route("/rate_limit", get(rate_limit))
}

async fn meta() -> Json<Value> {
    Json(json!({
        "verifiable_password_authentication": false,
        "hooks": ADDRESSES,
        "web": ADDRESSES,
        "api": ADDRESSES,
        "git": ADDRESSES,
        "packages": [],
        "pages": [],
        "importer": [],
        "actions": [],
        "dependabot": [],
    }))
}

/// Returns the caller's limits. This request is not counted. API version 2026-03-10 omits `rate`.
async fn rate_limit(State(sim): State<GithubSim>, version: ApiVersion, headers: HeaderMap) -> Json<Value> {
    let fixture = sim.fixture();
    let now = fixture.now();
    let core = limit(fixture.rate_limits.status(caller(&fixture, &headers), now));
    // Only the core limit is simulated.
    let unused = |limit: u32| json!({ "limit": limit, "used": 0, "remaining": limit, "reset": now.unix_timestamp() + 60 });
    let mut body = json!({
        "resources": { "core": core, "search": unused(30), "graphql": unused(5000), "integration_manifest": unused(5000) },
    });
    if let (ApiVersion::V2022_11_28, Some(body)) = (version, body.as_object_mut()) {
        body.insert("rate".to_owned(), core);
    }
    Json(body)
}

fn limit(status: RateLimitStatus) -> Value {
    let RateLimitStatus { limit, used, reset, .. } = status;
    json!({ "limit": limit, "used": used, "remaining": limit.saturating_sub(used), "reset": reset })
}
