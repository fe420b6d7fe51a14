//! The App manifest flow: a page of another site posts a manifest, the user names the App, and GitHub redirects with a code.

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::post;
use maud::html;
use secrecy::ExposeSecret;

use super::page::{error_page, found, not_found, page};
use super::session::{SignedIn, redirect_to_sign_in, signed_in};
use crate::error::SimError;
use crate::fixture::Fixture;
use crate::model::Model;
use crate::model::manifest::Manifest;
use crate::sim::GithubSim;
use crate::urls::{Params, with_query};

pub(super) fn routes() -> Router<GithubSim> {
    Router::new()
        .route("/settings/apps/new", post(show))
        .route("/settings/apps/manifest", post(create))
        .route("/organizations/{login}/settings/apps/new", post(show_for_organization))
        .route("/organizations/{login}/settings/apps/manifest", post(create_for_organization))
}

/// Returns the login of the App's owner: the organization if the user administers it, or else the user.
fn owner(model: &Model, user: u64, organization: Option<&str>) -> Option<String> {
    let account = match organization {
        Some(login) => model.account(model.id_of(login).ok()?).filter(|it| model.administers(user, it.id)),
        None => model.account(user),
    };
    account.map(|account| account.login.clone())
}

fn refused(error: &SimError) -> Response {
    error_page(StatusCode::UNPROCESSABLE_ENTITY, "The App cannot be created", &error.to_string())
}

async fn show(sim: State<GithubSim>, user: SignedIn, params: Params, body: Bytes) -> Response {
    confirmation(&sim, user, None, &params.or(Params::parse(&body)))
}

async fn show_for_organization(
    sim: State<GithubSim>,
    user: SignedIn,
    Path(login): Path<String>,
    params: Params,
    body: Bytes,
) -> Response {
    confirmation(&sim, user, Some(&login), &params.or(Params::parse(&body)))
}

fn confirmation(
    sim: &GithubSim,
    SignedIn(user): SignedIn,
    organization: Option<&str>,
    params: &Params,
) -> Response {
    // The manifest is lost by the sign-in, as at GitHub.
    let Some(user) = user else { return redirect_to_sign_in("/") };
    let model = &sim.fixture().model;
    let Some(owner) = owner(model, user, organization) else { return not_found() };
    let text = params.get("manifest").unwrap_or_default();
    let manifest = match Manifest::parse(text) {
        Ok(manifest) => manifest,
        Err(error) => return refused(&error),
    };
    let target = match organization {
        Some(login) => format!("/organizations/{login}/settings/apps/manifest"),
        None => "/settings/apps/manifest".to_owned(),
    };
    let main = html! {
        (signed_in(model, Some(user), "/"))
        p { "The App will belong to " strong #owner { (owner) } "." }
        form method="post" action=(target) {
            input type="hidden" name="manifest" value=(text);
            @if let Some(state) = params.get("state") { input type="hidden" name="state" value=(state); }
            p {
                label for="name" { "GitHub App name" } " "
                input #name name="name" value=[manifest.name.as_deref()];
            }
            ul #permissions {
                @for (name, level) in &manifest.default_permissions { li { (name) ": " (level) } }
            }
            button #create type="submit" { "Create GitHub App for " (owner) }
        }
    };
    page(StatusCode::OK, "Create GitHub App", main)
}

async fn create(sim: State<GithubSim>, user: SignedIn, body: Bytes) -> Response {
    created(&sim, user, None, &body)
}

async fn create_for_organization(
    sim: State<GithubSim>,
    user: SignedIn,
    Path(login): Path<String>,
    body: Bytes,
) -> Response {
    created(&sim, user, Some(&login), &body)
}

fn created(sim: &GithubSim, SignedIn(user): SignedIn, organization: Option<&str>, body: &[u8]) -> Response {
    let Some(user) = user else { return redirect_to_sign_in("/") };
    let fixture = &mut *sim.fixture();
    let Some(owner) = owner(&fixture.model, user, organization) else { return not_found() };
    match create_app(fixture, owner, &Params::parse(body)) {
        Ok(url) => found(&url),
        Err(error) => refused(&error),
    }
}

/// Creates the App and returns the URL of the redirect.
fn create_app(fixture: &mut Fixture, owner: String, params: &Params) -> Result<String, SimError> {
    let Fixture { model, clock, .. } = fixture;
    let manifest = Manifest::parse(params.get("manifest").unwrap_or_default())?;
    let target = manifest.redirect_url.clone().unwrap_or_else(|| manifest.url.clone());
    let new = manifest.app(params.get("name").unwrap_or_default(), owner)?;
    let app_id = model.create_app(new, clock.now())?.app_id;
    let code = model.manifest_codes.issue(app_id, clock.now());
    let state = params.get("state").map(|state| ("state", state));
    let query: Vec<_> = [("code", code.expose_secret())].into_iter().chain(state).collect();
    with_query(&target, &query).ok_or(SimError::Invalid("redirect_url is not a URL"))
}
