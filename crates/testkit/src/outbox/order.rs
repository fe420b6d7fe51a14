//! Messages are sent in order, but for those that are set aside.

use dockline::{EntryStatus, FailedAttempt, Verdict};
use time::Duration;

use super::{Node, OutboxDriver, dead, push, retry_later, set_aside};
use crate::fixtures::seconds;
use crate::runner::cases;

/// A node with an organization whose queue has a change and three deliveries.
async fn filled(driver: &dyn OutboxDriver) -> Node {
    let node = driver.node(1).await;
    node.bind("acme", 1, 1).await;
    for name in ["a", "b", "c"] {
        node.store(&push(1, name)).await;
    }
    node
}

cases!(
    use __outbox_order as list;

    /// Messages are read in the order of receipt, with positions that have no gaps, also while they are settled out of it.
    pub async fn messages_are_read_in_order(driver: &dyn OutboxDriver) {
        let node = filled(driver).await;
        let lease = node.lease("acme", seconds(0)).await;
        assert_eq!(node.due(&lease, seconds(0)).await, [1, 2, 3, 4]);
        node.done(&lease, 2, seconds(0)).await;
        assert_eq!(node.due(&lease, seconds(0)).await, [1, 3, 4]);
        node.done(&lease, 1, seconds(0)).await;
        assert_eq!(node.due(&lease, seconds(0)).await, [3, 4]);
        let messages = node.read(&lease, seconds(0)).await;
        assert_eq!(messages[0].body, b"{\"name\":\"b\"}");
        assert!(!node.settle(&lease, 2, Verdict::Done { at: seconds(0) }).await);
        assert!(!node.settle(&lease, 9, Verdict::Done { at: seconds(0) }).await);
    }

    /// A message that failed keeps its place: none behind it is read before its next attempt.
    pub async fn failed_message_keeps_the_later_ones_waiting(driver: &dyn OutboxDriver) {
        let node = filled(driver).await;
        let lease = node.lease("acme", seconds(0)).await;
        node.done(&lease, 1, seconds(0)).await;
        assert!(node.settle(&lease, 2, retry_later(seconds(1), seconds(30))).await);
        assert_eq!(node.due(&lease, seconds(29)).await, [0_u64; 0]);
        assert_eq!(node.due(&lease, seconds(30)).await, [2, 3, 4]);
        node.release_lease(&lease, seconds(1)).await;
        node.no_lease(seconds(29)).await;
        let lease = node.lease("acme", seconds(30)).await;
        let refused = FailedAttempt { refused: true, cause: "answered 404".into(), at: seconds(31) };
        let verdict = Verdict::RetryLater { failed: refused, next_attempt_at: seconds(33) };
        assert!(node.settle(&lease, 2, verdict).await);
        let entry = node.entries("acme").await.remove(1);
        assert_eq!((entry.failures.attempts, entry.failures.refusals), (2, 1));
        assert_eq!(entry.failures.first_at, Some(seconds(1)));
        assert_eq!(entry.failures.last_cause.as_deref(), Some("answered 404"));
        assert_eq!((entry.status, entry.next_attempt_at), (EntryStatus::Waiting, Some(seconds(33))));
        node.done(&lease, 2, seconds(33)).await;
        assert_eq!(node.due(&lease, seconds(33)).await, [3, 4]);
    }

    /// A message that is set aside lets the later ones pass, and is read again when its next attempt is due, until it is
    /// dead.
    pub async fn message_that_is_set_aside_lets_the_others_pass_c_82(driver: &dyn OutboxDriver) {
        let node = filled(driver).await;
        let lease = node.lease("acme", seconds(0)).await;
        assert!(node.settle(&lease, 1, set_aside(seconds(0), seconds(50))).await);
        assert_eq!(node.due(&lease, seconds(1)).await, [2, 3, 4]);
        for sequence in [2, 3, 4] {
            node.done(&lease, sequence, seconds(2)).await;
        }
        node.release_lease(&lease, seconds(3)).await;
        node.no_lease(seconds(49)).await;
        node.store(&push(1, "d")).await;
        let lease = node.lease("acme", seconds(50)).await;
        assert_eq!(node.due(&lease, seconds(49)).await, [5]);
        assert_eq!(node.due(&lease, seconds(50)).await, [5, 1]);
        assert!(node.settle(&lease, 1, set_aside(seconds(50), seconds(55))).await);
        assert_eq!(node.due(&lease, seconds(54)).await, [5]);
        assert!(node.settle(&lease, 1, dead(seconds(55))).await);
        assert_eq!(node.due(&lease, seconds(90)).await, [5]);
        node.done(&lease, 5, seconds(56)).await;
        node.release_lease(&lease, seconds(56)).await;
        node.no_lease(seconds(100_000)).await;
        let entry = node.entries("acme").await.remove(0);
        assert_eq!((entry.status, entry.failures.attempts), (EntryStatus::Dead, 3));
        assert_eq!((entry.next_attempt_at, entry.done_at), (None, None));
    }

    /// A message that is set aside lets others pass for a minute once it is due, also if the queue never empties: then the one
    /// that has been due for longest comes first, and the others last, in this order.
    pub async fn message_that_is_set_aside_is_not_starved(driver: &dyn OutboxDriver) {
        let node = filled(driver).await;
        let lease = node.lease("acme", seconds(0)).await;
        for (sequence, next) in [(1, 80), (2, 70), (3, 75)] {
            assert!(node.settle(&lease, sequence, set_aside(seconds(0), seconds(next))).await);
        }
        assert_eq!(node.due(&lease, seconds(69)).await, [4]);
        assert_eq!(node.due(&lease, seconds(129)).await, [4, 2, 3, 1]);
        assert_eq!(node.due(&lease, seconds(130)).await, [2, 4, 3, 1]);
        let first = async |now| {
            let messages = node.outbox.read(&lease, now, 1, 0).await.unwrap();
            messages.iter().map(|message| message.entry.sequence).collect::<Vec<_>>()
        };
        assert_eq!(first(seconds(129)).await, [4]);
        assert_eq!(first(seconds(130)).await, [2]);
        assert!(node.settle(&lease, 2, set_aside(seconds(130), seconds(500))).await);
        assert_eq!(first(seconds(130)).await, [4]);
        assert_eq!(first(seconds(135)).await, [3]);
    }

    /// A read returns no more messages and bytes than wanted, but always one.
    pub async fn read_is_limited(driver: &dyn OutboxDriver) {
        let node = filled(driver).await;
        let lease = node.lease("acme", seconds(0)).await;
        let read = async |most: u32, most_bytes: u64| {
            node.outbox.read(&lease, seconds(0), most, most_bytes).await.unwrap().len()
        };
        assert_eq!([read(0, 99).await, read(1, 0).await, read(3, 99).await], [0, 1, 3]);
        // The change has no bytes, each delivery 12.
        assert_eq!(
            [read(9, 11).await, read(9, 12).await, read(9, 35).await, read(9, 36).await],
            [1, 2, 3, 4]
        );
        node.done(&lease, 1, seconds(0)).await;
        assert_eq!([read(9, 0).await, read(9, 24).await], [1, 2]);
    }

    /// Times are kept to the microsecond, and causes up to a length.
    pub async fn times_and_causes_are_kept(driver: &dyn OutboxDriver) {
        let node = filled(driver).await;
        let at = seconds(0) + Duration::nanoseconds(1_999);
        let lease = node.lease("acme", seconds(0)).await;
        let failed = FailedAttempt { at, refused: false, cause: format!("é\0{}", "x".repeat(500)) };
        assert!(node.settle(&lease, 1, Verdict::RetryLater { failed, next_attempt_at: at }).await);
        let entry = node.entries("acme").await.remove(0);
        let kept = seconds(0) + Duration::microseconds(1);
        assert_eq!((entry.failures.first_at, entry.next_attempt_at), (Some(kept), Some(kept)));
        assert_eq!(entry.failures.last_cause, Some(format!("é{}", "x".repeat(199))));
        node.done(&lease, 1, at).await;
        assert_eq!(node.entries("acme").await.remove(0).done_at, Some(kept));
    }
);
