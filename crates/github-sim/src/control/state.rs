//! `GET /state`: the whole state without secrets.

use axum::extract::State;
use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Value, json};

use crate::clock::rfc3339;
use crate::model::account::Account;
use crate::model::app::App;
use crate::model::repository::Repository;
use crate::sim::GithubSim;

pub(super) fn routes() -> Router<GithubSim> {
    Router::new().route("/state", get(state))
}

async fn state(State(sim): State<GithubSim>) -> Json<Value> {
    let installations = sim.installations();
    let requests = sim.installation_requests();
    let fixture = sim.fixture();
    let (model, now) = (&fixture.model, fixture.now());
    let login = |id| model.account(id).map(|account| account.login.as_str());
    let memberships = model.memberships().map(|(organization, user, membership)| {
        json!({
            "organization": login(organization),
            "user": login(user),
            "role": membership.role,
            "state": membership.state,
        })
    });
    Json(json!({
        "accounts": model.accounts().map(|account| self::account(account, login)).collect::<Value>(),
        "memberships": memberships.collect::<Value>(),
        "apps": model.apps().map(app).collect::<Value>(),
        "installations": installations,
        "installation_requests": requests,
        "default_user": model.default_user().and_then(login),
        "live_user_tokens": model.grants.live_tokens(now),
        "live_installation_tokens": model.live_installation_tokens(now),
        "faults": fixture.faults.rules(),
        "delivery_mode": fixture.delivery_queue.mode(),
        "clock": { "now": rfc3339(now), "offset": fixture.clock.offset() },
    }))
}

fn account<'a>(account: &Account, login: impl Fn(u64) -> Option<&'a str>) -> Value {
    json!({
        "id": account.id,
        "login": account.login,
        "kind": account.kind,
        "repositories": account.repositories.iter().map(repository).collect::<Value>(),
        "collaborators": account.collaborators.iter().map(|id| login(*id)).collect::<Vec<_>>(),
    })
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

fn app(app: &App) -> Value {
    json!({
        "app_id": app.id,
        "slug": app.slug,
        "name": app.name,
        "client_id": app.client_id,
        "callback_urls": app.callback_urls,
        "setup_url": app.setup_url,
        "permissions": app.permissions,
        "events": app.events,
        "webhook": { "url": app.hook.url, "content_type": app.hook.content_type },
    })
}
