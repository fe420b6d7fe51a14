//! What an App may ask with its JWT.

use axum::Json;
use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::{get, put};
use serde_json::Value;

use super::auth::AppCaller;
use super::errors::ApiError;
use super::json;
use super::page::Page;
use super::version::ApiVersion;
use crate::model::Model;
use crate::model::account::AccountKind;
use crate::model::change::Actor;
use crate::model::installation::Installation;
use crate::sim::GithubSim;
use crate::urls::{Params, Urls};

type Answer = Result<Json<Value>, ApiError>;

pub(super) fn routes() -> Router<GithubSim> {
    Router::new()
        .route("/app", get(app))
        .route("/app/hook/config", get(hook_config))
        .route("/app/installations", get(installations))
        .route("/app/installations/{id}", get(installation).delete(uninstall))
        .route("/app/installations/{id}/suspended", put(suspend).delete(unsuspend))
        .route("/orgs/{login}/installation", get(organization_installation))
        .route("/users/{login}/installation", get(user_installation))
}

/// A foreign, a removed and a never-existing id look the same.
pub(super) fn own<'a>(model: &'a Model, caller: AppCaller, id: &str) -> Result<&'a Installation, ApiError> {
    let installation = id.parse().ok().and_then(|id| model.installation(id));
    installation.filter(|i| i.app_id == caller.app_id).ok_or_else(ApiError::not_found)
}

async fn app(State(sim): State<GithubSim>, caller: AppCaller, urls: Urls) -> Answer {
    let world = sim.world();
    let app = world.model.known_app(caller.app_id)?;
    Ok(Json(json::app(&urls, &world.model, app)))
}

async fn hook_config(State(sim): State<GithubSim>, caller: AppCaller) -> Answer {
    let world = sim.world();
    Ok(Json(json::hook_config(&world.model.known_app(caller.app_id)?.hook)))
}

async fn installations(
    State(sim): State<GithubSim>,
    caller: AppCaller,
    urls: Urls,
    params: Params,
) -> axum::response::Response {
    let world = sim.world();
    let all = world.model.installations().filter(|i| i.app_id == caller.app_id);
    let all: Vec<Value> = all.map(|i| json::installation(&urls, &world.model, i)).collect();
    let (page, total) = (Page::asked(&params), all.len());
    page.answer(&format!("{}/app/installations", urls.api), total, page.of(all).into())
}

async fn installation(
    State(sim): State<GithubSim>,
    caller: AppCaller,
    urls: Urls,
    Path(id): Path<String>,
) -> Answer {
    let world = sim.world();
    let installation = own(&world.model, caller, &id)?;
    Ok(Json(json::installation(&urls, &world.model, installation)))
}

/// The newest version of the API moved the work to the background and says 202.
async fn uninstall(
    State(sim): State<GithubSim>,
    caller: AppCaller,
    version: ApiVersion,
    Path(id): Path<String>,
) -> Result<StatusCode, ApiError> {
    let model = &mut sim.world().model;
    let id = own(model, caller, &id)?.id;
    model.uninstall(id, Actor::App)?;
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
    let world = &mut *sim.world();
    let id = own(&world.model, caller, &id)?.id;
    world.model.suspend(id, None, world.clock.now())?;
    Ok(StatusCode::NO_CONTENT)
}

async fn unsuspend(
    State(sim): State<GithubSim>,
    caller: AppCaller,
    Path(id): Path<String>,
) -> Result<StatusCode, ApiError> {
    let world = &mut *sim.world();
    let id = own(&world.model, caller, &id)?.id;
    world.model.unsuspend(id, Actor::App, world.clock.now())?;
    Ok(StatusCode::NO_CONTENT)
}

async fn organization_installation(
    State(sim): State<GithubSim>,
    caller: AppCaller,
    urls: Urls,
    Path(login): Path<String>,
) -> Answer {
    installation_on(&sim, caller, &urls, &login, AccountKind::Organization)
}

async fn user_installation(
    State(sim): State<GithubSim>,
    caller: AppCaller,
    urls: Urls,
    Path(login): Path<String>,
) -> Answer {
    installation_on(&sim, caller, &urls, &login, AccountKind::User)
}

fn installation_on(
    sim: &GithubSim,
    caller: AppCaller,
    urls: &Urls,
    login: &str,
    kind: AccountKind,
) -> Answer {
    let world = sim.world();
    let account = world.model.account_by_login(login).filter(|account| account.kind == kind);
    let installation = account.and_then(|account| world.model.installation_on(caller.app_id, account.id));
    let installation = installation.ok_or_else(ApiError::not_found)?;
    Ok(Json(json::installation(urls, &world.model, installation)))
}
