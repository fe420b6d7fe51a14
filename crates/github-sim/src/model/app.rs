//! GitHub Apps.

use std::collections::BTreeMap;

use secrecy::SecretString;
use time::OffsetDateTime;

use super::Model;
use super::account::AccountKind;
use super::hook::{Hook, WebhookSettings};
use super::keys::{self, PublicKey};
use crate::error::SimError;
use crate::random;
use crate::urls::web_url;

/// The owner of Apps without a [`NewApp::owner`].
const PUBLISHER: &str = "app-publisher";
const MAX_CALLBACK_URLS: usize = 10;

/// An App to register.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct NewApp {
    /// The name in URLs.
    pub slug: String,
    /// The display name.
    pub name: String,
    /// The OAuth callback URLs, at most 10. The install flow redirects to the first one.
    pub callback_urls: Vec<String>,
    /// The setup URL of Apps that do not request user authorization during installation. If it is set, the install flow redirects
    /// there without a `code`.
    pub setup_url: Option<String>,
    /// The login of the owner. `None` is the organization `app-publisher`.
    pub owner: Option<String>,
    /// The requested permissions, such as `members` → `read`.
    pub permissions: BTreeMap<String, String>,
    /// The subscribed events.
    pub events: Vec<String>,
    /// The webhook. Its URL gets a `ping` at once.
    pub webhook: WebhookSettings,
    /// Whether the App can use the device flow.
    pub device_flow: bool,
    /// The App's id. `None` chooses one.
    pub app_id: Option<u64>,
    /// The private key in PKCS#1 PEM. `None` uses a published development key.
    pub private_key_pem: Option<SecretString>,
}

impl NewApp {
    /// Returns an App with the permissions contents: write, members: read, metadata: read and pull_requests: write.
    pub fn new(slug: &str, callback_url: &str) -> Self {
        let permissions =
            [("contents", "write"), ("members", "read"), ("metadata", "read"), ("pull_requests", "write")];
        Self {
            slug: slug.to_owned(),
            name: slug.to_owned(),
            callback_urls: vec![callback_url.to_owned()],
            setup_url: None,
            owner: None,
            permissions: permissions.map(|(name, level)| (name.to_owned(), level.to_owned())).into(),
            events: vec!["pull_request".to_owned(), "push".to_owned()],
            webhook: WebhookSettings::default(),
            device_flow: false,
            app_id: None,
            private_key_pem: None,
        }
    }

    /// Sets the display name.
    #[must_use]
    pub fn named(mut self, name: &str) -> Self {
        name.clone_into(&mut self.name);
        self
    }

    /// Sets the requested permissions.
    #[must_use]
    pub fn with_permissions<const N: usize>(mut self, permissions: [(&str, &str); N]) -> Self {
        self.permissions = permissions.map(|(name, level)| (name.to_owned(), level.to_owned())).into();
        self
    }

    /// Adds a callback URL.
    #[must_use]
    pub fn with_callback_url(mut self, url: &str) -> Self {
        self.callback_urls.push(url.to_owned());
        self
    }

    /// Enables the device flow.
    #[must_use]
    pub fn with_device_flow(mut self) -> Self {
        self.device_flow = true;
        self
    }

    /// Sets the setup URL.
    #[must_use]
    pub fn with_setup_url(mut self, url: &str) -> Self {
        self.setup_url = Some(url.to_owned());
        self
    }

    /// Sets the URL of the webhook.
    #[must_use]
    pub fn with_webhook_url(mut self, url: &str) -> Self {
        self.webhook.url = Some(url.to_owned());
        self
    }

    /// Sets the secret of the webhook. An empty secret leaves deliveries unsigned.
    #[must_use]
    pub fn with_webhook_secret(mut self, secret: &str) -> Self {
        self.webhook.secret = Some(secret.into());
        self
    }
}

/// The credentials of an App.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct AppCredentials {
    /// The App's id, a valid `iss` of its JWTs.
    pub app_id: u64,
    /// The name in URLs.
    pub slug: String,
    /// The display name.
    pub name: String,
    /// The OAuth client id, also a valid `iss`.
    pub client_id: String,
    /// The OAuth client secret.
    pub client_secret: SecretString,
    /// The private key in PKCS#1 PEM.
    pub private_key_pem: SecretString,
    /// The secret that signs webhook deliveries.
    pub webhook_secret: SecretString,
    /// The first callback URL.
    pub callback_url: String,
}

#[derive(Debug)]
pub(crate) struct App {
    pub(crate) id: u64,
    pub(crate) slug: String,
    pub(crate) name: String,
    pub(crate) owner: u64,
    pub(crate) client_id: String,
    pub(crate) client_secret: SecretString,
    private_key_pem: SecretString,
    pub(crate) public_key: PublicKey,
    pub(crate) hook: Hook,
    pub(crate) callback_urls: Vec<String>,
    pub(crate) setup_url: Option<String>,
    pub(crate) permissions: BTreeMap<String, String>,
    pub(crate) events: Vec<String>,
    pub(crate) device_flow: bool,
    pub(crate) created_at: OffsetDateTime,
}

impl App {
    pub(crate) fn callback_url(&self) -> &str {
        self.callback_urls.first().map_or("", String::as_str)
    }

    pub(crate) fn credentials(&self) -> AppCredentials {
        AppCredentials {
            app_id: self.id,
            slug: self.slug.clone(),
            name: self.name.clone(),
            client_id: self.client_id.clone(),
            client_secret: self.client_secret.clone(),
            private_key_pem: self.private_key_pem.clone(),
            webhook_secret: self.hook.secret.clone(),
            callback_url: self.callback_url().to_owned(),
        }
    }
}

impl Model {
    pub(crate) fn create_app(
        &mut self,
        new: NewApp,
        now: OffsetDateTime,
    ) -> Result<AppCredentials, SimError> {
        self.check_app(&new)?;
        let number = self.issued.apps;
        let id = new.app_id.unwrap_or(1_000_003 + number * 17);
        if id == 0 || self.apps.contains_key(&id) {
            return Err(SimError::Taken(id.to_string()));
        }
        let private_key_pem = new.private_key_pem.unwrap_or_else(|| keys::development(number).into());
        let app = App {
            id,
            public_key: PublicKey::of_private(secrecy::ExposeSecret::expose_secret(&private_key_pem))?,
            private_key_pem,
            client_id: random::alphanumeric("Iv23li", 14),
            client_secret: random::hex(20).into(),
            hook: Hook::new(new.webhook, number, now)?,
            owner: self.app_owner(new.owner.as_deref(), now)?,
            slug: new.slug,
            name: new.name,
            callback_urls: new.callback_urls,
            setup_url: new.setup_url,
            permissions: new.permissions,
            events: new.events,
            device_flow: new.device_flow,
            created_at: now,
        };
        self.issued.apps += 1;
        let credentials = app.credentials();
        let has_webhook = app.hook.url.is_some();
        self.apps.insert(id, app);
        if has_webhook {
            self.ping(id)?;
        }
        Ok(credentials)
    }

    fn check_app(&self, new: &NewApp) -> Result<(), SimError> {
        let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        if new.slug.is_empty() || !new.slug.bytes().all(allowed) {
            return Err(SimError::Invalid("a slug has lower-case letters, digits and hyphens"));
        }
        if self.app_by_slug(&new.slug).is_some() {
            return Err(SimError::Taken(new.slug.clone()));
        }
        let mut urls = new.callback_urls.iter().chain(&new.setup_url);
        if new.callback_urls.len() > MAX_CALLBACK_URLS {
            return Err(SimError::Invalid("an App has at most 10 callback URLs"));
        }
        if new.callback_urls.is_empty() || !urls.all(|url| web_url(url).is_some()) {
            return Err(SimError::Invalid(
                "an App needs a callback URL, and all its URLs start with http:// or https://",
            ));
        }
        Ok(())
    }

    fn app_owner(&mut self, owner: Option<&str>, now: OffsetDateTime) -> Result<u64, SimError> {
        match owner {
            Some(login) => self.id_of(login),
            None => self
                .id_of(PUBLISHER)
                .or_else(|_| self.create_account(AccountKind::Organization, PUBLISHER, now)),
        }
    }

    pub(crate) fn app(&self, id: u64) -> Option<&App> {
        self.apps.get(&id)
    }

    pub(crate) fn require_app(&self, id: u64) -> Result<&App, SimError> {
        self.app(id).ok_or(SimError::UnknownApp(id))
    }

    pub(crate) fn apps(&self) -> impl Iterator<Item = &App> {
        self.apps.values()
    }

    pub(crate) fn app_by_slug(&self, slug: &str) -> Option<&App> {
        self.apps().find(|app| app.slug == slug)
    }

    pub(crate) fn app_by_client_id(&self, client_id: &str) -> Option<&App> {
        self.apps().find(|app| app.client_id == client_id)
    }

    pub(crate) fn set_app_permissions(
        &mut self,
        id: u64,
        permissions: BTreeMap<String, String>,
    ) -> Result<(), SimError> {
        self.apps.get_mut(&id).ok_or(SimError::UnknownApp(id))?.permissions = permissions;
        Ok(())
    }
}
