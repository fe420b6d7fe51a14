//! Wrong outboxes.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use dockline::ports::{
    BindingRepo, DeliveryOutcome, DeliveryStore, EntryCursor, EntryFilter, Outbox, RetryOutcome,
};
use dockline::{
    Backlog, DeliveryGuid, EntryContent, EntryStatus, Lease, MessageId, OutboxEntry, OutboxMessage,
    OutboxUsage, PortError, Verdict, VerifiedDelivery,
};
use dockline_memory::{MemoryBindingRepo, MemoryOutbox};
use dockline_testkit::fixtures::organization;
use dockline_testkit::outbox::{
    BOUNDS, Node, OutboxDriver, deliveries, leases, operators, order, races, sequences,
};
use time::OffsetDateTime;

use crate::{killed, without_offset, yield_to_others};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Defect {
    /// Finds the organization before it stores the delivery, and believes it (I38).
    AttributesFirst,
    /// Finds the organization when the message is read.
    AttributesWhenRead,
    /// Forgets the key of a delivery that was accepted.
    ForgetsKeys,
    /// Lets a consumer settle whose lease is lost.
    IgnoresTheToken,
    /// Goes on with the next message after one that failed.
    SkipsTheFailed,
    /// Keeps later messages waiting for one that is set aside.
    WaitsForTheSetAside,
    /// Reads messages that are set aside after all others, however long they are due.
    StarvesTheSetAside,
    /// Sends set-aside messages again that an operator asked for only after the pause.
    IgnoresOperators,
    /// Takes a lease for lost once its time has passed.
    LosesExpiredLeases,
    /// Leases a queue for a message of the future.
    LeasesTheFuture,
    /// Compares what the clocks showed, without the offsets.
    DropsOffsets,
    /// Compares GUIDs without case.
    ComparesWithoutCase,
    /// Stores deliveries in a closed outbox, which the first one opens.
    OpensAgain,
    /// Reads whether the outbox is open before it stores a delivery, and believes it.
    ReadsWhetherItIsOpenFirst,
    /// Counts the bytes of a delivery before it stores it (I6).
    StoresInTwoSteps,
    /// Derives `Debug` over the deliveries.
    ShowsDeliveries,
}

/// The memory outboxes with one defect.
#[derive(Debug)]
struct Driver {
    defect: Defect,
    bindings: [MemoryBindingRepo; 2],
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    /// The bodies that were stored under a key that is forgotten.
    delivered: Mutex<Vec<String>>,
    /// The latest lease of each queue.
    leases: Mutex<HashMap<String, Lease>>,
    /// Whether the outbox is closed, and the ids of what was deleted then.
    is_closed: AtomicBool,
    deleted: Mutex<HashSet<String>>,
}

#[derive(Debug, Clone)]
struct Wrong {
    defect: Defect,
    bindings: MemoryBindingRepo,
    memory: MemoryOutbox,
    shared: Arc<Shared>,
}

fn with(defect: Defect) -> Driver {
    Driver { defect, bindings: Default::default(), shared: Arc::default() }
}

#[async_trait]
impl OutboxDriver for Driver {
    async fn node(&self, app: u64) -> Node {
        let bindings = &self.bindings[usize::from(app == 2)];
        let memory = MemoryOutbox::open(bindings, BOUNDS);
        let (defect, shared) = (self.defect, Arc::clone(&self.shared));
        shared.is_closed.store(false, Ordering::SeqCst);
        let wrong = Arc::new(Wrong { defect, bindings: bindings.clone(), memory, shared });
        Node { app, bindings: Arc::new(bindings.clone()), deliveries: wrong.clone(), outbox: wrong }
    }

    async fn close(&self, app: u64) -> bool {
        if self.defect == Defect::ReadsWhetherItIsOpenFirst {
            let memory = MemoryOutbox::open(&self.bindings[usize::from(app == 2)], BOUNDS);
            self.shared.is_closed.store(true, Ordering::SeqCst);
            let entries = memory.list(&EntryFilter::default(), None, u32::MAX).await.unwrap();
            let ids = entries.iter().map(|entry| entry.id.to_string());
            self.shared.deleted.lock().unwrap().extend(ids);
        }
        matches!(self.defect, Defect::OpensAgain | Defect::ReadsWhetherItIsOpenFirst)
    }

    async fn usage(&self, _: u64, _: OffsetDateTime) -> Option<OutboxUsage> {
        None
    }
}

#[async_trait]
impl DeliveryStore for Wrong {
    async fn store<'a>(&self, mut delivery: VerifiedDelivery<'a>) -> Result<DeliveryOutcome, PortError> {
        match (self.defect, delivery.installation) {
            (Defect::AttributesFirst, Some(id)) => {
                let before = self.bindings.installation(id).await?.and_then(|record| record.organization);
                yield_to_others().await;
                let after = self.bindings.installation(id).await?.and_then(|record| record.organization);
                // The memory outbox stores it for the organization of this moment; a wrong one for the earlier one.
                if before.is_some() && before != after {
                    delivery.installation = None;
                }
                self.memory.store(delivery).await
            }
            (Defect::ForgetsKeys, _) => {
                let outcome = self.memory.store(delivery.clone()).await?;
                let is_delivered = self.shared.delivered.lock().unwrap().contains(&delivery.guid.to_string());
                if outcome == DeliveryOutcome::Duplicate && is_delivered {
                    return Ok(DeliveryOutcome::Stored);
                }
                Ok(outcome)
            }
            (Defect::ComparesWithoutCase, _) => {
                delivery.guid = DeliveryGuid::new(delivery.guid.as_str().to_lowercase()).unwrap();
                self.memory.store(delivery).await
            }
            (Defect::DropsOffsets, _) => {
                delivery.received_at = without_offset(delivery.received_at);
                self.memory.store(delivery).await
            }
            (Defect::ReadsWhetherItIsOpenFirst, _) => {
                if self.shared.is_closed.load(Ordering::SeqCst) {
                    return Ok(DeliveryOutcome::Unbound);
                }
                yield_to_others().await;
                self.memory.store(delivery).await
            }
            (Defect::StoresInTwoSteps, _) => {
                let key = delivery.guid.to_string();
                if self.shared.delivered.lock().unwrap().contains(&key) {
                    return Ok(DeliveryOutcome::Duplicate);
                }
                self.shared.delivered.lock().unwrap().push(key);
                yield_to_others().await;
                self.memory.store(delivery).await
            }
            (Defect::ShowsDeliveries, _) => {
                self.shared.delivered.lock().unwrap().push(format!("{:?}", delivery.guid));
                self.memory.store(delivery).await
            }
            _ => self.memory.store(delivery).await,
        }
    }
}

#[async_trait]
impl Outbox for Wrong {
    async fn lease(&self, now: OffsetDateTime, until: OffsetDateTime) -> Result<Option<Lease>, PortError> {
        let mut lease = self.memory.lease(now, until).await?;
        if self.defect == Defect::LeasesTheFuture && lease.is_none() {
            lease = self.memory.lease(now + time::Duration::DAY, until).await?;
        }
        if let Some(lease) = &lease {
            self.shared.leases.lock().unwrap().insert(format!("{:?}", lease.organization), lease.clone());
        }
        Ok(lease)
    }

    async fn renew(&self, lease: &Lease, until: OffsetDateTime) -> Result<bool, PortError> {
        self.memory.renew(lease, until).await
    }

    async fn read(
        &self,
        lease: &Lease,
        now: OffsetDateTime,
        most: u32,
        most_bytes: u64,
    ) -> Result<Vec<OutboxMessage>, PortError> {
        let mut messages = self.memory.read(lease, now, most, most_bytes).await?;
        if self.defect == Defect::LosesExpiredLeases && now >= lease.until {
            messages.clear();
        }
        if self.defect == Defect::StarvesTheSetAside {
            let all = self.memory.read(lease, now, u32::MAX, u64::MAX).await?;
            let is_aside = |message: &OutboxMessage| message.entry.status == EntryStatus::SetAside;
            let (aside, in_turn): (Vec<_>, Vec<_>) = all.into_iter().partition(is_aside);
            messages = in_turn.into_iter().chain(aside).take(most as usize).collect();
        }
        if self.defect == Defect::WaitsForTheSetAside {
            let filter =
                EntryFilter { organization: lease.organization.clone(), status: Some(EntryStatus::SetAside) };
            if !self.memory.list(&filter, None, 1).await?.is_empty() {
                messages.retain(|message| message.entry.status == EntryStatus::SetAside);
            }
        }
        if self.defect == Defect::SkipsTheFailed && messages.is_empty() {
            let filter =
                EntryFilter { organization: lease.organization.clone(), status: Some(EntryStatus::Waiting) };
            for entry in self.memory.list(&filter, None, most).await? {
                if entry.next_attempt_at.is_none() {
                    messages.extend(self.memory.find(&entry.id).await?);
                }
            }
        }
        Ok(messages)
    }

    async fn settle(&self, lease: &Lease, sequence: u64, verdict: Verdict) -> Result<bool, PortError> {
        let latest = self.shared.leases.lock().unwrap().get(&format!("{:?}", lease.organization)).cloned();
        let lease = match (self.defect, &latest) {
            (Defect::IgnoresTheToken, Some(latest)) => latest,
            _ => lease,
        };
        if matches!(verdict, Verdict::Done { .. }) {
            let filter = EntryFilter { organization: lease.organization.clone(), status: None };
            let entries = self.memory.list(&filter, None, u32::MAX).await?;
            let guid =
                entries.iter().find(|entry| entry.sequence == sequence).map(|entry| entry.id.to_string());
            let guid = guid.and_then(|id| id.splitn(3, '_').nth(2).map(str::to_owned));
            self.shared.delivered.lock().unwrap().extend(guid);
        }
        self.memory.settle(lease, sequence, verdict).await
    }

    async fn release(&self, lease: &Lease, now: OffsetDateTime) -> Result<(), PortError> {
        self.memory.release(lease, now).await
    }

    async fn list(
        &self,
        filter: &EntryFilter,
        after: Option<EntryCursor>,
        limit: u32,
    ) -> Result<Vec<OutboxEntry>, PortError> {
        let mut entries = self.memory.list(filter, after, limit).await?;
        if self.defect == Defect::ReadsWhetherItIsOpenFirst {
            let deleted = self.shared.deleted.lock().unwrap().clone();
            // The memory repository stores changes whether the outbox is closed or not.
            entries.retain(|entry| {
                matches!(entry.content, EntryContent::Delivery { .. })
                    && !deleted.contains(&entry.id.to_string())
            });
        }
        if self.defect == Defect::AttributesWhenRead {
            for entry in &mut entries {
                if let Some(id) = entry.installation {
                    let bound = self.bindings.installation(id).await?.and_then(|record| record.organization);
                    entry.organization = bound.or_else(|| Some(organization("unbound")));
                }
            }
        }
        Ok(entries)
    }

    async fn find(&self, id: &MessageId) -> Result<Option<OutboxMessage>, PortError> {
        self.memory.find(id).await
    }

    async fn retry(&self, id: &MessageId, now: OffsetDateTime) -> Result<RetryOutcome, PortError> {
        if self.defect == Defect::IgnoresOperators {
            return Ok(RetryOutcome::Queued);
        }
        self.memory.retry(id, now).await
    }

    async fn backlog(&self) -> Result<Backlog, PortError> {
        self.memory.backlog().await
    }
}

killed! {
    OutboxDriver;
    expired_lease_lost: with(Defect::LosesExpiredLeases) =>
        leases::expired_lease_that_nobody_took_stays_valid;
    future_leased: with(Defect::LeasesTheFuture) =>
        leases::delivery_from_the_future_waits_for_its_time;
    offsets_dropped: with(Defect::DropsOffsets) =>
        leases::offsets_of_times_change_nothing;
    compared_without_case: with(Defect::ComparesWithoutCase) =>
        deliveries::case_of_letters_distinguishes;
    opened_again_by_a_delivery: with(Defect::OpensAgain) =>
        deliveries::closed_outbox_stores_nothing;
    read_first_whether_it_is_open: with(Defect::ReadsWhetherItIsOpenFirst) =>
        races::racing_close_leaves_nothing;
    stored_in_two_steps: with(Defect::StoresInTwoSteps) =>
        deliveries::dropped_store_is_whole;
    deliveries_shown: with(Defect::ShowsDeliveries) =>
        deliveries::debug_shows_nothing_stored;
    organization_found_before_the_write: with(Defect::AttributesFirst) =>
        races::racing_move_attributes_each_delivery_to_one_organization;
    organization_found_when_read: with(Defect::AttributesWhenRead) =>
        deliveries::waiting_deliveries_stay_with_the_earlier_organization,
        sequences::random_sequences_agree_with_the_model;
    keys_forgotten: with(Defect::ForgetsKeys) =>
        deliveries::repeated_delivery_is_stored_once_c_80,
        sequences::random_sequences_agree_with_the_model;
    token_ignored: with(Defect::IgnoresTheToken) =>
        leases::crashed_consumer_loses_the_queue,
        sequences::random_sequences_agree_with_the_model;
    failed_message_skipped: with(Defect::SkipsTheFailed) =>
        order::failed_message_keeps_the_later_ones_waiting,
        sequences::random_sequences_agree_with_the_model;
    set_aside_message_awaited: with(Defect::WaitsForTheSetAside) =>
        order::message_that_is_set_aside_lets_the_others_pass_c_82,
        sequences::random_sequences_agree_with_the_model;
    set_aside_message_starved: with(Defect::StarvesTheSetAside) =>
        order::message_that_is_set_aside_is_not_starved,
        sequences::random_sequences_agree_with_the_model;
    operators_ignored: with(Defect::IgnoresOperators) =>
        operators::messages_are_sent_again,
        sequences::random_sequences_agree_with_the_model;
}
