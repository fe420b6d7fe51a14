//! The installations of an App that a user can see, and their repositories.

use axum::Router;
use axum::extract::{Path, State};
use axum::response::Response;
use axum::routing::get;
use serde_json::{Value, json};

use crate::api::auth::UserCaller;
use crate::api::errors::ApiError;
use crate::api::gate::ApiVersion;
use crate::api::page::Pagination;
use crate::api::repository_json::{permissions, repository};
use crate::json;
use crate::sim::GithubSim;
use crate::traffic::list_fault::HiddenOrganizations;
use crate::urls::{Params, Urls};

pub(super) fn routes() -> Router<GithubSim> {
    Router::new()
        .route("/user/installations", get(installations))
        .route("/user/installations/{id}/repositories", get(repositories))
}

/// Lists the installations of the token's App on accounts to which the user has explicit access, which includes members and collaborators.
async fn installations(
    State(sim): State<GithubSim>,
    UserCaller { grant }: UserCaller,
    urls: Urls,
    params: Params,
    HiddenOrganizations(hidden): HiddenOrganizations,
) -> Response {
    let model = &sim.fixture().model;
    let own = model.installations().filter(|i| i.app_id == grant.app_id && grant.covers(i.id));
    let seen = own.filter(|i| model.has_access(grant.user, i.account) && !hidden.contains(&i.account));
    let all: Vec<Value> = seen.map(|i| json::installation(&urls, model, i)).collect();
    let (page, total) = (Pagination::requested(&params), all.len());
    let body = json!({ "total_count": total, "installations": page.slice(all) });
    page.response(&format!("{}/user/installations", urls.api), total, body)
}

/// Lists the repositories of an installation that the user can access. Installations that the user does not see are 404.
async fn repositories(
    State(sim): State<GithubSim>,
    UserCaller { grant }: UserCaller,
    version: ApiVersion,
    urls: Urls,
    params: Params,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    let model = &sim.fixture().model;
    let installation = id.parse().ok().and_then(|id| model.installation(id)).filter(|i| {
        i.app_id == grant.app_id && grant.covers(i.id) && model.has_access(grant.user, i.account)
    });
    let installation = installation.ok_or_else(ApiError::not_found)?;
    let owner = model.account(installation.account).ok_or_else(ApiError::not_found)?;
    let mut all = model.repositories_of(installation);
    all.retain(|repository| grant.covers_repository(repository.id));
    let (page, total) = (Pagination::requested(&params), all.len());
    let administers = model.administers(grant.user, owner.id);
    let shown = page.slice(all).into_iter().map(|found| {
        let mut shown = repository(&urls, version, owner, found);
        if let Some(members) = shown.as_object_mut() {
            members.insert("permissions".to_owned(), permissions(administers));
        }
        shown
    });
    let body = json!({
        "total_count": total,
        "repository_selection": installation.selection.as_str(),
        "repositories": shown.collect::<Value>(),
    });
    Ok(page.response(&format!("{}/user/installations/{id}/repositories", urls.api), total, body))
}
