//! What GitHub says of how the App is set up.

use std::collections::BTreeMap;

use dockline::AppId;
use time::OffsetDateTime;

/// What `GET /app` tells. GitHub tells neither callback nor setup URL, nor whether users are asked for their authorization
/// during installation.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct AppSettings {
    /// The App's number.
    pub app: AppId,
    /// Its URL name.
    pub slug: String,
    /// What people call it.
    pub name: String,
    /// The OAuth client's id; an enterprise server of old tells none.
    pub client_id: Option<String>,
    /// What the App asks for, such as `members` → `read`.
    pub permissions: BTreeMap<String, String>,
    /// The events that it subscribed to, beside those that every App gets.
    pub events: Vec<String>,
    /// How many accounts have it installed.
    pub installations: Option<u64>,
    /// GitHub's clock when it answered, to the second; `None` where it did not say.
    pub github_time: Option<OffsetDateTime>,
}

/// The App's webhook, by `GET /app/hook/config`. GitHub does not tell whether it is switched on.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct WebhookConfig {
    /// Where deliveries go; `None` where no URL is set.
    pub url: Option<String>,
    /// `json` or `form`.
    pub content_type: Option<String>,
    /// Whether a secret is set; which, GitHub tells nobody.
    pub has_secret: bool,
    /// Whether GitHub leaves the receiver's certificate unchecked.
    pub skips_tls_verification: bool,
}

/// One entry of GitHub's record of what it delivered.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct DeliveryRecord {
    /// GitHub's number of it.
    pub id: u64,
    /// Such as `installation`.
    pub event: String,
    /// When, by GitHub's clock.
    pub delivered_at: OffsetDateTime,
    /// What the receiver answered; 0 where it did not.
    pub status_code: u16,
    /// The same in GitHub's words.
    pub status: String,
}

impl DeliveryRecord {
    /// Whether the receiver took it.
    #[must_use]
    pub const fn succeeded(&self) -> bool {
        self.status_code >= 200 && self.status_code < 400
    }
}
