//! Endpoints for a user token, and its revocation by the App.

use axum::Json;
use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get};
use serde_json::Value;

use super::auth::{ClientCaller, UserCaller};
use super::errors::{ApiError, missing_field};
use super::page::Pagination;
use crate::json;
use crate::model::Model;
use crate::model::account::AccountKind;
use crate::model::grant::Grant;
use crate::sim::GithubSim;
use crate::traffic::list_fault::HiddenOrganizations;
use crate::urls::{Params, Urls};

pub(super) fn routes() -> Router<GithubSim> {
    Router::new()
        .route("/applications/{client_id}/token", delete(revoke))
        .route("/user", get(user))
        .route("/user/installations", get(installations))
        .route("/user/memberships/orgs/{organization}", get(membership))
}

async fn user(State(sim): State<GithubSim>, caller: UserCaller, urls: Urls) -> Result<Json<Value>, ApiError> {
    let fixture = sim.fixture();
    let user = fixture.model.account(caller.grant.user).ok_or_else(ApiError::bad_credentials)?;
    Ok(Json(json::profile(&urls, user)))
}

/// Lists the installations of the token's App on accounts to which the user has explicit access, which includes members and collaborators.
async fn installations(
    State(sim): State<GithubSim>,
    caller: UserCaller,
    urls: Urls,
    params: Params,
    HiddenOrganizations(hidden): HiddenOrganizations,
) -> Response {
    let Grant { app_id, user, .. } = caller.grant;
    let fixture = sim.fixture();
    let (model, own) = (&fixture.model, fixture.model.installations().filter(|i| i.app_id == app_id));
    let seen = own.filter(|i| model.has_access(user, i.account) && !hidden.contains(&i.account));
    let all: Vec<Value> = seen.map(|i| json::installation(&urls, &fixture.model, i)).collect();
    let (page, total) = (Pagination::requested(&params), all.len());
    let body = serde_json::json!({ "total_count": total, "installations": page.slice(all) });
    page.response(&format!("{}/user/installations", urls.api), total, body)
}

async fn membership(
    State(sim): State<GithubSim>,
    caller: UserCaller,
    urls: Urls,
    Path(login): Path<String>,
) -> Result<Json<Value>, ApiError> {
    let Grant { app_id, user, .. } = caller.grant;
    let fixture = sim.fixture();
    let model = &fixture.model;
    let organization = model.account_by_login(&login).filter(|a| a.kind == AccountKind::Organization);
    let organization = organization.ok_or_else(ApiError::not_found)?;
    if !can_read_members(model, app_id, organization.id) {
        return Err(ApiError::lacks_permission("members=read"));
    }
    let membership = model.membership(organization.id, user).ok_or_else(ApiError::not_found)?;
    let user = model.account(user).ok_or_else(ApiError::not_found)?;
    Ok(Json(json::membership(&urls, organization, user, membership)))
}

/// Checks the permissions that the organization granted, or the requested ones if the App is not installed there.
fn can_read_members(model: &Model, app_id: u64, organization: u64) -> bool {
    let granted = model.installation_on(app_id, organization).map(|installation| &installation.permissions);
    let permissions = granted.or_else(|| model.app(app_id).map(|app| &app.permissions));
    permissions.is_some_and(|permissions| permissions.contains_key("members"))
}

async fn revoke(
    State(sim): State<GithubSim>,
    caller: ClientCaller,
    Path(client_id): Path<String>,
    body: Bytes,
) -> Response {
    let body: Option<Value> = serde_json::from_slice(&body).ok();
    let Some(token) = body.as_ref().and_then(|body| body.get("access_token")).and_then(Value::as_str) else {
        return missing_field("OauthAccess", "access_token");
    };
    let fixture = &mut *sim.fixture();
    let now = fixture.now();
    if client_id == caller.client_id && fixture.model.grants.revoke(caller.app_id, token, now) {
        StatusCode::NO_CONTENT.into_response()
    } else {
        ApiError::not_found().into_response()
    }
}
