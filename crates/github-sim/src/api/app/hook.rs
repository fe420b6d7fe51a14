//! The configuration of an App's webhook.

use axum::Json;
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::routing::get;
use serde_json::Value;

use crate::api::auth::AppCaller;
use crate::api::body::{RequestBody, invalid, property};
use crate::api::errors::ApiError;
use crate::json;
use crate::model::hook::{ContentType, HookChange};
use crate::sim::GithubSim;
use crate::urls::web_url;

pub(super) fn routes() -> Router<GithubSim> {
    Router::new().route("/app/hook/config", get(show).patch(change))
}

async fn show(State(sim): State<GithubSim>, caller: AppCaller) -> Result<Json<Value>, ApiError> {
    let fixture = sim.fixture();
    Ok(Json(json::hook_config(&fixture.model.require_app(caller.app_id)?.hook)))
}

async fn change(
    State(sim): State<GithubSim>,
    caller: AppCaller,
    bytes: Bytes,
) -> Result<Json<Value>, ApiError> {
    let body = RequestBody::parse(&bytes)?;
    let content_type = match body.string("content_type")? {
        None => None,
        Some("json") => Some(ContentType::Json),
        Some("form") => Some(ContentType::Form),
        Some(other) => {
            let rule = "is not a member of [\"json\", \"form\"]";
            return Err(invalid(&property("content_type"), &other.into(), rule));
        }
    };
    let url = body.string("url")?;
    if url.is_some_and(|url| web_url(url).is_none()) {
        return Err(ApiError::unprocessable("Validation Failed: url is not a valid URL"));
    }
    // The URL comes last, so that its ping has the new secret and content type.
    let changes = [
        body.string("secret")?.map(|secret| HookChange::Secret(secret.into())),
        content_type.map(HookChange::ContentType),
        url.map(|url| HookChange::Url(Some(url.to_owned()))),
    ];
    let fixture = &mut *sim.fixture();
    let now = fixture.now();
    for change in changes.into_iter().flatten() {
        fixture.model.change_hook(caller.app_id, change, now)?;
    }
    Ok(Json(json::hook_config(&fixture.model.require_app(caller.app_id)?.hook)))
}
