use std::sync::Arc;

use async_trait::async_trait;
use dockline::ports::{DeliveryOutcome, DeliveryStore};
use dockline::{PortError, VerifiedDelivery};
use tokio::sync::Notify;

/// Tells the forwarder of the same process that a delivery was stored, so that it is sent at once. Other nodes find it
/// with their next look.
#[derive(Debug, Clone, Default)]
pub struct OutboxSignal(Arc<Notify>);

impl OutboxSignal {
    /// Returns the store, which gives the signal after each delivery that it stored.
    #[must_use]
    pub fn after(&self, store: Arc<dyn DeliveryStore>) -> Arc<dyn DeliveryStore> {
        Arc::new(Signalling { store, signal: self.clone() })
    }

    /// Gives the signal.
    pub fn notify(&self) {
        self.0.notify_one();
    }

    /// Completes after a signal. One that was given meanwhile counts.
    pub(super) async fn stored(&self) {
        self.0.notified().await;
    }
}

#[derive(Debug)]
struct Signalling {
    store: Arc<dyn DeliveryStore>,
    signal: OutboxSignal,
}

#[async_trait]
impl DeliveryStore for Signalling {
    async fn store<'a>(&self, delivery: VerifiedDelivery<'a>) -> Result<DeliveryOutcome, PortError> {
        let outcome = self.store.store(delivery).await;
        if matches!(outcome, Ok(DeliveryOutcome::Stored)) {
            self.signal.notify();
        }
        outcome
    }
}
