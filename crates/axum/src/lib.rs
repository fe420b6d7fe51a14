#![doc = include_str!("../README.md")]

mod admission;
mod body;
mod budget_headers;
mod callback;
mod context;
#[cfg(feature = "openapi")]
mod document;
mod endpoint;
mod envelope;
mod error;
mod events;
mod guessing;
mod install_url;
mod installation;
mod large_bodies;
mod metric_names;
mod monitoring;
mod observe;
#[cfg(feature = "openapi")]
mod openapi;
mod operations;
mod pages;
mod query;
mod refresher;
mod repositories;
mod request_id;
mod routes;
#[cfg(feature = "openapi")]
mod schema;
mod trace_parent;
mod webhook;
mod whoami;
mod wire;

use axum::Router;
use axum::middleware::from_fn_with_state;
use dockline::Dockline;

use crate::context::Context;
use crate::guessing::Guesses;
use crate::large_bodies::LargeBodies;

pub use context::RouterOptions;
pub use envelope::ErrorEnvelope;
pub use events::TracingEvents;
pub use guessing::AuthFailureLimit;
pub use ipnet::IpNet;
pub use metric_names::{
    HTTP_REQUEST_DURATION, HTTP_REQUESTS, HTTP_REQUESTS_IN_FLIGHT, REFRESH_QUEUE, REFRESHES,
    WEBHOOK_DELIVERIES, describe_metrics,
};
pub use monitoring::{Check, Exposition, Readiness};
#[cfg(feature = "openapi")]
pub use openapi::openapi;
pub use pages::{Confirmation, Pages, PlainPages, Refusal};
pub use refresher::{RefreshOptions, Refresher};
pub use trace_parent::{TraceLinks, TraceParent};

/// The routes under `/v1`, `/healthz`, `/readyz` and, with [`RouterOptions::with_metrics`], `/metrics`, ready to be served
/// or nested under any prefix. Every answer carries `X-Request-Id`, and every error the envelope, those for unknown paths,
/// wrong methods and panics included; no further layer is needed.
///
/// The App's callback URL at GitHub is `<where this is nested>/v1/github/installation/callback`, its webhook URL
/// `<where this is nested>/v1/github/webhooks`.
pub fn router(dockline: Dockline, options: RouterOptions) -> Router {
    let guesses = options.guess_limit.as_ref().map(Guesses::new);
    let links = options.trace_links.clone();
    let context = Context {
        dockline,
        options,
        large_bodies: LargeBodies::default(),
        #[cfg(feature = "openapi")]
        document: document::KeptDocument::default(),
    };
    routes::all(&context)
        .fallback(envelope::not_found)
        .method_not_allowed_fallback(envelope::method_not_allowed)
        .with_state(context.clone())
        .layer(from_fn_with_state(guesses, guessing::limit))
        .layer(from_fn_with_state(context.clone(), envelope::seal))
        .layer(from_fn_with_state(links, observe::watch))
        .layer(from_fn_with_state(context, request_id::assign))
}

/// Compiles the examples of the project's README.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct ProjectReadme;
