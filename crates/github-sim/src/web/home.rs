//! Where a person starts: the Apps that there are, and each App's own page.

use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;

use super::page::{escape, not_found, page};
use super::session::{Visitor, signed_in};
use crate::sim::GithubSim;

pub(super) fn routes() -> Router<GithubSim> {
    Router::new().route("/", get(home)).route("/apps/{slug}", get(app)).route("/github-apps/{slug}", get(app))
}

async fn home(State(sim): State<GithubSim>, Visitor(user): Visitor) -> Response {
    let world = sim.world();
    let link = |slug: &str, name: &str| format!("<li><a href=\"/apps/{slug}\">{}</a></li>\n", escape(name));
    let apps: String = world.model.apps().map(|app| link(&app.slug, &app.name)).collect();
    let main = format!(
        "{}<h2>Apps</h2>\n<ul id=\"apps\">\n{apps}</ul>\n<p><a href=\"/settings/installations\">Installed Apps</a></p>\n",
        signed_in(&world.model, user, "/"),
    );
    page(StatusCode::OK, "GitHub simulator", &main)
}

async fn app(State(sim): State<GithubSim>, Path(slug): Path<String>) -> Response {
    let world = sim.world();
    let Some(app) = world.model.app_by_slug(&slug) else { return not_found() };
    let permissions: String = app
        .permissions
        .iter()
        .map(|(name, level)| format!("<li>{}: {}</li>\n", escape(name), escape(level)))
        .collect();
    let main = format!(
        "<p>It asks for:</p>\n<ul>\n{permissions}</ul>\n<p><a id=\"install-link\" href=\"/apps/{slug}/installations/new\">Install</a></p>\n",
        slug = app.slug,
    );
    page(StatusCode::OK, &app.name, &main)
}
