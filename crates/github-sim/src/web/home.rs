//! The list of Apps, and the page of an App.

use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use maud::html;

use super::page::{not_found, page};
use super::session::{SignedIn, signed_in};
use crate::sim::GithubSim;

pub(super) fn routes() -> Router<GithubSim> {
    Router::new().route("/", get(home)).route("/apps/{slug}", get(app)).route("/github-apps/{slug}", get(app))
}

async fn home(State(sim): State<GithubSim>, SignedIn(user): SignedIn) -> Response {
    let model = &sim.fixture().model;
    let main = html! {
        (signed_in(model, user, "/"))
        h2 { "Apps" }
        ul #apps {
            @for app in model.apps() {
                li { a href={ "/apps/" (app.slug) } { (app.name) } }
            }
        }
        p { a href="/settings/installations" { "Installed Apps" } }
    };
    page(StatusCode::OK, "GitHub simulator", main)
}

async fn app(State(sim): State<GithubSim>, Path(slug): Path<String>) -> Response {
    let model = &sim.fixture().model;
    let Some(app) = model.app_by_slug(&slug) else { return not_found() };
    let main = html! {
        p { "Requested permissions:" }
        ul {
            @for (name, level) in &app.permissions {
                li { (name) ": " (level) }
            }
        }
        p { a #install-link href={ "/apps/" (app.slug) "/installations/new" } { "Install" } }
    };
    page(StatusCode::OK, &app.name, main)
}
