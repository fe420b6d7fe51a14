//! The history of deliveries, and those that are not sent yet.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use time::OffsetDateTime;

use super::delivery::{Delivery, DeliveryMode, DeliveryOutcome};

/// The oldest deliveries are dropped beyond this number.
const CAPACITY: usize = 50_000;

#[derive(Debug, Default)]
pub(crate) struct DeliveryQueue {
    mode: DeliveryMode,
    created: u64,
    deliveries: BTreeMap<u64, Delivery>,
    queued: VecDeque<QueuedDelivery>,
    /// Deliveries that the mode `Shuffled` collected.
    collected: Vec<u64>,
    /// Generator of the mode `Shuffled`.
    shuffle: fastrand::Rng,
}

#[derive(Clone, Copy, Debug)]
struct QueuedDelivery {
    id: u64,
    due: OffsetDateTime,
}

impl DeliveryQueue {
    pub(crate) fn mode(&self) -> DeliveryMode {
        self.mode
    }

    pub(crate) fn set_mode(&mut self, mode: DeliveryMode) {
        self.mode = mode;
        if let DeliveryMode::Shuffled { seed } = mode {
            self.shuffle = fastrand::Rng::with_seed(seed);
        }
    }

    /// Adds a delivery under a new id and queues it by the current mode.
    pub(crate) fn add(&mut self, delivery: Delivery) {
        // Like GitHub's, the ids ascend with gaps and exceed 2^31.
        let id = 180_000_000_011 + self.created * 37;
        self.created += 1;
        let now = delivery.made_at;
        self.deliveries.insert(id, Delivery { id, ..delivery });
        while self.deliveries.len() > CAPACITY {
            if let Some((oldest, _)) = self.deliveries.pop_first() {
                self.dequeue(oldest);
            }
        }
        let queued = QueuedDelivery { id, due: now };
        match self.mode {
            DeliveryMode::Automatic => self.queued.push_back(queued),
            DeliveryMode::Held => {}
            DeliveryMode::Shuffled { .. } => self.collected.push(id),
            DeliveryMode::Doubled => self.queued.extend([queued, queued]),
            DeliveryMode::Dropped => self.drop_delivery(id, now),
            DeliveryMode::Late { seconds } => {
                let due = now.checked_add(time::Duration::seconds(seconds)).unwrap_or(now);
                self.queued.push_back(QueuedDelivery { id, due });
            }
        }
    }

    /// Queues the deliveries that the mode `Shuffled` collected, in random order.
    pub(crate) fn release_shuffled(&mut self, now: OffsetDateTime) {
        let mut batch = std::mem::take(&mut self.collected);
        self.shuffle.shuffle(&mut batch);
        self.queued.extend(batch.into_iter().map(|id| QueuedDelivery { id, due: now }));
    }

    /// Returns the first due delivery. It stays queued until [`sent`](Self::sent).
    pub(crate) fn next(&self, now: OffsetDateTime) -> Option<&Delivery> {
        let first = self.queued.iter().find(|queued| queued.due <= now)?;
        self.deliveries.get(&first.id)
    }

    /// Returns when the next queued delivery is due.
    pub(crate) fn next_due(&self) -> Option<OffsetDateTime> {
        self.queued.iter().map(|queued| queued.due).min()
    }

    /// Records an attempt and removes one queue entry of the delivery.
    pub(crate) fn sent(&mut self, id: u64, outcome: DeliveryOutcome) {
        if let Some(at) = self.queued.iter().position(|queued| queued.id == id) {
            self.queued.remove(at);
        }
        self.record(id, outcome);
    }

    /// Removes all queue entries of the delivery.
    pub(crate) fn dequeue(&mut self, id: u64) {
        self.queued.retain(|queued| queued.id != id);
        self.collected.retain(|collected| *collected != id);
    }

    /// Records the outcome of an attempt.
    pub(crate) fn record(&mut self, id: u64, outcome: DeliveryOutcome) {
        if let Some(delivery) = self.deliveries.get_mut(&id) {
            delivery.posts += 1;
            delivery.outcome = Some(outcome);
        }
    }

    fn drop_delivery(&mut self, id: u64, now: OffsetDateTime) {
        if let Some(delivery) = self.deliveries.get_mut(&id) {
            delivery.outcome = Some(DeliveryOutcome::unanswered("failed", now, Duration::ZERO));
        }
    }

    pub(crate) fn delivery(&self, id: u64) -> Option<&Delivery> {
        self.deliveries.get(&id)
    }

    /// Returns all deliveries, oldest first.
    pub(crate) fn deliveries(&self) -> impl DoubleEndedIterator<Item = &Delivery> {
        self.deliveries.values()
    }

    /// Removes all deliveries, including queued ones.
    pub(crate) fn clear(&mut self) {
        self.deliveries.clear();
        self.queued.clear();
        self.collected.clear();
    }
}
