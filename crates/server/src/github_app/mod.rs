//! The options that name GitHub and the App, their checks, and the gateway.

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

pub(crate) use connect::{Connected, cause_and_help, connect, open};
pub(crate) use options::GithubArgs;

/// The values of the options, checked without network calls.
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

/// How JWTs are signed.
#[derive(Clone)]
enum Signing {
    PrivateKey(SecretString),
    Signer(Arc<dyn Signer>),
}

impl Configured {
    /// Returns the configuration of the gateway for App `app`.
    fn gateway_config(&self, app: AppId) -> GithubAppConfig {
        let config = match &self.signing {
            Signing::PrivateKey(pem) => GithubAppConfig::new(app, &self.slug, pem.clone()),
            Signing::Signer(signer) => GithubAppConfig::signed_by(app, &self.slug, Arc::clone(signer)),
        };
        let config = config
            .with_host(self.host.clone())
            .with_signing_timeout(self.signing_timeout)
            .with_observer(Arc::new(telemetry::GithubMetrics));
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
