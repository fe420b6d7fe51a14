//! Deliveries are attributed once, by the binding of the moment, and stored once.

use dockline::ports::{DeliveryOutcome, EntryFilter, Observation};
use dockline::{Backlog, EntryContent, EntryStatus, OutboxUsage, Verdict};

use super::{OutboxDriver, id, push};
use crate::dropped::{POLLS, dropped_after, soon};
use crate::fixtures::{CANARY, assert_hidden, installation, organization, seconds};
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

    /// Organizations and deliveries that differ in the case of a letter are different (I10, I38).
    pub async fn case_of_letters_distinguishes(driver: &dyn OutboxDriver) {
        let node = driver.node(1).await;
        node.bind("acme", 1, 1).await;
        node.bind("ACME", 2, 2).await;
        for (number, guid) in [(1, "guid-a"), (1, "GUID-A"), (2, "guid-b")] {
            let same_body = super::Push { guid: guid.into(), ..push(number, "same") };
            assert_eq!(node.store(&same_body).await, DeliveryOutcome::Stored, "{guid}");
        }
        assert_eq!(node.types("acme").await, ["installation.registered", "push", "push"]);
        assert_eq!(node.types("ACME").await, ["installation.registered", "push"]);
        let found = node.outbox.find(&id(1, "GUID-A")).await.unwrap().unwrap();
        assert_eq!(found.entry.sequence, 3);
    }

    /// A closed outbox stores nothing: no delivery of a bound installation, none of the App itself, no change. The outcome is
    /// [`DeliveryOutcome::Unbound`], so that GitHub sends none again. Adapters whose outbox cannot be closed have no such case.
    pub async fn closed_outbox_stores_nothing(driver: &dyn OutboxDriver) {
        let node = driver.node(1).await;
        let has_usage = async |now, is_open, is_leased| {
            let usage = driver.usage(1, seconds(now)).await;
            usage.is_none_or(|usage| usage == OutboxUsage { is_open, is_leased })
        };
        node.bind("acme", 1, 1).await;
        node.store(&push(1, "a")).await;
        node.store(&push(None, "b")).await;
        assert!(has_usage(0, true, false).await);
        node.outbox.lease(seconds(0), seconds(60)).await.unwrap().unwrap();
        assert!(has_usage(0, true, true).await);
        assert!(has_usage(60, true, false).await, "the lease has ended");
        if !driver.close(1).await {
            return;
        }
        assert!(has_usage(0, false, false).await);
        for delivery in [push(1, "c"), push(1, "a"), push(None, "d"), push(9, "e")] {
            assert_eq!(node.store(&delivery).await, DeliveryOutcome::Unbound, "{delivery:?}");
        }
        let changed = |after| Observation::PermissionsChanged { at: seconds(after) };
        let observed = node.bindings.observe(installation(1), changed(1)).await.unwrap();
        assert!(observed.change.is_some(), "the change is returned, but not stored");
        node.release("acme", 1).await;
        assert_eq!(node.outbox.list(&EntryFilter::default(), None, 10).await.unwrap(), []);
        assert_eq!(node.outbox.backlog().await.unwrap(), Backlog::default());
        node.no_lease(seconds(60)).await;
        // Opened again, it starts empty, and stores.
        let node = driver.node(1).await;
        assert!(has_usage(0, true, false).await);
        assert_eq!(node.store(&push(None, "b")).await, DeliveryOutcome::Stored);
        assert_eq!(node.entries("").await.len(), 1);
        node.bind("other", 1, 2).await;
        assert_eq!(node.types("other").await, ["installation.registered"]);
    }

    /// A dropped store stored the whole delivery or nothing: the same call then tells which, and there is one entry (I6, I37).
    pub async fn dropped_store_is_whole(driver: &dyn OutboxDriver) {
        let node = driver.node(1).await;
        node.bind("acme", 1, 1).await;
        let mut bytes = 0;
        for (polls, round) in (0..3).flat_map(|round| POLLS.map(move |polls| (polls, round))) {
            let delivery = push(1, &format!("{round}-{polls}"));
            dropped_after(polls, node.store(&delivery)).await;
            let again = soon(node.store(&delivery)).await;
            assert!(matches!(again, DeliveryOutcome::Stored | DeliveryOutcome::Duplicate), "{again:?}");
            bytes += delivery.body.len() as u64;
        }
        let entries = soon(node.entries("acme")).await;
        assert_eq!(entries.iter().filter(|entry| entry.size > 0).count(), 24);
        assert_eq!(node.outbox.backlog().await.unwrap().bytes, bytes);
        let lease = node.lease("acme", seconds(0)).await;
        for message in node.read(&lease, seconds(0)).await.into_iter().skip(1) {
            assert_eq!(message.body.len() as u64, message.entry.size, "an entry without its body");
            let sequence = message.entry.sequence;
            let polls = usize::try_from(sequence % 8 + 1).unwrap();
            let done = || Verdict::Done { at: seconds(1) };
            dropped_after(polls, node.settle(&lease, sequence, done())).await;
            soon(node.settle(&lease, sequence, done())).await;
            bytes -= message.entry.size;
            assert_eq!(soon(node.outbox.backlog()).await.unwrap().bytes, bytes);
        }
    }

    /// `Debug` of the outbox and of its store shows nothing of a delivery (I14).
    pub async fn debug_shows_nothing_stored(driver: &dyn OutboxDriver) {
        let node = driver.node(1).await;
        node.bind(CANARY, 1, 1).await;
        node.store(&push(1, CANARY)).await;
        assert_hidden(&*node.outbox, CANARY);
        assert_hidden(&*node.deliveries, CANARY);
    }
);
