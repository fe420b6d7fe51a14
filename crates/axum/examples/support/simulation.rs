//! A simulated GitHub with an organization and an App, in place of the real one.

use std::env;
use std::error::Error;

use axum::Router;
use dockline::AppId;
use dockline_github::{GithubAppConfig, GithubHost};
use dockline_github_sim::{AppCredentials, GithubSim, NewApp, Role, RunningSim};
use tokio::net::TcpListener;

pub(crate) type Result<T = (), E = Box<dyn Error + Send + Sync>> = std::result::Result<T, E>;

/// GitHub, and the address of the host.
pub(crate) struct Simulation {
    /// Where browsers reach the host.
    pub(crate) origin: String,
    /// The App's credentials.
    pub(crate) app: AppCredentials,
    /// GitHub. Its user olga is signed in and administers `acme-coffee`.
    pub(crate) github: RunningSim,
    listener: TcpListener,
}

impl Simulation {
    /// Starts GitHub, and listens for the host. `callback` and `webhooks` are the paths of the host's routes.
    pub(crate) async fn start(callback: &str, webhooks: &str) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let origin = format!("http://localhost:{}", listener.local_addr()?.port());
        let (app, github) = github(&origin, callback, webhooks, "the App's webhook secret").await?;
        Ok(Self { origin, app, github, listener })
    }

    /// Returns the settings of a host that uses this GitHub.
    pub(crate) fn settings(&self) -> Result<GithubAppConfig> {
        settings(&self.app, &self.github)
    }

    /// Serves the host: with `--check` until `check` returns, else until the process is stopped.
    pub(crate) async fn serve(
        self,
        host: Router,
        check: impl AsyncFnOnce(&str, &GithubSim, u64) -> Result,
    ) -> Result {
        let Self { origin, app, github, listener } = self;
        let server = axum::serve(listener, host);
        if env::args().any(|argument| argument == "--check") {
            let server = tokio::spawn(server.into_future());
            check(&origin, github.sim(), app.app_id).await?;
            server.abort();
            println!("ok");
        } else {
            println!("{}", serde_json::json!({ "host": origin, "github": github.web }));
            server.await?;
        }
        Ok(())
    }
}

/// Starts a GitHub whose user olga is signed in and administers `acme-coffee`, with an App of a host at `origin`.
pub(crate) async fn github(
    origin: &str,
    callback: &str,
    webhooks: &str,
    webhook_secret: &str,
) -> Result<(AppCredentials, RunningSim)> {
    let sim = GithubSim::default();
    sim.create_user("olga")?;
    sim.create_organization("acme-coffee")?;
    sim.set_membership("acme-coffee", "olga", Role::Admin)?;
    sim.add_repository("acme-coffee", "storefront", false)?;
    sim.add_repository("acme-coffee", "roaster-firmware", true)?;
    sim.default_user(Some("olga"))?;
    let app = NewApp::new("example", &format!("{origin}{callback}"))
        .with_webhook_url(&format!("{origin}{webhooks}"))
        .with_webhook_secret(webhook_secret);
    Ok((sim.create_app(app)?, sim.start().await?))
}

/// Returns the settings of a host that uses this App.
pub(crate) fn settings(app: &AppCredentials, github: &RunningSim) -> Result<GithubAppConfig> {
    let (id, key) = (AppId::new(app.app_id)?, app.private_key_pem.clone());
    Ok(GithubAppConfig::new(id, app.slug.clone(), key)
        .with_oauth_client(app.client_id.clone(), app.client_secret.clone())
        .with_host(GithubHost::at(&github.web, &github.api)?))
}
