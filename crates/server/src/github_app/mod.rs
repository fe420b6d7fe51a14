//! The options that name GitHub and the App, their checks, and the gateway.

mod check;
mod connect;
mod options;
mod signer_command;

use std::sync::Arc;
use std::time::Duration;

use dockline::AppId;
use dockline_github::{ApiVersion, GithubAppConfig, GithubHost, HttpsProxy, Issuer, PublicKey, Signer};
use secrecy::SecretString;

use crate::telemetry;

pub(crate) use connect::{Connected, cause_and_help, connect, is_temporary, open};
pub(crate) use options::GithubArgs;

/// The values of the options, checked without network calls.
pub(crate) struct Configured {
    pub(crate) app: Option<AppId>,
    pub(crate) slug: String,
    pub(crate) client_id: Option<String>,
    host: GithubHost,
    issuer: Option<Issuer>,
    api_version: ApiVersion,
    proxy: Option<HttpsProxy>,
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
    /// Returns the base URL of the API.
    pub(crate) fn api_base(&self) -> &str {
        self.host.api()
    }

    /// Returns the configuration of the gateway for App `app`.
    fn gateway_config(&self, app: AppId) -> GithubAppConfig {
        let config = match &self.signing {
            Signing::PrivateKey(pem) => GithubAppConfig::new(app, &self.slug, pem.clone()),
            Signing::Signer(signer) => GithubAppConfig::signed_by(app, &self.slug, Arc::clone(signer)),
        };
        let config = config
            .with_host(self.host.clone())
            .with_api_version(self.api_version)
            .with_signing_timeout(self.signing_timeout)
            .with_observer(Arc::new(telemetry::GithubMetrics));
        let config = match &self.public_key {
            Some(key) => config.with_public_key(key.clone()),
            None => config,
        };
        let config = match &self.issuer {
            Some(issuer) => config.with_issuer(issuer.clone()),
            None => config,
        };
        let config = match &self.proxy {
            Some(proxy) => config.with_proxy(proxy.clone()),
            None => config,
        };
        match (&self.client_id, &self.client_secret) {
            (Some(id), Some(secret)) => config.with_oauth_client(id, secret.clone()),
            _ => config,
        }
    }

    /// Describes how GitHub is called: URL, API version, issuer and proxy, without its credentials.
    pub(crate) fn described(&self) -> String {
        let issuer = match (&self.issuer, &self.client_id) {
            (Some(Issuer::AppId), _) | (None, None) => "App id",
            _ => "client id",
        };
        let proxy =
            self.proxy.as_ref().map(|proxy| format!(", through the proxy {proxy}")).unwrap_or_default();
        format!("{}, API version {}, JWT issuer: {issuer}{proxy}", self.host.api(), self.api_version)
    }

    /// Returns the environment variable that names a proxy which is not used, if there is one.
    pub(crate) fn ignored_proxy(&self) -> Option<&'static str> {
        let is_set = |name: &&str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"]
            .into_iter()
            .find(is_set)
            .filter(|_| self.proxy.is_none())
    }
}
