//! What the control API tells.

use axum::Json;
use axum::extract::{Path, State};
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use super::ControlError;
use crate::clock::rfc3339;
use crate::model::app::AppCredentials;
use crate::model::repository::Repository;
use crate::sim::GithubSim;

/// The one place where credentials leave: whoever registers an App gets them.
pub(super) fn credentials(credentials: &AppCredentials) -> Value {
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

pub(super) async fn app(
    State(sim): State<GithubSim>,
    Path(id): Path<u64>,
) -> Result<Json<Value>, ControlError> {
    Ok(Json(credentials(&sim.credentials(id)?)))
}

pub(super) async fn requests(State(sim): State<GithubSim>) -> Json<Value> {
    Json(json!({ "requests": sim.requests() }))
}

fn repository(repository: &Repository) -> Value {
    json!({
        "id": repository.id,
        "name": repository.name,
        "private": repository.private,
        "default_branch": repository.default_branch,
        "language": repository.language,
    })
}

/// Everything but secrets.
pub(super) async fn state(State(sim): State<GithubSim>) -> Json<Value> {
    let installations = sim.installations();
    let requests = sim.installation_requests();
    let live_user_tokens = sim.live_user_tokens();
    let world = sim.world();
    let model = &world.model;
    let login = |id| model.account(id).map(|account| account.login.as_str());
    let accounts = model.accounts().map(|account| {
        let repositories = account.repositories.iter();
        json!({
            "id": account.id,
            "login": account.login,
            "kind": account.kind,
            "repositories": repositories.map(repository).collect::<Value>(),
            "collaborators": account.collaborators.iter().map(|id| login(*id)).collect::<Vec<_>>(),
        })
    });
    let memberships = model.memberships().map(|(organization, user, membership)| {
        json!({
            "organization": login(organization),
            "user": login(user),
            "role": membership.role,
            "state": membership.state,
        })
    });
    let apps = model.apps().map(|app| {
        json!({
            "app_id": app.id,
            "slug": app.slug,
            "name": app.name,
            "client_id": app.client_id,
            "callback_urls": app.callback_urls,
            "setup_url": app.setup_url,
            "permissions": app.permissions,
            "events": app.events,
            "webhook": {
                "url": app.hook.url,
                "content_type": app.hook.content_type,
                "active": app.hook.active,
            },
        })
    });
    Json(json!({
        "accounts": accounts.collect::<Value>(),
        "memberships": memberships.collect::<Value>(),
        "apps": apps.collect::<Value>(),
        "installations": installations,
        "installation_requests": requests,
        "default_user": model.default_user().and_then(login),
        "live_user_tokens": live_user_tokens,
        "live_installation_tokens": model.live_installation_tokens(world.now()),
        "faults": world.faults.rules(),
        "delivery_mode": world.outbox.mode(),
        "clock": { "now": rfc3339(world.now()), "offset": world.clock.offset() },
    }))
}
