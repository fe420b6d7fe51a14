//! What `dockline serve` can be told, and what can be checked of it without asking anybody.

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use secrecy::{ExposeSecret, SecretString};

use crate::address::ListenAddr;
use crate::database::DatabaseArgs;
use crate::policy::Policy;

/// The fewest bytes of a webhook secret: a short one can be guessed from a signed delivery (L-26).
const SHORTEST_WEBHOOK_SECRET: usize = 16;

/// Options of `dockline serve`.
#[derive(Debug, Clone, Args)]
pub struct ServeArgs {
    /// Where the API listens; port 0 takes a free one.
    #[arg(long, value_name = "ADDR", env = "DOCKLINE_LISTEN", default_value = "127.0.0.1:8080")]
    pub listen: ListenAddr,
    #[command(flatten)]
    pub(crate) database: DatabaseArgs,
    /// Whether to bring the schema up to date at the start, or only to check that it is. Several instances may start at
    /// once.
    #[arg(long, value_enum, default_value_t, env = "DOCKLINE_MIGRATIONS", help_heading = "Database")]
    pub migrations: Migrations,
    #[command(flatten)]
    pub(crate) github: GithubArgs,
    /// File with the App's webhook secret. It is checked, but this version takes no deliveries yet.
    #[arg(long, value_name = "FILE", env = "DOCKLINE_WEBHOOK_SECRET_FILE", help_heading = "GitHub App")]
    pub webhook_secret_file: Option<PathBuf>,
    /// Where browsers reach this API, without a path of ours: https, or http on this machine. GitHub must be told the
    /// callback URL below it.
    #[arg(long, value_name = "URL", env = "DOCKLINE_PUBLIC_URL")]
    pub public_url: Option<String>,
    /// What must be shown before an installation is bound for the first time.
    #[arg(long, value_enum, default_value_t, value_name = "POLICY", env = "DOCKLINE_CLAIM_POLICY")]
    pub claim_policy: Policy,
    /// Print one line of JSON with the addresses when listening.
    #[arg(long)]
    pub json: bool,
}

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

/// What to do about a schema that is not up to date.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum Migrations {
    /// Apply what is pending.
    #[default]
    Apply,
    /// Refuse to start.
    Check,
}

/// Reads a secret from a file; `flag` is named where that fails, what it holds never.
pub(super) fn secret_file(path: &Path, flag: &str) -> Result<SecretString, String> {
    match fs::read_to_string(path) {
        Ok(text) if text.trim().is_empty() => Err(format!("{flag}: {} is empty", path.display())),
        Ok(text) => Ok(text.trim().to_owned().into()),
        Err(error) => Err(format!("{flag}: {} cannot be read: {error}", path.display())),
    }
}

pub(super) fn check_webhook_secret(path: Option<&Path>) -> Result<(), Box<dyn Error + Send + Sync>> {
    let Some(path) = path else { return Ok(()) };
    let secret = secret_file(path, "--webhook-secret-file")?;
    if secret.expose_secret().len() < SHORTEST_WEBHOOK_SECRET {
        return Err(format!(
            "--webhook-secret-file: the secret has fewer than {SHORTEST_WEBHOOK_SECRET} characters; set a longer one at \
             GitHub and here"
        )
        .into());
    }
    tracing::warn!("this version takes no webhook deliveries yet; the webhook secret is not used");
    Ok(())
}

/// The public base URL without a slash at its end.
pub(super) fn check_public_url(url: Option<&str>) -> Result<Option<String>, String> {
    let Some(url) = url.map(|url| url.trim_end_matches('/')) else { return Ok(None) };
    let loopback = ["http://127.0.0.1", "http://localhost", "http://[::1]"];
    let local = loopback
        .iter()
        .filter_map(|base| url.strip_prefix(base))
        .any(|rest| rest.is_empty() || rest.starts_with([':', '/']));
    let plain = !url.contains(['?', '#', '@', ' ']);
    if plain && (local || (url.starts_with("https://") && url.len() > "https://".len())) {
        Ok(Some(url.to_owned()))
    } else {
        Err("--public-url must be an https URL without query, such as https://api.example.com; http only on this machine"
            .to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_public_url_is_https_or_local() {
        let read = |url: &str| check_public_url(Some(url));
        assert_eq!(read("https://api.example.com/"), Ok(Some("https://api.example.com".to_owned())));
        for good in ["https://a.test/base", "http://127.0.0.1:8080", "http://localhost", "http://[::1]:1/x"] {
            assert!(read(good).is_ok(), "{good}");
        }
        for bad in
            ["", "https://", "http://a.test", "http://127.0.0.1.evil.test", "https://a.test?b", "a.test"]
        {
            assert!(read(bad).is_err(), "{bad}");
        }
        assert_eq!(check_public_url(None), Ok(None));
    }
}
