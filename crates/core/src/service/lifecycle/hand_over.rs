use std::sync::Arc;

use crate::error::{DeliveryFault, PortError, WebhookError};
use crate::model::{AppId, DeliveryGuid, InstallationId, TenantDelivery, VerifiedDelivery};
use crate::ports::{BindingRepo, DeliveryOutcome, DeliverySink, DeliveryStore, Event};
use crate::rules::delivery;
use crate::service::{Dockline, WebhookDelivery};

/// The way of deliveries to the product.
#[derive(Debug, Clone)]
pub(in crate::service) enum HandOver {
    /// An outbox, whose statement finds the organization.
    Store(Arc<dyn DeliveryStore>),
    /// The host's own sink.
    Sink(Arc<dyn DeliverySink>),
}

/// The outcome of passing a delivery on to the product.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum HandedOver {
    /// The host neither stores deliveries nor has a sink.
    NotConfigured,
    /// It was stored, or the host's sink accepted it.
    Taken,
    /// It was stored before, so it was not stored again.
    Duplicate,
    /// No organization is bound to its installation, so it was dropped.
    Unbound,
}

impl HandOver {
    async fn take(
        &self,
        delivery: VerifiedDelivery<'_>,
        bindings: &dyn BindingRepo,
    ) -> Result<DeliveryOutcome, PortError> {
        match self {
            Self::Store(store) => store.store(delivery).await,
            Self::Sink(sink) => {
                let organization = match delivery.installation {
                    None => None,
                    Some(installation) => {
                        let known = bindings.installation(installation).await?;
                        let Some(organization) = known.and_then(|known| known.organization) else {
                            return Ok(DeliveryOutcome::Unbound);
                        };
                        Some(organization)
                    }
                };
                sink.deliver(TenantDelivery::new(delivery, organization)).await?;
                Ok(DeliveryOutcome::Stored)
            }
        }
    }
}

/// Prepares a delivery whose signature was verified.
pub(super) fn verified<'a>(
    delivery: &WebhookDelivery<'a>,
    payload: &'a str,
    app: AppId,
    received_at: time::OffsetDateTime,
) -> Result<VerifiedDelivery<'a>, DeliveryFault> {
    let event =
        delivery.event.filter(|event| delivery::is_event_name(event)).ok_or(DeliveryFault::NoEvent)?;
    let guid = delivery.id.and_then(|id| DeliveryGuid::new(id).ok()).ok_or(DeliveryFault::NoDeliveryId)?;
    let delivery::Subject { installation, action } = delivery::subject(payload)?;
    Ok(VerifiedDelivery { app, installation, event, action, guid, received_at, body: payload.as_bytes() })
}

impl Dockline {
    /// Returns whether deliveries are handed to the product.
    #[must_use]
    pub fn hands_over_deliveries(&self) -> bool {
        self.0.hand_over.is_some()
    }

    /// Hands a delivery to the product. `delivery` is `None` if the host does not want it. An error carries the installation
    /// to refresh.
    pub(super) async fn hand_over(
        &self,
        delivery: Option<VerifiedDelivery<'_>>,
        refresh: Option<InstallationId>,
    ) -> Result<HandedOver, WebhookError> {
        let (Some(way), Some(delivery)) = (&self.0.hand_over, delivery) else {
            return Ok(HandedOver::NotConfigured);
        };
        let installation = delivery.installation;
        let taken = way.take(delivery, &*self.0.ports.bindings).await;
        Ok(match taken.map_err(|source| WebhookError::NotTaken { source, refresh })? {
            DeliveryOutcome::Stored => HandedOver::Taken,
            DeliveryOutcome::Duplicate => HandedOver::Duplicate,
            DeliveryOutcome::Unbound => HandedOver::Unbound,
            DeliveryOutcome::Full { organization } => {
                self.record(&Event::OutboxFull { organization, installation });
                return Err(WebhookError::OutboxFull { refresh });
            }
        })
    }
}
