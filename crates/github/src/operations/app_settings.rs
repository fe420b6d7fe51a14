//! The App's settings at GitHub, for operators; not part of the port.

use std::collections::BTreeMap;

use dockline::{AppId, PortError};
use time::OffsetDateTime;

use super::app::AppClient;
use crate::error::GithubError;
use crate::gateway::{GithubApp, of_app};
use crate::http::Request;
use crate::observer::Operation;
use crate::wire::{AppSettingsWire, HookConfigWire, RecordWire};

/// The App's settings, from `GET /app`. GitHub reports neither the callback and setup URLs nor whether users authorize the
/// App during installation.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct AppSettings {
    /// The App's id.
    pub app: AppId,
    /// The App's name in URLs.
    pub slug: String,
    /// The App's display name.
    pub name: String,
    /// The OAuth client id; old enterprise servers report none.
    pub client_id: Option<String>,
    /// The permissions that the App requests, such as `members` → `read`.
    pub permissions: BTreeMap<String, String>,
    /// The events that the App subscribes to, without those that every App receives.
    pub events: Vec<String>,
    /// The number of accounts that have installed the App.
    pub installations: Option<u64>,
    /// GitHub's time when it responded, in whole seconds; `None` if the response had no date.
    pub github_time: Option<OffsetDateTime>,
}

/// The App's webhook settings, from `GET /app/hook/config`. GitHub does not report whether the webhook is active.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct WebhookConfig {
    /// The receiver's URL; `None` if none is set.
    pub url: Option<String>,
    /// `json` or `form`.
    pub content_type: Option<String>,
    /// Whether a secret is set. GitHub does not report the secret itself.
    pub has_secret: bool,
    /// Whether GitHub skips verifying the receiver's certificate.
    pub skips_tls_verification: bool,
}

/// An entry of GitHub's delivery log.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct DeliveryRecord {
    /// GitHub's id of the delivery.
    pub id: u64,
    /// The event, such as `installation`.
    pub event: String,
    /// When it was sent, by GitHub's clock.
    pub delivered_at: OffsetDateTime,
    /// The receiver's status; 0 if it did not respond.
    pub status_code: u16,
    /// The status in GitHub's words.
    pub status: String,
}

impl DeliveryRecord {
    /// Returns whether the receiver accepted the delivery.
    #[must_use]
    pub const fn succeeded(&self) -> bool {
        self.status_code >= 200 && self.status_code < 400
    }
}

impl GithubApp {
    /// Returns the App's settings, with one call that also shows whether GitHub accepts the credential.
    ///
    /// # Errors
    /// [`PortError`], as for any call as the App.
    pub async fn settings(&self) -> Result<AppSettings, PortError> {
        settings(self.app_client()).await.map_err(of_app)
    }

    /// Returns the App's webhook settings; `None` if it has no webhook.
    ///
    /// # Errors
    /// [`PortError`], as for any call as the App.
    pub async fn webhook(&self) -> Result<Option<WebhookConfig>, PortError> {
        webhook(self.app_client()).await.map_err(of_app)
    }

    /// Returns the latest deliveries, newest first: at most `limit`, and at most a hundred. GitHub keeps them for three days.
    ///
    /// # Errors
    /// [`PortError`], as for any call as the App.
    pub async fn latest_deliveries(&self, limit: u8) -> Result<Vec<DeliveryRecord>, PortError> {
        latest_deliveries(self.app_client(), limit).await.map_err(of_app)
    }
}

async fn settings(app: &AppClient) -> Result<AppSettings, GithubError> {
    let response = app.app_response().await?;
    let github_time = response.date();
    let settings = response.json::<AppSettingsWire>()?.settings(github_time)?;
    app.observe_slug(settings.app.get(), &settings.slug);
    Ok(settings)
}

async fn webhook(app: &AppClient) -> Result<Option<WebhookConfig>, GithubError> {
    let request = Request::get(Operation::HookConfig, "/app/hook/config");
    match app.send_or_missing(request).await? {
        Some(response) => Ok(Some(response.json::<HookConfigWire>()?.into())),
        None => Ok(None),
    }
}

async fn latest_deliveries(app: &AppClient, limit: u8) -> Result<Vec<DeliveryRecord>, GithubError> {
    let path = format!("/app/hook/deliveries?per_page={}", limit.clamp(1, 100));
    match app.send_or_missing(Request::get(Operation::Deliveries, path)).await? {
        Some(response) => {
            let records: Vec<RecordWire> = response.json()?;
            records.into_iter().map(DeliveryRecord::try_from).collect()
        }
        // An App without a webhook has no delivery log either.
        None => Ok(Vec::new()),
    }
}
