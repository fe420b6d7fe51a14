//! The last step of the App manifest flow.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::post;
use axum::{Json, Router};
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use super::errors::ApiError;
use crate::fixture::Fixture;
use crate::json;
use crate::sim::GithubSim;
use crate::urls::Urls;

pub(super) fn routes() -> Router<GithubSim> {
    Router::new().route("/app-manifests/{code}/conversions", post(convert))
}

/// Exchanges a code, which is the only credential of the request.
async fn convert(
    State(sim): State<GithubSim>,
    Path(code): Path<String>,
    urls: Urls,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    let Fixture { model, clock, .. } = &mut *sim.fixture();
    let id = model.manifest_codes.redeem(&code, clock.now()).ok_or_else(ApiError::not_found)?;
    let app = model.require_app(id)?;
    let secrets = app.credentials();
    // An App without a webhook has no secret for it.
    let webhook_secret = app.hook.url.as_ref().map(|_| secrets.webhook_secret.expose_secret());
    let mut created = json::app(&urls, model, app);
    let more = json!({
        "client_secret": secrets.client_secret.expose_secret(),
        "webhook_secret": webhook_secret,
        "pem": secrets.private_key_pem.expose_secret(),
    });
    if let (Some(created), Value::Object(more)) = (created.as_object_mut(), more) {
        created.extend(more);
    }
    Ok((StatusCode::CREATED, Json(created)))
}
