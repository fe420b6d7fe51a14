use std::fmt::Debug;
use std::sync::Arc;

use async_trait::async_trait;
use time::OffsetDateTime;

use crate::error::PortError;
use crate::model::{
    Backlog, EntryStatus, Lease, MessageId, OrganizationId, OutboxEntry, OutboxMessage, Verdict,
};
use crate::ports::forward;

/// Which entries [`Outbox::list`] returns.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EntryFilter {
    /// Those of this organization only.
    pub organization: Option<OrganizationId>,
    /// Those with this status only.
    pub status: Option<EntryStatus>,
}

/// A position in the order of [`Outbox::list`].
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct EntryCursor {
    /// The organization of the entry; `None` in the queue of the App itself, which is the first.
    pub organization: Option<OrganizationId>,
    /// The entry's position in the queue.
    pub sequence: u64,
}

/// The outcome of [`Outbox::retry`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RetryOutcome {
    /// The message will be sent again at once, out of order if it is not waiting for its turn.
    Queued,
    /// Nothing changed: the message is done or dead, and its body was deleted since.
    BodyDeleted,
    /// Nothing changed: there is no such message.
    Unknown,
}

/// The queues of messages for the product: one per organization, and one of the App itself. A message is a delivery of
/// GitHub that a [`DeliveryStore`](crate::ports::DeliveryStore) stored, or a [`Change`](crate::Change) that a
/// [`BindingRepo`](crate::ports::BindingRepo) made, which MUST store it in the same atomic step.
///
/// A consumer leases a queue, reads its messages, hands them to the product in this order, and settles each by the
/// verdict of [`rules::outbox::judge`](crate::rules::outbox::judge). After [`Verdict::RetryLater`] it MUST hand over no
/// later message of the queue that waits for its turn; it releases the queue instead. If a consumer crashes, its lease
/// expires, and the next one gets the same messages, so that the product receives each at least once.
///
/// A lease is lost when it was released or when another consumer got the queue. Until then it stays valid, also after its time:
/// a slow consumer loses nothing if no other one was there.
///
/// An outbox that an operator closed is empty and stores nothing, neither changes nor deliveries, until it is opened again.
///
/// [`Housekeeping`](crate::ports::Housekeeping) says how long entries are kept. Those that wait or are set aside MUST
/// be kept until the product has them.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
#[async_trait]
pub trait Outbox: Debug + Send + Sync + 'static {
    /// Leases a queue until `until` that has a message to send at `now`, and is not leased then; `None` if there is
    /// none. If there are several, the one that was due first. A queue that is released SHOULD be due after those that
    /// wait already.
    ///
    /// A message is due from its next attempt, if it has one. Otherwise a change is due at once, and a delivery from its
    /// `received_at`: one that a node received whose clock is ahead waits until the consumer's clock shows that time. In a queue
    /// that is leased for another message it is read in its turn, and a released queue is due at once whatever it contains.
    ///
    /// MUST give a queue to one consumer at a time, and each lease a greater token than the one before.
    ///
    /// # Errors
    /// Infrastructure failures only.
    async fn lease(&self, now: OffsetDateTime, until: OffsetDateTime) -> Result<Option<Lease>, PortError>;

    /// Extends the lease to `until`, also after its time. Returns `false` if another consumer got the queue, or the lease was
    /// released.
    ///
    /// # Errors
    /// Infrastructure failures only. The same call may be repeated.
    async fn renew(&self, lease: &Lease, until: OffsetDateTime) -> Result<bool, PortError>;

    /// Returns the messages to send at `now`, at most `most` of them, and together with at most `most_bytes` of bodies unless
    /// the first alone is larger, in this order:
    ///
    /// 1. of those that are set aside, the one whose next attempt has been due for longest, if it
    ///    [is overdue](crate::rules::outbox::is_overdue);
    /// 2. those that wait for their turn in the order of `sequence`, up to the first whose next attempt is after `now`;
    /// 3. the others that are set aside and whose next attempt is due, the longest due first.
    ///
    /// Returns none if the lease is lost.
    ///
    /// # Errors
    /// Infrastructure failures only.
    async fn read(
        &self,
        lease: &Lease,
        now: OffsetDateTime,
        most: u32,
        most_bytes: u64,
    ) -> Result<Vec<OutboxMessage>, PortError>;

    /// Settles the message at `sequence` of the leased queue. Returns `false`, and changes nothing, if the lease is
    /// lost or the message is done or dead. [`Verdict::Done`] MUST keep the key of a delivery for at least 7 days. The
    /// cause of a failure is kept as [`FailedAttempt::kept_cause`](crate::FailedAttempt::kept_cause) returns it.
    ///
    /// # Errors
    /// Infrastructure failures only. The same call may be repeated; it then returns `false`.
    async fn settle(&self, lease: &Lease, sequence: u64, verdict: Verdict) -> Result<bool, PortError>;

    /// Ends the lease. Does nothing if it is lost.
    ///
    /// # Errors
    /// Infrastructure failures only. The lease ends with its time.
    async fn release(&self, lease: &Lease, now: OffsetDateTime) -> Result<(), PortError>;

    /// Returns entries by organization and `sequence`, only those after `after`; at most `limit`.
    ///
    /// # Errors
    /// Infrastructure failures only.
    async fn list(
        &self,
        filter: &EntryFilter,
        after: Option<EntryCursor>,
        limit: u32,
    ) -> Result<Vec<OutboxEntry>, PortError>;

    /// Returns the message of this id. If deliveries of two bodies have the same GUID, the later one.
    ///
    /// # Errors
    /// Infrastructure failures only.
    async fn find(&self, id: &MessageId) -> Result<Option<OutboxMessage>, PortError>;

    /// Sends a message again at `now`, whatever its status: one that waits for its turn stays in order, any other is set
    /// aside with its failures forgotten.
    ///
    /// # Errors
    /// Infrastructure failures only. The same call may be repeated.
    async fn retry(&self, id: &MessageId, now: OffsetDateTime) -> Result<RetryOutcome, PortError>;

    /// Counts the undelivered messages. It MAY read all of them.
    ///
    /// # Errors
    /// Infrastructure failures only.
    async fn backlog(&self) -> Result<Backlog, PortError>;
}

forward!(Outbox {
    async fn lease(&self, now: OffsetDateTime, until: OffsetDateTime) -> Result<Option<Lease>, PortError>;
    async fn renew(&self, lease: &Lease, until: OffsetDateTime) -> Result<bool, PortError>;
    async fn read(&self, lease: &Lease, now: OffsetDateTime, most: u32, most_bytes: u64) -> Result<Vec<OutboxMessage>, PortError>;
    async fn settle(&self, lease: &Lease, sequence: u64, verdict: Verdict) -> Result<bool, PortError>;
    async fn release(&self, lease: &Lease, now: OffsetDateTime) -> Result<(), PortError>;
    async fn list(&self, filter: &EntryFilter, after: Option<EntryCursor>, limit: u32) -> Result<Vec<OutboxEntry>, PortError>;
    async fn find(&self, id: &MessageId) -> Result<Option<OutboxMessage>, PortError>;
    async fn retry(&self, id: &MessageId, now: OffsetDateTime) -> Result<RetryOutcome, PortError>;
    async fn backlog(&self) -> Result<Backlog, PortError>;
} );
