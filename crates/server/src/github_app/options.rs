//! Options that name GitHub and the App.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use dockline_github::ApiVersion;
use secrecy::SecretString;

use crate::config::DurationArg;

/// Options that name GitHub and the App.
#[derive(Debug, Clone, Args)]
pub(crate) struct GithubArgs {
    /// URL of GitHub's pages, such as https://github.example.com. Set both URLs, or neither for github.com.
    #[arg(long, value_name = "URL", env = "DOCKLINE_GITHUB_WEB_URL", help_heading = "GitHub App")]
    pub(crate) github_web_url: Option<String>,
    /// URL of GitHub's REST API, such as https://github.example.com/api/v3.
    #[arg(long, value_name = "URL", env = "DOCKLINE_GITHUB_API_URL", help_heading = "GitHub App")]
    pub(crate) github_api_url: Option<String>,
    /// App id. If not set, it is fetched from GitHub at the start.
    #[arg(long, value_name = "ID", env = "DOCKLINE_GITHUB_APP_ID", help_heading = "GitHub App")]
    pub(crate) github_app_id: Option<String>,
    /// Version of GitHub's REST API: 2022-11-28 or 2026-03-10.
    #[arg(
        long,
        value_name = "VERSION",
        env = "DOCKLINE_GITHUB_API_VERSION",
        help_heading = "GitHub App",
        default_value_t
    )]
    pub(crate) github_api_version: ApiVersion,
    /// URL of the proxy through which GitHub is reached, such as http://proxy.example.com:3128. HTTPS_PROXY is ignored.
    ///
    /// All requests to GitHub, and only these, are sent through it, by CONNECT. Write credentials as
    /// http://USER:PASSWORD@HOST:PORT, and special characters percent-encoded. If the URL contains a password, set it by the
    /// environment or by a file: other users of the machine can read command lines.
    #[arg(
        long,
        value_name = "URL",
        env = "DOCKLINE_HTTPS_PROXY",
        help_heading = "GitHub App",
        hide_env_values = true
    )]
    pub(crate) https_proxy: Option<SecretString>,
    /// File that contains the URL of the proxy.
    #[arg(long, value_name = "FILE", env = "DOCKLINE_HTTPS_PROXY_FILE", help_heading = "GitHub App")]
    pub(crate) https_proxy_file: Option<PathBuf>,
    /// Slug of the App, as in github.com/apps/SLUG. If GitHub reports another one, install links use that.
    #[arg(long, value_name = "SLUG", env = "DOCKLINE_GITHUB_APP_SLUG", help_heading = "GitHub App")]
    pub(crate) github_app_slug: Option<String>,
    /// Client id of the App. Every claim policy except `state` needs it.
    #[arg(long, value_name = "ID", env = "DOCKLINE_GITHUB_CLIENT_ID", help_heading = "GitHub App")]
    pub(crate) github_client_id: Option<String>,
    /// Issuer of the JWT by which the App identifies itself. Default: the client id, or the App id if no client id is set.
    /// Enterprise servers up to 3.13 accept only the App id.
    #[arg(
        long,
        value_enum,
        value_name = "ISSUER",
        env = "DOCKLINE_GITHUB_JWT_ISSUER",
        help_heading = "GitHub App"
    )]
    pub(crate) github_jwt_issuer: Option<IssuerArg>,
    /// Client secret of the App.
    #[arg(
        long,
        value_name = "SECRET",
        env = "DOCKLINE_GITHUB_CLIENT_SECRET",
        help_heading = "GitHub App",
        hide_env_values = true
    )]
    pub(crate) github_client_secret: Option<SecretString>,
    /// File that contains the client secret.
    #[arg(
        long,
        value_name = "FILE",
        env = "DOCKLINE_GITHUB_CLIENT_SECRET_FILE",
        help_heading = "GitHub App"
    )]
    pub(crate) github_client_secret_file: Option<PathBuf>,
    /// Private key of the App in PEM, with line breaks or with \n in their place.
    #[arg(
        long,
        value_name = "PEM",
        env = "DOCKLINE_GITHUB_PRIVATE_KEY",
        help_heading = "GitHub App",
        hide_env_values = true
    )]
    pub(crate) github_private_key: Option<SecretString>,
    /// File that contains the private key in PEM, as downloaded from GitHub.
    #[arg(long, value_name = "FILE", env = "DOCKLINE_GITHUB_PRIVATE_KEY_FILE", help_heading = "GitHub App")]
    pub(crate) github_private_key_file: Option<PathBuf>,
    /// Program that signs instead of a private key, for example with a key management service: 'PROGRAM ARGUMENT...'.
    ///
    /// Runs once in eight minutes, without a shell; quotes and backslashes split arguments as in a shell. It reads the bytes
    /// to sign from standard input, to the end, and writes the RS256 signature (RSASSA-PKCS1-v1_5 with SHA-256) to standard
    /// output, raw or in base64. To try it out: openssl dgst -sha256 -sign key.pem
    #[arg(long, value_name = "COMMAND", env = "DOCKLINE_GITHUB_SIGNER_COMMAND", help_heading = "GitHub App")]
    pub(crate) github_signer_command: Option<String>,
    /// Time that the signer program may take.
    #[arg(
        long,
        value_name = "DURATION",
        env = "DOCKLINE_GITHUB_SIGNER_TIMEOUT",
        help_heading = "GitHub App",
        default_value = "5s"
    )]
    pub(crate) github_signer_timeout: DurationArg,
    /// File that contains the App's public key in PEM. Signatures are verified with it before GitHub receives them.
    #[arg(long, value_name = "FILE", env = "DOCKLINE_GITHUB_PUBLIC_KEY_FILE", help_heading = "GitHub App")]
    pub(crate) github_public_key_file: Option<PathBuf>,
}

/// The issuer of the App's JWT.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum IssuerArg {
    /// The client id; needs --github-client-id.
    ClientId,
    /// The App id; needs --github-app-id.
    AppId,
}
