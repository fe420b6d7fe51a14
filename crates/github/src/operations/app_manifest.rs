//! Creating an App from a manifest.

use std::fmt;

use dockline::{AppId, GithubCredential, PortError};
use secrecy::{ExposeSecret, SecretString};

use crate::config::GithubAppConfig;
use crate::error::{ConfigError, GithubError};
use crate::host::GithubHost;
use crate::http::{Credential, HttpClient, Request, error_of};
use crate::identifiers::fits;
use crate::observer::Operation;
use crate::proxy::HttpsProxy;
use crate::wire::CreatedAppWire;

/// GitHub's App manifest flow, which creates an App by one confirmation in a browser.
///
/// A page posts the manifest, JSON in the form field `manifest`, to [`registration_page`](Self::registration_page) with a
/// `state`. GitHub shows the App, and after the confirmation redirects the browser to the manifest's `redirect_url` with
/// `code` and `state`. [`exchange`](Self::exchange) returns the App for the code.
pub struct AppManifests {
    host: GithubHost,
    client: HttpClient,
}

/// An App that was created from a manifest, with its secrets. GitHub returns them once.
#[derive(Clone)]
#[non_exhaustive]
pub struct CreatedApp {
    /// The App's id.
    pub app: AppId,
    /// The App's name in URLs.
    pub slug: String,
    /// The App's display name.
    pub name: String,
    /// The URL of the App's public page.
    pub page: String,
    /// The OAuth client id.
    pub client_id: String,
    /// The OAuth client secret.
    pub client_secret: SecretString,
    /// The webhook secret; `None` if the manifest has no webhook.
    pub webhook_secret: Option<SecretString>,
    /// The private key in PEM.
    pub private_key_pem: SecretString,
}

impl AppManifests {
    /// Prepares the flow at a GitHub. Makes no network call.
    ///
    /// # Errors
    /// If the client cannot be built.
    pub fn new(host: GithubHost, proxy: Option<HttpsProxy>) -> Result<Self, ConfigError> {
        // The client needs host, proxy and timeouts only: there is no App yet.
        let placeholder = AppId::new(1).map_err(|_| ConfigError::AppId)?;
        let config =
            GithubAppConfig::new(placeholder, "app", SecretString::default()).with_host(host.clone());
        let config = match proxy {
            Some(proxy) => config.with_proxy(proxy),
            None => config,
        };
        Ok(Self { host, client: HttpClient::new(&config)? })
    }

    /// Returns the URL to which the form is posted, without the parameter `state`: for an App of an organization, or of the
    /// user who is signed in.
    #[must_use]
    pub fn registration_page(&self, organization: Option<&str>) -> String {
        self.host.new_app_page(organization)
    }

    /// Exchanges the code for the App and its secrets. GitHub accepts a code once, within an hour.
    ///
    /// # Errors
    /// [`PortError`]. If its kind is `Unavailable` or `RateLimited`, the code may still be valid.
    pub async fn exchange(&self, code: &SecretString) -> Result<CreatedApp, PortError> {
        self.convert(code.expose_secret()).await.map_err(|error| error.about(GithubCredential::App))
    }

    async fn convert(&self, code: &str) -> Result<CreatedApp, GithubError> {
        // The code becomes part of the path.
        if !fits(code, |byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')) {
            return Err(GithubError::ManifestCodeRejected);
        }
        let request = Request::post(Operation::ConvertManifest, format!("/app-manifests/{code}/conversions"));
        let response = self.client.send(self.host.api(), request, Credential::InPath).await?;
        match error_of(&response) {
            None => response.json::<CreatedAppWire>()?.try_into(),
            Some(GithubError::NotFound { own: true, .. }) => Err(GithubError::ManifestCodeRejected),
            Some(error) => Err(error),
        }
    }
}

impl fmt::Debug for AppManifests {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AppManifests").field("host", &self.host).finish_non_exhaustive()
    }
}

impl fmt::Debug for CreatedApp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CreatedApp").field("app", &self.app).field("slug", &self.slug).finish_non_exhaustive()
    }
}
