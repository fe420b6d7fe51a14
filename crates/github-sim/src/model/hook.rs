//! An App's webhook: where its deliveries go, and what signs them.

use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::Model;
use super::app::App;
use super::change::Change;
use crate::error::SimError;
use crate::random;

/// How a delivery's payload is written into its body.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ContentType {
    /// The payload itself: `application/json`.
    #[default]
    Json,
    /// `payload=` and the payload, percent-encoded: `application/x-www-form-urlencoded`.
    Form,
}

/// The webhook of a new App.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct WebhookSettings {
    /// Where deliveries are posted; none: no deliveries are made. Only `http` is spoken.
    pub url: Option<String>,
    /// How the payload is written.
    pub content_type: ContentType,
    /// Whether deliveries are made.
    pub active: bool,
    /// What signs deliveries; none: a random one. An empty one signs nothing.
    pub secret: Option<SecretString>,
}

impl Default for WebhookSettings {
    fn default() -> Self {
        Self { url: None, content_type: ContentType::default(), active: true, secret: None }
    }
}

#[derive(Debug)]
pub(crate) struct Hook {
    pub(crate) id: u64,
    pub(crate) url: Option<String>,
    pub(crate) content_type: ContentType,
    pub(crate) active: bool,
    pub(crate) secret: SecretString,
    pub(crate) created_at: OffsetDateTime,
    pub(crate) updated_at: OffsetDateTime,
}

impl Hook {
    /// `turn` is the number of Apps that there were before.
    pub(super) fn new(settings: WebhookSettings, turn: u64, now: OffsetDateTime) -> Result<Self, SimError> {
        Ok(Self {
            id: 400_000_009 + turn * 13,
            url: settings.url.map(checked).transpose()?,
            content_type: settings.content_type,
            active: settings.active,
            secret: settings.secret.map_or_else(|| random::hex(32).map(SecretString::from), Ok)?,
            created_at: now,
            updated_at: now,
        })
    }

    /// Where deliveries go, if any are made.
    pub(crate) fn target(&self) -> Option<&str> {
        self.url.as_deref().filter(|_| self.active)
    }
}

fn checked(url: String) -> Result<String, SimError> {
    let web = url
        .parse::<axum::http::Uri>()
        .is_ok_and(|uri| uri.host().is_some() && matches!(uri.scheme_str(), Some("http" | "https")));
    if web { Ok(url) } else { Err(SimError::Invalid("a webhook's URL is an http or https address")) }
}

/// A change of an App's webhook.
#[derive(Clone, Debug)]
pub(crate) enum HookChange {
    Url(Option<String>),
    ContentType(ContentType),
    Active(bool),
    Secret(SecretString),
}

impl Model {
    fn app_mut(&mut self, id: u64) -> Result<&mut App, SimError> {
        self.apps.get_mut(&id).ok_or(SimError::UnknownApp(id))
    }

    /// A new URL is tried out at once, as GitHub does.
    pub(crate) fn change_hook(
        &mut self,
        app_id: u64,
        change: HookChange,
        now: OffsetDateTime,
    ) -> Result<(), SimError> {
        let hook = &mut self.app_mut(app_id)?.hook;
        let mut ping = false;
        match change {
            HookChange::Url(url) => {
                hook.url = url.map(checked).transpose()?;
                ping = hook.url.is_some();
            }
            HookChange::ContentType(content_type) => hook.content_type = content_type,
            HookChange::Active(active) => hook.active = active,
            HookChange::Secret(secret) => hook.secret = secret,
        }
        hook.updated_at = now;
        if ping { self.ping(app_id) } else { Ok(()) }
    }

    pub(crate) fn ping(&mut self, app_id: u64) -> Result<(), SimError> {
        self.known_app(app_id)?;
        self.changed(Change::Ping { app_id });
        Ok(())
    }
}
