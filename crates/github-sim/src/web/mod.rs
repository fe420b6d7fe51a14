//! The pages of GitHub's web site and the OAuth endpoints.

mod home;
mod install;
mod install_page;
mod new_app;
mod oauth;
mod page;
mod session;
mod settings;
mod sso;

use axum::Router;

use crate::sim::GithubSim;

pub(crate) fn routes() -> Router<GithubSim> {
    Router::new()
        .merge(home::routes())
        .merge(install::routes())
        .merge(settings::routes())
        .merge(new_app::routes())
        .merge(session::routes())
        .merge(oauth::routes())
        .merge(sso::routes())
        .fallback(async || page::not_found())
}
