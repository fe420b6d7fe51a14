//! Apps and their webhooks.

use std::collections::BTreeMap;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};

use super::{ControlError, Created, Done, created, done};
use crate::model::app::{AppCredentials, NewApp};
use crate::model::hook::{ContentType, HookChange};
use crate::sim::GithubSim;

pub(super) fn routes() -> Router<GithubSim> {
    Router::new()
        .route("/apps", post(create))
        .route("/apps/{id}", get(show))
        .route("/apps/{id}/permissions", post(set_permissions))
        .route("/apps/{id}/webhook", post(change_webhook))
        .route("/apps/{id}/ping", post(ping))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AppBody {
    slug: String,
    callback_url: String,
    name: Option<String>,
    #[serde(default)]
    more_callback_urls: Vec<String>,
    setup_url: Option<String>,
    owner: Option<String>,
    permissions: Option<BTreeMap<String, String>>,
    events: Option<Vec<String>>,
    webhook_url: Option<String>,
    webhook_secret: Option<SecretString>,
    #[serde(default)]
    webhook_content_type: ContentType,
    #[serde(default)]
    device_flow: bool,
    app_id: Option<u64>,
    private_key_pem: Option<SecretString>,
}

async fn create(State(sim): State<GithubSim>, Json(body): Json<AppBody>) -> Created {
    let mut new = NewApp::new(&body.slug, &body.callback_url);
    new.callback_urls.extend(body.more_callback_urls);
    new.name = body.name.unwrap_or(new.name);
    new.permissions = body.permissions.unwrap_or(new.permissions);
    new.events = body.events.unwrap_or(new.events);
    new.setup_url = body.setup_url;
    new.owner = body.owner;
    new.webhook.url = body.webhook_url;
    new.webhook.secret = body.webhook_secret;
    new.webhook.content_type = body.webhook_content_type;
    new.device_flow = body.device_flow;
    new.app_id = body.app_id;
    new.private_key_pem = body.private_key_pem;
    created(credentials(&sim.create_app(new)?))
}

async fn show(State(sim): State<GithubSim>, Path(id): Path<u64>) -> Result<Json<Value>, ControlError> {
    Ok(Json(credentials(&sim.credentials(id)?)))
}

/// The only responses that contain secrets.
fn credentials(credentials: &AppCredentials) -> Value {
    json!({
        "app_id": credentials.app_id,
        "slug": credentials.slug,
        "name": credentials.name,
        "client_id": credentials.client_id,
        "client_secret": credentials.client_secret.expose_secret(),
        "private_key_pem": credentials.private_key_pem.expose_secret(),
        "webhook_secret": credentials.webhook_secret.expose_secret(),
        "callback_url": credentials.callback_url,
    })
}

async fn set_permissions(
    State(sim): State<GithubSim>,
    Path(id): Path<u64>,
    Json(permissions): Json<BTreeMap<String, String>>,
) -> Done {
    done(sim.set_app_permissions(id, permissions))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WebhookBody {
    /// `null` removes the URL.
    #[serde(default, deserialize_with = "present")]
    url: Option<Option<String>>,
    secret: Option<SecretString>,
    content_type: Option<ContentType>,
}

fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<String>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

async fn change_webhook(
    State(sim): State<GithubSim>,
    Path(id): Path<u64>,
    Json(body): Json<WebhookBody>,
) -> Done {
    sim.credentials(id)?;
    // The URL comes last, so that its ping has the new secret and content type.
    let changes = [
        body.secret.map(HookChange::Secret),
        body.content_type.map(HookChange::ContentType),
        body.url.map(HookChange::Url),
    ];
    for change in changes.into_iter().flatten() {
        sim.change_hook(id, change)?;
    }
    Ok(StatusCode::NO_CONTENT)
}

async fn ping(State(sim): State<GithubSim>, Path(id): Path<u64>) -> Done {
    done(sim.ping(id))
}
