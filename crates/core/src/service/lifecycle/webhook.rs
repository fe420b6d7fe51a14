use crate::error::{SignatureRefusal, WebhookError};
use crate::model::InstallationId;
use crate::ports::{Event, Observation, ObserveOutcome};
use crate::rules::delivery::{self, WebhookEvent};
use crate::rules::signature;
use crate::service::Dockline;

/// A webhook delivery, as received.
#[derive(Debug, Clone, Copy, Default)]
pub struct WebhookDelivery<'a> {
    /// `X-Hub-Signature-256`
    pub signature: Option<&'a [u8]>,
    /// `X-GitHub-Event`
    pub event: Option<&'a str>,
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
}

impl Dockline {
    /// Checks that a webhook secret is configured and that the signature has the right form. Call it before the body of a
    /// delivery is read, to reject unsigned bodies early. It does not verify the signature.
    ///
    /// # Errors
    /// [`SignatureRefusal::NoSecret`], [`SignatureRefusal::Missing`], [`SignatureRefusal::Malformed`].
    pub fn precheck_signature(&self, signature: Option<&[u8]>) -> Result<(), SignatureRefusal> {
        if self.webhook_secrets.keys().next().is_none() {
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
    /// # Errors
    /// See [`WebhookError`].
    pub async fn handle_webhook(
        &self,
        delivery: WebhookDelivery<'_>,
    ) -> Result<WebhookOutcome, WebhookError> {
        signature::verify(&self.webhook_secrets, delivery.signature, delivery.body)?;
        let our_app = self.ports.github.registration().app;
        let event = delivery::read(delivery.event, delivery.content_type, delivery.body, our_app)?;
        let bindings = &self.ports.bindings;
        let refresh = match event {
            WebhookEvent::Installed { installation, record } => {
                bindings.record_installer(installation, record, self.now()).await?;
                Some(installation)
            }
            WebhookEvent::Deleted { installation } => {
                let at = self.now();
                self.record_uninstalled(installation, Observation::Deleted { at }).await?;
                None
            }
            WebhookEvent::PermissionsChanged { installation } => {
                let observed = bindings.observe(installation, Observation::PermissionsChanged).await?;
                if observed == ObserveOutcome::Recorded {
                    self.record(&Event::PermissionsChanged { installation });
                }
                self.evict_tokens(installation);
                Some(installation)
            }
            WebhookEvent::StatusChanged { installation } => {
                self.evict_tokens(installation);
                Some(installation)
            }
            WebhookEvent::Renamed { installation } => Some(installation),
            WebhookEvent::Ping | WebhookEvent::Ignored => None,
        };
        Ok(WebhookOutcome { event, refresh })
    }
}
