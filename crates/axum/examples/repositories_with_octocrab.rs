//! A host that lists an installation's repositories with octocrab and Dockline's tokens.
//!
//! ```toml
//! [dependencies]
//! async-trait = "0.1"
//! axum = "0.8"
//! dockline = "0.1"
//! dockline-axum = "0.1"
//! dockline-github = "0.1"
//! dockline-memory = "0.1"
//! http = "1"
//! # The default features would add AWS-LC beside ring, for JWTs that Dockline signs itself.
//! octocrab = { version = "0.54", default-features = false, features = ["default-client", "rustls", "rustls-ring"] }
//! serde = { version = "1", features = ["derive"] }
//! tokio = { version = "1", features = ["full"] }
//! tracing = "0.1"
//! ```
//!
//! `cargo run -p dockline-axum --example repositories_with_octocrab` serves it with a simulated GitHub. With `--check` it
//! connects an account, lists its repositories, and exits with 0 only if they are right.

#[path = "support/flow.rs"]
mod flow;
#[path = "support/login.rs"]
mod login;
#[path = "support/simulation.rs"]
mod simulation;
#[path = "support/visitor.rs"]
mod visitor;

use std::sync::Arc;

use async_trait::async_trait;
use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use dockline::{Caller, Dockline, OrganizationId, Ports, TokenScope, WebhookSecrets};
use dockline_axum::{AuthenticationError, Authenticator, RouterOptions};
use dockline_github::GithubApp;
use dockline_github_sim::GithubSim;
use dockline_memory::{MemoryBindingRepo, MemoryStateStore};
use http::request::Parts;
use http::{HeaderMap, StatusCode};
use octocrab::Octocrab;
use serde::Deserialize;

use login::Login;
use simulation::{Result, Simulation};
use visitor::{OWN_PAGE, Visitor};

// docs: octocrab
#[derive(Deserialize)]
struct Repositories {
    repositories: Vec<Repository>,
}

#[derive(Deserialize)]
struct Repository {
    full_name: String,
}

/// Returns the names of the repositories of the organization's installation, for a job as well as for a page.
async fn repositories(dockline: &Dockline, organization: &OrganizationId, api: &str) -> Result<Vec<String>> {
    let token = dockline.token(organization, &TokenScope::everything()).await?;
    let octocrab = Octocrab::builder().base_uri(api)?.personal_token(token.expose()).build()?;
    let listed: octocrab::Result<Repositories> =
        octocrab.get("/installation/repositories", None::<&()>).await;
    if let Err(octocrab::Error::GitHub { source, .. }) = &listed
        && [401, 404].contains(&source.status_code.as_u16())
    {
        // Evicts the token, unless it is so new that GitHub may not know it yet: then the same call can be repeated.
        let refused = dockline.token_refused(&token);
        tracing::warn!(?refused, "GitHub rejected a token");
    }
    Ok(listed?.repositories.into_iter().map(|repository| repository.full_name).collect())
}
// docs: end

#[async_trait]
impl Authenticator for Login {
    async fn authenticate(&self, request: &Parts) -> Result<Caller, AuthenticationError> {
        let user = self.user(&request.headers).ok_or(AuthenticationError::Unauthenticated)?;
        let caller = Caller::new(user.organization, user.organization_name, user.name);
        user.is_admin.then(|| caller.with_return_hosts(["localhost"])).ok_or(AuthenticationError::Forbidden)
    }
}

#[derive(Clone)]
struct Host {
    dockline: Dockline,
    login: Arc<Login>,
    api: String,
}

async fn list(State(host): State<Host>, headers: HeaderMap) -> Response {
    let Some(user) = host.login.user(&headers) else { return StatusCode::UNAUTHORIZED.into_response() };
    match repositories(&host.dockline, &user.organization, &host.api).await {
        Ok(names) => names.join("\n").into_response(),
        Err(error) => (StatusCode::BAD_GATEWAY, error.to_string()).into_response(),
    }
}

#[tokio::main]
async fn main() -> Result {
    let simulation = Simulation::start(flow::CALLBACK, flow::WEBHOOKS).await?;
    let dockline = Dockline::builder(Ports {
        states: Arc::new(MemoryStateStore::new()),
        bindings: Arc::new(MemoryBindingRepo::new()),
        github: Arc::new(GithubApp::new(simulation.settings()?)?),
    })
    .with_webhook_secrets(WebhookSecrets::new([simulation.app.webhook_secret.clone()])?)
    .build()?;
    let (login, api) = (Login::new()?, simulation.github.api.clone());
    let options = RouterOptions::default().with_authenticator(login.clone());
    let host = Router::new()
        .route("/repositories", get(list))
        .with_state(Host { dockline: dockline.clone(), login: Arc::clone(&login), api })
        .merge(login.routes())
        .merge(dockline_axum::router(dockline, options)?.reset_fallback());
    simulation.serve(host, check).await
}

async fn check(origin: &str, github: &GithubSim, app: u64) -> Result {
    let visitor = Visitor::new()?;
    let repositories = format!("{origin}/repositories");
    visitor.get(&repositories, OWN_PAGE).await?.expect(401, "before the login")?;
    visitor.submit(&format!("{origin}/login"), &[("user", "ann")]).await?.expect(303, "the login")?;
    visitor.get(&repositories, OWN_PAGE).await?.expect(502, "before anything is connected")?;
    flow::connect(origin, &visitor, OWN_PAGE, github, app).await?;
    let listed = visitor.get(&repositories, OWN_PAGE).await?.expect(200, "the list")?;
    if listed.body != "acme-coffee/storefront\nacme-coffee/roaster-firmware" {
        return Err(format!("other repositories: {}", listed.body).into());
    }
    Ok(())
}
