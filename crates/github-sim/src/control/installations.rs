//! Installations, requests for them, and their tokens.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::post;
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{ControlError, Created, Done, created, done};
use crate::model::installation_token::{TokenFormat, TokenLag};
use crate::sim::GithubSim;

pub(super) fn routes() -> Router<GithubSim> {
    Router::new()
        .route("/installations", post(install))
        .route("/installations/{id}/suspend", post(suspend))
        .route("/installations/{id}/unsuspend", post(unsuspend))
        .route("/installations/{id}/uninstall", post(uninstall))
        .route("/installations/{id}/null-account", post(null_account))
        .route("/installations/{id}/accept-permissions", post(accept_permissions))
        .route("/installations/{id}/events", post(send_event))
        .route("/installations/{id}/revoke-tokens", post(revoke_tokens))
        .route("/installation-requests/{id}/approve", post(approve))
        .route("/token-format", post(set_token_format))
        .route("/token-lag", post(set_token_lag))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct InstallBody {
    app_id: u64,
    account: String,
    sender: String,
    id: Option<u64>,
}

async fn install(State(sim): State<GithubSim>, Json(body): Json<InstallBody>) -> Created {
    let id = match body.id {
        Some(id) => sim.install_as(id, body.app_id, &body.account, &body.sender)?,
        None => sim.install(body.app_id, &body.account, &body.sender)?,
    };
    created(json!({ "id": id }))
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct SuspendBody {
    by: Option<String>,
}

async fn suspend(State(sim): State<GithubSim>, Path(id): Path<u64>, body: Option<Json<SuspendBody>>) -> Done {
    let by = body.and_then(|Json(body)| body.by);
    done(sim.suspend(id, by.as_deref()))
}

async fn unsuspend(State(sim): State<GithubSim>, Path(id): Path<u64>) -> Done {
    done(sim.unsuspend(id))
}

async fn uninstall(State(sim): State<GithubSim>, Path(id): Path<u64>) -> Done {
    done(sim.uninstall(id))
}

async fn null_account(State(sim): State<GithubSim>, Path(id): Path<u64>) -> Done {
    done(sim.null_account(id))
}

async fn accept_permissions(State(sim): State<GithubSim>, Path(id): Path<u64>) -> Done {
    done(sim.accept_permissions(id))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EventBody {
    event: String,
    #[serde(default)]
    payload: Map<String, Value>,
}

async fn send_event(State(sim): State<GithubSim>, Path(id): Path<u64>, Json(body): Json<EventBody>) -> Done {
    done(sim.send_event(id, &body.event, body.payload))
}

async fn revoke_tokens(
    State(sim): State<GithubSim>,
    Path(id): Path<u64>,
) -> Result<Json<Value>, ControlError> {
    Ok(Json(json!({ "revoked": sim.revoke_installation_tokens(id)? })))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ApproveBody {
    owner: String,
}

async fn approve(
    State(sim): State<GithubSim>,
    Path(id): Path<u64>,
    Json(body): Json<ApproveBody>,
) -> Created {
    created(json!({ "installation_id": sim.approve_request(id, &body.owner)? }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FormatBody {
    format: TokenFormat,
}

async fn set_token_format(State(sim): State<GithubSim>, Json(body): Json<FormatBody>) -> StatusCode {
    sim.set_token_format(body.format);
    StatusCode::NO_CONTENT
}

async fn set_token_lag(State(sim): State<GithubSim>, Json(lag): Json<Option<TokenLag>>) -> StatusCode {
    sim.set_token_lag(lag);
    StatusCode::NO_CONTENT
}
