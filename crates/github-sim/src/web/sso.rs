//! `/orgs/{login}/sso`: sign-in to an organization with SAML, where refusals of user tokens lead.

use axum::Router;
use axum::extract::{Path, State};
use axum::http::{StatusCode, Uri};
use axum::response::Response;
use axum::routing::get;
use maud::html;

use super::install::path_and_query;
use super::page::{not_found, page};
use super::session::{SignedIn, redirect_to_sign_in, signed_in};
use crate::model::account::AccountKind;
use crate::sim::GithubSim;

pub(super) fn routes() -> Router<GithubSim> {
    Router::new().route("/orgs/{login}/sso", get(show).post(submit))
}

async fn show(
    State(sim): State<GithubSim>,
    SignedIn(user): SignedIn,
    uri: Uri,
    Path(login): Path<String>,
) -> Response {
    let model = &sim.fixture().model;
    let Some(organization) = model.account_by_login(&login).filter(|a| a.kind == AccountKind::Organization)
    else {
        return not_found();
    };
    if user.is_none() {
        return redirect_to_sign_in(path_and_query(&uri));
    }
    let login = &organization.login;
    let main = html! {
        (signed_in(model, user, path_and_query(&uri)))
        p { strong { (login) } " requires you to sign in with single sign-on." }
        form method="post" action=(format!("/orgs/{login}/sso")) { button #continue { "Continue" } }
    };
    page(StatusCode::OK, "Single sign-on", main)
}

/// User tokens that are issued from now on can access the organization.
async fn submit(
    State(sim): State<GithubSim>,
    SignedIn(user): SignedIn,
    Path(login): Path<String>,
) -> Response {
    let fixture = &mut *sim.fixture();
    let now = fixture.now();
    let Ok(organization) = fixture.model.id_of(&login) else { return not_found() };
    let Some(user) = user else { return redirect_to_sign_in(&format!("/orgs/{login}/sso")) };
    fixture.model.grants.sign_in_with_sso(organization, user, now);
    page(StatusCode::OK, "Single sign-on", html! { p #result { "You are signed in to " (login) "." } })
}
