//! Changes of bound installations are in the queue of their organization, in the order in which they were made.

use dockline::ports::{EntryFilter, Observation};
use dockline::rules::events::{self, EventName};
use dockline::{Change, EntryContent, PresenceKind, Status};
use time::{Duration, OffsetDateTime};

use super::{Node, OutboxDriver, push};
use crate::fixtures::{account, account_id, actor, installation, organization, seconds};
use crate::runner::cases;

fn present(status: Status, login: &str, asked_at: OffsetDateTime) -> Observation {
    let next_look_at = asked_at + Duration::HOUR;
    Observation::Present { status, account: account(login), asked_at, next_look_at }
}

impl Node {
    async fn observe(&self, number: u64, observation: Observation) -> Option<Change> {
        self.bindings.observe(installation(number), observation).await.unwrap().change
    }

    /// The changes in the queue of an organization.
    async fn changes(&self, queue: &str) -> Vec<Change> {
        let entries = self.entries(queue).await.into_iter();
        let changes = entries.filter_map(|entry| match entry.content {
            EntryContent::Change(change) => Some(change),
            EntryContent::Delivery { .. } => None,
        });
        changes.collect()
    }
}

const ACTIVE: Status = Status::Active;

cases!(
    use __outbox_changes as list;

    /// Every change that has an event is stored once, as it was returned, in order with the deliveries (I37).
    pub async fn changes_are_stored_as_they_are_made(driver: &dyn OutboxDriver) {
        let node = driver.node(1).await;
        node.bind("acme", 1, 1).await;
        let mut returned = Vec::new();
        let minutes = |minutes: i64| seconds(60 * minutes);
        for observation in [
            present(ACTIVE, "acme-coffee", minutes(1)),
            present(Status::Suspended, "acme-coffee", minutes(2)),
            present(Status::Suspended, "acme-coffee", minutes(3)),
            present(ACTIVE, "acme-coffee", minutes(4)),
            Observation::PermissionsChanged { at: minutes(5) },
            present(ACTIVE, "renamed", minutes(6)),
            Observation::Missing { asked_at: minutes(7) },
            Observation::Missing { asked_at: minutes(8) },
            present(ACTIVE, "renamed", minutes(9)),
            // Earlier than the last look.
            present(Status::Suspended, "late", minutes(1)),
            Observation::Missing { asked_at: minutes(10) },
            Observation::Missing { asked_at: minutes(80) },
            present(Status::Suspended, "renamed-again", minutes(90)),
            Observation::Ending { at: minutes(91) },
            Observation::UninstalledByUs { at: minutes(92) },
            Observation::Deleted { at: minutes(93) },
        ] {
            returned.extend(node.observe(1, observation).await);
            if returned.len() == 2 && node.entries("acme").await.len() == 3 {
                node.store(&push(1, "between")).await;
            }
        }
        node.release("acme", 1).await;
        assert_eq!(
            node.types("acme").await,
            [
                "installation.registered",
                "installation.suspended",
                "installation.unsuspended",
                "push",
                "installation.permissions_changed",
                "installation.renamed",
                "installation.missing",
                "installation.returned",
                "installation.missing",
                "installation.absent",
                "installation.returned",
                "installation.deleted",
                "installation.detached",
            ]
        );
        // Our request to uninstall is a change without an event.
        let ours = |change: &Change| change.after.presence == PresenceKind::Ending;
        assert_eq!(returned.iter().filter(|change| ours(change)).count(), 1);
        returned.retain(|change| !ours(change));
        let mut stored = node.changes("acme").await;
        let detached = stored.pop().unwrap();
        let registered = stored.remove(0);
        assert_eq!(stored, returned);
        assert_eq!(registered.before, None);
        assert_eq!(registered.after.organization, Some(organization("acme")));
        assert_eq!(registered.after.account.unwrap().id, account_id(1_234));
        // Who asked for a registration or a release is known; GitHub made the others.
        assert_eq!((registered.actor, detached.actor.clone()), (Some(actor()), Some(actor())));
        assert!(stored.iter().all(|change| change.actor.is_none()));
        assert_eq!(detached.before.unwrap().organization, Some(organization("acme")));
        assert_eq!(detached.after.organization, None);
        let all: Vec<_> = events::of(&stored[8]).into_iter().map(EventName::as_str).collect();
        assert_eq!(all, ["installation.returned", "installation.suspended", "installation.renamed"]);
    }

    /// Changes of an unbound installation are in no queue, and what changed before a binding is not in the new owner's.
    pub async fn changes_of_unbound_installations_are_not_stored(driver: &dyn OutboxDriver) {
        let node = driver.node(1).await;
        assert!(node.observe(1, present(ACTIVE, "a", seconds(0))).await.is_some());
        assert!(node.observe(1, present(Status::Suspended, "b", seconds(1))).await.is_some());
        assert!(node.observe(2, Observation::Deleted { at: seconds(0) }).await.is_some());
        assert_eq!(node.outbox.backlog().await.unwrap().waiting, 0);
        node.bind("acme", 1, 1).await;
        let changes = node.changes("acme").await;
        assert_eq!(node.types("acme").await, ["installation.registered"]);
        assert_eq!(changes[0].before.as_ref().unwrap().account, Some(account("b")));
        assert_eq!(changes[0].before.as_ref().unwrap().organization, None);
    }

    /// A refused registration and an observation that changes nothing store nothing.
    pub async fn refused_steps_store_nothing(driver: &dyn OutboxDriver) {
        let node = driver.node(1).await;
        node.bind("acme", 1, 1).await;
        for (organization, number, state) in [("acme", 1, "again"), ("acme", 2, "x"), ("other", 1, "y")] {
            let new = crate::fixtures::binding_of(organization, number, crate::fixtures::digest(state));
            node.bindings.insert(new).await.unwrap();
        }
        assert_eq!(node.observe(7, Observation::Missing { asked_at: seconds(5) }).await, None);
        node.bindings.release(&organization("other"), installation(1), &actor(), seconds(1)).await.unwrap();
        assert_eq!(node.types("acme").await, ["installation.registered"]);
        assert_eq!(node.outbox.backlog().await.unwrap().waiting, 1);
    }

    /// The ids of changes are unique, and the message of a change has its payload as the body.
    pub async fn changes_have_ids_and_payloads(driver: &dyn OutboxDriver) {
        let node = driver.node(1).await;
        for number in 1..=9 {
            node.bind(&format!("org-{number}"), number, number).await;
        }
        let entries = node.outbox.list(&EntryFilter::default(), None, 100).await.unwrap();
        let mut ids: Vec<_> = entries.iter().map(|entry| entry.id.clone()).collect();
        assert!(ids.iter().all(|id| id.as_str().starts_with("ev_")), "{ids:?}");
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), 9);
        let message = node.outbox.find(&entries[0].id).await.unwrap().unwrap();
        let EntryContent::Change(change) = &message.entry.content else { panic!("{message:?}") };
        assert_eq!(message.body, events::payload(change));
        let text = String::from_utf8(message.body).unwrap();
        assert!(text.starts_with("{\"events\":[\"installation.registered\"],\"installation\":1,"), "{text}");
    }
);
