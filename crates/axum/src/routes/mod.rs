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
use axum::extract::{Request, State};
use axum::response::IntoResponse;
use axum::routing::{MethodFilter, MethodRouter, on};
use dockline::Scope;

use crate::endpoint::{Access, Endpoint, Group, Method};
use crate::middleware::authenticate::{Admitted, authenticate};
use crate::options::Context;
use crate::wire::error::ApiError;

/// Returns the routes of the groups.
pub(crate) fn of(groups: &[Group], context: &Context) -> Router<Context> {
    Endpoint::served(context)
        .filter(|endpoint| groups.contains(&endpoint.group()))
        .fold(Router::new(), |router, endpoint| router.route(endpoint.method_and_path().1, route(endpoint)))
}

fn route(endpoint: Endpoint) -> MethodRouter<Context> {
    let method = match endpoint.method_and_path().0 {
        Method::Get => MethodFilter::GET,
        Method::Post => MethodFilter::POST,
        Method::Delete => MethodFilter::DELETE,
    };
    match endpoint {
        Endpoint::RegisterInstallation => gated(endpoint, method, installation::register),
        Endpoint::GetInstallation => gated(endpoint, method, installation::get),
        Endpoint::DetachInstallation => gated(endpoint, method, installation::detach),
        Endpoint::InstallUrl => gated(endpoint, method, installation::install_url),
        Endpoint::ArriveFromGithub => on(method, callback::get),
        Endpoint::AnswerConfirmation => on(method, callback::post),
        Endpoint::ListRepos => gated(endpoint, method, repositories::list),
        Endpoint::TakeDelivery => on(method, webhook::receive),
        Endpoint::Whoami => gated(endpoint, method, whoami::get),
        Endpoint::Healthz => on(method, operations::healthz),
        Endpoint::Readyz => on(method, operations::readyz),
        Endpoint::Metrics => on(method, operations::metrics),
        Endpoint::GetOpenapi => on(method, openapi::get_3_1),
        Endpoint::GetOpenapi30 => on(method, openapi::get_3_0),
    }
}

/// Routes to a handler of authenticated callers, which runs only for those that the endpoint's access allows.
fn gated<H, F, R>(endpoint: Endpoint, method: MethodFilter, handler: H) -> MethodRouter<Context>
where
    H: Fn(Context, Admitted, Request) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Result<R, ApiError>> + Send,
    R: IntoResponse + 'static,
{
    let needed = match endpoint.access() {
        Access::GithubAdmin => Some(Scope::GithubAdmin),
        Access::AnyKey | Access::Signed | Access::Open => None,
    };
    on(method, move |State(context): State<Context>, request: Request| async move {
        let (head, body) = request.into_parts();
        let admitted = authenticate(&context, needed.as_ref(), &head).await?;
        handler(context, admitted, Request::from_parts(head, body)).await
    })
}
