//! Endpoints for a user token, and their management by the App.

mod applications;
mod installations;

use axum::Json;
use axum::Router;
use axum::extract::{Path, State};
use axum::response::Response;
use axum::routing::get;
use serde_json::Value;

use super::auth::UserCaller;
use super::errors::ApiError;
use super::page::Pagination;
use crate::json;
use crate::model::Model;
use crate::model::account::{Account, AccountKind, Membership, MembershipState};
use crate::model::grant::Grant;
use crate::sim::GithubSim;
use crate::traffic::list_fault::HiddenOrganizations;
use crate::urls::{Params, Urls};

pub(super) fn routes() -> Router<GithubSim> {
    Router::new()
        .route("/user", get(user))
        .route("/user/orgs", get(organizations))
        .route("/user/memberships/orgs", get(memberships))
        .route("/user/memberships/orgs/{organization}", get(membership))
        .merge(applications::routes())
        .merge(installations::routes())
}

async fn user(State(sim): State<GithubSim>, caller: UserCaller, urls: Urls) -> Result<Json<Value>, ApiError> {
    let fixture = sim.fixture();
    let user = fixture.model.account(caller.grant.user).ok_or_else(ApiError::bad_credentials)?;
    Ok(Json(json::profile(&urls, user)))
}

/// Returns the user's memberships in order, without those that a list omits.
fn memberships_of<'a>(
    model: &'a Model,
    user: u64,
    hidden: &'a HiddenOrganizations,
) -> impl Iterator<Item = (&'a Account, Membership)> {
    let own = model
        .memberships()
        .filter(move |(organization, member, _)| *member == user && !hidden.0.contains(organization));
    own.filter_map(|(organization, _, membership)| Some((model.account(organization)?, membership)))
}

/// Lists the organizations of which the user is an active member.
async fn organizations(
    State(sim): State<GithubSim>,
    caller: UserCaller,
    urls: Urls,
    params: Params,
    hidden: HiddenOrganizations,
) -> Response {
    let model = &sim.fixture().model;
    let active = memberships_of(model, caller.grant.user, &hidden)
        .filter(|(_, membership)| membership.state == MembershipState::Active);
    let all: Vec<Value> =
        active.map(|(organization, _)| json::organization_simple(&urls, organization)).collect();
    let (page, total) = (Pagination::requested(&params), all.len());
    page.response(&format!("{}/user/orgs", urls.api), total, page.slice(all).into())
}

/// Lists the memberships in organizations whose members the App can read, of any state or of the requested one.
async fn memberships(
    State(sim): State<GithubSim>,
    caller: UserCaller,
    urls: Urls,
    params: Params,
    hidden: HiddenOrganizations,
) -> Result<Response, ApiError> {
    let Grant { app_id, user, .. } = caller.grant;
    let model = &sim.fixture().model;
    let account = model.account(user).ok_or_else(ApiError::bad_credentials)?;
    let wanted = match params.get("state") {
        None => None,
        Some("active") => Some(MembershipState::Active),
        Some("pending") => Some(MembershipState::Pending),
        Some(_) => return Err(ApiError::unprocessable("Validation Failed")),
    };
    let seen = memberships_of(model, user, &hidden).filter(|(organization, membership)| {
        can_read_members(model, app_id, organization.id)
            && wanted.is_none_or(|state| state == membership.state)
    });
    let all: Vec<Value> = seen
        .map(|(organization, membership)| json::membership(&urls, organization, account, membership))
        .collect();
    let (page, total) = (Pagination::requested(&params), all.len());
    Ok(page.response(&format!("{}/user/memberships/orgs", urls.api), total, page.slice(all).into()))
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
