mod erasure;

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::sync::Arc;

use dockline::ports::{DeliveryOutcome, Entropy, EntryCursor, EntryFilter, RetryOutcome};
use dockline::rules::events;
use dockline::rules::outbox::{KEYS_KEPT_FOR, is_overdue};
use dockline::{
    Backlog, Change, DeliveryGuid, EntropyFailed, EntryContent, EntryStatus, FailureRecord, Lease, MessageId,
    OrganizationId, OutboxBounds, OutboxEntry, OutboxMessage, Verdict, VerifiedDelivery,
};
use time::OffsetDateTime;

use crate::stored_time;

/// The number of delivered entries that are kept. Older ones are forgotten, so that memory stays bounded.
const MOST_DONE: usize = 100_000;

type Key = (DeliveryGuid, [u8; 32]);
type Position = (Option<OrganizationId>, u64);

/// The queues of an App.
pub(crate) struct Queues {
    bounds: OutboxBounds,
    entropy: Arc<dyn Entropy>,
    /// Drawn before a change is made, so that a failing source of randomness prevents the change.
    random: [u8; 10],
    queues: BTreeMap<Option<OrganizationId>, Queue>,
    keys: HashMap<Key, Position>,
    /// Delivered entries, the oldest first.
    done: VecDeque<(OffsetDateTime, Position)>,
}

#[derive(Default)]
struct Queue {
    last_sequence: u64,
    entries: BTreeMap<u64, Stored>,
    bytes: u64,
    token: u64,
    leased_until: Option<OffsetDateTime>,
    /// No later than the time from which the queue has something to send; `None` if it has nothing.
    due_at: Option<OffsetDateTime>,
}

struct Stored {
    entry: OutboxEntry,
    body: Vec<u8>,
    key: Option<Key>,
}

impl Stored {
    fn message(&self) -> OutboxMessage {
        let body = match &self.entry.content {
            EntryContent::Delivery { .. } => self.body.clone(),
            EntryContent::Change(change) => events::payload(change),
        };
        OutboxMessage { entry: self.entry.clone(), body }
    }

    /// Whether the entry has this status, and an attempt is due.
    fn is_due(&self, status: EntryStatus, now: OffsetDateTime) -> bool {
        self.entry.status == status && self.entry.next_attempt_at.is_none_or(|next| next <= now)
    }
}

impl Queue {
    fn has(&self, token: u64) -> bool {
        self.token == token && self.leased_until.is_some()
    }

    /// The entries that wait for their turn, in order.
    fn waiting(&self) -> impl Iterator<Item = &Stored> {
        self.entries.values().filter(|stored| stored.entry.status == EntryStatus::Waiting)
    }

    /// The entries to send at `now`.
    fn due(&self, now: OffsetDateTime) -> impl Iterator<Item = &Stored> {
        let in_turn = self.waiting().take_while(move |stored| stored.is_due(EntryStatus::Waiting, now));
        let is_due = move |stored: &&Stored| stored.is_due(EntryStatus::SetAside, now);
        let mut aside: Vec<_> = self.entries.values().filter(is_due).collect();
        aside.sort_by_key(|stored| stored.entry.next_attempt_at);
        let is_overdue = |stored: &&&Stored| is_overdue(stored.entry.next_attempt_at, now);
        let first = aside.first().filter(is_overdue).copied();
        let others = aside.into_iter().skip(usize::from(first.is_some()));
        first.into_iter().chain(in_turn).chain(others)
    }

    /// Since when the queue has waited for a consumer; `None` if it has nothing to send.
    fn due_since(&self, now: OffsetDateTime) -> Option<OffsetDateTime> {
        let due_at = self.due_at.filter(|due| *due <= now)?;
        self.due(now).next().map(|_| due_at)
    }

    fn make_due(&mut self, at: OffsetDateTime) {
        self.due_at = Some(self.due_at.map_or(at, |due| due.min(at)));
    }

    /// Ends the lease. What is left is due after the queues that wait already.
    fn release(&mut self, now: OffsetDateTime) {
        self.leased_until = None;
        let first = self.waiting().next().map(|stored| stored.entry.next_attempt_at.unwrap_or(now));
        let aside = self.entries.values().filter(|stored| stored.entry.status == EntryStatus::SetAside);
        let next = aside.filter_map(|stored| stored.entry.next_attempt_at).chain(first).min();
        self.due_at = next.map(|next| next.max(now));
    }

    /// Adds an entry that is due at this time.
    fn push(&mut self, due_at: OffsetDateTime, stored: impl FnOnce(u64) -> Stored) -> u64 {
        self.make_due(due_at);
        self.last_sequence = self.last_sequence.saturating_add(1);
        let stored = stored(self.last_sequence);
        self.bytes = self.bytes.saturating_add(stored.entry.size);
        self.entries.insert(self.last_sequence, stored);
        self.last_sequence
    }
}

impl Queues {
    pub(crate) fn new(bounds: OutboxBounds, entropy: Arc<dyn Entropy>) -> Self {
        let (queues, keys, done) = (BTreeMap::new(), HashMap::new(), VecDeque::new());
        Self { bounds, entropy, random: [0; 10], queues, keys, done }
    }

    /// Draws the random part of the next change's id.
    pub(crate) fn draw(&mut self) -> Result<(), EntropyFailed> {
        self.entropy.fill(&mut self.random)
    }

    /// Stores a change at the end of its organization's queue, if it has an event.
    pub(crate) fn push_change(&mut self, change: &Change, at: OffsetDateTime) {
        let Some(organization) = change.organization() else { return };
        if events::of(change).is_empty() {
            return;
        }
        let received_at = stored_time(at);
        let id = MessageId::of_event(received_at, self.random);
        let queue = self.queues.entry(Some(organization.clone())).or_default();
        // Due whatever the consumer's clock says: the time of a change may be that of another clock.
        queue.push(OffsetDateTime::UNIX_EPOCH, |sequence| Stored {
            entry: OutboxEntry {
                id,
                organization: Some(organization.clone()),
                installation: Some(change.installation),
                sequence,
                content: EntryContent::Change(change.clone()),
                size: 0,
                received_at,
                status: EntryStatus::Waiting,
                failures: FailureRecord::default(),
                next_attempt_at: None,
                done_at: None,
            },
            body: Vec::new(),
            key: None,
        });
    }

    pub(crate) fn is_known(&self, delivery: &VerifiedDelivery<'_>) -> bool {
        self.keys.contains_key(&(delivery.guid.clone(), delivery.digest()))
    }

    pub(crate) fn received(&self, guids: &[String]) -> HashSet<String> {
        let known: HashSet<&str> = self.keys.keys().map(|(guid, _)| guid.as_str()).collect();
        guids.iter().filter(|guid| known.contains(guid.as_str())).cloned().collect()
    }

    pub(crate) fn store(
        &mut self,
        delivery: &VerifiedDelivery<'_>,
        organization: Option<OrganizationId>,
    ) -> DeliveryOutcome {
        let received_at = stored_time(delivery.received_at);
        self.forget_done(received_at);
        let size = delivery.body.len() as u64;
        let in_all: u64 = self.queues.values().map(|queue| queue.bytes).sum();
        let queue = self.queues.entry(organization.clone()).or_default();
        let fits = queue.bytes.saturating_add(size) <= self.bounds.per_organization
            && in_all.saturating_add(size) <= self.bounds.in_all;
        if !fits {
            return DeliveryOutcome::Full { organization };
        }
        let key = (delivery.guid.clone(), delivery.digest());
        let sequence = queue.push(received_at, |sequence| Stored {
            entry: OutboxEntry {
                id: MessageId::of_delivery(delivery.app, &delivery.guid),
                organization: organization.clone(),
                installation: delivery.installation,
                sequence,
                content: EntryContent::Delivery {
                    event: delivery.event.to_owned(),
                    action: delivery.action.as_deref().map(str::to_owned),
                    guid: delivery.guid.clone(),
                },
                size,
                received_at,
                status: EntryStatus::Waiting,
                failures: FailureRecord::default(),
                next_attempt_at: None,
                done_at: None,
            },
            body: delivery.body.to_vec(),
            key: Some(key.clone()),
        });
        self.keys.insert(key, (organization, sequence));
        DeliveryOutcome::Stored
    }

    /// Forgets delivered entries after their time, or beyond their number.
    fn forget_done(&mut self, now: OffsetDateTime) {
        while let Some((at, _)) = self.done.front()
            && (self.done.len() > MOST_DONE || at.saturating_add(KEYS_KEPT_FOR) < now)
        {
            let Some((at, (organization, sequence))) = self.done.pop_front() else { return };
            let Some(queue) = self.queues.get_mut(&organization) else { continue };
            let is_same = |stored: &Stored| stored.entry.done_at == Some(at);
            if queue.entries.get(&sequence).is_some_and(is_same)
                && let Some(Stored { key: Some(key), .. }) = queue.entries.remove(&sequence)
            {
                self.keys.remove(&key);
            }
        }
    }

    pub(crate) fn lease(&mut self, now: OffsetDateTime, until: OffsetDateTime) -> Option<Lease> {
        let free =
            self.queues.iter_mut().filter(|(_, queue)| queue.leased_until.is_none_or(|end| end <= now));
        let due = free.filter_map(|(organization, queue)| Some((queue.due_since(now)?, organization, queue)));
        let (_, organization, queue) = due.min_by(|a, b| (a.0, a.1).cmp(&(b.0, b.1)))?;
        queue.token = queue.token.saturating_add(1);
        let until = stored_time(until);
        queue.leased_until = Some(until);
        Some(Lease { organization: organization.clone(), token: queue.token, until })
    }

    fn leased(&mut self, lease: &Lease) -> Option<&mut Queue> {
        self.queues.get_mut(&lease.organization).filter(|queue| queue.has(lease.token))
    }

    pub(crate) fn renew(&mut self, lease: &Lease, until: OffsetDateTime) -> bool {
        self.leased(lease).map(|queue| queue.leased_until = Some(stored_time(until))).is_some()
    }

    pub(crate) fn release(&mut self, lease: &Lease, now: OffsetDateTime) {
        if let Some(queue) = self.leased(lease) {
            queue.release(stored_time(now));
        }
    }

    pub(crate) fn read(
        &mut self,
        lease: &Lease,
        now: OffsetDateTime,
        most: u32,
        most_bytes: u64,
    ) -> Vec<OutboxMessage> {
        let Some(queue) = self.leased(lease) else { return Vec::new() };
        let (mut messages, mut bytes) = (Vec::new(), 0_u64);
        for stored in queue.due(now).take(usize::try_from(most).unwrap_or(usize::MAX)) {
            bytes = bytes.saturating_add(stored.entry.size);
            if bytes > most_bytes && !messages.is_empty() {
                break;
            }
            messages.push(stored.message());
        }
        messages
    }

    pub(crate) fn settle(&mut self, lease: &Lease, sequence: u64, verdict: &Verdict) -> bool {
        let Some(queue) = self.leased(lease) else { return false };
        let Some(stored) = queue.entries.get_mut(&sequence) else { return false };
        let entry = &mut stored.entry;
        if matches!(entry.status, EntryStatus::Done | EntryStatus::Dead) {
            return false;
        }
        let (failed, next_attempt_at) = match verdict {
            Verdict::Done { at } => {
                let at = stored_time(*at);
                entry.status = EntryStatus::Done;
                entry.done_at = Some(at);
                entry.next_attempt_at = None;
                queue.bytes = queue.bytes.saturating_sub(entry.size);
                // Memory is scarcer than the wish to send a message again.
                stored.body = Vec::new();
                self.done.push_back((at, (lease.organization.clone(), sequence)));
                return true;
            }
            Verdict::RetryLater { failed, next_attempt_at } => (failed, Some(*next_attempt_at)),
            Verdict::SetAside { failed, next_attempt_at } => {
                entry.status = EntryStatus::SetAside;
                (failed, Some(*next_attempt_at))
            }
            Verdict::Dead { failed } => {
                entry.status = EntryStatus::Dead;
                (failed, None)
            }
        };
        entry.failures = failed.add_to(&entry.failures);
        entry.failures.first_at = entry.failures.first_at.map(stored_time);
        entry.next_attempt_at = next_attempt_at.map(stored_time);
        true
    }

    pub(crate) fn list(
        &self,
        filter: &EntryFilter,
        after: Option<&EntryCursor>,
        limit: u32,
    ) -> Vec<OutboxEntry> {
        let is_listed = |entry: &OutboxEntry| {
            filter.organization.as_ref().is_none_or(|only| entry.organization.as_ref() == Some(only))
                && filter.status.is_none_or(|only| entry.status == only)
                && after.is_none_or(|after| {
                    (&entry.organization, entry.sequence) > (&after.organization, after.sequence)
                })
        };
        let entries = self.queues.values().flat_map(|queue| queue.entries.values());
        let entries = entries.map(|stored| &stored.entry).filter(|entry| is_listed(entry));
        entries.take(usize::try_from(limit).unwrap_or(usize::MAX)).cloned().collect()
    }

    /// The position of the message of this id that was received last.
    fn position(&self, id: &MessageId) -> Option<Position> {
        let entries = self.queues.values().flat_map(|queue| queue.entries.values());
        let found = entries.map(|stored| &stored.entry).filter(|entry| entry.id == *id);
        let latest = found.max_by_key(|entry| (entry.received_at, entry.sequence))?;
        Some((latest.organization.clone(), latest.sequence))
    }

    pub(crate) fn find(&self, id: &MessageId) -> Option<OutboxMessage> {
        let (organization, sequence) = self.position(id)?;
        self.queues.get(&organization)?.entries.get(&sequence).map(Stored::message)
    }

    pub(crate) fn retry(&mut self, id: &MessageId, now: OffsetDateTime) -> RetryOutcome {
        let Some((organization, sequence)) = self.position(id) else { return RetryOutcome::Unknown };
        let Some(queue) = self.queues.get_mut(&organization) else { return RetryOutcome::Unknown };
        let Some(stored) = queue.entries.get_mut(&sequence) else { return RetryOutcome::Unknown };
        let entry = &mut stored.entry;
        match entry.status {
            EntryStatus::Waiting => entry.next_attempt_at = None,
            EntryStatus::Done | EntryStatus::Dead if stored.body.len() as u64 != entry.size => {
                return RetryOutcome::BodyDeleted;
            }
            EntryStatus::Done | EntryStatus::Dead | EntryStatus::SetAside => {
                if entry.status == EntryStatus::Done {
                    queue.bytes = queue.bytes.saturating_add(entry.size);
                }
                entry.status = EntryStatus::SetAside;
                entry.failures = FailureRecord::default();
                entry.next_attempt_at = Some(stored_time(now));
                entry.done_at = None;
            }
        }
        queue.make_due(stored_time(now));
        RetryOutcome::Queued
    }

    pub(crate) fn backlog(&self) -> Backlog {
        let mut backlog = Backlog::default();
        for queue in self.queues.values() {
            backlog.bytes = backlog.bytes.saturating_add(queue.bytes);
            for Stored { entry, .. } in queue.entries.values() {
                let count = match entry.status {
                    EntryStatus::Waiting => &mut backlog.waiting,
                    EntryStatus::SetAside => &mut backlog.set_aside,
                    EntryStatus::Dead => {
                        backlog.dead += 1;
                        continue;
                    }
                    EntryStatus::Done => continue,
                };
                *count += 1;
                let oldest = backlog.oldest.map_or(entry.received_at, |oldest| oldest.min(entry.received_at));
                backlog.oldest = Some(oldest);
            }
        }
        backlog
    }
}
