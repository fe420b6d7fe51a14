//! The settings pages, where owners suspend and uninstall Apps and approve requests.

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};
use maud::html;

use super::install::{Redirect, redirect_url};
use super::page::{found, not_found, page};
use super::session::{SignedIn, redirect_to_sign_in, signed_in};
use crate::error::SimError;
use crate::fixture::Fixture;
use crate::model::Model;
use crate::model::account::AccountKind;
use crate::model::change::Sender;
use crate::model::installation::Installation;
use crate::sim::GithubSim;
use crate::urls::Params;

const LIST: &str = "/settings/installations";

pub(super) fn routes() -> Router<GithubSim> {
    Router::new()
        .route(LIST, get(list))
        .route("/settings/installations/{id}", get(show).post(change))
        .route(
            "/organizations/{login}/settings/installations/{id}",
            get(show_of_organization).post(change_of_organization),
        )
        .route("/settings/installation-requests/{id}", post(approve))
}

fn path(model: &Model, installation: &Installation) -> String {
    match installation.target_kind {
        AccountKind::User | AccountKind::Enterprise => format!("{LIST}/{}", installation.id),
        AccountKind::Organization => {
            format!("/organizations/{}{LIST}/{}", login(model, installation.account), installation.id)
        }
    }
}

fn login(model: &Model, account: u64) -> &str {
    model.account(account).map_or("", |account| account.login.as_str())
}

fn app_name(model: &Model, app_id: u64) -> &str {
    model.app(app_id).map_or("", |app| app.name.as_str())
}

async fn list(State(sim): State<GithubSim>, SignedIn(user): SignedIn) -> Response {
    let Some(user) = user else { return redirect_to_sign_in(LIST) };
    let model = &sim.fixture().model;
    let installations = model.installations().filter(|i| model.administers(user, i.account));
    let requests = model.installation_requests().filter(|r| model.administers(user, r.account_id));
    let main = html! {
        (signed_in(model, Some(user), LIST))
        ul #installed {
            @for installation in installations {
                li {
                    a href=(path(model, installation)) {
                        (app_name(model, installation.app_id)) " on " (login(model, installation.account))
                    }
                }
            }
        }
        h2 { "Requests" }
        ul #requests {
            @for request in requests {
                li {
                    form method="post" action={ "/settings/installation-requests/" (request.id) } {
                        (login(model, request.requester_id)) " requests " (app_name(model, request.app_id))
                        " on " (login(model, request.account_id)) " "
                        button id={ "approve-" (request.id) } type="submit" { "Approve" }
                    }
                }
            }
        }
    };
    page(StatusCode::OK, "Installed Apps", main)
}

async fn show(State(sim): State<GithubSim>, SignedIn(user): SignedIn, Path(id): Path<u64>) -> Response {
    let Some(user) = user else { return redirect_to_sign_in(&format!("{LIST}/{id}")) };
    let model = &sim.fixture().model;
    let Some(installation) = administered(model, user, id) else { return not_found() };
    let slug = model.app(installation.app_id).map_or("", |app| app.slug.as_str());
    let (status, action, label) = match installation.suspension {
        Some(_) => ("suspended", "unsuspend", "Unsuspend"),
        None => ("active", "suspend", "Suspend"),
    };
    let main = html! {
        p {
            "Installation " (id) " of " (app_name(model, installation.app_id)) " on "
            strong { (login(model, installation.account)) } " is " strong #status { (status) } "."
        }
        p {
            a #configure href={ "/apps/" (slug) "/installations/new?account=" (installation.account) } { "Configure" }
        }
        form method="post" {
            button id=(action) .plain type="submit" name="action" value=(action) { (label) } " "
            button #uninstall .plain type="submit" name="action" value="uninstall" { "Uninstall" }
        }
    };
    page(StatusCode::OK, "Installed App", main)
}

async fn show_of_organization(
    sim: State<GithubSim>,
    user: SignedIn,
    Path((_, id)): Path<(String, u64)>,
) -> Response {
    show(sim, user, Path(id)).await
}

fn administered(model: &Model, user: u64, id: u64) -> Option<&Installation> {
    model.installation(id).filter(|installation| model.administers(user, installation.account))
}

async fn change(
    State(sim): State<GithubSim>,
    SignedIn(user): SignedIn,
    Path(id): Path<u64>,
    body: Bytes,
) -> Response {
    let Some(user) = user else { return redirect_to_sign_in(&format!("{LIST}/{id}")) };
    let Fixture { model, clock, .. } = &mut *sim.fixture();
    let Some(installation) = administered(model, user, id) else { return not_found() };
    let path = path(model, installation);
    let changed = match Params::parse(&body).get("action") {
        Some("suspend") => model.suspend(id, Some(user), clock.now()),
        Some("unsuspend") => model.unsuspend(id, Sender::User(user), clock.now()),
        Some("uninstall") => model.uninstall(id, Sender::User(user)),
        Some(_) | None => Ok(()),
    };
    match changed {
        Ok(()) if model.installation(id).is_none() => found(LIST),
        Ok(()) => found(&path),
        Err(_) => not_found(),
    }
}

async fn change_of_organization(
    sim: State<GithubSim>,
    user: SignedIn,
    Path((_, id)): Path<(String, u64)>,
    body: Bytes,
) -> Response {
    change(sim, user, Path(id), body).await
}

/// Approves a request. Like at GitHub, the owner is redirected to the App without the member's `state`.
async fn approve(
    State(sim): State<GithubSim>,
    SignedIn(user): SignedIn,
    Path(request): Path<u64>,
) -> Response {
    let Some(user) = user else { return redirect_to_sign_in(LIST) };
    match approve_request(&mut sim.fixture(), user, request) {
        Ok(url) => found(&url),
        Err(_) => not_found(),
    }
}

fn approve_request(fixture: &mut Fixture, user: u64, request: u64) -> Result<String, SimError> {
    let now = fixture.now();
    let model = &mut fixture.model;
    let owner = login(model, user).to_owned();
    let id = model.approve(request, &owner, now)?;
    let app_id = model.require_installation(id)?.app_id;
    let redirect = Redirect { app_id, user, installation: Some(id), setup_action: "install", state: None };
    redirect_url(model, redirect, now)
}
