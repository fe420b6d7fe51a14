//! The App and its webhook.

use std::collections::BTreeMap;

use dockline::ports::AppFacts;
use dockline::{AppId, Permissions};
use secrecy::SecretString;
use serde::Deserialize;
use time::OffsetDateTime;

use super::id_out_of_range;
use crate::error::GithubError;
use crate::operations::{AppSettings, CreatedApp, WebhookConfig};

/// `GET /app`, to identify the App.
#[derive(Deserialize)]
pub(crate) struct AppWire {
    pub(crate) id: u64,
    pub(crate) slug: String,
    name: String,
    #[serde(default)]
    permissions: Permissions,
}

impl TryFrom<AppWire> for AppFacts {
    type Error = GithubError;

    fn try_from(wire: AppWire) -> Result<Self, GithubError> {
        Ok(Self {
            app: AppId::new(wire.id).map_err(|_| id_out_of_range())?,
            slug: wire.slug,
            name: wire.name,
            permissions: wire.permissions,
        })
    }
}

/// `GET /app`, with the settings.
#[derive(Deserialize)]
pub(crate) struct AppSettingsWire {
    id: u64,
    slug: String,
    name: String,
    client_id: Option<String>,
    #[serde(default)]
    permissions: BTreeMap<String, String>,
    #[serde(default)]
    events: Vec<String>,
    installations_count: Option<u64>,
}

impl AppSettingsWire {
    pub(crate) fn settings(self, github_time: Option<OffsetDateTime>) -> Result<AppSettings, GithubError> {
        Ok(AppSettings {
            app: AppId::new(self.id).map_err(|_| id_out_of_range())?,
            slug: self.slug,
            name: self.name,
            client_id: self.client_id,
            permissions: self.permissions,
            events: self.events,
            installations: self.installations_count,
            github_time,
        })
    }
}

#[derive(Deserialize)]
pub(crate) struct HookConfigWire {
    url: Option<String>,
    content_type: Option<String>,
    /// Asterisks.
    secret: Option<String>,
    insecure_ssl: Option<InsecureSsl>,
}

/// GitHub documents both a string and a number.
#[derive(Deserialize)]
#[serde(untagged)]
enum InsecureSsl {
    Text(String),
    Number(f64),
}

impl From<HookConfigWire> for WebhookConfig {
    fn from(wire: HookConfigWire) -> Self {
        let is_set = |text: &String| !text.is_empty();
        Self {
            url: wire.url.filter(is_set),
            content_type: wire.content_type,
            has_secret: wire.secret.is_some_and(|secret| is_set(&secret)),
            skips_tls_verification: match wire.insecure_ssl {
                None => false,
                Some(InsecureSsl::Text(text)) => text != "0",
                Some(InsecureSsl::Number(number)) => number != 0.0,
            },
        }
    }
}

/// `POST /app-manifests/{code}/conversions`.
#[derive(Deserialize)]
pub(crate) struct CreatedAppWire {
    id: u64,
    slug: String,
    name: String,
    html_url: String,
    client_id: String,
    client_secret: String,
    /// Null for an App without a webhook.
    webhook_secret: Option<String>,
    pem: String,
}

impl TryFrom<CreatedAppWire> for CreatedApp {
    type Error = GithubError;

    fn try_from(wire: CreatedAppWire) -> Result<Self, GithubError> {
        Ok(Self {
            app: AppId::new(wire.id).map_err(|_| id_out_of_range())?,
            slug: wire.slug,
            name: wire.name,
            page: wire.html_url,
            client_id: wire.client_id,
            client_secret: wire.client_secret.into(),
            webhook_secret: wire.webhook_secret.filter(|secret| !secret.is_empty()).map(SecretString::from),
            private_key_pem: wire.pem.into(),
        })
    }
}
