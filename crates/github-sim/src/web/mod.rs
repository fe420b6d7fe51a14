//! The pages that people see, and the OAuth endpoints beside them.

mod install;
mod install_page;
mod oauth;
mod page;
mod session;

use axum::Router;

use crate::sim::GithubSim;

pub(crate) fn routes() -> Router<GithubSim> {
    Router::new()
        .merge(install::routes())
        .merge(session::routes())
        .merge(oauth::routes())
        .fallback(async || page::not_found())
}
