use crate::error::{DeliveryFault, SignatureRefusal, WebhookError};
use crate::model::InstallationId;
use crate::ports::Observation;
use crate::rules::delivery::{self, WebhookEvent};
use crate::rules::signature;
use crate::service::Dockline;
use crate::service::lifecycle::hand_over::{self, HandedOver};

/// A webhook delivery, as received.
#[derive(Debug, Clone, Copy, Default)]
pub struct WebhookDelivery<'a> {
    /// `X-Hub-Signature-256`
    pub signature: Option<&'a [u8]>,
    /// `X-GitHub-Event`
    pub event: Option<&'a str>,
    /// `X-GitHub-Delivery`. Needed if deliveries are handed to the product.
    pub id: Option<&'a str>,
    /// `Content-Type`
    pub content_type: Option<&'a str>,
    /// The raw body, which the signature covers.
    pub body: &'a [u8],
}

/// The outcome of [`Dockline::handle_webhook`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WebhookOutcome {
    /// The event of the delivery.
    pub event: WebhookEvent,
    /// The installation to pass to [`Dockline::refresh`] after the delivery was acknowledged: GitHub waits ten seconds for
    /// the acknowledgement, and a lookup may take longer. If the host loses it, the next reconciliation corrects the status.
    pub refresh: Option<InstallationId>,
    /// The outcome of passing the delivery on to the product.
    pub handed_over: HandedOver,
}

impl Dockline {
    /// Checks that a webhook secret is configured and that the signature has the right form. Call it before the body of a
    /// delivery is read, to reject unsigned bodies early. It does not verify the signature.
    ///
    /// # Errors
    /// [`SignatureRefusal::NoSecret`], [`SignatureRefusal::Missing`], [`SignatureRefusal::Malformed`].
    pub fn precheck_signature(&self, signature: Option<&[u8]>) -> Result<(), SignatureRefusal> {
        if self.0.webhook_secrets.keys().next().is_none() {
            return Err(SignatureRefusal::NoSecret);
        }
        signature::parse(signature).map(drop)
    }

    /// Verifies and handles a webhook delivery. Without a valid signature nothing happens.
    ///
    /// The same delivery may arrive twice, late and in any order. An uninstallation and an installer are stored as reported;
    /// for all other changes the cached tokens are evicted and the outcome names the installation to look up. A delivery
    /// never creates, moves or ends a binding.
    ///
    /// Finally, the delivery is passed on to the product, if the host has configured it
    /// ([`Builder::with_delivery_store`](crate::Builder::with_delivery_store),
    /// [`Builder::with_delivery_sink`](crate::Builder::with_delivery_sink)). If this fails, the caller should refuse
    /// the delivery, so that GitHub lists it as failed, and still refresh the installation of
    /// [`WebhookError::refresh`].
    ///
    /// # Errors
    /// See [`WebhookError`].
    pub async fn handle_webhook(
        &self,
        delivery: WebhookDelivery<'_>,
    ) -> Result<WebhookOutcome, WebhookError> {
        signature::verify(&self.0.webhook_secrets, delivery.signature, delivery.body)?;
        let our_app = self.0.ports.github.registration().app;
        let name = delivery.event.ok_or(DeliveryFault::NoEvent)?;
        let payload = delivery::payload(delivery.content_type, delivery.body)?;
        let event = delivery::interpret(name, &payload, our_app)?;
        let received_at = self.now();
        let for_product = self
            .hands_over_deliveries()
            .then(|| hand_over::verified(&delivery, &payload, our_app, received_at))
            .transpose()?;
        self.store_delivered_facts(&event, &delivery).await?;
        let bindings = &self.0.ports.bindings;
        let refresh = match event {
            WebhookEvent::Installed { installation, record } => {
                bindings.record_installer(installation, record, received_at).await?;
                Some(installation)
            }
            WebhookEvent::Deleted { installation } => {
                let at = received_at;
                self.record_uninstalled(installation, Observation::Deleted { at }).await?;
                None
            }
            WebhookEvent::PermissionsChanged { installation } => {
                let at = received_at;
                let observed = bindings.observe(installation, Observation::PermissionsChanged { at }).await?;
                self.evict_tokens(installation);
                self.record_change(observed.change.as_ref());
                Some(installation)
            }
            WebhookEvent::StatusChanged { installation } => {
                self.evict_tokens(installation);
                Some(installation)
            }
            WebhookEvent::Renamed { installation } => Some(installation),
            WebhookEvent::Ping | WebhookEvent::Ignored => None,
        };
        let handed_over = self.hand_over(for_product, refresh).await?;
        Ok(WebhookOutcome { event, refresh, handed_over })
    }
}
