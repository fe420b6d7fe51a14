//! Git's own protocol over HTTP, as GitHub serves it beside its pages: `http://HOST/{owner}/{name}.git`.

mod access;
mod cgi;
mod process;
pub(crate) mod store;

use axum::Router;
use axum::body::to_bytes;
use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};

use crate::sim::GithubSim;
use crate::urls::Params;
use access::{Service, admit};
use process::GitError;

/// Requests are held in memory: a fetch sends a list of commits, a push what it pushes.
const LARGEST_REQUEST: usize = 16 << 20;

pub(crate) fn routes() -> Router<GithubSim> {
    Router::new()
        .route("/{owner}/{repository}/info/refs", get(refs))
        .route("/{owner}/{repository}/git-upload-pack", post(fetch))
        .route("/{owner}/{repository}/git-receive-pack", post(push))
}

type Name = Path<(String, String)>;

async fn refs(State(sim): State<GithubSim>, Path(name): Name, params: Params, request: Request) -> Response {
    match params.get("service").and_then(Service::of) {
        Some(service) => serve(&sim, name, service, "info/refs", request).await,
        // Without a service it is the protocol from before 2010.
        None => (StatusCode::FORBIDDEN, "Please upgrade your git client.\n").into_response(),
    }
}

async fn fetch(State(sim): State<GithubSim>, Path(name): Name, request: Request) -> Response {
    serve(&sim, name, Service::Fetch, Service::Fetch.as_str(), request).await
}

async fn push(State(sim): State<GithubSim>, Path(name): Name, request: Request) -> Response {
    serve(&sim, name, Service::Push, Service::Push.as_str(), request).await
}

async fn serve(
    sim: &GithubSim,
    (owner, name): (String, String),
    service: Service,
    resource: &str,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    let name = name.strip_suffix(".git").unwrap_or(&name);
    let admitted = admit(&mut sim.world(), &parts.headers, (&owner, name), service);
    let wanted = match admitted {
        Ok(wanted) => wanted,
        Err(denial) => return denial.into_response(),
    };
    let Ok(body) = to_bytes(body, LARGEST_REQUEST).await else {
        return (StatusCode::PAYLOAD_TOO_LARGE, "The simulator takes 16 MiB at most.\n").into_response();
    };
    let answer = async {
        let backend = sim.git().backend().await?;
        let folder = sim.git().ensure(&wanted).await?;
        let exchange = cgi::Exchange { folder: &folder, resource, service, parts: &parts, body };
        cgi::call(backend, exchange).await
    };
    answer.await.unwrap_or_else(|error| failure(&error))
}

fn failure(error: &GitError) -> Response {
    tracing::warn!(%error, "git was not served");
    let (status, text) = match error {
        GitError::Missing => (
            StatusCode::NOT_IMPLEMENTED,
            "The simulator serves git with the program git and its git-http-backend, which are not installed here.\n",
        ),
        GitError::Late => (StatusCode::GATEWAY_TIMEOUT, "git took too long.\n"),
        GitError::Failed(_) | GitError::Io(_) => (StatusCode::INTERNAL_SERVER_ERROR, "git failed.\n"),
    };
    (status, text).into_response()
}
