//! Deliveries are attributed once, by the binding of the moment, and stored once.

use dockline::ports::DeliveryOutcome;
use dockline::{EntryContent, EntryStatus};

use super::{OutboxDriver, id, push};
use crate::fixtures::{installation, organization, seconds};
use crate::runner::cases;

cases!(
    use __outbox_deliveries as list;

    /// A delivery is in the queue of the organization that is bound to its installation, with its body and every other field
    /// (I38).
    pub async fn delivery_is_stored_for_the_bound_organization(driver: &dyn OutboxDriver) {
        let node = driver.node(1).await;
        node.bind("acme", 1, 1).await;
        node.bind("other", 2, 2).await;
        assert_eq!(node.store(&push(1, "a")).await, DeliveryOutcome::Stored);
        let entries = node.entries("acme").await;
        let entry = entries.last().unwrap();
        assert_eq!(entry.id, id(1, "guid-a"));
        assert_eq!(entry.organization, Some(organization("acme")));
        assert_eq!((entry.installation, entry.sequence), (Some(installation(1)), 2));
        let EntryContent::Delivery { event, action, guid } = &entry.content else { panic!("{entry:?}") };
        assert_eq!((&**event, action.as_deref(), guid.as_str()), ("push", Some("opened"), "guid-a"));
        assert_eq!((entry.size, entry.received_at, entry.status), (12, seconds(0), EntryStatus::Waiting));
        assert_eq!((entry.failures.attempts, entry.next_attempt_at, entry.done_at), (0, None, None));
        let found = node.outbox.find(&entry.id).await.unwrap().unwrap();
        assert_eq!((&found.entry, &*found.body), (entry, b"{\"name\":\"a\"}".as_slice()));
        assert_eq!(node.types("other").await, ["installation.registered"]);
    }

    /// A delivery without an installation is in the queue of the App itself, which has positions of its own.
    pub async fn delivery_without_an_installation_is_the_apps_own(driver: &dyn OutboxDriver) {
        let node = driver.node(1).await;
        assert_eq!(node.store(&push(None, "a")).await, DeliveryOutcome::Stored);
        let entries = node.entries("").await;
        assert_eq!(entries.iter().map(|entry| entry.sequence).collect::<Vec<_>>(), [1]);
        assert_eq!((&entries[0].organization, entries[0].installation), (&None, None));
        let lease = node.lease("", seconds(0)).await;
        assert_eq!(node.due(&lease, seconds(0)).await, [1]);
    }

    /// A delivery of an installation that no organization is bound to is not stored, and no later owner gets it.
    pub async fn delivery_of_an_unbound_installation_is_not_stored_c_81(driver: &dyn OutboxDriver) {
        let node = driver.node(1).await;
        assert_eq!(node.store(&push(1, "a")).await, DeliveryOutcome::Unbound);
        node.bind("acme", 1, 1).await;
        node.release("acme", 1).await;
        assert_eq!(node.store(&push(1, "b")).await, DeliveryOutcome::Unbound);
        node.bind("other", 1, 2).await;
        assert_eq!(node.types("acme").await, ["installation.registered", "installation.detached"]);
        assert_eq!(node.types("other").await, ["installation.registered"]);
        assert_eq!(node.outbox.find(&id(1, "guid-a")).await.unwrap(), None);
        // It is unknown, not seen: the same delivery counts once there is an owner.
        assert_eq!(node.store(&push(1, "a")).await, DeliveryOutcome::Stored);
    }

    /// What waits stays with the organization after its release, and the next organization gets what comes afterwards (I38).
    pub async fn waiting_deliveries_stay_with_the_earlier_organization(driver: &dyn OutboxDriver) {
        let node = driver.node(1).await;
        node.bind("acme", 1, 1).await;
        node.store(&push(1, "a")).await;
        node.release("acme", 1).await;
        node.bind("other", 1, 2).await;
        node.store(&push(1, "b")).await;
        assert_eq!(node.types("acme").await, ["installation.registered", "push", "installation.detached"]);
        assert_eq!(node.types("other").await, ["installation.registered", "push"]);
        assert_eq!(node.entries("other").await[1].id, id(1, "guid-b"));
        assert_eq!(node.store(&push(1, "a")).await, DeliveryOutcome::Duplicate);
    }

    /// The same GUID and body are stored once, before and after the delivery; another body or another GUID is another
    /// delivery, and another App has deliveries of its own.
    pub async fn repeated_delivery_is_stored_once_c_80(driver: &dyn OutboxDriver) {
        let (node, second) = (driver.node(1).await, driver.node(2).await);
        node.bind("acme", 1, 1).await;
        second.bind("acme", 1, 1).await;
        assert_eq!(node.store(&push(1, "a")).await, DeliveryOutcome::Stored);
        assert_eq!(node.store(&push(1, "a")).await, DeliveryOutcome::Duplicate);
        assert_eq!(driver.node(1).await.store(&push(1, "a")).await, DeliveryOutcome::Duplicate);
        assert_eq!(second.store(&push(1, "a")).await, DeliveryOutcome::Stored);
        assert_eq!(second.entries("acme").await[1].id, id(2, "guid-a"));
        let lease = node.lease("acme", seconds(1)).await;
        for sequence in node.due(&lease, seconds(1)).await {
            node.done(&lease, sequence, seconds(1)).await;
        }
        let mut later = push(1, "a");
        later.at = seconds(7 * 24 * 3_600 - 10);
        assert_eq!(node.store(&later).await, DeliveryOutcome::Duplicate);
        let mut other = push(1, "a");
        other.body.push(' ');
        assert_eq!(node.store(&other).await, DeliveryOutcome::Stored);
        other.guid.push('2');
        assert_eq!(node.store(&other).await, DeliveryOutcome::Stored);
        assert_eq!(node.entries("acme").await.len(), 4);
        assert_eq!(second.entries("acme").await.len(), 2);
    }

    /// Two Apps of one store have queues of their own for the same organization and installation (I35).
    pub async fn apps_have_queues_of_their_own(driver: &dyn OutboxDriver) {
        let (first, second) = (driver.node(1).await, driver.node(2).await);
        first.bind("acme", 1, 1).await;
        assert_eq!(second.store(&push(1, "a")).await, DeliveryOutcome::Unbound);
        second.bind("acme", 2, 1).await;
        first.store(&push(1, "b")).await;
        assert_eq!(second.types("acme").await, ["installation.registered"]);
        let lease = second.lease("acme", seconds(0)).await;
        assert_eq!(second.due(&lease, seconds(0)).await, [1]);
        second.done(&lease, 1, seconds(0)).await;
        second.release_lease(&lease, seconds(0)).await;
        second.no_lease(seconds(60)).await;
        assert_eq!(first.due(&first.lease("acme", seconds(0)).await, seconds(0)).await, [1, 2]);
    }
);
