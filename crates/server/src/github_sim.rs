//! `dockline github-sim`: the simulator as a program, and the accounts that it starts with.

use std::error::Error;
use std::io::{self, Write};
use std::process::ExitCode;

use clap::Args;
use dockline_github_sim::{AppCredentials, GithubSim, NewApp, Role, SimError};
use dockline_listener::{ListenAddr, local_url, shutdown_signal};
use secrecy::ExposeSecret;
use serde_json::json;

use crate::http_server::bind;
use crate::logging;

/// The App's name in addresses, unless another one is asked for.
pub const SLUG: &str = "dockline-demo";

/// The organization that olga administers.
pub const ORGANIZATION: &str = "acme-coffee";

/// Options of `dockline github-sim`.
#[derive(Debug, Clone, Args)]
pub struct SimArgs {
    /// Where it listens; port 0 takes a free one.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8081")]
    pub listen: ListenAddr,
    /// The App's name in addresses.
    #[arg(long, default_value = SLUG)]
    pub slug: String,
    /// The App's callback URL: where browsers go after an installation.
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8080/v1/github/installation/callback")]
    pub callback_url: String,
    /// The App's webhook URL; without one GitHub tells nobody what happens.
    #[arg(long, value_name = "URL")]
    pub webhook_url: Option<String>,
    /// Print one line of JSON with the addresses and the App's credentials instead of text.
    #[arg(long)]
    pub json: bool,
}

/// Makes the accounts that demo and simulator start with, signs olga in, and registers the App.
///
/// # Errors
/// Where the simulator refuses the slug or a URL.
pub fn populate(
    sim: &GithubSim,
    slug: &str,
    callback_url: &str,
    webhook_url: Option<&str>,
) -> Result<AppCredentials, SimError> {
    for (organization, admin, repositories) in [
        (ORGANIZATION, "olga", ["storefront", "roaster-firmware", "loyalty-api"].as_slice()),
        ("mallory-inc", "mallory", ["loot"].as_slice()),
    ] {
        sim.create_organization(organization)?;
        sim.create_user(admin)?;
        sim.set_membership(organization, admin, Role::Admin)?;
        for (number, repository) in repositories.iter().enumerate() {
            sim.add_repository(organization, repository, number > 0)?;
        }
    }
    sim.default_user(Some("olga"))?;
    let app = NewApp::new(slug, callback_url).named("Dockline Demo");
    sim.create_app(match webhook_url {
        Some(url) => app.with_webhook_url(url),
        None => app,
    })
}

/// Runs the simulator until a signal comes.
///
/// # Errors
/// Where it cannot start.
pub async fn run(args: SimArgs) -> Result<ExitCode, Box<dyn Error + Send + Sync>> {
    logging::start(logging::Verbosity::Running);
    let ended = shutdown_signal()?;
    let listener = bind("--listen", args.listen).await?;
    let web = local_url(listener.local_addr()?);
    let sim = GithubSim::default();
    let app = populate(&sim, &args.slug, &args.callback_url, args.webhook_url.as_deref())?;
    let text = if args.json { json_line(&web, &app) } else { summary(&web, &app) };
    {
        let mut stdout = io::stdout().lock();
        stdout.write_all(text.as_bytes())?;
        stdout.flush()?;
    }
    // Its own server, not ours: a simulated GitHub also has to cut connections, on demand.
    sim.serve(listener, ended).await;
    Ok(ExitCode::SUCCESS)
}

fn json_line(web: &str, app: &AppCredentials) -> String {
    let line = json!({
        "api": format!("{web}/api/v3"),
        "web": web,
        "control": format!("{web}/_control"),
        "appId": app.app_id,
        "slug": app.slug,
        "clientId": app.client_id,
        "clientSecret": app.client_secret.expose_secret(),
        "privateKeyPem": app.private_key_pem.expose_secret(),
        "webhookSecret": app.webhook_secret.expose_secret(),
        "callbackUrl": app.callback_url,
    });
    format!("{line}\n")
}

fn summary(web: &str, app: &AppCredentials) -> String {
    let AppCredentials { app_id, slug, client_id, callback_url, .. } = app;
    format!(
        "A simulated GitHub is running.\n\n\
         Pages and OAuth   {web}\n\
         REST API          {web}/api/v3\n\
         Control API       {web}/_control\n\n\
         App {slug}: id {app_id}, client id {client_id}, callback {callback_url}\n\
         Its secrets:      curl {web}/_control/apps/{app_id}\n\
         Install page:     {web}/apps/{slug}/installations/new?state=SOME-STATE\n\n\
         In the browser you are olga, who administers {ORGANIZATION}; somebody else by {web}/login\n\
         Ctrl-C ends it.\n"
    )
}
