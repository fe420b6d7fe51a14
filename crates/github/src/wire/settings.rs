//! How the App is set up.

use std::collections::BTreeMap;

use dockline::AppId;
use serde::Deserialize;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::out_of_range::out_of_range;
use crate::app_settings::{AppSettings, DeliveryRecord, WebhookConfig};
use crate::fault::GithubFault;

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
    pub(crate) fn settings(self, github_time: Option<OffsetDateTime>) -> Result<AppSettings, GithubFault> {
        Ok(AppSettings {
            app: AppId::new(self.id).map_err(|_| out_of_range())?,
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

/// GitHub's description has both.
#[derive(Deserialize)]
#[serde(untagged)]
enum InsecureSsl {
    Text(String),
    Number(f64),
}

impl From<HookConfigWire> for WebhookConfig {
    fn from(wire: HookConfigWire) -> Self {
        let filled = |text: &String| !text.is_empty();
        Self {
            url: wire.url.filter(filled),
            content_type: wire.content_type,
            has_secret: wire.secret.is_some_and(|secret| filled(&secret)),
            skips_tls_verification: match wire.insecure_ssl {
                None => false,
                Some(InsecureSsl::Text(text)) => text != "0",
                Some(InsecureSsl::Number(number)) => number != 0.0,
            },
        }
    }
}

#[derive(Deserialize)]
pub(crate) struct RecordWire {
    id: u64,
    event: String,
    delivered_at: String,
    status: String,
    status_code: u16,
}

impl TryFrom<RecordWire> for DeliveryRecord {
    type Error = GithubFault;

    fn try_from(wire: RecordWire) -> Result<Self, GithubFault> {
        let delivered_at = OffsetDateTime::parse(&wire.delivered_at, &Rfc3339)
            .map_err(|_| GithubFault::not_githubs("a delivery's time that is none"))?;
        Ok(Self {
            id: wire.id,
            event: wire.event,
            delivered_at,
            status_code: wire.status_code,
            status: wire.status,
        })
    }
}
