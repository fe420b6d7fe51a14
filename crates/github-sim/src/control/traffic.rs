//! Faults, rate limits, the clock and the request log.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::{delete, get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Created, Done, created, done};
use crate::sim::GithubSim;
use crate::traffic::fault::FaultRule;
use crate::traffic::rate_limit::RateLimitCaller;

pub(super) fn routes() -> Router<GithubSim> {
    Router::new()
        .route("/faults", get(faults).post(add_fault).delete(clear_faults))
        .route("/faults/{id}", delete(remove_fault))
        .route("/rate-limits", post(set_rate_limit))
        .route("/clock", post(move_clock))
        .route("/requests", get(requests).delete(clear_requests))
}

async fn faults(State(sim): State<GithubSim>) -> Json<Value> {
    Json(json!({ "faults": sim.fixture().faults.rules() }))
}

async fn add_fault(State(sim): State<GithubSim>, Json(rule): Json<FaultRule>) -> Created {
    created(json!({ "id": sim.set_fault(rule) }))
}

async fn remove_fault(State(sim): State<GithubSim>, Path(id): Path<u64>) -> Done {
    done(sim.remove_fault(id))
}

async fn clear_faults(State(sim): State<GithubSim>) -> StatusCode {
    sim.clear_faults();
    StatusCode::NO_CONTENT
}

#[derive(Deserialize)]
struct RateLimitBody {
    #[serde(flatten)]
    caller: RateLimitCaller,
    limit: Option<u32>,
}

async fn set_rate_limit(State(sim): State<GithubSim>, Json(body): Json<RateLimitBody>) -> Done {
    done(sim.set_rate_limit(body.caller, body.limit))
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum ClockBody {
    Advance(i64),
    Offset(i64),
}

async fn move_clock(State(sim): State<GithubSim>, Json(body): Json<ClockBody>) -> StatusCode {
    match body {
        ClockBody::Advance(seconds) => sim.advance_clock(seconds),
        ClockBody::Offset(seconds) => sim.set_clock_offset(seconds),
    }
    StatusCode::NO_CONTENT
}

async fn requests(State(sim): State<GithubSim>) -> Json<Value> {
    Json(json!({ "requests": sim.requests() }))
}

async fn clear_requests(State(sim): State<GithubSim>) -> StatusCode {
    sim.clear_requests();
    StatusCode::NO_CONTENT
}
