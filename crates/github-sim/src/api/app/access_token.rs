//! `POST /app/installations/{id}/access_tokens`: mints an installation token.

use std::collections::{BTreeMap, BTreeSet};

use axum::Json;
use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::http::header::{HeaderMap, HeaderName};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use super::own;
use crate::api::auth::AppCaller;
use crate::api::body::{RequestBody, invalid, property};
use crate::api::errors::ApiError;
use crate::api::gate::ApiVersion;
use crate::api::repository_json::repository;
use crate::clock::rfc3339;
use crate::model::Model;
use crate::model::installation::Installation;
use crate::model::installation_token::{NewToken, PermissionLevel, TokenFormat, has_permission};
use crate::sim::GithubSim;
use crate::urls::Urls;

/// Selects the token format of one request: `enabled` or `disabled`.
const STATELESS: HeaderName = HeaderName::from_static("x-github-stateless-s2s-token");
pub(in crate::api) const MAX_REPOSITORIES: usize = 500;
const NOT_GRANTED: &str = "The permissions requested are not granted to this installation.";
pub(crate) const NOT_ACCESSIBLE: &str =
    "There is at least one repository that does not exist or is not accessible to the parent installation.";

pub(super) fn routes() -> Router<GithubSim> {
    Router::new().route("/app/installations/{id}/access_tokens", post(mint))
}

async fn mint(
    State(sim): State<GithubSim>,
    caller: AppCaller,
    version: ApiVersion,
    urls: Urls,
    Path(id): Path<String>,
    headers: HeaderMap,
    bytes: Bytes,
) -> Result<Response, ApiError> {
    let fixture = &mut *sim.fixture();
    let (now, model) = (fixture.now(), &mut fixture.model);
    let installation = own(model, caller, &id)?;
    if installation.suspension.is_some() {
        return Err(ApiError::suspended());
    }
    // Fields that are missing, null or empty do not restrict the token.
    let body = RequestBody::parse(&bytes)?;
    let permissions = restrict_permissions(installation, requested_permissions(&body)?)?;
    let names = body.strings("repositories", MAX_REPOSITORIES)?;
    let ids = body.integers("repository_ids", MAX_REPOSITORIES)?;
    let repositories = restrict_repositories(model, installation, &names, ids)?;
    let format = requested_format(&headers).unwrap_or(model.installation_tokens.format);
    let selection = if repositories.is_some() { "selected" } else { installation.selection.as_str() };
    let shown = repositories.as_ref().map(|ids| {
        let owner = model.account(installation.account);
        let chosen =
            model.repositories_of(installation).into_iter().filter(|repository| ids.contains(&repository.id));
        chosen.filter_map(|r| owner.map(|owner| repository(&urls, version, owner, r))).collect::<Value>()
    });
    let new =
        NewToken { installation: installation.id, permissions: permissions.clone(), repositories, format };
    let minted = model.mint(new, now)?;
    let mut answer = json!({
        "token": minted.token.expose_secret(),
        "expires_at": rfc3339(minted.expires_at),
        "permissions": permissions,
        "repository_selection": selection,
    });
    if let (Some(answer), Some(shown)) = (answer.as_object_mut(), shown) {
        answer.insert("repositories".to_owned(), shown);
    }
    Ok((StatusCode::CREATED, Json(answer)).into_response())
}

/// Other values of the header are ignored.
fn requested_format(headers: &HeaderMap) -> Option<TokenFormat> {
    match headers.get(STATELESS)?.as_bytes() {
        b"enabled" => Some(TokenFormat::Stateless),
        b"disabled" => Some(TokenFormat::Opaque),
        _ => None,
    }
}

/// Reads `permissions` and checks that each has a level.
pub(in crate::api) fn requested_permissions(
    body: &RequestBody,
) -> Result<BTreeMap<String, String>, ApiError> {
    let permissions = body.object("permissions")?.into_iter().flatten();
    let level = |(name, level): (&String, &Value)| match level.as_str() {
        Some(word) if PermissionLevel::of(word).is_some() => Ok((name.clone(), word.to_owned())),
        Some(_) => {
            Err(invalid(&property(name), level, "is not a member of [\"read\", \"write\", \"admin\"]"))
        }
        None => Err(invalid(&property(name), level, "is not a string")),
    };
    permissions.map(level).collect()
}

/// Returns the requested permissions, or all granted ones if none are requested. `metadata: read` is included if it is granted.
pub(in crate::api) fn restrict_permissions(
    installation: &Installation,
    requested: BTreeMap<String, String>,
) -> Result<BTreeMap<String, String>, ApiError> {
    if requested.is_empty() {
        return Ok(installation.permissions.clone());
    }
    for (name, word) in &requested {
        let level = PermissionLevel::of(word);
        if level.is_none_or(|level| !has_permission(&installation.permissions, name, level)) {
            return Err(ApiError::unprocessable(NOT_GRANTED));
        }
    }
    let mut permissions = requested;
    if has_permission(&installation.permissions, "metadata", PermissionLevel::Read) {
        permissions.entry("metadata".to_owned()).or_insert_with(|| "read".to_owned());
    }
    Ok(permissions)
}

/// Returns the ids of the requested repositories, or `None` if none are requested. Names come without the owner.
pub(in crate::api) fn restrict_repositories(
    model: &Model,
    installation: &Installation,
    names: &[&str],
    mut ids: Vec<u64>,
) -> Result<Option<BTreeSet<u64>>, ApiError> {
    if names.is_empty() && ids.is_empty() {
        return Ok(None);
    }
    let count = names.len().saturating_add(ids.len());
    if count > MAX_REPOSITORIES {
        let text = format!(
            "Invalid request.\n\nNo more than {MAX_REPOSITORIES} items are allowed; {count} were supplied."
        );
        return Err(ApiError::unprocessable(text));
    }
    let not_accessible = || ApiError::unprocessable(NOT_ACCESSIBLE);
    let accessible = model.repositories_of(installation);
    let accessible_ids: BTreeSet<u64> = accessible.iter().map(|repository| repository.id).collect();
    for name in names {
        let named = accessible.iter().find(|repository| repository.name.eq_ignore_ascii_case(name));
        ids.push(named.ok_or_else(not_accessible)?.id);
    }
    let ids: BTreeSet<u64> = ids.into_iter().collect();
    if ids.is_subset(&accessible_ids) { Ok(Some(ids)) } else { Err(not_accessible()) }
}
