//! A model of an outbox: what each call may answer.

use std::collections::{BTreeMap, BTreeSet};

use dockline::ports::DeliveryOutcome;
use dockline::rules::outbox::is_overdue;
use dockline::{EntryStatus, Lease, OutboxEntry, Verdict};
use time::OffsetDateTime;

use super::{Push, id, name};

/// The lease that a consumer believes to have.
pub(super) type Consumer = Option<Lease>;

/// The parts of an entry that the model knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    /// The id of a delivery; `None` of a change.
    pub(super) id: Option<String>,
    pub(super) status: EntryStatus,
    pub(super) attempts: u32,
    pub(super) next_attempt_at: Option<OffsetDateTime>,
}

impl Entry {
    pub(super) fn of(entry: &OutboxEntry) -> Self {
        let id = entry.id.as_str();
        Self {
            id: id.starts_with("gh_").then(|| id.to_owned()),
            status: entry.status,
            attempts: entry.failures.attempts,
            next_attempt_at: entry.next_attempt_at,
        }
    }

    fn new(id: Option<String>) -> Self {
        Self { id, status: EntryStatus::Waiting, attempts: 0, next_attempt_at: None }
    }

    fn is_due(&self, status: EntryStatus, now: OffsetDateTime) -> bool {
        self.status == status && self.next_attempt_at.is_none_or(|next| next <= now)
    }
}

#[derive(Debug, Default)]
struct Queue {
    entries: Vec<Entry>,
    token: u64,
    until: Option<OffsetDateTime>,
}

impl Queue {
    fn due(&self, now: OffsetDateTime) -> Vec<u64> {
        let numbered = || (1_u64..).zip(&self.entries);
        let waiting = numbered().filter(|(_, entry)| entry.status == EntryStatus::Waiting);
        let in_turn = waiting.take_while(|(_, entry)| entry.is_due(EntryStatus::Waiting, now));
        let mut aside: Vec<_> =
            numbered().filter(|(_, entry)| entry.is_due(EntryStatus::SetAside, now)).collect();
        aside.sort_by_key(|(sequence, entry)| (entry.next_attempt_at, *sequence));
        let overdue =
            aside.iter().take(1).filter(|(_, entry)| is_overdue(entry.next_attempt_at, now)).count();
        let others = aside.split_off(overdue);
        aside.into_iter().chain(in_turn).chain(others).map(|(sequence, _)| sequence).collect()
    }

    fn has(&self, lease: &Lease) -> bool {
        self.token == lease.token && self.until.is_some()
    }
}

#[derive(Debug, Default)]
pub(super) struct Model {
    queues: BTreeMap<String, Queue>,
    bound: BTreeMap<u64, String>,
    known: BTreeSet<u64>,
    keys: BTreeSet<String>,
}

impl Model {
    pub(super) fn is_bound(&self, organization: &str, number: u64) -> bool {
        self.bound.contains_key(&number) || self.bound.values().any(|bound| bound == organization)
    }

    fn push(&mut self, organization: &str, entry: Entry) {
        self.queues.entry(organization.to_owned()).or_default().entries.push(entry);
    }

    pub(super) fn bind(&mut self, organization: &str, number: u64) {
        self.known.insert(number);
        self.bound.insert(number, organization.to_owned());
        self.push(organization, Entry::new(None));
    }

    pub(super) fn release(&mut self, number: u64) -> Option<String> {
        let organization = self.bound.remove(&number)?;
        self.push(&organization, Entry::new(None));
        Some(organization)
    }

    pub(super) fn release_all(&mut self) {
        self.bound.clear();
    }

    /// Returns whether a queue got the change.
    pub(super) fn change(&mut self, number: u64) -> bool {
        let Some(organization) = self.bound.get(&number).cloned() else { return false };
        self.push(&organization, Entry::new(None));
        true
    }

    pub(super) fn store(&mut self, delivery: &Push) -> DeliveryOutcome {
        if self.keys.contains(&delivery.guid) {
            return DeliveryOutcome::Duplicate;
        }
        let bound = delivery.installation.and_then(|number| self.bound.get(&number)).cloned();
        let Some(organization) = bound else { return DeliveryOutcome::Unbound };
        self.keys.insert(delivery.guid.clone());
        self.push(&organization, Entry::new(Some(id(1, &delivery.guid).to_string())));
        DeliveryOutcome::Stored
    }

    /// A queue that a consumer must get.
    pub(super) fn leasable(&self, now: OffsetDateTime) -> Option<&str> {
        let free = |queue: &Queue| queue.until.is_none_or(|until| until <= now);
        let mut queues = self.queues.iter();
        queues.find(|(_, queue)| free(queue) && !queue.due(now).is_empty()).map(|(name, _)| name.as_str())
    }

    /// Checks and applies a lease. A store may give a queue that has nothing to send.
    pub(super) fn lease(&mut self, lease: &Lease, now: OffsetDateTime) {
        let queue = self.queues.get_mut(name(lease.organization.as_ref())).unwrap();
        assert!(queue.until.is_none_or(|until| until <= now), "leased twice: {lease:?}");
        assert!(lease.token > queue.token, "the token does not grow: {lease:?}");
        queue.token = lease.token;
        queue.until = Some(lease.until);
    }

    fn leased(&mut self, lease: &Lease) -> Option<&mut Queue> {
        self.queues.get_mut(name(lease.organization.as_ref())).filter(|queue| queue.has(lease))
    }

    pub(super) fn renew(&mut self, lease: &Lease, until: OffsetDateTime) -> bool {
        self.leased(lease).map(|queue| queue.until = Some(until)).is_some()
    }

    pub(super) fn end_lease(&mut self, lease: &Lease) {
        if let Some(queue) = self.leased(lease) {
            queue.until = None;
        }
    }

    pub(super) fn due(&mut self, lease: &Lease, now: OffsetDateTime) -> Vec<u64> {
        self.leased(lease).map(|queue| queue.due(now)).unwrap_or_default()
    }

    pub(super) fn settle(&mut self, lease: &Lease, sequence: u64, verdict: &Verdict) -> bool {
        let Some(queue) = self.leased(lease) else { return false };
        let Some(entry) = queue.entries.get_mut(usize::try_from(sequence).unwrap() - 1) else { return false };
        if matches!(entry.status, EntryStatus::Done | EntryStatus::Dead) {
            return false;
        }
        entry.next_attempt_at = match verdict {
            Verdict::Done { .. } | Verdict::Dead { .. } => None,
            Verdict::RetryLater { next_attempt_at, .. } | Verdict::SetAside { next_attempt_at, .. } => {
                Some(*next_attempt_at)
            }
        };
        entry.attempts += u32::from(!matches!(verdict, Verdict::Done { .. }));
        entry.status = match verdict {
            Verdict::Done { .. } => EntryStatus::Done,
            Verdict::RetryLater { .. } => entry.status,
            Verdict::SetAside { .. } => EntryStatus::SetAside,
            Verdict::Dead { .. } => EntryStatus::Dead,
        };
        true
    }

    /// The ids of all entries, and whether they are delivered.
    pub(super) fn entries(&self) -> Vec<(Option<String>, bool)> {
        let entries = self.queues.values().flat_map(|queue| &queue.entries);
        entries.map(|entry| (entry.id.clone(), entry.status == EntryStatus::Done)).collect()
    }

    pub(super) fn retry(&mut self, id: &str, now: OffsetDateTime) {
        let mut entries = self.queues.values_mut().flat_map(|queue| &mut queue.entries);
        let entry = entries.find(|entry| entry.id.as_deref() == Some(id)).unwrap();
        if entry.status == EntryStatus::Waiting {
            entry.next_attempt_at = None;
        } else {
            *entry = Entry {
                status: EntryStatus::SetAside,
                next_attempt_at: Some(now),
                ..Entry::new(entry.id.take())
            };
        }
    }

    pub(super) fn queue(&self, organization: &str) -> Vec<Entry> {
        self.queues.get(organization).map(|queue| queue.entries.clone()).unwrap_or_default()
    }

    pub(super) fn count(&self, is_counted: impl Fn(&Entry) -> bool) -> usize {
        self.queues.values().flat_map(|queue| &queue.entries).filter(|entry| is_counted(entry)).count()
    }
}
