//! A host with its own login and no API keys, with Dockline's API, callback page and webhook route.
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
//! tokio = { version = "1", features = ["full"] }
//! tracing-subscriber = { version = "0.3", features = ["env-filter", "json"] }
//! ```
//!
//! `cargo run -p dockline-axum --example own_login` serves it with a simulated GitHub. With `--check` it performs the flow
//! and exits with 0 only if every response is right.

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
use axum::response::Html;
use axum::routing::get;
use dockline::{Caller, Dockline, Ports, WebhookSecrets};
use dockline_axum::{
    AuthenticationError, Authenticator, RouterError, RouterOptions, TracingEvents, api_router,
    callback_router, webhook_router,
};
use dockline_github::GithubApp;
use dockline_github_sim::GithubSim;
use dockline_memory::{MemoryBindingRepo, MemoryRateLimiter, MemoryStateStore};
use http::request::Parts;
use tracing_subscriber::EnvFilter;

use login::Login;
use simulation::{Result, Simulation};
use visitor::{OWN_PAGE, Visitor};

// docs: authenticator
#[async_trait]
impl Authenticator for Login {
    async fn authenticate(&self, request: &Parts) -> Result<Caller, AuthenticationError> {
        let user = self.user(&request.headers).ok_or(AuthenticationError::Unauthenticated)?;
        let caller = Caller::new(user.organization, user.organization_name, user.name);
        user.is_admin.then(|| caller.with_return_hosts(["localhost"])).ok_or(AuthenticationError::Forbidden)
    }
}

fn github_routes(dockline: Dockline, login: Arc<Login>) -> Result<Router, RouterError> {
    let options = RouterOptions::default().with_authenticator(login);
    Ok(api_router(dockline.clone(), options.clone())?
        .merge(callback_router(dockline.clone(), options.clone()))
        .merge(webhook_router(dockline, options)))
}
// docs: end

#[tokio::main]
async fn main() -> Result {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt().json().with_env_filter(filter).with_writer(std::io::stderr).init();
    let simulation = Simulation::start(flow::CALLBACK, flow::WEBHOOKS).await?;
    let dockline = Dockline::builder(Ports {
        states: Arc::new(MemoryStateStore::new()),
        bindings: Arc::new(MemoryBindingRepo::new()),
        github: Arc::new(GithubApp::new(simulation.settings()?)?),
    })
    .with_rate_limiter(Arc::new(MemoryRateLimiter::new()))
    .with_events(Arc::new(TracingEvents))
    .with_webhook_secrets(WebhookSecrets::new([simulation.app.webhook_secret.clone()])?)
    .build()?;
    let login = Login::new()?;
    let host = Router::new()
        .route("/", get(|| async { Html(HOME) }))
        .route("/connected", get(|| async { Html(CONNECTED) }))
        .merge(Arc::clone(&login).routes())
        .merge(github_routes(dockline, login)?);
    simulation.serve(host, check).await
}

/// The host's own page.
const HOME: &str = r#"<!doctype html><title>Settings</title>
<form method="post" action="/login"><input name="user" value="ann"><button id="sign-in">Sign in</button></form>
<button id="connect">Connect GitHub</button>
<script>
document.querySelector('#connect').onclick = async () => {
    const returnUrl = encodeURIComponent(location.origin + '/connected');
    const link = await (await fetch('/v1/github/installation/install-url?returnUrl=' + returnUrl)).json();
    sessionStorage.setItem('state', link.state);
    location = link.installUrl;
};
</script>"#;

/// The return URL. The state must be the one that this browser asked for: another person may have sent the link.
const CONNECTED: &str = r#"<!doctype html><title>Connected</title><p id="result"></p>
<script>
(async () => {
    const query = new URLSearchParams(location.search), state = sessionStorage.getItem('state');
    let text = 'This link was not made here.';
    if (state && query.get('state') === state) {
        const body = JSON.stringify({ installationId: Number(query.get('installation_id')), state });
        const headers = { 'Content-Type': 'application/json' };
        const binding = await fetch('/v1/github/installation', { method: 'POST', headers, body });
        text = binding.ok ? 'Connected ' + (await binding.json()).orgLogin : 'Refused: ' + binding.status;
    }
    document.querySelector('#result').textContent = text;
})();
</script>"#;

async fn check(origin: &str, github: &GithubSim, app: u64) -> Result {
    let visitor = Visitor::new()?;
    let install_url = format!("{origin}/v1/github/installation/install-url?returnUrl={origin}/connected");
    visitor.get(&install_url, OWN_PAGE).await?.expect(401, "before the login")?;
    visitor.submit(&format!("{origin}/login"), &[("user", "bob")]).await?.expect(303, "bob's login")?;
    visitor.get(&install_url, OWN_PAGE).await?.expect(403, "bob is no administrator")?;
    visitor.submit(&format!("{origin}/login"), &[("user", "ann")]).await?.expect(303, "ann's login")?;
    let foreign = visitor.get(&install_url, &[("sec-fetch-site", "cross-site")]).await?;
    foreign.expect(403, "a page of another site")?;
    flow::connect(origin, &visitor, OWN_PAGE, github, app).await
}
