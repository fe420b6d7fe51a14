//! Webhook deliveries.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Map, Value, json};

use super::ControlError;
use crate::clock::rfc3339;
use crate::sim::GithubSim;
use crate::webhook::delivery::{Delivery, DeliveryMode, DeliveryOutcome};

pub(super) fn routes() -> Router<GithubSim> {
    Router::new()
        .route("/delivery-mode", post(set_mode))
        .route("/deliveries", get(list).delete(clear))
        .route("/deliveries/settle", post(settle))
        .route("/deliveries/{id}/deliver", post(deliver))
}

async fn set_mode(State(sim): State<GithubSim>, Json(mode): Json<DeliveryMode>) -> StatusCode {
    sim.set_delivery_mode(mode);
    StatusCode::NO_CONTENT
}

async fn list(State(sim): State<GithubSim>) -> Json<Value> {
    Json(json!({ "deliveries": sim.deliveries().iter().map(delivery).collect::<Value>() }))
}

async fn clear(State(sim): State<GithubSim>) -> StatusCode {
    sim.clear_deliveries();
    StatusCode::NO_CONTENT
}

async fn settle(State(sim): State<GithubSim>) -> StatusCode {
    sim.settled().await;
    StatusCode::NO_CONTENT
}

async fn deliver(State(sim): State<GithubSim>, Path(id): Path<u64>) -> Result<Json<Value>, ControlError> {
    Ok(Json(delivery(&sim.deliver(id).await?)))
}

fn delivery(delivery: &Delivery) -> Value {
    json!({
        "id": delivery.id,
        "guid": delivery.guid,
        "app_id": delivery.app_id,
        "event": delivery.event,
        "action": delivery.action,
        "installation_id": delivery.installation_id,
        "redelivery": delivery.redelivery,
        "url": delivery.url,
        "headers": header_map(&delivery.headers),
        "body": String::from_utf8_lossy(&delivery.body),
        "made_at": rfc3339(delivery.made_at),
        "posts": delivery.posts,
        "outcome": delivery.outcome.as_ref().map(outcome),
    })
}

fn outcome(outcome: &DeliveryOutcome) -> Value {
    json!({
        "delivered_at": rfc3339(outcome.delivered_at),
        "duration": outcome.duration.as_secs_f64(),
        "status": outcome.status,
        "status_code": outcome.status_code,
        "headers": header_map(&outcome.headers),
        "body": outcome.body,
    })
}

fn header_map(headers: &[(String, String)]) -> Map<String, Value> {
    headers.iter().map(|(name, value)| (name.clone(), Value::from(value.as_str()))).collect()
}
