//! Who answers at each [`Endpoint`].

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::{MethodFilter, MethodRouter, on};
use dockline::Scope;

use crate::admission::{self, Gate};
use crate::context::Context;
use crate::endpoint::{Access, Endpoint, Method};
#[cfg(feature = "openapi")]
use crate::openapi;
use crate::{callback, install_url, installation, operations, repositories, webhook, whoami};

/// The routes with these options.
pub(crate) fn all(context: &Context) -> Router<Context> {
    Endpoint::served(context)
        .fold(Router::new(), |router, endpoint| router.route(endpoint.place().1, route(endpoint, context)))
}

fn route(endpoint: Endpoint, context: &Context) -> MethodRouter<Context> {
    let method = match endpoint.place().0 {
        Method::Get => MethodFilter::GET,
        Method::Post => MethodFilter::POST,
        Method::Delete => MethodFilter::DELETE,
    };
    let route = match endpoint {
        Endpoint::RegisterInstallation => on(method, installation::register),
        Endpoint::GetInstallation => on(method, installation::inspect),
        Endpoint::DetachInstallation => on(method, installation::detach),
        Endpoint::InstallUrl => on(method, install_url::begin),
        Endpoint::ArriveFromGithub => on(method, callback::arrive),
        Endpoint::AnswerConfirmation => on(method, callback::confirm),
        Endpoint::ListRepos => on(method, repositories::list),
        Endpoint::TakeDelivery => on(method, webhook::take),
        Endpoint::Whoami => on(method, whoami::tell),
        Endpoint::Healthz => on(method, operations::healthy),
        Endpoint::Readyz => on(method, operations::ready),
        Endpoint::Metrics => on(method, operations::metrics),
        #[cfg(feature = "openapi")]
        Endpoint::GetOpenapi => on(method, openapi::tell),
    };
    let gate =
        |needed| from_fn_with_state(Gate { context: context.clone(), needed }, admission::authenticate);
    match endpoint.access() {
        Access::GithubAdmin => route.route_layer(gate(Some(Scope::GithubAdmin))),
        Access::AnyKey => route.route_layer(gate(None)),
        Access::Signed | Access::Open => route,
    }
}
