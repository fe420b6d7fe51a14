//! The handlers and the routes of each [`Endpoint`].

mod callback;
mod installation;
pub(crate) mod openapi;
mod openapi_3_0;
mod operations;
mod repositories;
mod webhook;
pub(crate) mod webhook_body;
mod whoami;

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::{MethodFilter, MethodRouter, on};
use dockline::Scope;

use crate::endpoint::{Access, Endpoint, Group, Method};
use crate::middleware::authenticate::{self, Gate};
use crate::options::Context;

/// Returns the routes of the groups.
pub(crate) fn of(groups: &[Group], context: &Context) -> Router<Context> {
    Endpoint::served(context)
        .filter(|endpoint| groups.contains(&endpoint.group()))
        .fold(Router::new(), |router, endpoint| {
            router.route(endpoint.method_and_path().1, route(endpoint, context))
        })
}

fn route(endpoint: Endpoint, context: &Context) -> MethodRouter<Context> {
    let method = match endpoint.method_and_path().0 {
        Method::Get => MethodFilter::GET,
        Method::Post => MethodFilter::POST,
        Method::Delete => MethodFilter::DELETE,
    };
    let route = match endpoint {
        Endpoint::RegisterInstallation => on(method, installation::register),
        Endpoint::GetInstallation => on(method, installation::get),
        Endpoint::DetachInstallation => on(method, installation::detach),
        Endpoint::InstallUrl => on(method, installation::install_url),
        Endpoint::ArriveFromGithub => on(method, callback::get),
        Endpoint::AnswerConfirmation => on(method, callback::post),
        Endpoint::ListRepos => on(method, repositories::list),
        Endpoint::TakeDelivery => on(method, webhook::receive),
        Endpoint::Whoami => on(method, whoami::get),
        Endpoint::Healthz => on(method, operations::healthz),
        Endpoint::Readyz => on(method, operations::readyz),
        Endpoint::Metrics => on(method, operations::metrics),
        Endpoint::GetOpenapi => on(method, openapi::get_3_1),
        Endpoint::GetOpenapi30 => on(method, openapi::get_3_0),
    };
    let gate =
        |needed| from_fn_with_state(Gate { context: context.clone(), needed }, authenticate::authenticate);
    match endpoint.access() {
        Access::GithubAdmin => route.route_layer(gate(Some(Scope::GithubAdmin))),
        Access::AnyKey => route.route_layer(gate(None)),
        Access::Signed | Access::Open => route,
    }
}
