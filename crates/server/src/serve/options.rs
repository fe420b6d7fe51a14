//! The options of `dockline serve`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use dockline::ClaimPolicy;
use dockline_listener::ListenAddr;
use http::{HeaderName, Uri};
use secrecy::SecretString;

use crate::config::{ConfigError, DurationArg};
use crate::database::DatabaseArgs;
use crate::github_app::GithubArgs;
use crate::serve::auth_failures::AuthFailureArgs;
use crate::serve::forward::ForwardArgs;
use crate::serve::listener_args::ListenerArgs;
use crate::telemetry::TelemetryArgs;

/// Options of `dockline serve`.
#[derive(Debug, Clone, Args)]
pub struct ServeArgs {
    /// Address on which the API listens. Port 0 takes a free port.
    #[arg(long, value_name = "ADDR", env = "DOCKLINE_LISTEN", default_value = "127.0.0.1:8080")]
    pub listen: ListenAddr,
    #[command(flatten)]
    pub(crate) database: DatabaseArgs,
    /// Whether to migrate the schema at the start, or only to check it. Several nodes may start at once.
    #[arg(
        long,
        value_enum,
        default_value_t,
        value_name = "ACTION",
        env = "DOCKLINE_MIGRATIONS",
        help_heading = "Database"
    )]
    pub migrations: Migrations,
    /// Add the App to a schema that other Apps use. Without it, serve refuses such a schema.
    #[arg(long, env = "DOCKLINE_NEW_APP", help_heading = "Database")]
    pub new_app: bool,
    #[command(flatten)]
    pub(crate) github: GithubArgs,
    /// Webhook secret of the App. Set two while you change it; both are valid. In the environment, one per line.
    #[arg(
        long,
        value_name = "SECRET",
        value_delimiter = '\n',
        env = "DOCKLINE_WEBHOOK_SECRET",
        hide_env_values = true,
        help_heading = "GitHub App"
    )]
    pub webhook_secret: Vec<SecretString>,
    /// File that contains the webhook secret. Set two while you change it; both are valid. In the environment, separated by
    /// a comma. If no secret is set, every delivery is rejected, and only sweeps find changes at GitHub.
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
        value_name = "DURATION",
        env = "DOCKLINE_RECONCILE_EVERY",
        help_heading = "Sweep",
        default_value = "15m"
    )]
    pub reconcile_every: DurationArg,
    /// Time from a look at a binding to the next one by a sweep.
    #[arg(
        long,
        value_name = "DURATION",
        env = "DOCKLINE_RECONCILE_UNVERIFIED_FOR",
        help_heading = "Sweep",
        default_value = "1h"
    )]
    pub reconcile_unverified_for: DurationArg,
    /// Time between two scans of GitHub's delivery log, which ask GitHub to send failed webhooks again; 0 turns them off.
    ///
    /// GitHub never sends a webhook again by itself.
    #[arg(
        long,
        value_name = "DURATION",
        env = "DOCKLINE_REDELIVER_EVERY",
        help_heading = "Sweep",
        default_value = "3m"
    )]
    pub redeliver_every: DurationArg,
    /// URL under which browsers reach this API: https, or http on this machine only. The callback and webhook URLs on
    /// GitHub begin with it. Without it, GitHub's web flow returns to the first callback URL of the App.
    #[arg(long, value_name = "URL", env = "DOCKLINE_PUBLIC_URL")]
    pub public_url: Option<String>,
    /// Page of the product for visitors who installed the App without an install link, such as from GitHub. They are
    /// redirected there with installation_id, which proves nothing. Without it, they are refused.
    #[arg(long, value_name = "URL", env = "DOCKLINE_UNSOLICITED_INSTALL_URL")]
    pub unsolicited_install_url: Option<String>,
    /// Minimum proof for the first binding of an installation.
    #[arg(long, value_enum, default_value_t, value_name = "POLICY", env = "DOCKLINE_CLAIM_POLICY")]
    pub claim_policy: PolicyArg,
    /// Header by which clients select an organization. A request in which it names another organization than that of the API
    /// key is rejected. Set several times, or separated by commas.
    #[arg(
        long,
        value_name = "NAME",
        value_delimiter = ',',
        env = "DOCKLINE_TENANT_HEADER",
        default_value = "x-layers-organization"
    )]
    pub tenant_header: Vec<HeaderName>,
    #[command(flatten)]
    pub(crate) forward: ForwardArgs,
    #[command(flatten)]
    pub(crate) auth_failures: AuthFailureArgs,
    #[command(flatten)]
    pub(crate) telemetry: TelemetryArgs,
    /// Print one JSON object with the addresses, once the API listens.
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    pub(crate) listener: ListenerArgs,
    /// Report not ready if GitHub has not accepted the App's credential for this long. 0 ignores GitHub.
    #[arg(long, value_name = "DURATION", env = "DOCKLINE_READY_GITHUB_WITHIN", default_value = "15m")]
    pub ready_github_within: DurationArg,
}

/// The action if migrations are pending.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum Migrations {
    /// Apply pending migrations.
    #[default]
    Apply,
    /// Refuse to start if migrations are pending.
    Check,
}

/// The minimum proof for a first binding.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum PolicyArg {
    /// A valid state of the organization. Anyone with a key can bind an unbound installation by guessing its id.
    State,
    /// Also, the visitor can see the installation.
    Visible,
    /// Also, the visitor administers the account or has just installed the App. The administrator of a single repository
    /// can install an App that has no organization permissions.
    Installer,
    /// Also, the visitor administers the account, or is a member and installed the App with the permission Members.
    #[default]
    Controlled,
}

impl From<PolicyArg> for ClaimPolicy {
    fn from(policy: PolicyArg) -> Self {
        match policy {
            PolicyArg::State => Self::State,
            PolicyArg::Visible => Self::Visible,
            PolicyArg::Installer => Self::Installer,
            PolicyArg::Controlled => Self::Controlled,
        }
    }
}

/// Returns whether the URL is https, or http on this machine.
fn is_https_or_local(url: &str) -> bool {
    let loopback = ["http://127.0.0.1", "http://localhost", "http://[::1]"];
    let local = loopback
        .iter()
        .filter_map(|base| url.strip_prefix(base))
        .any(|rest| rest.is_empty() || rest.starts_with([':', '/', '?']));
    local || (url.starts_with("https://") && url.len() > "https://".len())
}

/// Checks the page for installations without an install link.
pub(crate) fn check_unsolicited_install_url(url: Option<&str>) -> Result<Option<String>, ConfigError> {
    let Some(url) = url else { return Ok(None) };
    let plain = url.bytes().all(|byte| byte.is_ascii_graphic()) && !url.contains(['#', '@']);
    if plain && is_https_or_local(url) {
        Ok(Some(url.to_owned()))
    } else {
        Err(ConfigError::new(
            "--unsolicited-install-url",
            "is not an https URL without fragment (http is for this machine only)",
            "write it as https://app.example.com/github/installed",
        ))
    }
}

/// Checks the public base URL, and removes a slash at its end.
pub(crate) fn check_public_url(url: Option<&str>) -> Result<Option<String>, ConfigError> {
    let Some(url) = url.map(|url| url.trim_end_matches('/')) else { return Ok(None) };
    let plain = !url.contains(['?', '#', '@']) && url.bytes().all(|byte| byte.is_ascii_graphic());
    // The parser refuses quotation marks, back slashes and the like, which would end up in links and in GitHub's settings.
    if plain && is_https_or_local(url) && url.parse::<Uri>().is_ok() {
        Ok(Some(url.to_owned()))
    } else {
        Err(ConfigError::new(
            "--public-url",
            "is not an https URL without query (http is for this machine only)",
            "write it as https://api.example.com",
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unsolicited_install_url_is_https_or_local_and_may_have_a_query() {
        let read = |url: &str| check_unsolicited_install_url(Some(url));
        for good in ["https://app.example.com/installed?from=github", "http://localhost:3000/installed"] {
            assert_eq!(read(good).unwrap().as_deref(), Some(good));
        }
        for bad in [
            "",
            "app.example.com",
            "http://app.example.com/",
            "https://",
            "https://a.test/#x",
            "https://a b.test/",
        ] {
            assert!(read(bad).is_err(), "{bad}");
        }
        assert_eq!(check_unsolicited_install_url(None), Ok(None));
    }

    #[test]
    fn public_url_is_https_or_local() {
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
