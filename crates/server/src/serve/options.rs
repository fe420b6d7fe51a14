//! What `dockline serve` can be told, and what can be checked of it without asking anybody.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use dockline_listener::ListenAddr;
use secrecy::SecretString;

use crate::database::DatabaseArgs;
use crate::github_app::GithubArgs;
use crate::period::Period;
use crate::policy::Policy;
use crate::serve::guessing::GuessArgs;
use crate::serve::listener_args::ListenerArgs;
use crate::telemetry::TelemetryArgs;

/// Options of `dockline serve`.
#[derive(Debug, Clone, Args)]
pub struct ServeArgs {
    /// Where the API listens; port 0 takes a free one.
    #[arg(long, value_name = "ADDR", env = "DOCKLINE_LISTEN", default_value = "127.0.0.1:8080")]
    pub listen: ListenAddr,
    #[command(flatten)]
    pub(crate) database: DatabaseArgs,
    /// Whether to bring the schema up to date at the start, or only to check that it is.
    ///
    /// Several instances may start at once.
    #[arg(
        long,
        value_enum,
        default_value_t,
        value_name = "WHAT",
        env = "DOCKLINE_MIGRATIONS",
        help_heading = "Database"
    )]
    pub migrations: Migrations,
    #[command(flatten)]
    pub(crate) github: GithubArgs,
    /// The App's webhook secret; may be given twice.
    ///
    /// As with the file. In the environment, one a line.
    #[arg(
        long,
        value_name = "SECRET",
        value_delimiter = '\n',
        env = "DOCKLINE_WEBHOOK_SECRET",
        hide_env_values = true,
        help_heading = "GitHub App"
    )]
    pub webhook_secret: Vec<SecretString>,
    /// File with the App's webhook secret; may be given twice.
    ///
    /// Both count, for as long as the secret is being changed. In the environment, with a comma between. Without one every
    /// delivery is refused, and only the sweep finds what happened at GitHub.
    #[arg(
        long,
        value_name = "FILE",
        value_delimiter = ',',
        env = "DOCKLINE_WEBHOOK_SECRET_FILE",
        help_heading = "GitHub App"
    )]
    pub webhook_secret_file: Vec<PathBuf>,
    /// Time between two sweeps, which refresh stale bindings from GitHub, such as 15m; 0 turns sweeps off.
    ///
    /// A sweep finds changes that no webhook reported.
    #[arg(
        long,
        value_name = "PERIOD",
        env = "DOCKLINE_RECONCILE_EVERY",
        help_heading = "Sweep",
        default_value = "15m"
    )]
    pub reconcile_every: Period,
    /// Refresh bindings that GitHub has not verified for this long.
    #[arg(
        long,
        value_name = "PERIOD",
        env = "DOCKLINE_RECONCILE_UNVERIFIED_FOR",
        help_heading = "Sweep",
        default_value = "1h"
    )]
    pub reconcile_unverified_for: Period,
    /// Where browsers reach this API: an https URL, or http on this machine only.
    ///
    /// Without a path of ours: GitHub must be told the callback URL below it.
    #[arg(long, value_name = "URL", env = "DOCKLINE_PUBLIC_URL")]
    pub public_url: Option<String>,
    /// What must be shown before an installation is bound for the first time.
    #[arg(long, value_enum, default_value_t, value_name = "POLICY", env = "DOCKLINE_CLAIM_POLICY")]
    pub claim_policy: Policy,
    #[command(flatten)]
    pub(crate) guessing: GuessArgs,
    #[command(flatten)]
    pub(crate) telemetry: TelemetryArgs,
    /// Print one line of JSON with the addresses when listening.
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    pub(crate) listener: ListenerArgs,
    /// Report not ready if GitHub has not accepted the App's credential for this long. 0 ignores GitHub.
    #[arg(long, value_name = "PERIOD", env = "DOCKLINE_READY_GITHUB_WITHIN", default_value = "15m")]
    pub ready_github_within: Period,
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

/// The public base URL without a slash at its end.
pub(crate) fn check_public_url(url: Option<&str>) -> Result<Option<String>, String> {
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
        Err("is not an https URL without query (http is for this machine only): write it as https://api.example.com"
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
