use std::fmt::Debug;
use std::sync::Arc;

use async_trait::async_trait;

use crate::error::PortError;
use crate::model::{OrganizationId, TenantDelivery, VerifiedDelivery};
use crate::ports::forward;

/// Takes the verified deliveries of GitHub for the product: the host's own way to pass them on, instead of an
/// [`Outbox`](crate::ports::Outbox).
///
/// [`Dockline::handle_webhook`](crate::Dockline::handle_webhook) calls it after its own handling and before it returns. The
/// router of `dockline-axum` gives up after five seconds.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
#[async_trait]
pub trait DeliverySink: Debug + Send + Sync + 'static {
    /// Takes a delivery. Once it returns, the delivery is acknowledged, and GitHub does not send it again: it SHOULD be
    /// stored by then. The same delivery may come twice, with the same `guid`.
    ///
    /// # Errors
    /// Any failure: GitHub lists the delivery as failed, and it can be redelivered.
    async fn deliver<'a>(&self, delivery: TenantDelivery<'a>) -> Result<(), PortError>;
}

forward!(DeliverySink {
    async fn deliver<'a>(&self, delivery: TenantDelivery<'a>) -> Result<(), PortError>;
});

/// The outcome of [`DeliveryStore::store`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeliveryOutcome {
    /// The delivery was stored.
    Stored,
    /// Nothing was stored: a delivery with this GUID and body was stored before for this App, and may have been delivered.
    Duplicate,
    /// Nothing was stored: no organization is bound to the installation, or the outbox is closed.
    Unbound,
    /// Nothing was stored: the undelivered bytes of the organization, or of all together, have reached their bound.
    Full {
        /// The organization; `None` if the delivery concerns the App itself.
        organization: Option<OrganizationId>,
    },
}

/// Stores verified deliveries in the queues of an [`Outbox`](crate::ports::Outbox).
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
#[async_trait]
pub trait DeliveryStore: Debug + Send + Sync + 'static {
    /// Stores a delivery at the end of the queue of the organization that is bound to the installation at this instant; one
    /// without an installation in the queue of the App itself.
    ///
    /// The binding MUST be read in the same atomic step that stores the delivery, and never again: a later release or
    /// binding changes nothing. A delivery of an unbound installation MUST NOT be stored. One whose App, GUID and body are
    /// those of an entry MUST NOT be stored again, for at least 7 days after the product accepted it.
    ///
    /// The store MUST bound the bytes of undelivered bodies per organization and in all. Dead messages count, delivered ones do
    /// not, and changes have no bytes and are never refused. A duplicate is [`DeliveryOutcome::Duplicate`] and an unbound
    /// delivery [`DeliveryOutcome::Unbound`] also if the store is full.
    ///
    /// While the outbox is closed, nothing MUST be stored: the outcome is [`DeliveryOutcome::Unbound`], also of a delivery
    /// without an installation, which would open the outbox otherwise.
    ///
    /// # Errors
    /// Infrastructure failures only. The same call may be repeated.
    async fn store<'a>(&self, delivery: VerifiedDelivery<'a>) -> Result<DeliveryOutcome, PortError>;
}

forward!(DeliveryStore {
    async fn store<'a>(&self, delivery: VerifiedDelivery<'a>) -> Result<DeliveryOutcome, PortError>;
});
