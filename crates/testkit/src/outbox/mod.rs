//! The cases of [`Outbox`], with the [`DeliveryStore`] and the [`BindingRepo`] that fill it.
//! [`outbox_suite!`](crate::outbox_suite) runs them.

#![expect(clippy::indexing_slicing, clippy::panic, reason = "a case fails by panicking")]

use std::fmt::Debug;
use std::sync::Arc;

use async_trait::async_trait;
use dockline::ports::{BindingRepo, DeliveryOutcome, DeliveryStore, EntryFilter, Outbox};
use dockline::rules::events;
use dockline::{
    AppId, DeliveryGuid, FailedAttempt, Lease, MessageId, OrganizationId, OutboxBounds, OutboxEntry,
    OutboxMessage, OutboxUsage, Verdict, VerifiedDelivery,
};
use time::{Duration, OffsetDateTime};

use crate::fixtures::{actor, installation, organization, seconds};
use crate::runner::suite;

pub mod bounds;
pub mod changes;
pub mod deliveries;
pub mod leases;
mod model;
pub mod operators;
pub mod order;
pub mod races;
pub mod sequences;

/// The bounds of every outbox of the suite.
pub const BOUNDS: OutboxBounds = OutboxBounds { per_organization: 40_000, in_all: 100_000 };

/// Opens handles to the outboxes of two Apps.
#[async_trait]
pub trait OutboxDriver: Debug + Send + Sync + 'static {
    /// Returns a new handle to the stores of the App with this number, 1 or 2, with [`BOUNDS`], as a node has it: opened
    /// independently of the others. Handles of one App share their data.
    async fn node(&self, app: u64) -> Node;

    /// Closes the outbox of the App, as an operator does who stops to forward for good, so that it stores nothing until the
    /// next [`node`](Self::node) opens it. Returns `false` if the adapter's outbox cannot be closed.
    async fn close(&self, app: u64) -> bool;

    /// Returns whether the outbox of the App is open, and whether a queue is leased at `now`; `None` if it cannot be closed.
    async fn usage(&self, app: u64, now: OffsetDateTime) -> Option<OutboxUsage>;
}

/// The stores of an App, as one node has them.
#[derive(Debug, Clone)]
pub struct Node {
    /// The number of the App, which is its id, too.
    pub app: u64,
    /// The bindings, whose changes are in the outbox.
    pub bindings: Arc<dyn BindingRepo>,
    /// The store of deliveries.
    pub deliveries: Arc<dyn DeliveryStore>,
    /// The outbox.
    pub outbox: Arc<dyn Outbox>,
}

suite! {
    /// Makes one `#[test]` per case of [`Outbox`](crate::dockline::ports::Outbox),
    /// [`DeliveryStore`](crate::dockline::ports::DeliveryStore) and the changes of
    /// [`BindingRepo`](crate::dockline::ports::BindingRepo) in a module `outbox`. The adapter is an
    /// [`OutboxDriver`](crate::outbox::OutboxDriver).
    outbox_suite, outbox, OutboxDriver:
    deliveries, changes, bounds, leases, order, operators, races, sequences
}

/// A delivery to store.
#[derive(Debug, Clone)]
pub(crate) struct Push {
    pub(crate) guid: String,
    pub(crate) installation: Option<u64>,
    pub(crate) body: String,
    pub(crate) at: OffsetDateTime,
}

/// A delivery whose GUID and body contain this name.
pub(crate) fn push(installation: impl Into<Option<u64>>, name: &str) -> Push {
    let body = format!("{{\"name\":\"{name}\"}}");
    Push { guid: format!("guid-{name}"), installation: installation.into(), body, at: seconds(0) }
}

impl Node {
    pub(crate) async fn store(&self, push: &Push) -> DeliveryOutcome {
        self.deliveries
            .store(VerifiedDelivery {
                app: AppId::new(self.app).unwrap(),
                installation: push.installation.map(installation),
                event: "push",
                action: push.installation.map(|_| "opened".into()),
                guid: DeliveryGuid::new(&*push.guid).unwrap(),
                received_at: push.at,
                body: push.body.as_bytes(),
            })
            .await
            .unwrap()
    }

    /// Binds the installation of this number to the organization, by a state of the number `state`.
    pub(crate) async fn bind(&self, organization: &str, number: u64, state: u64) {
        let digest = crate::fixtures::digest(&format!("state {state}"));
        let new = crate::fixtures::binding_of(organization, number, digest);
        let outcome = self.bindings.insert(new).await.unwrap();
        assert!(matches!(outcome, dockline::ports::InsertOutcome::Inserted(_)), "{outcome:?}");
    }

    pub(crate) async fn release(&self, organization_id: &str, number: u64) {
        let at = seconds(1);
        let outcome =
            self.bindings.release(&organization(organization_id), installation(number), &actor(), at).await;
        let outcome = outcome.unwrap();
        assert!(matches!(outcome, dockline::ports::ReleaseOutcome::Released(_)), "{outcome:?}");
    }

    /// The entries of an organization's queue, or of the App's for `""`.
    pub(crate) async fn entries(&self, queue: &str) -> Vec<OutboxEntry> {
        let mut entries = self.outbox.list(&EntryFilter::default(), None, u32::MAX).await.unwrap();
        entries.retain(|entry| name(entry.organization.as_ref()) == queue);
        entries
    }

    /// The types of the entries of a queue.
    pub(crate) async fn types(&self, queue: &str) -> Vec<String> {
        let entries = self.entries(queue).await;
        entries.iter().map(|entry| events::type_of(&entry.content).to_owned()).collect()
    }

    /// Leases the queue of this name, which must be the only one with something to send.
    pub(crate) async fn lease(&self, queue: &str, now: OffsetDateTime) -> Lease {
        let lease = self.outbox.lease(now, now + LEASE).await.unwrap();
        let lease = lease.expect_lease(queue);
        assert_eq!(name(lease.organization.as_ref()), queue);
        lease
    }

    pub(crate) async fn no_lease(&self, now: OffsetDateTime) {
        assert_eq!(self.outbox.lease(now, now + LEASE).await.unwrap(), None);
    }

    pub(crate) async fn read(&self, lease: &Lease, now: OffsetDateTime) -> Vec<OutboxMessage> {
        self.outbox.read(lease, now, 100, u64::MAX).await.unwrap()
    }

    /// The positions of the messages that are due.
    pub(crate) async fn due(&self, lease: &Lease, now: OffsetDateTime) -> Vec<u64> {
        self.read(lease, now).await.iter().map(|message| message.entry.sequence).collect()
    }

    pub(crate) async fn settle(&self, lease: &Lease, sequence: u64, verdict: Verdict) -> bool {
        self.outbox.settle(lease, sequence, verdict).await.unwrap()
    }

    pub(crate) async fn done(&self, lease: &Lease, sequence: u64, at: OffsetDateTime) {
        assert!(self.settle(lease, sequence, Verdict::Done { at }).await);
    }

    pub(crate) async fn release_lease(&self, lease: &Lease, now: OffsetDateTime) {
        self.outbox.release(lease, now).await.unwrap();
    }
}

/// The time of a lease in the suite.
pub(crate) const LEASE: Duration = Duration::MINUTE;

trait ExpectLease {
    fn expect_lease(self, queue: &str) -> Lease;
}

impl ExpectLease for Option<Lease> {
    fn expect_lease(self, queue: &str) -> Lease {
        assert!(self.is_some(), "the queue {queue:?} has messages to send, and cannot be leased");
        self.unwrap()
    }
}

pub(crate) fn name(organization: Option<&OrganizationId>) -> &str {
    organization.map_or("", OrganizationId::as_str)
}

pub(crate) fn id(app: u64, guid: &str) -> MessageId {
    MessageId::of_delivery(AppId::new(app).unwrap(), &DeliveryGuid::new(guid).unwrap())
}

pub(crate) fn failed(at: OffsetDateTime) -> FailedAttempt {
    FailedAttempt { at, refused: false, cause: "answered 500".into() }
}

pub(crate) fn retry_later(at: OffsetDateTime, next_attempt_at: OffsetDateTime) -> Verdict {
    Verdict::RetryLater { failed: failed(at), next_attempt_at }
}

pub(crate) fn set_aside(at: OffsetDateTime, next_attempt_at: OffsetDateTime) -> Verdict {
    Verdict::SetAside { failed: failed(at), next_attempt_at }
}

pub(crate) fn dead(at: OffsetDateTime) -> Verdict {
    Verdict::Dead { failed: failed(at) }
}
