//! The configured GitHub: what the commands that talk to it are told, and the gateway to it.

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use dockline::AppId;
use dockline::ports::GithubGateway;
use dockline_github::{GithubApp, GithubAppConfig, GithubHost};
use secrecy::SecretString;

use crate::telemetry;

/// Options that name GitHub and the App.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "GitHub App")]
pub(crate) struct GithubArgs {
    /// GitHub's pages, such as https://github.example.com; github.com where neither URL is given.
    #[arg(long, value_name = "URL", env = "DOCKLINE_GITHUB_WEB_URL", requires = "github_api_url")]
    pub(crate) github_web_url: Option<String>,
    /// GitHub's REST API, such as https://github.example.com/api/v3.
    #[arg(long, value_name = "URL", env = "DOCKLINE_GITHUB_API_URL", requires = "github_web_url")]
    pub(crate) github_api_url: Option<String>,
    /// The App's number. Where it is left out, GitHub is asked for it at the start.
    #[arg(long, value_name = "ID", env = "DOCKLINE_GITHUB_APP_ID")]
    pub(crate) github_app_id: Option<String>,
    /// The App's name in addresses: github.com/apps/SLUG.
    #[arg(long, value_name = "SLUG", env = "DOCKLINE_GITHUB_APP_SLUG")]
    pub(crate) github_app_slug: Option<String>,
    /// The App's client id; every claim policy but `state` needs it.
    #[arg(
        long,
        value_name = "ID",
        env = "DOCKLINE_GITHUB_CLIENT_ID",
        requires = "github_client_secret_file"
    )]
    pub(crate) github_client_id: Option<String>,
    /// File with the App's client secret.
    #[arg(
        long,
        value_name = "FILE",
        env = "DOCKLINE_GITHUB_CLIENT_SECRET_FILE",
        requires = "github_client_id"
    )]
    pub(crate) github_client_secret_file: Option<PathBuf>,
    /// File with the App's private key, as GitHub gave it.
    #[arg(long, value_name = "FILE", env = "DOCKLINE_GITHUB_PRIVATE_KEY_FILE")]
    pub(crate) github_private_key_file: Option<PathBuf>,
}

/// Reads a secret from a file; `flag` is named where that fails, what it holds never.
pub(crate) fn secret_file(path: &Path, flag: &str) -> Result<SecretString, String> {
    match fs::read_to_string(path) {
        Ok(text) if text.trim().is_empty() => Err(format!("{flag}: {} is empty", path.display())),
        Ok(text) => Ok(text.trim().to_owned().into()),
        Err(error) => Err(format!("{flag}: {} cannot be read: {error}", path.display())),
    }
}

/// Checks the options and makes the gateway. Where the App's number is not given, GitHub is asked for it, which also
/// shows that it accepts the key.
pub(crate) async fn open(args: &GithubArgs) -> Result<GithubApp, Box<dyn Error + Send + Sync>> {
    if let Some(id) = &args.github_app_id {
        let app = id.trim().parse().ok().and_then(|id: u64| AppId::new(id).ok());
        let app = app.ok_or("--github-app-id: a number is needed, as the App's settings page shows it")?;
        return Ok(GithubApp::new(config(args, app)?)?);
    }
    if args.github_client_id.is_none() {
        return Err(
            "give --github-app-id, or --github-client-id: without either GitHub cannot tell which App it is"
                .into(),
        );
    }
    // Any number will do to ask by: what is signed names the client id.
    let asking = GithubApp::new(config(args, AppId::new(1)?)?)?;
    let facts = asking.app().await.map_err(|error| {
        let cause = error.source().map(ToString::to_string).unwrap_or_default();
        format!("GitHub was asked for the App's number, but {error}: {cause}. With --github-app-id nothing is asked")
    })?;
    if args.github_app_slug.as_ref().is_some_and(|slug| *slug != facts.slug) {
        return Err(format!("--github-app-slug: GitHub says that this App's is {}", facts.slug).into());
    }
    Ok(GithubApp::new(config(args, facts.app)?)?)
}

fn config(args: &GithubArgs, app: AppId) -> Result<GithubAppConfig, Box<dyn Error + Send + Sync>> {
    let slug = args.github_app_slug.as_deref();
    let slug = slug.ok_or("--github-app-slug is required: the App's name in github.com/apps/SLUG")?;
    let key = args.github_private_key_file.as_deref();
    let key =
        key.ok_or("--github-private-key-file is required: a private key of the App, as GitHub gave it")?;
    let key = secret_file(key, "--github-private-key-file")?;
    let host = match (&args.github_web_url, &args.github_api_url) {
        (Some(web), Some(api)) => GithubHost::at(web, api)?,
        _ => GithubHost::github_com(),
    };
    let config =
        GithubAppConfig::new(app, slug, key).with_host(host).with_observer(Arc::new(telemetry::Gateway));
    match (&args.github_client_id, &args.github_client_secret_file) {
        (Some(id), Some(file)) => {
            let secret = secret_file(file, "--github-client-secret-file")?;
            Ok(config.with_oauth_client(id, secret))
        }
        _ => Ok(config),
    }
}
