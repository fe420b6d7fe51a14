//! An App's webhook deliveries: listed, read, and asked for once more.

use axum::Json;
use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::http::header::LINK;
use axum::response::{AppendHeaders, IntoResponse, Response};
use axum::routing::{get, post};
use serde_json::{Map, Value, json};
use time::{Duration, OffsetDateTime};

use super::auth::AppCaller;
use super::errors::ApiError;
use super::page::Page;
use crate::clock::rfc3339;
use crate::delivery::{Delivery, Outcome};
use crate::outbox::Outbox;
use crate::sim::GithubSim;
use crate::urls::{Params, Urls};
use crate::webhook;

/// How long GitHub keeps deliveries (GitHub fact 51).
const KEPT: Duration = Duration::days(3);
/// What cursors begin with.
const CURSOR: &str = "v1_";

pub(super) fn routes() -> Router<GithubSim> {
    Router::new()
        .route("/app/hook/deliveries", get(list))
        .route("/app/hook/deliveries/{id}", get(one))
        .route("/app/hook/deliveries/{id}/attempts", post(attempt))
}

/// The App's own deliveries that were posted and are not too old, newest first.
fn own(
    outbox: &Outbox,
    caller: AppCaller,
    now: OffsetDateTime,
) -> impl Iterator<Item = (&Delivery, &Outcome)> {
    let own = outbox.deliveries().rev().filter(move |delivery| delivery.app_id == caller.app_id);
    let posted = own.filter_map(|delivery| Some((delivery, delivery.outcome.as_ref()?)));
    posted.filter(move |(_, outcome)| now - outcome.delivered_at < KEPT)
}

fn find<'a>(
    outbox: &'a Outbox,
    caller: AppCaller,
    now: OffsetDateTime,
    id: &str,
) -> Result<(&'a Delivery, &'a Outcome), ApiError> {
    let id: u64 = id.parse().map_err(|_| ApiError::not_found())?;
    own(outbox, caller, now).find(|(delivery, _)| delivery.id == id).ok_or_else(ApiError::not_found)
}

async fn list(
    State(sim): State<GithubSim>,
    caller: AppCaller,
    urls: Urls,
    params: Params,
) -> Result<Response, ApiError> {
    let world = sim.world();
    let wanted = |outcome: &Outcome| match params.get("status") {
        Some("success") => outcome.succeeded(),
        Some("failure") => !outcome.succeeded(),
        Some(_) | None => true,
    };
    let all: Vec<_> =
        own(&world.outbox, caller, world.now()).filter(|(_, outcome)| wanted(outcome)).collect();
    let from = match params.get("cursor") {
        None => 0,
        Some(cursor) => {
            let id = cursor.strip_prefix(CURSOR).and_then(|id| id.parse::<u64>().ok());
            let id = id.ok_or_else(|| ApiError::new(StatusCode::BAD_REQUEST, "Invalid cursor"))?;
            all.iter().position(|(delivery, _)| delivery.id <= id).unwrap_or(all.len())
        }
    };
    let size = Page::asked(&params).size();
    let link = |at: usize, rel: &str| {
        let (delivery, _) = all.get(at)?;
        let status = params.get("status").filter(|status| ["success", "failure"].contains(status));
        let status = status.map(|status| format!("&status={status}")).unwrap_or_default();
        let url = format!("{}/app/hook/deliveries?per_page={size}{status}", urls.api);
        Some(format!("<{url}&cursor={CURSOR}{}>; rel=\"{rel}\"", delivery.id))
    };
    let earlier = (from > 0).then(|| link(from.saturating_sub(size), "prev")).flatten();
    let links: Vec<String> = link(from + size, "next").into_iter().chain(earlier).collect();
    let links = (!links.is_empty()).then(|| AppendHeaders([(LINK, links.join(", "))]));
    let page = all.iter().skip(from).take(size);
    let page: Value = page.map(|(delivery, outcome)| item(delivery, outcome)).collect();
    Ok((links, Json(page)).into_response())
}

async fn one(
    State(sim): State<GithubSim>,
    caller: AppCaller,
    Path(id): Path<String>,
) -> Result<Json<Value>, ApiError> {
    let world = sim.world();
    let (delivery, outcome) = find(&world.outbox, caller, world.now(), &id)?;
    let mut whole = item(delivery, outcome);
    let answered = outcome.body.is_some();
    let more = json!({
        "url": delivery.url,
        "request": { "headers": object(&delivery.headers), "payload": delivery.payload },
        "response": { "headers": answered.then(|| object(&outcome.headers)), "payload": outcome.body },
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
    let world = &mut *sim.world();
    let id = find(&world.outbox, caller, world.now(), &id)?.0.id;
    webhook::redeliver(world, id)?;
    Ok((StatusCode::ACCEPTED, Json(json!({}))))
}

/// A delivery as a list shows it.
fn item(delivery: &Delivery, outcome: &Outcome) -> Value {
    json!({
        "id": delivery.id,
        "guid": delivery.guid,
        "delivered_at": rfc3339(outcome.delivered_at),
        "redelivery": delivery.redelivery,
        // Hundredths of a second, as GitHub tells it.
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

fn object(headers: &[(String, String)]) -> Map<String, Value> {
    headers.iter().map(|(name, value)| (name.clone(), Value::from(value.as_str()))).collect()
}
