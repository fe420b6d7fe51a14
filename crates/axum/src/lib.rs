#![doc = include_str!("../README.md")]

mod authenticator;
mod endpoint;
mod events;
mod middleware;
mod monitoring;
mod options;
mod pages;
mod routes;
mod wire;

use axum::Router;
use axum::middleware::from_fn_with_state;
use dockline::Dockline;

use crate::endpoint::{Endpoint, Group};
use crate::middleware::envelope;
use crate::options::Context;

pub use authenticator::{AuthenticationError, Authenticator};
pub use events::TracingEvents;
pub use ipnet::IpNet;
pub use middleware::auth_failures::AuthFailureLimit;
pub use middleware::envelope::ErrorEnvelope;
pub use middleware::trace_parent::{TraceLinks, TraceParent};
pub use monitoring::{
    Exposition, HTTP_REQUEST_DURATION, HTTP_REQUESTS, HTTP_REQUESTS_IN_FLIGHT, WEBHOOK_DELIVERIES,
    describe_metrics,
};
pub use options::RouterOptions;
pub use pages::{Choice, Confirmation, Pages, PlainPages, Refusal, refusal_message};
pub use routes::openapi::openapi;
pub use wire::ApiErrorCode;

/// Why a router could not be built.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RouterError {
    /// Neither API keys nor a login are configured. Configure API keys with [`dockline::Builder::with_api_keys`], or
    /// the host's login with [`RouterOptions::with_authenticator`].
    #[error(
        "nothing authenticates the callers of the API: configure API keys (Builder::with_api_keys) or the host's login \
         (RouterOptions::with_authenticator)"
    )]
    NoAuthentication,
}

/// Returns all routes, to be served or nested under any prefix: those of [`api_router`], [`callback_router`],
/// [`webhook_router`] and [`operations_router`]. Every response has `X-Request-Id`, and every error the JSON error body,
/// also for unknown paths, wrong methods and panics. No further layer is needed.
///
/// The App's callback URL at GitHub is `<prefix>/v1/github/installation/callback`, its webhook URL
/// `<prefix>/v1/github/webhooks`.
///
/// # Errors
/// [`RouterError::NoAuthentication`].
pub fn router(dockline: Dockline, options: RouterOptions) -> Result<Router, RouterError> {
    let context = Context::new(dockline, options);
    context.check()?;
    let router = routes::of(Group::ALL, &context).fallback(envelope::not_found);
    Ok(layered(router, context))
}

/// Returns the routes for the product's backend or pages: registration, install URL, repositories, whoami (with API keys
/// only), `/openapi.json` and `/openapi-3.0.json`.
///
/// # Errors
/// [`RouterError::NoAuthentication`].
pub fn api_router(dockline: Dockline, options: RouterOptions) -> Result<Router, RouterError> {
    let context = Context::new(dockline, options);
    context.check()?;
    Ok(layered(routes::of(&[Group::Api], &context), context))
}

/// Returns the routes of the browser: GitHub's redirect and the confirmation page. They need no login: the state and
/// GitHub's facts about the visitor authorize a request.
pub fn callback_router(dockline: Dockline, options: RouterOptions) -> Router {
    let context = Context::new(dockline, options);
    layered(routes::of(&[Group::Callback], &context), context)
}

/// Returns the route for GitHub's signed deliveries.
pub fn webhook_router(dockline: Dockline, options: RouterOptions) -> Router {
    let context = Context::new(dockline, options);
    layered(routes::of(&[Group::Webhook], &context), context)
}

/// Returns `/healthz`, `/readyz` and, with [`RouterOptions::with_metrics`], `/metrics`. They need no login.
pub fn operations_router(dockline: Dockline, options: RouterOptions) -> Router {
    let context = Context::new(dockline, options);
    layered(routes::of(&[Group::Operations], &context), context)
}

/// Returns whether this is a path of [`operations_router`], outside of any prefix. A server should exempt these
/// requests from its limit of requests.
#[must_use]
pub fn is_operations_path(path: &str) -> bool {
    let mut endpoints = Endpoint::ALL.iter().filter(|endpoint| endpoint.group() == Group::Operations);
    endpoints.any(|endpoint| endpoint.method_and_path().1 == path)
}

fn layered(router: Router<Context>, context: Context) -> Router {
    router
        .method_not_allowed_fallback(envelope::method_not_allowed)
        .with_state(context.clone())
        .layer(from_fn_with_state(context, middleware::around))
}

/// Compiles the examples of the project's README.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct ProjectReadme;
