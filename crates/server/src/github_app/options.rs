//! Options that name GitHub and the App.

use std::path::PathBuf;

use clap::Args;
use secrecy::SecretString;

use crate::period::Period;

/// Options that name GitHub and the App.
#[derive(Debug, Clone, Args)]
pub(crate) struct GithubArgs {
    /// GitHub's pages, such as https://github.example.com; github.com where neither URL is given.
    #[arg(long, value_name = "URL", env = "DOCKLINE_GITHUB_WEB_URL", help_heading = "GitHub App")]
    pub(crate) github_web_url: Option<String>,
    /// GitHub's REST API, such as https://github.example.com/api/v3.
    #[arg(long, value_name = "URL", env = "DOCKLINE_GITHUB_API_URL", help_heading = "GitHub App")]
    pub(crate) github_api_url: Option<String>,
    /// The App's number. Where it is left out, GitHub is asked for it at the start.
    #[arg(long, value_name = "ID", env = "DOCKLINE_GITHUB_APP_ID", help_heading = "GitHub App")]
    pub(crate) github_app_id: Option<String>,
    /// The App's name in addresses: github.com/apps/SLUG.
    #[arg(long, value_name = "SLUG", env = "DOCKLINE_GITHUB_APP_SLUG", help_heading = "GitHub App")]
    pub(crate) github_app_slug: Option<String>,
    /// The App's client id; every claim policy but `state` needs it.
    #[arg(long, value_name = "ID", env = "DOCKLINE_GITHUB_CLIENT_ID", help_heading = "GitHub App")]
    pub(crate) github_client_id: Option<String>,
    /// The App's client secret.
    #[arg(
        long,
        value_name = "SECRET",
        env = "DOCKLINE_GITHUB_CLIENT_SECRET",
        help_heading = "GitHub App",
        hide_env_values = true
    )]
    pub(crate) github_client_secret: Option<SecretString>,
    /// File with the App's client secret.
    #[arg(
        long,
        value_name = "FILE",
        env = "DOCKLINE_GITHUB_CLIENT_SECRET_FILE",
        help_heading = "GitHub App"
    )]
    pub(crate) github_client_secret_file: Option<PathBuf>,
    /// The App's private key, as GitHub gave it: the PEM text, with its line breaks or with \n in their place.
    #[arg(
        long,
        value_name = "PEM",
        env = "DOCKLINE_GITHUB_PRIVATE_KEY",
        help_heading = "GitHub App",
        hide_env_values = true
    )]
    pub(crate) github_private_key: Option<SecretString>,
    /// File with the App's private key, as GitHub gave it.
    #[arg(long, value_name = "FILE", env = "DOCKLINE_GITHUB_PRIVATE_KEY_FILE", help_heading = "GitHub App")]
    pub(crate) github_private_key_file: Option<PathBuf>,
    /// Program that signs in the private key's place, such as by a key management service: 'PROGRAM ARGUMENT...'.
    ///
    /// It is run once in eight minutes, without a shell (quotes and backslashes work as in one). It reads what is to be
    /// signed from its standard input to its end, and writes the RS256 signature (RSASSA-PKCS1-v1_5 with SHA-256) to its
    /// standard output, raw or in base64. To try it out: openssl dgst -sha256 -sign key.pem
    #[arg(long, value_name = "COMMAND", env = "DOCKLINE_GITHUB_SIGNER_COMMAND", help_heading = "GitHub App")]
    pub(crate) github_signer_command: Option<String>,
    /// How long that program may take.
    #[arg(
        long,
        value_name = "PERIOD",
        env = "DOCKLINE_GITHUB_SIGNER_TIMEOUT",
        help_heading = "GitHub App",
        default_value = "5s"
    )]
    pub(crate) github_signer_timeout: Period,
    /// File with the public half of the App's key, in PEM: signatures are checked before GitHub sees them.
    #[arg(long, value_name = "FILE", env = "DOCKLINE_GITHUB_PUBLIC_KEY_FILE", help_heading = "GitHub App")]
    pub(crate) github_public_key_file: Option<PathBuf>,
}
