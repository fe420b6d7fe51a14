//! What the control API can do about webhooks and deliveries.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value, json};

use super::ControlError;
use crate::clock::rfc3339;
use crate::delivery::{Delivery, DeliveryMode, Outcome};
use crate::model::hook::ContentType;
use crate::model::hook_change::HookChange;
use crate::sim::GithubSim;

type Done = Result<StatusCode, ControlError>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct HookBody {
    /// Null takes it away.
    #[serde(default, deserialize_with = "present")]
    url: Option<Option<String>>,
    secret: Option<secrecy::SecretString>,
    content_type: Option<ContentType>,
    active: Option<bool>,
}

fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<String>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

/// The URL comes last: its ping is made with the new settings.
pub(super) async fn hook(
    State(sim): State<GithubSim>,
    Path(id): Path<u64>,
    Json(body): Json<HookBody>,
) -> Done {
    sim.credentials(id)?;
    let changes = [
        body.secret.map(HookChange::Secret),
        body.content_type.map(HookChange::ContentType),
        body.active.map(HookChange::Active),
        body.url.map(HookChange::Url),
    ];
    for change in changes.into_iter().flatten() {
        sim.change_hook(id, change)?;
    }
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn ping(State(sim): State<GithubSim>, Path(id): Path<u64>) -> Done {
    sim.ping(id)?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn mode(State(sim): State<GithubSim>, Json(mode): Json<DeliveryMode>) -> StatusCode {
    sim.set_delivery_mode(mode);
    StatusCode::NO_CONTENT
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ShapeBody {
    old: bool,
}

pub(super) async fn shape(State(sim): State<GithubSim>, Json(body): Json<ShapeBody>) -> StatusCode {
    sim.set_old_webhook_shape(body.old);
    StatusCode::NO_CONTENT
}

pub(super) async fn deliveries(State(sim): State<GithubSim>) -> Json<Value> {
    Json(json!({ "deliveries": sim.deliveries().iter().map(delivery).collect::<Value>() }))
}

pub(super) async fn clear(State(sim): State<GithubSim>) -> StatusCode {
    sim.clear_deliveries();
    StatusCode::NO_CONTENT
}

/// Answers when everything that may be posted was posted.
pub(super) async fn settle(State(sim): State<GithubSim>) -> StatusCode {
    sim.settled().await;
    StatusCode::NO_CONTENT
}

pub(super) async fn release(State(sim): State<GithubSim>) -> StatusCode {
    sim.release_shuffled();
    StatusCode::NO_CONTENT
}

pub(super) async fn deliver(
    State(sim): State<GithubSim>,
    Path(id): Path<u64>,
) -> Result<Json<Value>, ControlError> {
    Ok(Json(delivery(&sim.deliver(id).await?)))
}

pub(super) async fn redeliver(
    State(sim): State<GithubSim>,
    Path(id): Path<u64>,
) -> Result<(StatusCode, Json<Value>), ControlError> {
    Ok((StatusCode::CREATED, Json(json!({ "id": sim.redeliver(id)? }))))
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
        "headers": object(&delivery.headers),
        // Every body is text: JSON, or a form.
        "body": String::from_utf8_lossy(&delivery.body),
        "made_at": rfc3339(delivery.made_at),
        "posts": delivery.posts,
        "outcome": delivery.outcome.as_ref().map(outcome),
    })
}

fn outcome(outcome: &Outcome) -> Value {
    json!({
        "delivered_at": rfc3339(outcome.delivered_at),
        "duration": outcome.duration.as_secs_f64(),
        "status": outcome.status,
        "status_code": outcome.status_code,
        "headers": object(&outcome.headers),
        "body": outcome.body,
    })
}

fn object(headers: &[(String, String)]) -> Map<String, Value> {
    headers.iter().map(|(name, value)| (name.clone(), Value::from(value.as_str()))).collect()
}
