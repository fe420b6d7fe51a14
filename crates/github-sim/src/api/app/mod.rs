//! Endpoints for an App's JWT: the App, its installations, and requests for them.

use axum::Extension;
pub(super) mod access_token;
mod deliveries;
mod hook;

use axum::Json;
use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, put};
use serde_json::Value;
use time::Duration;

use crate::api::auth::AppCaller;
use crate::api::errors::ApiError;
use crate::api::gate::ApiVersion;
use crate::api::page::Pagination;
use crate::fixture::Fixture;
use crate::json;
use crate::model::Model;
use crate::model::account::{Account, AccountKind};
use crate::model::change::Sender;
use crate::model::installation::Installation;
use crate::sim::GithubSim;
use crate::traffic::fault_response::SlowUninstall;
use crate::urls::{Params, Urls};

type JsonResult = Result<Json<Value>, ApiError>;

pub(super) fn routes() -> Router<GithubSim> {
    Router::new()
        .route("/app", get(app))
        .route("/app/installation-requests", get(installation_requests))
        .route("/app/installations", get(installations))
        .route("/app/installations/{id}", get(installation).delete(uninstall))
        .route("/app/installations/{id}/suspended", put(suspend).delete(unsuspend))
        .route("/orgs/{login}/installation", get(organization_installation))
        .route("/repos/{owner}/{repo}/installation", get(repository_installation))
        .route("/users/{login}/installation", get(user_installation))
        .merge(access_token::routes())
        .merge(deliveries::routes())
        .merge(hook::routes())
}

/// Finds an installation of the caller. Ids of other Apps, removed ids and unknown ids are all 404.
pub(super) fn own<'a>(model: &'a Model, caller: AppCaller, id: &str) -> Result<&'a Installation, ApiError> {
    let installation = id.parse().ok().and_then(|id| model.installation(id));
    installation.filter(|i| i.app_id == caller.app_id).ok_or_else(ApiError::not_found)
}

async fn app(State(sim): State<GithubSim>, caller: AppCaller, urls: Urls) -> JsonResult {
    let fixture = sim.fixture();
    let app = fixture.model.require_app(caller.app_id)?;
    Ok(Json(json::app(&urls, &fixture.model, app)))
}

async fn installations(
    State(sim): State<GithubSim>,
    caller: AppCaller,
    urls: Urls,
    params: Params,
) -> Response {
    let fixture = sim.fixture();
    let all = fixture.model.installations().filter(|i| i.app_id == caller.app_id);
    let all: Vec<Value> = all.map(|i| json::installation(&urls, &fixture.model, i)).collect();
    let (page, total) = (Pagination::requested(&params), all.len());
    page.response(&format!("{}/app/installations", urls.api), total, page.slice(all).into())
}

async fn installation_requests(
    State(sim): State<GithubSim>,
    caller: AppCaller,
    urls: Urls,
    params: Params,
) -> Response {
    let model = &sim.fixture().model;
    let own = model.installation_requests().filter(|request| request.app_id == caller.app_id);
    let all: Vec<Value> = own.map(|request| json::installation_request(&urls, model, request)).collect();
    let (page, total) = (Pagination::requested(&params), all.len());
    page.response(&format!("{}/app/installation-requests", urls.api), total, page.slice(all).into())
}

async fn installation(
    State(sim): State<GithubSim>,
    caller: AppCaller,
    urls: Urls,
    Path(id): Path<String>,
) -> JsonResult {
    let fixture = sim.fixture();
    let installation = own(&fixture.model, caller, &id)?;
    Ok(Json(json::installation(&urls, &fixture.model, installation)))
}

/// API version 2026-03-10 answers 202, the earlier one 204.
async fn uninstall(
    State(sim): State<GithubSim>,
    caller: AppCaller,
    version: ApiVersion,
    Path(id): Path<String>,
    slow: Option<Extension<SlowUninstall>>,
) -> Result<StatusCode, ApiError> {
    let fixture = &mut *sim.fixture();
    let (now, model) = (fixture.now(), &mut fixture.model);
    let id = own(model, caller, &id)?.id;
    if let Some(Extension(SlowUninstall(seconds))) = slow {
        model.uninstall_at(id, now + Duration::seconds(seconds.into()))?;
        return Ok(StatusCode::ACCEPTED);
    }
    model.uninstall(id, Sender::App)?;
    Ok(match version {
        ApiVersion::V2022_11_28 => StatusCode::NO_CONTENT,
        ApiVersion::V2026_03_10 => StatusCode::ACCEPTED,
    })
}

async fn suspend(
    State(sim): State<GithubSim>,
    caller: AppCaller,
    Path(id): Path<String>,
) -> Result<StatusCode, ApiError> {
    let fixture = &mut *sim.fixture();
    let id = own(&fixture.model, caller, &id)?.id;
    fixture.model.suspend(id, None, fixture.clock.now())?;
    Ok(StatusCode::NO_CONTENT)
}

async fn unsuspend(
    State(sim): State<GithubSim>,
    caller: AppCaller,
    Path(id): Path<String>,
) -> Result<StatusCode, ApiError> {
    let fixture = &mut *sim.fixture();
    let id = own(&fixture.model, caller, &id)?.id;
    fixture.model.unsuspend(id, Sender::App, fixture.clock.now())?;
    Ok(StatusCode::NO_CONTENT)
}

async fn organization_installation(
    State(sim): State<GithubSim>,
    caller: AppCaller,
    urls: Urls,
    Path(login): Path<String>,
) -> JsonResult {
    let fixture = sim.fixture();
    let account = fixture.model.account_by_login(&login);
    installation_on(&fixture, caller, &urls, account.filter(|a| a.kind == AccountKind::Organization))
}

/// Like GitHub, also finds installations on organizations.
async fn user_installation(
    State(sim): State<GithubSim>,
    caller: AppCaller,
    urls: Urls,
    Path(login): Path<String>,
) -> JsonResult {
    let fixture = sim.fixture();
    let account = fixture.model.account_by_login(&login);
    installation_on(&fixture, caller, &urls, account.filter(|a| a.kind != AccountKind::Enterprise))
}

/// Finds the installation that can access the repository.
async fn repository_installation(
    State(sim): State<GithubSim>,
    caller: AppCaller,
    urls: Urls,
    Path((owner, name)): Path<(String, String)>,
) -> JsonResult {
    let fixture = sim.fixture();
    let found = fixture.model.repository_by_name(&owner, &name);
    let (owner, repository) = found.ok_or_else(ApiError::not_found)?;
    let installation = fixture.model.installation_on(caller.app_id, owner.id);
    let covered = installation.filter(|installation| installation.selection.covers(repository.id));
    let installation = covered.ok_or_else(ApiError::not_found)?;
    Ok(Json(json::installation(&urls, &fixture.model, installation)))
}

fn installation_on(
    fixture: &Fixture,
    caller: AppCaller,
    urls: &Urls,
    account: Option<&Account>,
) -> JsonResult {
    let installation = account.and_then(|account| fixture.model.installation_on(caller.app_id, account.id));
    let installation = installation.ok_or_else(ApiError::not_found)?;
    Ok(Json(json::installation(urls, &fixture.model, installation)))
}
