use std::time::Duration;

use dockline::rules::outbox::judge;
use dockline::{Lease, OutboxMessage, PortError, Verdict};
use tokio::time::{Instant, sleep, timeout};

use super::attempt::report;
use super::lanes::{Place, SMALL_BODY};
use super::{Forwarder, LEASE};

/// How long one queue is forwarded before others get its place.
const TURN: Duration = Duration::from_secs(10);

/// Messages per read.
const BATCH: u32 = 16;

/// The lease is renewed before an attempt if it ends sooner. Longer than the wait for a place and the attempt, so that no
/// other node sends the queue's messages meanwhile.
const ENOUGH: time::Duration = time::Duration::seconds(30);

/// How long a leased queue waits for its place, before it is released and takes its turn again. Shorter than the lease, which
/// another worker would take otherwise: so queues that wait for a retry never hold all workers.
const PLACE_WAIT: Duration = Duration::from_secs(5);

/// The pauses before a failed call of the outbox is repeated: the first, and the longest after doubling.
const CALL_PAUSES: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(8));

/// The turn of a queue that this node leased.
pub(super) struct Turn<'a> {
    forwarder: &'a Forwarder,
    lease: Lease,
}

/// What follows a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    /// The next message.
    Message,
    /// The queue has nothing to send at present, or its turn is over.
    Release,
    /// Another node has the queue, or the store failed for as long as the lease lasts.
    Leave,
}

impl<'a> Turn<'a> {
    pub(super) const fn new(forwarder: &'a Forwarder, lease: Lease) -> Self {
        Self { forwarder, lease }
    }

    /// Sends messages until there are none, one fails, or the turn is over. Then the queue is released.
    pub(super) async fn run(mut self) {
        let ends = Instant::now() + TURN;
        loop {
            match self.batch().await {
                Next::Message if Instant::now() < ends && !self.forwarder.is_closing() => {}
                Next::Message => {
                    self.release().await;
                    // It has more messages, which an idle node must not leave until its next look.
                    return self.forwarder.options.signal.notify();
                }
                Next::Release => return self.release().await,
                Next::Leave => return,
            }
        }
    }

    async fn batch(&mut self) -> Next {
        let Some(mut messages) = self.read(BATCH).await else { return Next::Leave };
        if messages.is_empty() {
            return Next::Release;
        }
        let mut place = None;
        if let Some(first) = messages.first().filter(|first| first.body.len() > SMALL_BODY) {
            let lane = self.forwarder.lanes.of(first);
            place = lane.free_large_body();
            if place.is_none() {
                // It is read again once there is memory for it.
                drop(messages);
                place = tokio::select! {
                    place = timeout(PLACE_WAIT, lane.large_body()) => place.ok(),
                    () = self.forwarder.closed() => None,
                };
                if place.is_none() {
                    return Next::Release;
                }
                messages = match self.read(1).await {
                    Some(messages) if messages.is_empty() => return Next::Release,
                    Some(messages) => messages,
                    None => return Next::Leave,
                };
            }
        }
        for message in messages {
            match self.forward(message).await {
                Next::Message => {}
                next @ (Next::Release | Next::Leave) => return next,
            }
        }
        drop(place);
        Next::Message
    }

    /// Sends one message and settles it.
    async fn forward(&mut self, message: OutboxMessage) -> Next {
        let forwarder = self.forwarder;
        let entry = message.entry.clone();
        if !self.keep_lease().await {
            return Next::Leave;
        }
        let place: Option<Place<'_>> = tokio::select! {
            biased;
            () = forwarder.closed() => None,
            place = timeout(PLACE_WAIT, forwarder.lanes.of(&message).attempt()) => place.ok(),
        };
        let Some(place) = place else { return Next::Release };
        let Some(outcome) = forwarder.attempt(message).await else { return Next::Release };
        drop(place);
        let now = forwarder.clock.now();
        let verdict = judge(entry.status, &entry.failures, &outcome, now, forwarder.jitter());
        report(&entry, &verdict);
        // Later messages that wait for their turn must wait for this one.
        let next = if matches!(verdict, Verdict::RetryLater { .. }) { Next::Release } else { Next::Message };
        match self.settle(entry.sequence, &verdict).await {
            Some(true) => next,
            Some(false) => {
                let id = &entry.id;
                tracing::info!(%id, "message not settled: it was settled before, or another node has the queue and sends it again");
                Next::Release
            }
            None => Next::Leave,
        }
    }

    async fn read(&self, most: u32) -> Option<Vec<OutboxMessage>> {
        let Forwarder { outbox, clock, .. } = self.forwarder;
        self.insist(|| outbox.read(&self.lease, clock.now(), most, SMALL_BODY as u64)).await
    }

    /// Renews the lease if it would end during an attempt. Returns whether it is still ours.
    async fn keep_lease(&mut self) -> bool {
        let Forwarder { outbox, clock, .. } = self.forwarder;
        loop {
            let now = clock.now();
            if self.lease.until - now >= ENOUGH {
                return true;
            }
            let until = now + LEASE;
            if self.insist(|| outbox.renew(&self.lease, until)).await != Some(true) {
                return false;
            }
            self.lease.until = until;
        }
    }

    async fn settle(&self, sequence: u64, verdict: &Verdict) -> Option<bool> {
        let outbox = &self.forwarder.outbox;
        self.insist(|| outbox.settle(&self.lease, sequence, verdict.clone())).await
    }

    async fn release(&self) {
        let Forwarder { outbox, clock, .. } = self.forwarder;
        self.insist(|| outbox.release(&self.lease, clock.now())).await;
    }

    /// Calls the outbox, and repeats the call while it fails, unless the lease ends before or the node shuts down. So a
    /// short outage of the store repeats no message, and does not keep the queue waiting for the end of its lease.
    async fn insist<T, C>(&self, call: impl Fn() -> C) -> Option<T>
    where
        C: Future<Output = Result<T, PortError>>,
    {
        let forwarder = self.forwarder;
        let organization = self.lease.organization.as_ref().map(tracing::field::display);
        let until = self.lease.until;
        let (mut pause, longest) = CALL_PAUSES;
        loop {
            let place = forwarder.lanes.call().await;
            let error = match call().await {
                Ok(value) => return Some(value),
                Err(error) => error,
            };
            drop(place);
            let cause = error.causes();
            if forwarder.is_closing() || forwarder.clock.now() + pause >= until {
                tracing::warn!(organization, %error, cause, %until, "the outbox failed; its lease expires");
                return None;
            }
            tracing::warn!(organization, %error, cause, ?pause, "the outbox failed; the call will be repeated");
            tokio::select! {
                () = sleep(pause) => {}
                () = forwarder.closed() => {}
            }
            pause = pause.saturating_mul(2).min(longest);
        }
    }
}
