//! An App's webhook: where its deliveries go, and what signs them.

use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

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

pub(super) fn checked(url: String) -> Result<String, SimError> {
    let web = url
        .parse::<axum::http::Uri>()
        .is_ok_and(|uri| uri.host().is_some() && matches!(uri.scheme_str(), Some("http" | "https")));
    if web { Ok(url) } else { Err(SimError::Invalid("a webhook's URL is an http or https address")) }
}
