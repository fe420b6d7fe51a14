//! How the App is set up at GitHub: what an operator asks about, and no use case of the core does.

use dockline::PortError;

use crate::api::Ask;
use crate::app_settings::{AppSettings, DeliveryRecord, WebhookConfig};
use crate::fault::GithubFault;
use crate::gateway::GithubApp;
use crate::observer::Operation;
use crate::our_app::OurApp;
use crate::wire::{AppSettingsWire, HookConfigWire, RecordWire};

impl GithubApp {
    /// How the App is set up. One call, which also shows that GitHub accepts the credential.
    ///
    /// # Errors
    /// As any call as the App.
    pub async fn settings(&self) -> Result<AppSettings, PortError> {
        Ok(settings(self.our_app()).await?)
    }

    /// The App's webhook; `None` where it has none.
    ///
    /// # Errors
    /// As any call as the App.
    pub async fn webhook(&self) -> Result<Option<WebhookConfig>, PortError> {
        Ok(webhook(self.our_app()).await?)
    }

    /// The latest deliveries, newest first, at most `most` and a hundred of them. GitHub keeps them for three days.
    ///
    /// # Errors
    /// As any call as the App.
    pub async fn latest_deliveries(&self, most: u8) -> Result<Vec<DeliveryRecord>, PortError> {
        Ok(latest_deliveries(self.our_app(), most).await?)
    }
}

async fn settings(app: &OurApp) -> Result<AppSettings, GithubFault> {
    let answer = app.whole().await?;
    let github_time = answer.date();
    answer.json::<AppSettingsWire>()?.settings(github_time)
}

async fn webhook(app: &OurApp) -> Result<Option<WebhookConfig>, GithubFault> {
    match app.api.as_app(Ask::get(Operation::HookConfig, "/app/hook/config")).await {
        Ok(answer) => Ok(Some(answer.json::<HookConfigWire>()?.into())),
        Err(GithubFault::NotFound { .. }) => {
            app.confirm_credential().await?;
            Ok(None)
        }
        Err(other) => Err(other),
    }
}

async fn latest_deliveries(app: &OurApp, most: u8) -> Result<Vec<DeliveryRecord>, GithubFault> {
    let path = format!("/app/hook/deliveries?per_page={}", most.clamp(1, 100));
    match app.api.as_app(Ask::get(Operation::Deliveries, &path)).await {
        Ok(answer) => {
            let records: Vec<RecordWire> = answer.json()?;
            records.into_iter().map(DeliveryRecord::try_from).collect()
        }
        // An App without a webhook has no record of deliveries either.
        Err(GithubFault::NotFound { .. }) => {
            app.confirm_credential().await?;
            Ok(Vec::new())
        }
        Err(other) => Err(other),
    }
}
