//! Endpoints for an App's webhook deliveries.

use axum::Json;
use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::http::header::LINK;
use axum::response::{AppendHeaders, IntoResponse, Response};
use axum::routing::{get, post};
use serde_json::{Map, Value, json};
use time::{Duration, OffsetDateTime};

use crate::api::auth::AppCaller;
use crate::api::errors::ApiError;
use crate::api::page::Pagination;
use crate::clock::rfc3339;
use crate::sim::GithubSim;
use crate::urls::{Params, Urls};
use crate::webhook::delivery::{Delivery, DeliveryOutcome};
use crate::webhook::delivery_queue::DeliveryQueue;
use crate::webhook::redeliver;

/// How long GitHub lists deliveries.
const RETENTION: Duration = Duration::days(3);
const CURSOR_PREFIX: &str = "v1_";

pub(super) fn routes() -> Router<GithubSim> {
    Router::new()
        .route("/app/hook/deliveries", get(list))
        .route("/app/hook/deliveries/{id}", get(one))
        .route("/app/hook/deliveries/{id}/attempts", post(attempt))
}

/// Returns the App's deliveries that were sent within the retention time, newest first.
fn own(
    delivery_queue: &DeliveryQueue,
    caller: AppCaller,
    now: OffsetDateTime,
) -> impl Iterator<Item = (&Delivery, &DeliveryOutcome)> {
    let own = delivery_queue.deliveries().rev().filter(move |delivery| delivery.app_id == caller.app_id);
    let sent = own.filter_map(|delivery| Some((delivery, delivery.outcome.as_ref()?)));
    sent.filter(move |(_, outcome)| now - outcome.delivered_at < RETENTION)
}

fn find<'a>(
    delivery_queue: &'a DeliveryQueue,
    caller: AppCaller,
    now: OffsetDateTime,
    id: &str,
) -> Result<(&'a Delivery, &'a DeliveryOutcome), ApiError> {
    let id: u64 = id.parse().map_err(|_| ApiError::not_found())?;
    own(delivery_queue, caller, now).find(|(delivery, _)| delivery.id == id).ok_or_else(ApiError::not_found)
}

async fn list(
    State(sim): State<GithubSim>,
    caller: AppCaller,
    urls: Urls,
    params: Params,
) -> Result<Response, ApiError> {
    let fixture = sim.fixture();
    let matches = |outcome: &DeliveryOutcome| match params.get("status") {
        Some("success") => outcome.succeeded(),
        Some("failure") => !outcome.succeeded(),
        Some(_) | None => true,
    };
    let all: Vec<_> =
        own(&fixture.delivery_queue, caller, fixture.now()).filter(|(_, outcome)| matches(outcome)).collect();
    let from = match params.get("cursor") {
        None => 0,
        Some(cursor) => {
            let id = cursor.strip_prefix(CURSOR_PREFIX).and_then(|id| id.parse::<u64>().ok());
            let id = id.ok_or_else(|| ApiError::new(StatusCode::BAD_REQUEST, "Invalid cursor"))?;
            all.iter().position(|(delivery, _)| delivery.id <= id).unwrap_or(all.len())
        }
    };
    let size = Pagination::requested(&params).size();
    let link = |at: usize, rel: &str| {
        let (delivery, _) = all.get(at)?;
        let status = params.get("status").filter(|status| ["success", "failure"].contains(status));
        let status = status.map(|status| format!("&status={status}")).unwrap_or_default();
        let url = format!("{}/app/hook/deliveries?per_page={size}{status}", urls.api);
        Some(format!("<{url}&cursor={CURSOR_PREFIX}{}>; rel=\"{rel}\"", delivery.id))
    };
    let previous = (from > 0).then(|| link(from.saturating_sub(size), "prev")).flatten();
    let links: Vec<String> = link(from + size, "next").into_iter().chain(previous).collect();
    let links = (!links.is_empty()).then(|| AppendHeaders([(LINK, links.join(", "))]));
    let page = all.iter().skip(from).take(size);
    let page: Value = page.map(|(delivery, outcome)| list_item(delivery, outcome)).collect();
    Ok((links, Json(page)).into_response())
}

async fn one(
    State(sim): State<GithubSim>,
    caller: AppCaller,
    Path(id): Path<String>,
) -> Result<Json<Value>, ApiError> {
    let fixture = sim.fixture();
    let (delivery, outcome) = find(&fixture.delivery_queue, caller, fixture.now(), &id)?;
    let mut whole = list_item(delivery, outcome);
    let answered = outcome.body.is_some();
    let more = json!({
        "url": delivery.url,
        "request": { "headers": header_map(&delivery.headers), "payload": delivery.payload },
        "response": { "headers": answered.then(|| header_map(&outcome.headers)), "payload": outcome.body },
    });
    if let (Some(whole), Value::Object(more)) = (whole.as_object_mut(), more) {
        whole.extend(more);
    }
    Ok(Json(whole))
}

async fn attempt(
    State(sim): State<GithubSim>,
    caller: AppCaller,
    Path(id): Path<String>,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    let fixture = &mut *sim.fixture();
    let id = find(&fixture.delivery_queue, caller, fixture.now(), &id)?.0.id;
    redeliver(fixture, id)?;
    Ok((StatusCode::ACCEPTED, Json(json!({}))))
}

/// Returns a delivery as in a list.
fn list_item(delivery: &Delivery, outcome: &DeliveryOutcome) -> Value {
    json!({
        "id": delivery.id,
        "guid": delivery.guid,
        "delivered_at": rfc3339(outcome.delivered_at),
        "redelivery": delivery.redelivery,
        // GitHub rounds to hundredths of a second.
        "duration": (outcome.duration.as_secs_f64() * 100.0).round() / 100.0,
        "status": outcome.status,
        "status_code": outcome.status_code,
        "event": delivery.event,
        "action": delivery.action,
        "installation_id": delivery.installation_id,
        "repository_id": null,
        "throttled_at": null,
    })
}

fn header_map(headers: &[(String, String)]) -> Map<String, Value> {
    headers.iter().map(|(name, value)| (name.clone(), Value::from(value.as_str()))).collect()
}
