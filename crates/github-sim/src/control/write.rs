//! What the control API changes.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::{Value, json};

use super::ControlError;
use super::read::credentials;
use crate::fault::FaultRule;
use crate::model::account::{MembershipState, Role};
use crate::model::app::NewApp;
use crate::model::hook::ContentType;
use crate::sim::GithubSim;

pub(super) type Created = Result<(StatusCode, Json<Value>), ControlError>;
pub(super) type Done = Result<StatusCode, ControlError>;

pub(super) fn created(body: Value) -> Created {
    Ok((StatusCode::CREATED, Json(body)))
}

pub(super) fn done(result: Result<(), crate::error::SimError>) -> Done {
    Ok(result.map(|()| StatusCode::NO_CONTENT)?)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AppBody {
    slug: String,
    callback_url: String,
    name: Option<String>,
    #[serde(default)]
    more_callback_urls: Vec<String>,
    setup_url: Option<String>,
    owner: Option<String>,
    permissions: Option<BTreeMap<String, String>>,
    events: Option<Vec<String>>,
    #[serde(default)]
    code_on_update: bool,
    webhook_url: Option<String>,
    webhook_secret: Option<SecretString>,
    #[serde(default)]
    webhook_content_type: ContentType,
    webhook_active: Option<bool>,
    app_id: Option<u64>,
    private_key_pem: Option<SecretString>,
}

pub(super) async fn app(State(sim): State<GithubSim>, Json(body): Json<AppBody>) -> Created {
    let mut new = NewApp::new(&body.slug, &body.callback_url);
    new.callback_urls.extend(body.more_callback_urls);
    new.name = body.name.unwrap_or(new.name);
    new.permissions = body.permissions.unwrap_or(new.permissions);
    new.events = body.events.unwrap_or(new.events);
    new.setup_url = body.setup_url;
    new.owner = body.owner;
    new.code_on_update = body.code_on_update;
    new.webhook.url = body.webhook_url;
    new.webhook.secret = body.webhook_secret;
    new.webhook.content_type = body.webhook_content_type;
    new.webhook.active = body.webhook_active.unwrap_or(true);
    new.app_id = body.app_id;
    new.private_key_pem = body.private_key_pem;
    created(credentials(&sim.create_app(new)?))
}

pub(super) async fn app_permissions(
    State(sim): State<GithubSim>,
    Path(id): Path<u64>,
    Json(permissions): Json<BTreeMap<String, String>>,
) -> Done {
    done(sim.set_app_permissions(id, permissions))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LoginBody {
    login: String,
}

pub(super) async fn user(State(sim): State<GithubSim>, Json(body): Json<LoginBody>) -> Created {
    created(json!({ "id": sim.create_user(&body.login)? }))
}

pub(super) async fn organization(State(sim): State<GithubSim>, Json(body): Json<LoginBody>) -> Created {
    created(json!({ "id": sim.create_organization(&body.login)? }))
}

pub(super) async fn rename(
    State(sim): State<GithubSim>,
    Path(login): Path<String>,
    Json(body): Json<LoginBody>,
) -> Done {
    done(sim.rename(&login, &body.login))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SlugBody {
    slug: String,
}

pub(super) async fn enterprise(State(sim): State<GithubSim>, Json(body): Json<SlugBody>) -> Created {
    created(json!({ "id": sim.create_enterprise(&body.slug)? }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DefaultUserBody {
    login: Option<String>,
}

pub(super) async fn default_user(State(sim): State<GithubSim>, Json(body): Json<DefaultUserBody>) -> Done {
    done(sim.default_user(body.login.as_deref()))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct MembershipBody {
    organization: String,
    user: String,
    role: Role,
    #[serde(default)]
    state: MembershipState,
}

pub(super) async fn membership(State(sim): State<GithubSim>, Json(body): Json<MembershipBody>) -> Done {
    done(sim.set_membership_state(&body.organization, &body.user, body.role, body.state))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct MemberBody {
    organization: String,
    user: String,
}

pub(super) async fn end_membership(State(sim): State<GithubSim>, Json(body): Json<MemberBody>) -> Done {
    done(sim.remove_membership(&body.organization, &body.user))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CollaboratorBody {
    owner: String,
    user: String,
}

pub(super) async fn collaborator(State(sim): State<GithubSim>, Json(body): Json<CollaboratorBody>) -> Done {
    done(sim.add_collaborator(&body.owner, &body.user))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct InstallBody {
    app_id: u64,
    account: String,
    sender: String,
    id: Option<u64>,
}

pub(super) async fn install(State(sim): State<GithubSim>, Json(body): Json<InstallBody>) -> Created {
    let id = match body.id {
        Some(id) => sim.install_as(id, body.app_id, &body.account, &body.sender)?,
        None => sim.install(body.app_id, &body.account, &body.sender)?,
    };
    created(json!({ "id": id }))
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SuspendBody {
    by: Option<String>,
}

pub(super) async fn suspend(
    State(sim): State<GithubSim>,
    Path(id): Path<u64>,
    body: Option<Json<SuspendBody>>,
) -> Done {
    let by = body.and_then(|Json(body)| body.by);
    done(sim.suspend(id, by.as_deref()))
}

pub(super) async fn unsuspend(State(sim): State<GithubSim>, Path(id): Path<u64>) -> Done {
    done(sim.unsuspend(id))
}

pub(super) async fn null_account(State(sim): State<GithubSim>, Path(id): Path<u64>) -> Done {
    done(sim.null_account(id))
}

pub(super) async fn accept_permissions(State(sim): State<GithubSim>, Path(id): Path<u64>) -> Done {
    done(sim.accept_permissions(id))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ApproveBody {
    owner: String,
}

pub(super) async fn approve(
    State(sim): State<GithubSim>,
    Path(id): Path<u64>,
    Json(body): Json<ApproveBody>,
) -> Created {
    created(json!({ "installation_id": sim.approve_request(id, &body.owner)? }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct GrantBody {
    app_id: u64,
    user: String,
}

pub(super) async fn code(State(sim): State<GithubSim>, Json(body): Json<GrantBody>) -> Created {
    created(json!({ "code": sim.issue_code(body.app_id, &body.user)?.expose_secret() }))
}

pub(super) async fn user_token(State(sim): State<GithubSim>, Json(body): Json<GrantBody>) -> Created {
    created(json!({ "access_token": sim.issue_user_token(body.app_id, &body.user)?.expose_secret() }))
}

pub(super) async fn fault(State(sim): State<GithubSim>, Json(rule): Json<FaultRule>) -> StatusCode {
    sim.set_fault(rule);
    StatusCode::NO_CONTENT
}

pub(super) async fn clear_faults(State(sim): State<GithubSim>) -> StatusCode {
    sim.clear_faults();
    StatusCode::NO_CONTENT
}

pub(super) async fn clear_requests(State(sim): State<GithubSim>) -> StatusCode {
    sim.clear_requests();
    StatusCode::NO_CONTENT
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum ClockBody {
    /// Seconds to move it by.
    Advance(i64),
    /// Seconds ahead of the machine's.
    Offset(i64),
}

pub(super) async fn clock(State(sim): State<GithubSim>, Json(body): Json<ClockBody>) -> StatusCode {
    match body {
        ClockBody::Advance(seconds) => sim.advance_clock(seconds),
        ClockBody::Offset(seconds) => sim.set_clock_offset(seconds),
    }
    StatusCode::NO_CONTENT
}

pub(super) async fn reset_clock(State(sim): State<GithubSim>) -> StatusCode {
    sim.set_clock_offset(0);
    StatusCode::NO_CONTENT
}
