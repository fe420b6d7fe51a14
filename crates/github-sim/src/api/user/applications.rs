//! `/applications/{client_id}/…`: an App checks, resets, scopes and revokes user tokens with its client id and secret.

use std::collections::{BTreeMap, BTreeSet};

use axum::Json;
use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, post};
use secrecy::ExposeSecret;
use serde_json::Value;

use crate::api::app::access_token::requested_permissions;
use crate::api::app::access_token::{MAX_REPOSITORIES, restrict_permissions, restrict_repositories};
use crate::api::auth::ClientCaller;
use crate::api::body::RequestBody;
use crate::api::errors::{ApiError, missing_field};
use crate::fixture::Fixture;
use crate::json;
use crate::model::grant::Scope;
use crate::sim::GithubSim;
use crate::urls::Urls;

type JsonResult = Result<Json<Value>, ApiError>;

pub(super) fn routes() -> Router<GithubSim> {
    Router::new()
        .route("/applications/{client_id}/token", delete(revoke).post(check).patch(reset))
        .route("/applications/{client_id}/token/scoped", post(scope))
        .route("/applications/{client_id}/grant", delete(revoke_grant))
}

/// Checks that the path names the caller.
fn own(caller: &ClientCaller, client_id: &str) -> Result<u64, ApiError> {
    if client_id == caller.client_id { Ok(caller.app_id) } else { Err(ApiError::not_found()) }
}

async fn check(
    State(sim): State<GithubSim>,
    caller: ClientCaller,
    urls: Urls,
    Path(client_id): Path<String>,
    bytes: Bytes,
) -> JsonResult {
    let app_id = own(&caller, &client_id)?;
    let body = RequestBody::parse(&bytes)?;
    authorization(&sim.fixture(), &urls, app_id, body.required_string("access_token")?)
}

async fn reset(
    State(sim): State<GithubSim>,
    caller: ClientCaller,
    urls: Urls,
    Path(client_id): Path<String>,
    bytes: Bytes,
) -> JsonResult {
    let app_id = own(&caller, &client_id)?;
    let body = RequestBody::parse(&bytes)?;
    let fixture = &mut *sim.fixture();
    let now = fixture.now();
    let new = fixture.model.grants.reset(app_id, body.required_string("access_token")?, now);
    authorization(fixture, &urls, app_id, new.ok_or_else(ApiError::not_found)?.expose_secret())
}

async fn scope(
    State(sim): State<GithubSim>,
    caller: ClientCaller,
    urls: Urls,
    Path(client_id): Path<String>,
    bytes: Bytes,
) -> JsonResult {
    let app_id = own(&caller, &client_id)?;
    let body = RequestBody::parse(&bytes)?;
    let token = body.required_string("access_token")?;
    let fixture = &mut *sim.fixture();
    let (now, model) = (fixture.now(), &mut fixture.model);
    let grant = model.grants.token_of_app(app_id, token, now).ok_or_else(ApiError::not_found)?;
    let user = grant.user;
    let target = match (body.string("target")?, body.integer("target_id")?) {
        (Some(login), _) => model.account_by_login(login).map(|account| account.id),
        (None, Some(id)) => Some(id),
        (None, None) => {
            return Err(ApiError::unprocessable("Invalid request.\n\n\"target\" wasn't supplied."));
        }
    };
    let installation = target.and_then(|target| model.installation_on(app_id, target));
    let installation = installation.filter(|i| model.has_access(user, i.account));
    let installation = installation.ok_or_else(ApiError::not_found)?;
    let requested: BTreeMap<String, String> = requested_permissions(&body)?;
    let permissions = restrict_permissions(installation, requested)?;
    let names = body.strings("repositories", MAX_REPOSITORIES)?;
    let ids = body.integers("repository_ids", MAX_REPOSITORIES)?;
    let repositories: Option<BTreeSet<u64>> = restrict_repositories(model, installation, &names, ids)?;
    let scope = Scope { installation: installation.id, repositories, permissions };
    let scoped = model.grants.issue_scoped(app_id, token, scope, now).ok_or_else(ApiError::not_found)?;
    authorization(fixture, &urls, app_id, scoped.expose_secret())
}

async fn revoke(
    State(sim): State<GithubSim>,
    caller: ClientCaller,
    Path(client_id): Path<String>,
    bytes: Bytes,
) -> Response {
    let Some(token) = access_token(&bytes) else { return missing_field("OauthAccess", "access_token") };
    let fixture = &mut *sim.fixture();
    let now = fixture.now();
    if client_id == caller.client_id && fixture.model.grants.revoke(caller.app_id, &token, now) {
        StatusCode::NO_CONTENT.into_response()
    } else {
        ApiError::not_found().into_response()
    }
}

/// Revokes the authorization of the token's user, with all tokens, as the user can.
async fn revoke_grant(
    State(sim): State<GithubSim>,
    caller: ClientCaller,
    Path(client_id): Path<String>,
    bytes: Bytes,
) -> Result<Response, ApiError> {
    let app_id = own(&caller, &client_id)?;
    let Some(token) = access_token(&bytes) else { return Ok(missing_field("OauthAccess", "access_token")) };
    let fixture = &mut *sim.fixture();
    let grant = fixture.model.grants.token_of_app(app_id, &token, fixture.clock.now());
    let user = grant.ok_or_else(ApiError::not_found)?.user;
    fixture.model.revoke_authorization_of(app_id, user)?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

fn access_token(bytes: &[u8]) -> Option<String> {
    let body: Value = serde_json::from_slice(bytes).ok()?;
    body.get("access_token").and_then(Value::as_str).map(str::to_owned)
}

fn authorization(fixture: &Fixture, urls: &Urls, app_id: u64, token: &str) -> JsonResult {
    let model = &fixture.model;
    let grant = model.grants.token_of_app(app_id, token, fixture.now()).ok_or_else(ApiError::not_found)?;
    Ok(Json(json::authorization(urls, model, model.require_app(app_id)?, grant, token)))
}
