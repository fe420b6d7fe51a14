//! `GET /repos/{owner}/{repo}`.

use axum::Json;
use axum::Router;
use axum::extract::{Path, State};
use axum::http::header::HeaderMap;
use axum::routing::get;
use serde_json::Value;

use super::auth::{authorization, token};
use super::errors::ApiError;
use super::gate::ApiVersion;
use super::repository_json::{permissions, repository};
use crate::fixture::Fixture;
use crate::model::account::Account;
use crate::model::installation_token::PermissionLevel;
use crate::model::repository::Repository;
use crate::sim::GithubSim;
use crate::urls::Urls;

pub(super) fn routes() -> Router<GithubSim> {
    Router::new().route("/repos/{owner}/{repo}", get(show))
}

async fn show(
    State(sim): State<GithubSim>,
    version: ApiVersion,
    urls: Urls,
    headers: HeaderMap,
    Path((owner, name)): Path<(String, String)>,
) -> Result<Json<Value>, ApiError> {
    let fixture = &mut *sim.fixture();
    let administers = authorize(fixture, &headers, (&owner, &name))?;
    let found = fixture.model.repository_by_name(&owner, &name).ok_or_else(ApiError::not_found)?;
    let (owner, found): (&Account, &Repository) = found;
    let mut body = repository(&urls, version, owner, found);
    if let Some(members) = body.as_object_mut() {
        members.extend([("network_count".to_owned(), 0.into()), ("subscribers_count".to_owned(), 0.into())]);
        members.extend(administers.map(|administers| ("permissions".to_owned(), permissions(administers))));
    }
    Ok(Json(body))
}

/// Checks that the caller can see the repository. Public ones need no credential; others are 404. Returns whether a user administers it.
fn authorize(
    fixture: &mut Fixture,
    headers: &HeaderMap,
    (owner, name): (&str, &str),
) -> Result<Option<bool>, ApiError> {
    let now = fixture.now();
    let found = fixture.model.repository_by_name(owner, name);
    let found = found.map(|(owner, repository)| (owner.id, repository.id, repository.private));
    let visible = |access: bool| match found {
        Some((_, _, private)) if access || !private => Ok(()),
        _ => Err(ApiError::not_found()),
    };
    if authorization(headers).is_none() {
        return visible(false).map(|()| None);
    }
    let secret = token(headers)?;
    if let Some(grant) = fixture.model.grants.token(secret, now).cloned() {
        let model = &fixture.model;
        let installation = found.and_then(|(owner, ..)| model.installation_on(grant.app_id, owner));
        let covers = |id| installation.is_some_and(|i| i.selection.covers(id) && grant.covers(i.id));
        let access = found.is_some_and(|(owner, id, _)| {
            model.has_access(grant.user, owner) && covers(id) && grant.covers_repository(id)
        });
        visible(access)?;
        return Ok(found.map(|(owner, ..)| model.administers(grant.user, owner)));
    }
    let used = fixture.model.use_token(secret, now)?;
    let installation = fixture.model.installation(used.installation).ok_or_else(ApiError::bad_credentials)?;
    let access = found.is_some_and(|(owner, id, _)| {
        owner == installation.account
            && used.covers(installation, id)
            && used.allows(installation, "metadata", PermissionLevel::Read)
    });
    visible(access).map(|()| None)
}
