//! The options of `dockline init`.

use std::path::PathBuf;

use clap::Args;

use crate::config::DurationArg;
use crate::database::FileArgs;

/// Options of `dockline init`. Each answers a question; secrets are given by files, by variables or as answers.
#[derive(Debug, Clone, Args)]
pub(crate) struct InitArgs {
    /// Configuration file to write. The files with secrets are written beside it.
    #[arg(long = "config", value_name = "FILE", env = "DOCKLINE_CONFIG", default_value = "dockline.toml")]
    pub(super) output: PathBuf,
    /// Overwrite files that exist.
    #[arg(long)]
    pub(super) force: bool,
    /// Create the App at GitHub: open the printed URL in a browser on this machine, and confirm there.
    #[arg(
        long,
        conflicts_with_all = [
            "github_app_id",
            "github_app_slug",
            "github_client_id",
            "github_client_secret_file",
            "github_private_key_file",
            "webhook_secret_file",
        ]
    )]
    pub(super) create_app: bool,
    /// Organization at GitHub that will own the created App. Default: the user who is signed in.
    #[arg(long, value_name = "LOGIN", requires = "create_app", value_parser = login)]
    pub(super) app_owner: Option<String>,
    /// Name of the created App, which can be changed in the browser.
    #[arg(long, value_name = "NAME", requires = "create_app", value_parser = name)]
    pub(super) app_name: Option<String>,
    /// Give up if the App is not created in this time. GitHub allows an hour. 0 waits without an end.
    #[arg(long, value_name = "DURATION", default_value = "1h", requires = "create_app")]
    pub(super) create_app_timeout: DurationArg,
    /// URL under which browsers reach this API.
    #[arg(long, value_name = "URL", env = "DOCKLINE_PUBLIC_URL")]
    pub(super) public_url: Option<String>,
    #[command(flatten)]
    pub(super) file: FileArgs,
    /// URL of GitHub's pages. Set both URLs, or neither for github.com.
    #[arg(long, value_name = "URL", env = "DOCKLINE_GITHUB_WEB_URL", help_heading = "GitHub App")]
    pub(super) github_web_url: Option<String>,
    /// URL of GitHub's REST API.
    #[arg(long, value_name = "URL", env = "DOCKLINE_GITHUB_API_URL", help_heading = "GitHub App")]
    pub(super) github_api_url: Option<String>,
    /// File that contains the URL of the proxy.
    #[arg(long, value_name = "FILE", env = "DOCKLINE_HTTPS_PROXY_FILE", help_heading = "GitHub App")]
    pub(super) https_proxy_file: Option<PathBuf>,
    /// App id.
    #[arg(long, value_name = "ID", env = "DOCKLINE_GITHUB_APP_ID", help_heading = "GitHub App")]
    pub(super) github_app_id: Option<String>,
    /// Slug of the App, as in github.com/apps/SLUG.
    #[arg(long, value_name = "SLUG", env = "DOCKLINE_GITHUB_APP_SLUG", help_heading = "GitHub App")]
    pub(super) github_app_slug: Option<String>,
    /// Client id of the App.
    #[arg(long, value_name = "ID", env = "DOCKLINE_GITHUB_CLIENT_ID", help_heading = "GitHub App")]
    pub(super) github_client_id: Option<String>,
    /// File that contains the client secret. Instead, DOCKLINE_GITHUB_CLIENT_SECRET may be set.
    #[arg(
        long,
        value_name = "FILE",
        env = "DOCKLINE_GITHUB_CLIENT_SECRET_FILE",
        help_heading = "GitHub App"
    )]
    pub(super) github_client_secret_file: Option<PathBuf>,
    /// File that contains the private key in PEM. Instead, DOCKLINE_GITHUB_PRIVATE_KEY may be set.
    #[arg(long, value_name = "FILE", env = "DOCKLINE_GITHUB_PRIVATE_KEY_FILE", help_heading = "GitHub App")]
    pub(super) github_private_key_file: Option<PathBuf>,
    /// File that contains the webhook secret. Instead, DOCKLINE_WEBHOOK_SECRET may be set.
    #[arg(
        long,
        value_name = "FILE",
        value_delimiter = ',',
        env = "DOCKLINE_WEBHOOK_SECRET_FILE",
        help_heading = "GitHub App"
    )]
    pub(super) webhook_secret_file: Vec<PathBuf>,
}

/// Parses the login of an organization.
fn login(text: &str) -> Result<String, &'static str> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    let fits = (1..=100).contains(&text.len()) && text.bytes().all(allowed);
    if fits { Ok(text.to_owned()) } else { Err("write it as in the organization's URL, github.com/LOGIN") }
}

/// Parses the name of an App, within GitHub's limit.
fn name(text: &str) -> Result<String, &'static str> {
    let text = text.trim();
    let fits = (1..=34).contains(&text.chars().count());
    if fits { Ok(text.to_owned()) } else { Err("the name of an App has 1 to 34 characters") }
}
