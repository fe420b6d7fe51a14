//! The webhook of an App.

use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use time::OffsetDateTime;

use super::Model;
use super::change::Change;
use crate::error::SimError;
use crate::random;
use crate::urls::web_url;

/// The content type of webhook deliveries.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ContentType {
    /// `application/json`: the body is the payload.
    #[default]
    Json,
    /// `application/x-www-form-urlencoded`: the payload is the parameter `payload`.
    Form,
}

/// The webhook of a new App.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct WebhookSettings {
    /// The URL of deliveries. `None` sends no deliveries. Only `http` works.
    pub url: Option<String>,
    /// The content type of deliveries.
    pub content_type: ContentType,
    /// The secret that signs deliveries. `None` generates one. An empty secret leaves deliveries unsigned.
    pub secret: Option<SecretString>,
}

#[derive(Debug)]
pub(crate) struct Hook {
    pub(crate) id: u64,
    pub(crate) url: Option<String>,
    pub(crate) content_type: ContentType,
    pub(crate) secret: SecretString,
    pub(crate) created_at: OffsetDateTime,
    pub(crate) updated_at: OffsetDateTime,
}

impl Hook {
    /// `number` is the number of earlier Apps.
    pub(super) fn new(settings: WebhookSettings, number: u64, now: OffsetDateTime) -> Result<Self, SimError> {
        Ok(Self {
            id: 400_000_009 + number * 13,
            url: settings.url.map(check_url).transpose()?,
            content_type: settings.content_type,
            secret: settings.secret.unwrap_or_else(|| random::hex(32).into()),
            created_at: now,
            updated_at: now,
        })
    }
}

fn check_url(url: String) -> Result<String, SimError> {
    match web_url(&url) {
        Some(_) => Ok(url),
        None => Err(SimError::Invalid("a webhook URL starts with http:// or https://")),
    }
}

/// A change of an App's webhook.
#[derive(Clone, Debug)]
pub(crate) enum HookChange {
    Url(Option<String>),
    ContentType(ContentType),
    Secret(SecretString),
}

impl Model {
    /// Changes the webhook. Like GitHub, it sends a `ping` to a new URL.
    pub(crate) fn change_hook(
        &mut self,
        app_id: u64,
        change: HookChange,
        now: OffsetDateTime,
    ) -> Result<(), SimError> {
        let hook = &mut self.apps.get_mut(&app_id).ok_or(SimError::UnknownApp(app_id))?.hook;
        let mut ping = false;
        match change {
            HookChange::Url(url) => {
                hook.url = url.map(check_url).transpose()?;
                ping = hook.url.is_some();
            }
            HookChange::ContentType(content_type) => hook.content_type = content_type,
            HookChange::Secret(secret) => hook.secret = secret,
        }
        hook.updated_at = now;
        if ping { self.ping(app_id) } else { Ok(()) }
    }

    pub(crate) fn send_event(
        &mut self,
        installation: u64,
        event: String,
        payload: Map<String, Value>,
    ) -> Result<(), SimError> {
        let installation = self.require_installation(installation)?.clone();
        self.record_change(Change::Custom { installation, event, payload });
        Ok(())
    }

    pub(crate) fn ping(&mut self, app_id: u64) -> Result<(), SimError> {
        self.require_app(app_id)?;
        self.record_change(Change::Ping { app_id });
        Ok(())
    }
}
