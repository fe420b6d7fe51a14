#![doc = include_str!("../README.md")]

mod admission;
mod body;
mod budget_headers;
mod callback;
mod context;
mod envelope;
mod error;
mod events;
mod install_url;
mod installation;
mod pages;
mod query;
mod request_id;
mod wire;

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::{delete, get, post};
use dockline::Dockline;

use crate::context::Context;

pub use context::RouterOptions;
pub use events::TracingEvents;
pub use pages::{Confirmation, Pages, PlainPages, Refusal};

/// The routes under `/v1`, ready to be served or nested under any prefix. Every answer carries `X-Request-Id`, and
/// every error the envelope, those for unknown paths, wrong methods and panics included; no further layer is needed.
///
/// The App's callback URL at GitHub is `<where this is nested>/v1/github/installation/callback`.
pub fn router(dockline: Dockline, options: RouterOptions) -> Router {
    let context = Context { dockline, options };
    let admit = || from_fn_with_state(context.clone(), admission::admit);
    Router::new()
        .route(
            "/v1/github/installation",
            get(installation::inspect)
                .merge(post(installation::register))
                .merge(delete(installation::detach))
                .route_layer(admit()),
        )
        .route("/v1/github/installation/install-url", get(install_url::begin).route_layer(admit()))
        .route("/v1/github/installation/callback", get(callback::arrive).merge(post(callback::confirm)))
        .fallback(envelope::not_found)
        .method_not_allowed_fallback(envelope::method_not_allowed)
        .with_state(context.clone())
        .layer(from_fn_with_state(context.clone(), envelope::seal))
        .layer(from_fn_with_state(context, request_id::assign))
}

/// Compiles the examples of the project's README.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct ProjectReadme;
