//! What an installation may ask with its token.

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{delete, get};
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use super::auth::InstallationCaller;
use super::errors::ApiError;
use super::page::Page;
use super::repository_json::repository;
use super::version::ApiVersion;
use crate::model::installation_token::Level;
use crate::sim::GithubSim;
use crate::urls::{Params, Urls};

pub(super) fn routes() -> Router<GithubSim> {
    Router::new()
        .route("/installation/repositories", get(repositories))
        .route("/installation/token", delete(revoke))
}

/// A narrowed token sees only its own repositories, and says `selected`.
async fn repositories(
    State(sim): State<GithubSim>,
    InstallationCaller { token, .. }: InstallationCaller,
    version: ApiVersion,
    urls: Urls,
    params: Params,
) -> Result<Response, ApiError> {
    let world = sim.world();
    let model = &world.model;
    let installation = model.installation(token.installation).ok_or_else(ApiError::bad_credentials)?;
    if !token.may(installation, "metadata", Level::Read) {
        return Err(ApiError::lacks_permission("metadata=read"));
    }
    let owner = model.account(installation.account).ok_or_else(ApiError::not_found)?;
    let all = model.reach_of(&token, installation);
    let (page, total) = (Page::asked(&params), all.len());
    let shown = page.of(all).into_iter().map(|r| repository(&urls, version, owner, r)).collect::<Value>();
    let selection = if token.is_narrowed() { "selected" } else { installation.selection.as_str() };
    let body = json!({ "total_count": total, "repository_selection": selection, "repositories": shown });
    Ok(page.answer(&format!("{}/installation/repositories", urls.api), total, body))
}

async fn revoke(State(sim): State<GithubSim>, caller: InstallationCaller) -> StatusCode {
    sim.world().model.revoke_token(caller.secret.expose_secret());
    StatusCode::NO_CONTENT
}
