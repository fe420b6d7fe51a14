//! GitHub Apps: who they are and what they may do.

use std::collections::BTreeMap;

use secrecy::SecretString;
use time::OffsetDateTime;

use super::Model;
use super::account::AccountKind;
use super::hook::{ContentType, Hook, WebhookSettings};
use crate::error::SimError;
use crate::keys::{self, PublicKey};
use crate::random;

/// The organization that owns Apps whose [`NewApp::owner`] is not set.
const PUBLISHER: &str = "app-publisher";

/// An App to register.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct NewApp {
    /// The name in its addresses.
    pub slug: String,
    /// The name that people see.
    pub name: String,
    /// The exact OAuth callback URLs; the install flow goes to the first.
    pub callback_urls: Vec<String>,
    /// Where an installation leads when the App does not ask for the user's authorization during installation. Set, no `code` is sent.
    pub setup_url: Option<String>,
    /// Which account owns the App; none: an organization made for the purpose.
    pub owner: Option<String>,
    /// What the App may do, such as `members` → `read`.
    pub permissions: BTreeMap<String, String>,
    /// Which events the App subscribed to.
    pub events: Vec<String>,
    /// Whether `setup_action=update` carries a `code` too. GitHub mostly sends none.
    pub code_on_update: bool,
    /// Its webhook; GitHub tries a URL out with a `ping` at once.
    pub webhook: WebhookSettings,
    /// A certain App id.
    pub app_id: Option<u64>,
    /// A certain private key, in PKCS#1 PEM; none: a development key.
    pub private_key_pem: Option<SecretString>,
}

impl NewApp {
    /// An App with GitHub's usual settings, and the permissions contents: write, metadata: read, members: read, pull_requests: write.
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
            code_on_update: false,
            webhook: WebhookSettings::default(),
            app_id: None,
            private_key_pem: None,
        }
    }

    /// The name that people see.
    #[must_use]
    pub fn named(mut self, name: &str) -> Self {
        name.clone_into(&mut self.name);
        self
    }

    /// Exactly these permissions.
    #[must_use]
    pub fn with_permissions<const N: usize>(mut self, permissions: [(&str, &str); N]) -> Self {
        self.permissions = permissions.map(|(name, level)| (name.to_owned(), level.to_owned())).into();
        self
    }

    /// One more exact callback URL.
    #[must_use]
    pub fn with_callback_url(mut self, url: &str) -> Self {
        self.callback_urls.push(url.to_owned());
        self
    }

    /// A setup URL, instead of asking for the user's authorization during installation.
    #[must_use]
    pub fn with_setup_url(mut self, url: &str) -> Self {
        self.setup_url = Some(url.to_owned());
        self
    }

    /// Whether `setup_action=update` carries a `code` too.
    #[must_use]
    pub fn with_code_on_update(mut self, code_on_update: bool) -> Self {
        self.code_on_update = code_on_update;
        self
    }

    /// Where webhook deliveries are posted.
    #[must_use]
    pub fn with_webhook_url(mut self, url: &str) -> Self {
        self.webhook.url = Some(url.to_owned());
        self
    }

    /// A certain webhook secret; an empty one signs nothing.
    #[must_use]
    pub fn with_webhook_secret(mut self, secret: &str) -> Self {
        self.webhook.secret = Some(secret.into());
        self
    }

    /// How webhook payloads are written.
    #[must_use]
    pub fn with_webhook_content_type(mut self, content_type: ContentType) -> Self {
        self.webhook.content_type = content_type;
        self
    }

    /// A certain App id.
    #[must_use]
    pub fn with_app_id(mut self, app_id: u64) -> Self {
        self.app_id = Some(app_id);
        self
    }
}

/// What GitHub shows an App's owner once: everything to configure a client with.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct AppCredentials {
    /// The App's id, one of the two possible JWT issuers.
    pub app_id: u64,
    /// The name in its addresses.
    pub slug: String,
    /// The name that people see.
    pub name: String,
    /// The OAuth client's id, the other possible JWT issuer.
    pub client_id: String,
    /// The OAuth client's secret.
    pub client_secret: SecretString,
    /// The private key, in PKCS#1 PEM.
    pub private_key_pem: SecretString,
    /// What signs webhook deliveries.
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
    pub(crate) code_on_update: bool,
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
        let turn = self.given.apps;
        let id = new.app_id.unwrap_or(1_000_003 + turn * 17);
        if id == 0 || self.apps.contains_key(&id) {
            return Err(SimError::Taken(id.to_string()));
        }
        let private_key_pem = new.private_key_pem.unwrap_or_else(|| keys::development(turn).into());
        let app = App {
            id,
            public_key: PublicKey::of_private(secrecy::ExposeSecret::expose_secret(&private_key_pem))?,
            private_key_pem,
            client_id: random::alphanumeric("Iv23li", 14)?,
            client_secret: random::hex(20)?.into(),
            hook: Hook::new(new.webhook, turn, now)?,
            owner: self.app_owner(new.owner.as_deref(), now)?,
            slug: new.slug,
            name: new.name,
            callback_urls: new.callback_urls,
            setup_url: new.setup_url,
            permissions: new.permissions,
            events: new.events,
            code_on_update: new.code_on_update,
            created_at: now,
        };
        self.given.apps += 1;
        let credentials = app.credentials();
        let tried_out = app.hook.url.is_some();
        self.apps.insert(id, app);
        if tried_out {
            self.ping(id)?;
        }
        Ok(credentials)
    }

    fn check_app(&self, new: &NewApp) -> Result<(), SimError> {
        let fits = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        if new.slug.is_empty() || !new.slug.bytes().all(fits) {
            return Err(SimError::Invalid("a slug is lower case letters, digits and hyphens"));
        }
        if self.app_by_slug(&new.slug).is_some() {
            return Err(SimError::Taken(new.slug.clone()));
        }
        let web = |url: &String| url.starts_with("http://") || url.starts_with("https://");
        if new.callback_urls.is_empty() || !new.callback_urls.iter().chain(&new.setup_url).all(web) {
            return Err(SimError::Invalid("an App needs a callback URL, and its URLs are http or https"));
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

    pub(crate) fn known_app(&self, id: u64) -> Result<&App, SimError> {
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
