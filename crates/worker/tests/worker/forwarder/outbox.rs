//! A scripted outbox: queues in memory, by the rules of the port.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard};

use async_trait::async_trait;
use dockline::ports::{Clock, EntryCursor, EntryFilter, Outbox, RetryOutcome};
use dockline::rules::outbox::is_overdue;
use dockline::{
    AppId, Backlog, DeliveryGuid, EntryContent, EntryStatus, FailedAttempt, FailureRecord, Lease, MessageId,
    OrganizationId, OutboxEntry, OutboxMessage, PortError, PortErrorKind, PortName, Verdict,
};
use dockline_testkit::fixtures::{NOON, installation};
use time::OffsetDateTime;
use tokio::time::Instant;

/// A clock that runs with tokio's, from noon on.
#[derive(Debug)]
pub(crate) struct RunningClock(Instant);

impl RunningClock {
    pub(crate) fn new() -> Self {
        Self(Instant::now())
    }
}

impl Clock for RunningClock {
    fn now(&self) -> OffsetDateTime {
        NOON + self.0.elapsed()
    }
}

#[derive(Debug, Default)]
struct Queue {
    messages: BTreeMap<u64, OutboxMessage>,
    token: u64,
    leased_until: Option<OffsetDateTime>,
    released_at: Option<OffsetDateTime>,
}

impl Queue {
    fn is_leased(&self, now: OffsetDateTime) -> bool {
        self.leased_until.is_some_and(|until| until > now)
    }

    /// Returns the messages to send at `now`, in the order of the port.
    fn sendable(&self, now: OffsetDateTime) -> impl Iterator<Item = &OutboxMessage> {
        let is_due =
            move |message: &&OutboxMessage| message.entry.next_attempt_at.is_some_and(|at| at <= now);
        let of = |status| self.messages.values().filter(move |message| message.entry.status == status);
        let mut aside: Vec<_> = of(EntryStatus::SetAside).filter(is_due).collect();
        aside.sort_by_key(|message| message.entry.next_attempt_at);
        let first = aside.first().copied().filter(|message| is_overdue(message.entry.next_attempt_at, now));
        let others = aside.into_iter().skip(usize::from(first.is_some()));
        first.into_iter().chain(of(EntryStatus::Waiting).take_while(is_due)).chain(others)
    }
}

#[derive(Debug, Default)]
struct State {
    queues: BTreeMap<Option<OrganizationId>, Queue>,
    failing: bool,
    calls: BTreeMap<&'static str, usize>,
}

#[derive(Debug, Default)]
pub(crate) struct Scripted(Mutex<State>);

pub(crate) fn organization(name: &str) -> Option<OrganizationId> {
    Some(OrganizationId::new(name).unwrap())
}

impl Scripted {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    fn call(&self, method: &'static str) -> Result<MutexGuard<'_, State>, PortError> {
        let mut state = self.state();
        *state.calls.entry(method).or_default() += 1;
        if state.failing {
            return Err(PortError::new(PortName::StateStore, PortErrorKind::Unavailable, "as scripted"));
        }
        Ok(state)
    }

    /// Adds a delivery with a body of this size to the queue of an organization.
    pub(crate) fn add(&self, name: &str, size: usize, now: OffsetDateTime) {
        let mut state = self.state();
        let queue = state.queues.entry(organization(name)).or_default();
        let sequence = queue.messages.len() as u64 + 1;
        let guid = DeliveryGuid::new(format!("{name}-{sequence}")).unwrap();
        let entry = OutboxEntry {
            id: MessageId::of_delivery(AppId::new(7).unwrap(), &guid),
            organization: organization(name),
            installation: Some(installation(1)),
            sequence,
            content: EntryContent::Delivery { event: "push".to_owned(), action: None, guid },
            size: size as u64,
            received_at: now,
            status: EntryStatus::Waiting,
            failures: FailureRecord::default(),
            next_attempt_at: Some(now),
            done_at: None,
        };
        queue.messages.insert(sequence, OutboxMessage { entry, body: vec![b' '; size] });
    }

    /// Fails every call, or none.
    pub(crate) fn fail(&self, failing: bool) {
        self.state().failing = failing;
    }

    /// Returns the number of calls of a method.
    pub(crate) fn calls(&self, method: &str) -> usize {
        self.state().calls.get(method).copied().unwrap_or_default()
    }

    /// Returns the entry of a message.
    pub(crate) fn entry(&self, name: &str, sequence: u64) -> OutboxEntry {
        let state = self.state();
        let queue = state.queues.get(&organization(name)).unwrap();
        queue.messages.get(&sequence).unwrap().entry.clone()
    }

    /// Returns the number of messages with this status.
    pub(crate) fn count(&self, status: EntryStatus) -> usize {
        let state = self.state();
        let messages = state.queues.values().flat_map(|queue| queue.messages.values());
        messages.filter(|message| message.entry.status == status).count()
    }

    /// Returns whether a queue is leased.
    pub(crate) fn is_leased(&self, name: &str, now: OffsetDateTime) -> bool {
        self.state().queues.get(&organization(name)).unwrap().is_leased(now)
    }

    /// Gives the queue to another consumer, for an hour.
    pub(crate) fn steal(&self, name: &str, now: OffsetDateTime) {
        let mut state = self.state();
        let queue = state.queues.get_mut(&organization(name)).unwrap();
        queue.token += 1;
        queue.leased_until = Some(now + time::Duration::HOUR);
    }
}

fn leased<'a>(state: &'a mut State, lease: &Lease) -> Option<&'a mut Queue> {
    let queue = state.queues.get_mut(&lease.organization)?;
    (queue.token == lease.token && queue.leased_until.is_some()).then_some(queue)
}

fn fail(entry: &mut OutboxEntry, failed: &FailedAttempt, status: EntryStatus, next: Option<OffsetDateTime>) {
    entry.failures = failed.add_to(&entry.failures);
    (entry.status, entry.next_attempt_at) = (status, next);
}

#[async_trait]
impl Outbox for Scripted {
    async fn lease(&self, now: OffsetDateTime, until: OffsetDateTime) -> Result<Option<Lease>, PortError> {
        let mut state = self.call("lease")?;
        let free = state.queues.iter_mut().filter(|(_, queue)| !queue.is_leased(now));
        let due = free.filter_map(|(organization, queue)| {
            let at = queue.sendable(now).next()?.entry.next_attempt_at;
            Some((at.max(queue.released_at), organization.clone(), queue))
        });
        let Some((_, organization, queue)) = due.min_by_key(|(at, ..)| *at) else { return Ok(None) };
        queue.token += 1;
        queue.leased_until = Some(until);
        Ok(Some(Lease { organization, token: queue.token, until }))
    }

    async fn renew(&self, lease: &Lease, until: OffsetDateTime) -> Result<bool, PortError> {
        let mut state = self.call("renew")?;
        let queue = leased(&mut state, lease);
        Ok(queue.map(|queue| queue.leased_until = Some(until)).is_some())
    }

    async fn read(
        &self,
        lease: &Lease,
        now: OffsetDateTime,
        most: u32,
        most_bytes: u64,
    ) -> Result<Vec<OutboxMessage>, PortError> {
        let mut state = self.call("read")?;
        let Some(queue) = leased(&mut state, lease) else { return Ok(Vec::new()) };
        let (mut read, mut bytes) = (Vec::new(), 0);
        for message in queue.sendable(now).take(most as usize) {
            bytes += message.entry.size;
            if bytes > most_bytes && !read.is_empty() {
                break;
            }
            read.push(message.clone());
        }
        Ok(read)
    }

    async fn settle(&self, lease: &Lease, sequence: u64, verdict: Verdict) -> Result<bool, PortError> {
        let mut state = self.call("settle")?;
        let Some(queue) = leased(&mut state, lease) else { return Ok(false) };
        let entry = &mut queue.messages.get_mut(&sequence).unwrap().entry;
        if matches!(entry.status, EntryStatus::Done | EntryStatus::Dead) {
            return Ok(false);
        }
        match verdict {
            Verdict::Done { at } => {
                (entry.status, entry.next_attempt_at, entry.done_at) = (EntryStatus::Done, None, Some(at));
            }
            Verdict::RetryLater { failed, next_attempt_at } => {
                fail(entry, &failed, EntryStatus::Waiting, Some(next_attempt_at));
            }
            Verdict::SetAside { failed, next_attempt_at } => {
                fail(entry, &failed, EntryStatus::SetAside, Some(next_attempt_at));
            }
            Verdict::Dead { failed } => fail(entry, &failed, EntryStatus::Dead, None),
        }
        Ok(true)
    }

    async fn release(&self, lease: &Lease, now: OffsetDateTime) -> Result<(), PortError> {
        let mut state = self.call("release")?;
        if let Some(queue) = leased(&mut state, lease) {
            (queue.leased_until, queue.released_at) = (None, Some(now));
        }
        Ok(())
    }

    async fn list(
        &self,
        _: &EntryFilter,
        _: Option<EntryCursor>,
        _: u32,
    ) -> Result<Vec<OutboxEntry>, PortError> {
        panic!("the forwarder lists nothing")
    }

    async fn find(&self, _: &MessageId) -> Result<Option<OutboxMessage>, PortError> {
        panic!("the forwarder finds nothing")
    }

    async fn retry(&self, _: &MessageId, _: OffsetDateTime) -> Result<RetryOutcome, PortError> {
        panic!("the forwarder asks for no retry")
    }

    async fn backlog(&self) -> Result<Backlog, PortError> {
        let state = self.call("backlog")?;
        let entries = || state.queues.values().flat_map(|queue| queue.messages.values()).map(|it| &it.entry);
        let count = |status| entries().filter(|entry| entry.status == status).count() as u64;
        let open =
            || entries().filter(|it| matches!(it.status, EntryStatus::Waiting | EntryStatus::SetAside));
        Ok(Backlog {
            waiting: count(EntryStatus::Waiting),
            set_aside: count(EntryStatus::SetAside),
            dead: count(EntryStatus::Dead),
            bytes: open().map(|entry| entry.size).sum(),
            oldest: open().map(|entry| entry.received_at).min(),
        })
    }
}
