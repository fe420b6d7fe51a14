//! What a person may ask through an App, with a user token.

use axum::Json;
use axum::Router;
use axum::extract::{Path, State};
use axum::response::Response;
use axum::routing::get;
use serde_json::Value;

use super::auth::UserCaller;
use super::errors::ApiError;
use super::json;
use super::page::Page;
use crate::model::Model;
use crate::model::account::AccountKind;
use crate::model::grant::Grant;
use crate::sim::GithubSim;
use crate::urls::{Params, Urls};

pub(super) fn routes() -> Router<GithubSim> {
    Router::new()
        .route("/user", get(user))
        .route("/user/installations", get(installations))
        .route("/user/memberships/orgs/{organization}", get(membership))
}

async fn user(State(sim): State<GithubSim>, caller: UserCaller, urls: Urls) -> Result<Json<Value>, ApiError> {
    let world = sim.world();
    let user = world.model.account(caller.grant.user).ok_or_else(ApiError::bad_credentials)?;
    Ok(Json(json::profile(&urls, user)))
}

/// Installations of the token's App on accounts that the person can see, which is less than administering them.
async fn installations(
    State(sim): State<GithubSim>,
    caller: UserCaller,
    urls: Urls,
    params: Params,
) -> Response {
    let Grant { app_id, user, .. } = caller.grant;
    let world = sim.world();
    let seen =
        world.model.installations().filter(|i| i.app_id == app_id && world.model.sees(user, i.account));
    let all: Vec<Value> = seen.map(|i| json::installation(&urls, &world.model, i)).collect();
    let (page, total) = (Page::asked(&params), all.len());
    let body = serde_json::json!({ "total_count": total, "installations": page.of(all) });
    page.answer(&format!("{}/user/installations", urls.api), total, body)
}

async fn membership(
    State(sim): State<GithubSim>,
    caller: UserCaller,
    urls: Urls,
    Path(login): Path<String>,
) -> Result<Json<Value>, ApiError> {
    let Grant { app_id, user, .. } = caller.grant;
    let world = sim.world();
    let model = &world.model;
    let organization = model.account_by_login(&login).filter(|a| a.kind == AccountKind::Organization);
    let organization = organization.ok_or_else(ApiError::not_found)?;
    if !may_read_members(model, app_id, organization.id) {
        return Err(ApiError::lacks_permission("members=read"));
    }
    let membership = model.membership(organization.id, user).ok_or_else(ApiError::not_found)?;
    let user = model.account(user).ok_or_else(ApiError::not_found)?;
    Ok(Json(json::membership(&urls, organization, user, membership)))
}

/// What the organization granted counts; where the App is not installed, what it asks for.
fn may_read_members(model: &Model, app_id: u64, organization: u64) -> bool {
    let granted = model.installation_on(app_id, organization).map(|installation| &installation.permissions);
    let permissions = granted.or_else(|| model.app(app_id).map(|app| &app.permissions));
    permissions.is_some_and(|permissions| permissions.contains_key("members"))
}
