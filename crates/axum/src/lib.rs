#![doc = include_str!("../README.md")]

mod admission;
mod body;
mod callback;
mod envelope;
mod error;
mod events;
mod install_url;
mod installation;
mod pages;
mod query;
mod request_id;
mod wire;

use std::sync::Arc;

use axum::Router;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::{delete, get, post};
use dockline::Dockline;
use dockline::ports::{Clock, Entropy, OsEntropy, SystemClock};

pub use events::TracingEvents;
pub use pages::{Confirmation, Pages, PlainPages, Refusal};

/// What a host may choose about the router.
#[derive(Debug, Clone)]
pub struct RouterOptions {
    pages: Arc<dyn Pages>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
}

impl Default for RouterOptions {
    /// Our own pages, the machine's clock and randomness.
    fn default() -> Self {
        Self { pages: Arc::new(PlainPages), clock: Arc::new(SystemClock), entropy: Arc::new(OsEntropy) }
    }
}

impl RouterOptions {
    /// The host's own confirmation and refusal pages.
    #[must_use]
    pub fn with_pages(mut self, pages: Arc<dyn Pages>) -> Self {
        self.pages = pages;
        self
    }

    /// Where request ids take their time from.
    #[must_use]
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Where request ids take their randomness from.
    #[must_use]
    pub fn with_entropy(mut self, entropy: Arc<dyn Entropy>) -> Self {
        self.entropy = entropy;
        self
    }
}

#[derive(Debug, Clone)]
struct Context {
    dockline: Dockline,
    options: RouterOptions,
}

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
        .layer(from_fn(envelope::seal))
        .layer(from_fn_with_state(context, request_id::assign))
}
