//! Endpoints for an installation token.

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{delete, get};
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use super::auth::InstallationCaller;
use super::errors::ApiError;
use super::gate::ApiVersion;
use super::page::Pagination;
use super::repository_json::repository;
use crate::model::installation_token::PermissionLevel;
use crate::sim::GithubSim;
use crate::urls::{Params, Urls};

pub(super) fn routes() -> Router<GithubSim> {
    Router::new()
        .route("/installation/repositories", get(repositories))
        .route("/installation/token", delete(revoke))
}

/// A token restricted to repositories lists only those, with the selection `selected`.
async fn repositories(
    State(sim): State<GithubSim>,
    InstallationCaller { token, .. }: InstallationCaller,
    version: ApiVersion,
    urls: Urls,
    params: Params,
) -> Result<Response, ApiError> {
    let fixture = sim.fixture();
    let model = &fixture.model;
    let installation = model.installation(token.installation).ok_or_else(ApiError::bad_credentials)?;
    if !token.allows(installation, "metadata", PermissionLevel::Read) {
        return Err(ApiError::lacks_permission("metadata=read"));
    }
    let owner = model.account(installation.account).ok_or_else(ApiError::not_found)?;
    let all = model.repositories_of_token(&token, installation);
    let (page, total) = (Pagination::requested(&params), all.len());
    let shown = page.slice(all).into_iter().map(|r| repository(&urls, version, owner, r)).collect::<Value>();
    let selection = if token.is_restricted() { "selected" } else { installation.selection.as_str() };
    let body = json!({ "total_count": total, "repository_selection": selection, "repositories": shown });
    Ok(page.response(&format!("{}/installation/repositories", urls.api), total, body))
}

async fn revoke(State(sim): State<GithubSim>, caller: InstallationCaller) -> StatusCode {
    sim.fixture().model.revoke_token(caller.secret.expose_secret());
    StatusCode::NO_CONTENT
}
