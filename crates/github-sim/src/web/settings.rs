//! What a person may change about Apps on the accounts that they administer: suspend, uninstall, approve a member's request.

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};

use super::install::{Arrival, landing};
use super::page::{escape, failure, found, not_found, page};
use super::session::{Visitor, sign_in_first, signed_in};
use crate::error::SimError;
use crate::model::Model;
use crate::model::account::AccountKind;
use crate::model::change::Actor;
use crate::model::installation::Installation;
use crate::sim::GithubSim;
use crate::urls::Params;
use crate::world::World;

const LIST: &str = "/settings/installations";

pub(super) fn routes() -> Router<GithubSim> {
    Router::new()
        .route(LIST, get(list))
        .route("/settings/installations/{id}", get(show).post(change))
        .route(
            "/organizations/{login}/settings/installations/{id}",
            get(show_organizations).post(change_organizations),
        )
        .route("/settings/installation-requests/{id}", post(approve))
}

fn address(model: &Model, installation: &Installation) -> String {
    let login = model.account(installation.account).map_or("", |account| account.login.as_str());
    match installation.target_kind {
        AccountKind::User | AccountKind::Enterprise => format!("{LIST}/{}", installation.id),
        AccountKind::Organization => format!("/organizations/{login}{LIST}/{}", installation.id),
    }
}

/// The App's name and the account's login, escaped.
fn names(model: &Model, app_id: u64, account: u64) -> (String, String) {
    let app = model.app(app_id).map_or("", |app| app.name.as_str());
    let account = model.account(account).map_or("", |account| account.login.as_str());
    (escape(app), escape(account))
}

async fn list(State(sim): State<GithubSim>, Visitor(user): Visitor) -> Response {
    let Some(user) = user else { return sign_in_first(LIST) };
    let world = sim.world();
    let model = &world.model;
    let installed = model.installations().filter(|i| model.administers(user, i.account));
    let installed: String = installed
        .map(|installation| {
            let (app, account) = names(model, installation.app_id, installation.account);
            let address = escape(&address(model, installation));
            format!("<li><a href=\"{address}\">{app} on {account}</a></li>\n")
        })
        .collect();
    let asked = model.installation_requests().filter(|request| model.administers(user, request.account_id));
    let asked: String = asked
        .map(|request| {
            let (app, account) = names(model, request.app_id, request.account_id);
            let (_, requester) = names(model, request.app_id, request.requester_id);
            let id = request.id;
            format!(
                "<li><form method=\"post\" action=\"/settings/installation-requests/{id}\">{requester} asks for {app} on {account}\n\
                 <button id=\"approve-{id}\" type=\"submit\">Approve</button></form></li>\n"
            )
        })
        .collect();
    let main = format!(
        "{}<ul id=\"installed\">\n{installed}</ul>\n<h2>Requests</h2>\n<ul id=\"requests\">\n{asked}</ul>\n",
        signed_in(model, Some(user), LIST),
    );
    page(StatusCode::OK, "Installed Apps", &main)
}

async fn show(State(sim): State<GithubSim>, Visitor(user): Visitor, Path(id): Path<u64>) -> Response {
    let Some(user) = user else { return sign_in_first(&format!("{LIST}/{id}")) };
    let world = sim.world();
    let model = &world.model;
    let Some(installation) = administered(model, user, id) else { return not_found() };
    let (app, account) = names(model, installation.app_id, installation.account);
    let slug = model.app(installation.app_id).map_or("", |app| app.slug.as_str());
    let (standing, action, label) = match installation.suspension {
        Some(_) => ("suspended", "unsuspend", "Unsuspend"),
        None => ("active", "suspend", "Suspend"),
    };
    let main = format!(
        "<p>{app} on <strong>{account}</strong>, number {id}, is <strong id=\"standing\">{standing}</strong>.</p>\n\
         <p><a id=\"configure\" href=\"/apps/{slug}/installations/new?account={}\">Configure</a></p>\n\
         <form method=\"post\">\n\
         <button id=\"{action}\" class=\"plain\" type=\"submit\" name=\"action\" value=\"{action}\">{label}</button>\n\
         <button id=\"uninstall\" class=\"plain\" type=\"submit\" name=\"action\" value=\"uninstall\">Uninstall</button>\n\
         </form>\n",
        installation.account,
    );
    page(StatusCode::OK, "Installed App", &main)
}

async fn show_organizations(
    sim: State<GithubSim>,
    visitor: Visitor,
    Path((_, id)): Path<(String, u64)>,
) -> Response {
    show(sim, visitor, Path(id)).await
}

fn administered(model: &Model, user: u64, id: u64) -> Option<&Installation> {
    model.installation(id).filter(|installation| model.administers(user, installation.account))
}

async fn change(
    State(sim): State<GithubSim>,
    Visitor(user): Visitor,
    Path(id): Path<u64>,
    body: Bytes,
) -> Response {
    let Some(user) = user else { return sign_in_first(&format!("{LIST}/{id}")) };
    let World { model, clock, .. } = &mut *sim.world();
    let Some(installation) = administered(model, user, id) else { return not_found() };
    let address = address(model, installation);
    let done = match Params::parse(&body).get("action") {
        Some("suspend") => model.suspend(id, Some(user), clock.now()),
        Some("unsuspend") => model.unsuspend(id, Actor::Person(user), clock.now()),
        Some("uninstall") => model.uninstall(id, Actor::Person(user)),
        Some(_) | None => Ok(()),
    };
    match done {
        Ok(()) if model.installation(id).is_none() => found(LIST),
        Ok(()) => found(&address),
        Err(_) => failure(),
    }
}

async fn change_organizations(
    sim: State<GithubSim>,
    visitor: Visitor,
    Path((_, id)): Path<(String, u64)>,
    body: Bytes,
) -> Response {
    change(sim, visitor, Path(id), body).await
}

/// The owner's browser lands at the App, without the state that the member had begun with.
async fn approve(State(sim): State<GithubSim>, Visitor(user): Visitor, Path(request): Path<u64>) -> Response {
    let Some(user) = user else { return sign_in_first(LIST) };
    match carry_out(&mut sim.world(), user, request) {
        Ok(url) => found(&url),
        Err(_) => not_found(),
    }
}

fn carry_out(world: &mut World, user: u64, request: u64) -> Result<String, SimError> {
    let now = world.now();
    let model = &mut world.model;
    let owner = model.account(user).map(|account| account.login.clone()).unwrap_or_default();
    let id = model.approve(request, &owner, now)?;
    let app_id = model.installation(id).map(|i| i.app_id).ok_or(SimError::UnknownInstallation(id))?;
    landing(model, Arrival { app_id, user, id: Some(id), action: "install", code: true, state: None }, now)
}
