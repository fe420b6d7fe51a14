//! The configured GitHub: what the commands that talk to it are told, and the gateway to it.

mod check;
mod connect;
mod options;
mod signer_command;

use std::sync::Arc;
use std::time::Duration;

use dockline::AppId;
use dockline_github::{GithubAppConfig, GithubHost, PublicKey, Signer};
use secrecy::SecretString;

use crate::telemetry;

pub(crate) use connect::{Connected, about, connect, open};
pub(crate) use options::GithubArgs;

/// What the options say, checked as far as nobody has to be asked.
pub(crate) struct Configured {
    pub(crate) app: Option<AppId>,
    pub(crate) slug: String,
    pub(crate) client_id: Option<String>,
    host: GithubHost,
    client_secret: Option<SecretString>,
    signing: Signing,
    signing_timeout: Duration,
    public_key: Option<PublicKey>,
}

/// Who signs.
#[derive(Clone)]
enum Signing {
    Pem(SecretString),
    By(Arc<dyn Signer>),
}

impl Configured {
    /// The gateway's configuration, as the App of that number.
    fn as_app(&self, app: AppId) -> GithubAppConfig {
        let config = match &self.signing {
            Signing::Pem(pem) => GithubAppConfig::new(app, &self.slug, pem.clone()),
            Signing::By(signer) => GithubAppConfig::signed_by(app, &self.slug, Arc::clone(signer)),
        };
        let config = config
            .with_host(self.host.clone())
            .with_signing_timeout(self.signing_timeout)
            .with_observer(Arc::new(telemetry::Gateway));
        let config = match &self.public_key {
            Some(key) => config.with_public_key(key.clone()),
            None => config,
        };
        match (&self.client_id, &self.client_secret) {
            (Some(id), Some(secret)) => config.with_oauth_client(id, secret.clone()),
            _ => config,
        }
    }
}
