//! `POST /app/installations/{id}/access_tokens`: a token for an installation, whole or narrowed.

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
use serde::Deserialize;
use serde_json::{Value, json};

use super::app::own;
use super::auth::AppCaller;
use super::errors::ApiError;
use super::repository_json::repository;
use super::version::ApiVersion;
use crate::clock::rfc3339;
use crate::model::Model;
use crate::model::installation::Installation;
use crate::model::installation_token::{Level, NewToken, TokenFormat, holds};
use crate::sim::GithubSim;
use crate::urls::Urls;

/// GitHub fact 31: `enabled` or `disabled` choose the format for one call.
const STATELESS: HeaderName = HeaderName::from_static("x-github-stateless-s2s-token");
/// GitHub fact 17.
const MOST_REPOSITORIES: usize = 500;
const NOT_GRANTED: &str = "The permissions requested are not granted to this installation.";
const NOT_REACHED: &str =
    "There is at least one repository that does not exist or is not accessible to the parent installation.";

pub(super) fn routes() -> Router<GithubSim> {
    Router::new().route("/app/installations/{id}/access_tokens", post(mint))
}

/// What is null, or not said, is the same as empty: not narrowed (GitHub fact 18).
#[derive(Default, Deserialize)]
struct Body {
    repositories: Option<Vec<String>>,
    repository_ids: Option<Vec<u64>>,
    permissions: Option<BTreeMap<String, String>>,
}

impl Body {
    fn parse(bytes: &[u8]) -> Result<Self, ApiError> {
        if bytes.iter().all(u8::is_ascii_whitespace) {
            return Ok(Self::default());
        }
        let problem = || ApiError::new(StatusCode::BAD_REQUEST, "Problems parsing JSON");
        let json: Value = serde_json::from_slice(bytes).map_err(|_| problem())?;
        if !json.is_object() {
            return Err(ApiError::new(StatusCode::BAD_REQUEST, "Body should be a JSON object"));
        }
        serde_json::from_value(json)
            .map_err(|error| ApiError::unprocessable(format!("Invalid request.\n\n{error}.")))
    }
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
    let world = &mut *sim.world();
    let (now, model) = (world.clock.now(), &mut world.model);
    let installation = own(model, caller, &id)?;
    if installation.suspension.is_some() {
        return Err(ApiError::suspended());
    }
    let Body { repositories, repository_ids, permissions } = Body::parse(&bytes)?;
    let permissions = narrowed_permissions(installation, permissions.unwrap_or_default())?;
    let names = repositories.unwrap_or_default();
    let repositories =
        narrowed_repositories(model, installation, &names, repository_ids.unwrap_or_default())?;
    let format = asked_format(&headers).unwrap_or(model.installation_tokens.format);
    let selection = if repositories.is_some() { "selected" } else { installation.selection.as_str() };
    let shown = repositories.as_ref().map(|ids| {
        let owner = model.account(installation.account);
        let chosen = model.reach(installation).into_iter().filter(|repository| ids.contains(&repository.id));
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

/// Any other value is ignored.
fn asked_format(headers: &HeaderMap) -> Option<TokenFormat> {
    match headers.get(STATELESS)?.as_bytes() {
        b"enabled" => Some(TokenFormat::Stateless),
        b"disabled" => Some(TokenFormat::Opaque),
        _ => None,
    }
}

/// Asking for nothing in particular is asking for everything. Reading metadata comes with any permission, where it was granted.
fn narrowed_permissions(
    installation: &Installation,
    asked: BTreeMap<String, String>,
) -> Result<BTreeMap<String, String>, ApiError> {
    if asked.is_empty() {
        return Ok(installation.permissions.clone());
    }
    for (name, word) in &asked {
        let Some(level) = Level::of(word) else {
            let text = format!("Invalid request.\n\n{word:?} is not a level of the permission {name:?}.");
            return Err(ApiError::unprocessable(text));
        };
        if !holds(&installation.permissions, name, level) {
            return Err(ApiError::unprocessable(NOT_GRANTED));
        }
    }
    let mut permissions = asked;
    if holds(&installation.permissions, "metadata", Level::Read) {
        permissions.entry("metadata".to_owned()).or_insert_with(|| "read".to_owned());
    }
    Ok(permissions)
}

/// The ids of those named and numbered; none: all. Names come without the owner.
fn narrowed_repositories(
    model: &Model,
    installation: &Installation,
    names: &[String],
    mut ids: Vec<u64>,
) -> Result<Option<BTreeSet<u64>>, ApiError> {
    if names.is_empty() && ids.is_empty() {
        return Ok(None);
    }
    if names.len().saturating_add(ids.len()) > MOST_REPOSITORIES {
        let text =
            format!("Invalid request.\n\nNo more than {MOST_REPOSITORIES} repositories can be requested.");
        return Err(ApiError::unprocessable(text));
    }
    let not_reached = || ApiError::unprocessable(NOT_REACHED);
    let reach = model.reach(installation);
    let reached: BTreeSet<u64> = reach.iter().map(|repository| repository.id).collect();
    for name in names {
        let named = reach.iter().find(|repository| repository.name.eq_ignore_ascii_case(name));
        ids.push(named.ok_or_else(not_reached)?.id);
    }
    let ids: BTreeSet<u64> = ids.into_iter().collect();
    if ids.is_subset(&reached) { Ok(Some(ids)) } else { Err(not_reached()) }
}
