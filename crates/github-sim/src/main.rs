//! The binary `dockline-github-sim`.

use std::error::Error;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::process::ExitCode;

use clap::Parser;
use dockline_github_sim::cli::{self, ORGANIZATION, SLUG};
use dockline_github_sim::{AppCredentials, GithubSim};
use secrecy::ExposeSecret;
use serde_json::json;

/// A simulated GitHub to develop and test against.
///
/// It starts with one App and two users: olga, who administers the organization acme-coffee, and mallory, who administers
/// mallory-inc. A browser without a session is signed in as olga. The control API below /_control creates more, for example:
/// curl -d '{"login": "nina"}' -H 'Content-Type: application/json' http://127.0.0.1:8081/_control/users
///
/// The simulator has no authentication and publishes its private keys: never expose it to the internet.
#[derive(Debug, Parser)]
#[command(name = "dockline-github-sim", version)]
struct Options {
    /// Listen address; port 0 takes a free port.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8081", value_parser = cli::parse_listen_address)]
    listen: SocketAddr,
    /// The App's slug, its name in URLs.
    #[arg(long, default_value = SLUG)]
    slug: String,
    /// The App's callback URL, to which GitHub redirects after an installation.
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8080/v1/github/installation/callback")]
    callback_url: String,
    /// The App's webhook URL. Without it no webhooks are sent.
    #[arg(long, value_name = "URL")]
    webhook_url: Option<String>,
    /// Print one line of JSON with the addresses and the App's credentials.
    #[arg(long)]
    json: bool,
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(Options::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("dockline-github-sim: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(options: Options) -> Result<(), Box<dyn Error + Send + Sync>> {
    cli::start_logging("warn,dockline=info");
    // Before the first output: a parent process may send the signal as soon as it has read it.
    let shutdown = cli::shutdown_signal()?;
    let listener = cli::bind(options.listen, "--listen").await?;
    let web = cli::base_url(listener.local_addr()?);
    let sim = GithubSim::default();
    let app =
        cli::create_samples(&sim, &options.slug, &options.callback_url, options.webhook_url.as_deref())?;
    let text = if options.json { json_line(&web, &app) } else { summary(&web, &app) };
    {
        let mut stdout = io::stdout().lock();
        stdout.write_all(text.as_bytes())?;
        stdout.flush()?;
    }
    sim.serve(listener, shutdown).await;
    Ok(())
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
         In the browser you are olga, who administers {ORGANIZATION}; sign in as another user at {web}/login\n\
         Press Ctrl-C to stop.\n"
    )
}
