use std::time::Duration;

use dockline::rules::outbox::judge;
use dockline::{Lease, OutboxMessage, PortError, Verdict};
use tokio::time::{Instant, timeout};

use super::attempt::report;
use super::lanes::{Place, SMALL_BODY};
use super::{Forwarder, LEASE};

/// How long one queue is forwarded before others get its place.
const TURN: Duration = Duration::from_secs(10);

/// Messages per read.
const BATCH: u32 = 16;

/// The lease is renewed before an attempt if it ends sooner. Longer than an attempt, so that no other node sends the queue's
/// messages meanwhile.
const ENOUGH: time::Duration = time::Duration::seconds(30);

/// How long a leased queue waits for its place, before it is released and takes its turn again. Shorter than the lease, which
/// another worker would take otherwise: so queues that wait for a retry never hold all workers.
const PLACE_WAIT: Duration = Duration::from_secs(5);

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
    /// Another node has the queue, or the store failed. The lease ends with its time, which is a pause.
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
        let mut messages = match self.read(BATCH).await {
            Ok(messages) if messages.is_empty() => return Next::Release,
            Ok(messages) => messages,
            Err(error) => return self.failed(&error),
        };
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
                    Ok(messages) if messages.is_empty() => return Next::Release,
                    Ok(messages) => messages,
                    Err(error) => return self.failed(&error),
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
        let place: Option<Place<'_>> = tokio::select! {
            biased;
            () = forwarder.closed() => None,
            place = timeout(PLACE_WAIT, forwarder.lanes.of(&message).attempt()) => place.ok(),
        };
        let Some(place) = place else { return Next::Release };
        match self.keep_lease().await {
            Ok(true) => {}
            Ok(false) => return Next::Leave,
            Err(error) => return self.failed(&error),
        }
        let Some(outcome) = forwarder.attempt(message).await else { return Next::Release };
        drop(place);
        let now = forwarder.clock.now();
        let verdict = judge(entry.status, &entry.failures, &outcome, now, forwarder.jitter());
        report(&entry, &verdict);
        // Later messages that wait for their turn must wait for this one.
        let next = if matches!(verdict, Verdict::RetryLater { .. }) { Next::Release } else { Next::Message };
        match self.settle(entry.sequence, verdict).await {
            Ok(true) => next,
            Ok(false) => {
                tracing::info!(id = %entry.id, "message not settled: another node has the queue, and sends it again");
                Next::Leave
            }
            Err(error) => self.failed(&error),
        }
    }

    async fn read(&self, most: u32) -> Result<Vec<OutboxMessage>, PortError> {
        let _call = self.forwarder.lanes.call().await;
        let now = self.forwarder.clock.now();
        self.forwarder.outbox.read(&self.lease, now, most, SMALL_BODY as u64).await
    }

    /// Renews the lease if it would end during an attempt. Returns whether it is still ours.
    async fn keep_lease(&mut self) -> Result<bool, PortError> {
        let now = self.forwarder.clock.now();
        if self.lease.until - now >= ENOUGH {
            return Ok(true);
        }
        let _call = self.forwarder.lanes.call().await;
        let until = now + LEASE;
        let is_ours = self.forwarder.outbox.renew(&self.lease, until).await?;
        self.lease.until = until;
        Ok(is_ours)
    }

    async fn settle(&self, sequence: u64, verdict: Verdict) -> Result<bool, PortError> {
        let _call = self.forwarder.lanes.call().await;
        self.forwarder.outbox.settle(&self.lease, sequence, verdict).await
    }

    async fn release(&self) {
        let _call = self.forwarder.lanes.call().await;
        let released = self.forwarder.outbox.release(&self.lease, self.forwarder.clock.now()).await;
        if let Err(error) = released {
            self.failed(&error);
        }
    }

    fn failed(&self, error: &PortError) -> Next {
        let organization = self.lease.organization.as_ref().map(tracing::field::display);
        let until = self.lease.until;
        tracing::warn!(organization, %error, cause = error.causes(), %until, "the outbox failed; its lease expires");
        Next::Leave
    }
}
