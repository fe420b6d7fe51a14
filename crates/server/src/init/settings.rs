//! What `dockline init` writes.

use std::path::PathBuf;

use dockline_github::GithubHost;
use secrecy::SecretString;

/// The files with the secrets, beside the configuration.
pub(super) const CLIENT_SECRET: &str = "github-client-secret";
pub(super) const PRIVATE_KEY: &str = "github-private-key.pem";
pub(super) const WEBHOOK_SECRET: &str = "webhook-secret";

/// The valid answers.
pub(super) struct Settings {
    pub(super) host: GithubHost,
    pub(super) proxy_file: Option<PathBuf>,
    pub(super) app_id: String,
    pub(super) slug: String,
    pub(super) client_id: String,
    pub(super) client_secret: Source,
    pub(super) private_key: Source,
    pub(super) webhook_secret: Source,
    pub(super) public_url: String,
    pub(super) data_dir: PathBuf,
    pub(super) created: Option<Created>,
}

/// An App that `dockline init` created.
pub(super) struct Created {
    pub(super) name: String,
    /// The URL of its public page.
    pub(super) page: String,
}

/// Where a secret is.
pub(super) enum Source {
    /// In files that exist; only the webhook secret may have several.
    Files(Vec<PathBuf>),
    /// Typed or created, to be written into a file.
    Typed(SecretString),
    /// Made up here, to be written into a file and to be set at GitHub, too.
    Generated(SecretString),
    /// In the environment variable of this name, where it stays.
    Environment(&'static str),
    /// The App has none.
    Absent,
}

impl Settings {
    /// Returns the secrets to write, each with the name of its file.
    pub(super) fn typed_secrets(&self) -> Vec<(&'static str, &SecretString)> {
        let all = [
            (PRIVATE_KEY, &self.private_key),
            (CLIENT_SECRET, &self.client_secret),
            (WEBHOOK_SECRET, &self.webhook_secret),
        ];
        let typed = all.into_iter().filter_map(|(name, source)| match source {
            Source::Typed(secret) | Source::Generated(secret) => Some((name, secret)),
            Source::Files(_) | Source::Environment(_) | Source::Absent => None,
        });
        typed.collect()
    }
}
