//! Git over HTTP at `http://HOST/{owner}/{name}.git`.

mod access;
mod cgi;
mod commit;
mod process;
mod push;
pub(crate) mod store;

use axum::Router;
use axum::body::to_bytes;
use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};

use crate::sim::GithubSim;
use crate::urls::Params;
use access::{GitService, authorize};
use process::GitError;

/// The size limit of requests, since they are held in memory.
const REQUEST_LIMIT: usize = 16 << 20;

pub(crate) fn routes() -> Router<GithubSim> {
    Router::new()
        .route("/{owner}/{repository}/info/refs", get(refs))
        .route("/{owner}/{repository}/git-upload-pack", post(fetch))
        .route("/{owner}/{repository}/git-receive-pack", post(push))
}

type Name = Path<(String, String)>;

async fn refs(State(sim): State<GithubSim>, Path(name): Name, params: Params, request: Request) -> Response {
    match params.get("service").and_then(GitService::of) {
        Some(service) => serve(&sim, name, service, "info/refs", request).await,
        // The "dumb" protocol of git before version 1.6.6.
        None => (StatusCode::FORBIDDEN, "Please upgrade your git client.\n").into_response(),
    }
}

async fn fetch(State(sim): State<GithubSim>, Path(name): Name, request: Request) -> Response {
    serve(&sim, name, GitService::Fetch, GitService::Fetch.as_str(), request).await
}

async fn push(State(sim): State<GithubSim>, Path(name): Name, request: Request) -> Response {
    serve(&sim, name, GitService::Push, GitService::Push.as_str(), request).await
}

async fn serve(
    sim: &GithubSim,
    (owner, name): (String, String),
    service: GitService,
    resource: &str,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    let name = name.strip_suffix(".git").unwrap_or(&name);
    let authorized = authorize(&mut sim.fixture(), &parts.headers, (&owner, name), service);
    let (repository, pusher) = match authorized {
        Ok(authorized) => authorized,
        Err(error) => return error.into_response(),
    };
    let Ok(body) = to_bytes(body, REQUEST_LIMIT).await else {
        return (StatusCode::PAYLOAD_TOO_LARGE, "The simulator accepts at most 16 MiB.\n").into_response();
    };
    let response = async {
        let backend = sim.git().backend().await?;
        let folder = sim.git().ensure(&repository).await?;
        let request = cgi::BackendRequest { folder: &folder, resource, service, parts: &parts, body };
        let call = cgi::call(backend, request);
        match pusher {
            Some(pusher) if resource == GitService::Push.as_str() => {
                sim.pushing(&repository, pusher, call).await
            }
            _ => call.await,
        }
    };
    response.await.unwrap_or_else(|error| failure(&error))
}

fn failure(error: &GitError) -> Response {
    tracing::warn!(%error, "serving git failed");
    let (status, text) = match error {
        GitError::Missing => (
            StatusCode::NOT_IMPLEMENTED,
            "The simulator needs git with git-http-backend, which is not installed here.\n",
        ),
        GitError::TimedOut => (StatusCode::GATEWAY_TIMEOUT, "git took too long.\n"),
        GitError::Failed(_) | GitError::Io(_) => (StatusCode::INTERNAL_SERVER_ERROR, "git failed.\n"),
    };
    (status, text).into_response()
}
