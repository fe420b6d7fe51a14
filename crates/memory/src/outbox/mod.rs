mod queues;

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use dockline::ports::{
    DeliveryOutcome, DeliveryStore, Entropy, EntryCursor, EntryFilter, OsEntropy, Outbox, RetryOutcome,
};
use dockline::{
    Backlog, Lease, MessageId, OutboxBounds, OutboxEntry, OutboxMessage, PortError, Verdict, VerifiedDelivery,
};
use time::OffsetDateTime;

use crate::Shared;
use crate::binding_repo::{Bindings, MemoryBindingRepo};

pub(crate) use queues::Queues;

/// The outbox of a [`MemoryBindingRepo`]. It is bounded, and **loses everything if the process ends**, including
/// acknowledged deliveries of GitHub. Use it for tests, demos and products that tolerate this.
///
/// The body of a delivery is deleted once the product accepted it, and the key after 7 days or 100,000 later deliveries.
#[derive(Clone)]
pub struct MemoryOutbox(Shared<Bindings>);

impl MemoryOutbox {
    /// Opens the outbox of `bindings`, which stores changes from now on. If it is open, returns another handle to it.
    #[must_use]
    pub fn open(bindings: &MemoryBindingRepo, bounds: OutboxBounds) -> Self {
        Self::with_entropy(bindings, bounds, Arc::new(OsEntropy))
    }

    /// [`MemoryOutbox::open`] with a source of randomness for ids of changes.
    #[must_use]
    pub fn with_entropy(
        bindings: &MemoryBindingRepo,
        bounds: OutboxBounds,
        entropy: Arc<dyn Entropy>,
    ) -> Self {
        let shared = bindings.0.clone();
        shared.lock().outbox.get_or_insert_with(|| Queues::new(bounds, entropy));
        Self(shared)
    }

    /// Returns those of the deliveries, by GUID, whose keys are kept.
    pub(crate) fn received(&self, guids: &[String]) -> HashSet<String> {
        self.queues(|queues| queues.received(guids), HashSet::new())
    }

    /// The outbox is open as long as this handle lives.
    fn queues<T>(&self, call: impl FnOnce(&mut Queues) -> T, closed: T) -> T {
        self.0.lock().outbox.as_mut().map_or(closed, call)
    }
}

impl fmt::Debug for MemoryOutbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryOutbox").finish_non_exhaustive()
    }
}

#[async_trait]
impl DeliveryStore for MemoryOutbox {
    async fn store<'a>(&self, delivery: VerifiedDelivery<'a>) -> Result<DeliveryOutcome, PortError> {
        let mut bindings = self.0.lock();
        let organization = match delivery.installation {
            None => Some(None),
            Some(id) => bindings.installation(id).and_then(|record| record.organization).map(Some),
        };
        let Some(queues) = &mut bindings.outbox else { return Ok(DeliveryOutcome::Unbound) };
        Ok(match organization {
            _ if queues.is_known(&delivery) => DeliveryOutcome::Duplicate,
            None => DeliveryOutcome::Unbound,
            Some(organization) => queues.store(&delivery, organization),
        })
    }
}

#[async_trait]
impl Outbox for MemoryOutbox {
    async fn lease(&self, now: OffsetDateTime, until: OffsetDateTime) -> Result<Option<Lease>, PortError> {
        Ok(self.queues(|queues| queues.lease(now, until), None))
    }

    async fn renew(&self, lease: &Lease, until: OffsetDateTime) -> Result<bool, PortError> {
        Ok(self.queues(|queues| queues.renew(lease, until), false))
    }

    async fn read(
        &self,
        lease: &Lease,
        now: OffsetDateTime,
        most: u32,
        most_bytes: u64,
    ) -> Result<Vec<OutboxMessage>, PortError> {
        Ok(self.queues(|queues| queues.read(lease, now, most, most_bytes), Vec::new()))
    }

    async fn settle(&self, lease: &Lease, sequence: u64, verdict: Verdict) -> Result<bool, PortError> {
        Ok(self.queues(|queues| queues.settle(lease, sequence, &verdict), false))
    }

    async fn release(&self, lease: &Lease, now: OffsetDateTime) -> Result<(), PortError> {
        self.queues(|queues| queues.release(lease, now), ());
        Ok(())
    }

    async fn list(
        &self,
        filter: &EntryFilter,
        after: Option<EntryCursor>,
        limit: u32,
    ) -> Result<Vec<OutboxEntry>, PortError> {
        Ok(self.queues(|queues| queues.list(filter, after.as_ref(), limit), Vec::new()))
    }

    async fn find(&self, id: &MessageId) -> Result<Option<OutboxMessage>, PortError> {
        Ok(self.queues(|queues| queues.find(id), None))
    }

    async fn retry(&self, id: &MessageId, now: OffsetDateTime) -> Result<RetryOutcome, PortError> {
        Ok(self.queues(|queues| queues.retry(id, now), RetryOutcome::Unknown))
    }

    async fn backlog(&self) -> Result<Backlog, PortError> {
        Ok(self.queues(|queues| queues.backlog(), Backlog::default()))
    }
}
