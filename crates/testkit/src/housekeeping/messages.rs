//! Messages: how long bodies, keys and dead entries are kept.

use dockline::Verdict;
use dockline::ports::{DeliveryOutcome, RetryOutcome};
use dockline::rules::outbox::{BODIES_KEPT_FOR, DEAD_KEPT_FOR, KEYS_KEPT_FOR};
use time::{Duration, OffsetDateTime};

use super::{HousekeepingDriver, purge};
use crate::fixtures::{NOON, seconds};
use crate::outbox::{Node, dead, id, push};
use crate::runner::cases;

/// Settles everything that is due in the only queue.
async fn settle_all(node: &Node, at: OffsetDateTime, verdict: impl Fn() -> Verdict) {
    let lease = node.outbox.lease(at, at + Duration::MINUTE).await.unwrap().unwrap();
    for message in node.read(&lease, at).await {
        assert!(node.settle(&lease, message.entry.sequence, verdict()).await);
    }
    node.release_lease(&lease, at).await;
}

cases!(
    use __housekeeping_messages as list;

    /// The body of a delivered message is kept for a day, in which it can be sent again, and its key for a week, in which the
    /// same delivery is a duplicate; its position is not used again.
    pub async fn delivered_message_is_kept_for_a_week_and_its_body_for_a_day(
        driver: &dyn HousekeepingDriver,
    ) {
        let node = driver.open_outbox().await;
        node.bind("acme", 1, 1).await;
        node.store(&push(1, "a")).await;
        settle_all(&node, NOON, || Verdict::Done { at: NOON }).await;
        let id = id(1, "guid-a");
        assert_eq!(purge(driver, NOON + BODIES_KEPT_FOR).await, 0);
        assert_eq!(node.outbox.retry(&id, NOON + BODIES_KEPT_FOR).await.unwrap(), RetryOutcome::Queued);
        settle_all(&node, NOON + BODIES_KEPT_FOR, || Verdict::Done { at: NOON }).await;
        assert!(purge(driver, NOON + BODIES_KEPT_FOR + Duration::SECOND).await > 0);
        assert_eq!(node.outbox.retry(&id, NOON).await.unwrap(), RetryOutcome::BodyDeleted);
        purge(driver, NOON + KEYS_KEPT_FOR).await;
        assert_eq!(node.store(&push(1, "a")).await, DeliveryOutcome::Duplicate, "the key is kept for a week");
        purge(driver, NOON + KEYS_KEPT_FOR + Duration::SECOND).await;
        assert_eq!(node.store(&push(1, "a")).await, DeliveryOutcome::Stored);
        assert_eq!(node.entries("acme").await.first().unwrap().sequence, 3, "a position was used again");
    }

    /// A message that the product has yet to get is never deleted, however old; a dead one is kept for 30 days (I37).
    pub async fn undelivered_messages_are_never_deleted(driver: &dyn HousekeepingDriver) {
        let node = driver.open_outbox().await;
        node.bind("acme", 1, 1).await;
        for name in ["waiting", "aside", "dead"] {
            node.store(&push(1, name)).await;
        }
        let lease = node.lease("acme", seconds(0)).await;
        let aside = crate::outbox::set_aside(seconds(0), seconds(60));
        assert!(node.settle(&lease, 3, aside).await);
        assert!(node.settle(&lease, 4, dead(seconds(0))).await);
        node.release_lease(&lease, seconds(0)).await;
        purge(driver, seconds(0) + DEAD_KEPT_FOR).await;
        assert_eq!(node.entries("acme").await.len(), 4, "the dead one is kept for 30 days");
        let bytes = async || node.outbox.backlog().await.unwrap().bytes;
        let before = bytes().await;
        assert_eq!(purge(driver, seconds(0) + DEAD_KEPT_FOR + Duration::SECOND).await, 1);
        let of_the_dead = push(1, "dead").body.len() as u64;
        assert_eq!(bytes().await, before - of_the_dead, "a dead one counts until it is deleted");
        purge(driver, seconds(0) + Duration::days(3_650)).await;
        let left: Vec<_> = node.entries("acme").await.iter().map(|entry| entry.sequence).collect();
        assert_eq!(left, [1, 2, 3]);
        let message = node.outbox.find(&id(1, "guid-aside")).await.unwrap().unwrap();
        assert_eq!(message.body, push(1, "aside").body.as_bytes());
    }
);
