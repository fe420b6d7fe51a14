//! Facts about installations for display.

use time::OffsetDateTime;

use crate::error::PortError;
use crate::model::{InstallationFacts, InstallationId, WaitingPermission};
use crate::rules::delivery::{self, WebhookEvent};
use crate::rules::facts;
use crate::service::{Dockline, WebhookDelivery};

impl Dockline {
    /// Returns the permissions that the App requests beyond those in `facts`, which an owner of the account has to accept.
    /// Asks GitHub what the App requests.
    ///
    /// # Errors
    /// Infrastructure failures only.
    pub async fn waiting_permissions(
        &self,
        facts: &InstallationFacts,
    ) -> Result<Vec<WaitingPermission>, PortError> {
        let app = self.0.ports.github.app().await?;
        Ok(facts.permissions.waiting(&app.permissions))
    }

    /// Stores the facts of a lookup, asked at `asked_at`, or of a delivery.
    pub(in crate::service) async fn store_facts(
        &self,
        installation: InstallationId,
        reported: InstallationFacts,
        asked_at: Option<OffsetDateTime>,
    ) -> Result<(), PortError> {
        let Some(directory) = &self.0.directory else { return Ok(()) };
        let storable = facts::storable(reported, &self.0.ports.github.registration().install_page);
        directory.record_facts(installation, &storable, asked_at).await
    }

    /// Returns the facts that a new binding is stored with.
    pub(in crate::service) fn facts_of_binding(
        &self,
        reported: InstallationFacts,
    ) -> Option<InstallationFacts> {
        let install_page = || self.0.ports.github.registration().install_page;
        self.0.directory.as_ref().map(|_| facts::storable(reported, &install_page()))
    }

    /// Stores the facts that a verified delivery contains.
    pub(in crate::service) async fn store_delivered_facts(
        &self,
        event: &WebhookEvent,
        delivery: &WebhookDelivery<'_>,
    ) -> Result<(), PortError> {
        let Some(installation) = event.installation().filter(|_| self.0.directory.is_some()) else {
            return Ok(());
        };
        match delivery::facts(delivery.content_type, delivery.body) {
            Some(facts) => self.store_facts(installation, facts, None).await,
            None => Ok(()),
        }
    }
}
