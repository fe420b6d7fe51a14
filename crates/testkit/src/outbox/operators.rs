//! What operators see and do.

use dockline::ports::{EntryCursor, EntryFilter, RetryOutcome};
use dockline::{Backlog, EntryStatus, OutboxEntry};

use super::{OutboxDriver, dead, id, name, push, retry_later, set_aside};
use crate::fixtures::{organization, seconds};
use crate::runner::cases;

fn places(entries: &[OutboxEntry]) -> Vec<(&str, u64)> {
    entries.iter().map(|entry| (name(entry.organization.as_ref()), entry.sequence)).collect()
}

cases!(
    use __outbox_operators as list;

    /// Entries are listed by organization and position, a page at a time, by organization and by status.
    pub async fn entries_are_listed_in_pages(driver: &dyn OutboxDriver) {
        let node = driver.node(1).await;
        node.bind("b", 1, 1).await;
        node.bind("a", 2, 2).await;
        node.store(&push(1, "x")).await;
        node.store(&push(None, "y")).await;
        let lease = node.outbox.lease(seconds(0), seconds(60)).await.unwrap().unwrap();
        let first = name(lease.organization.as_ref()).to_owned();
        assert!(node.settle(&lease, 1, dead(seconds(0))).await);
        let all = EntryFilter::default();
        let entries = node.outbox.list(&all, None, 10).await.unwrap();
        assert_eq!(places(&entries), [("", 1), ("a", 1), ("b", 1), ("b", 2)]);
        let mut pages = Vec::new();
        let mut after = None;
        loop {
            let page = node.outbox.list(&all, after, 3).await.unwrap();
            let Some(last) = page.last() else { break };
            after = Some(EntryCursor { organization: last.organization.clone(), sequence: last.sequence });
            pages.extend(page);
        }
        assert_eq!(pages, entries);
        let of = |organization_id: Option<&str>, status| EntryFilter {
            organization: organization_id.map(organization),
            status,
        };
        let entries = node.outbox.list(&of(Some("b"), None), None, 10).await.unwrap();
        assert_eq!(places(&entries), [("b", 1), ("b", 2)]);
        let entries = node.outbox.list(&of(None, Some(EntryStatus::Dead)), None, 10).await.unwrap();
        assert_eq!(places(&entries), [(&*first, 1)]);
        let entries = node.outbox.list(&of(None, Some(EntryStatus::Done)), None, 10).await.unwrap();
        assert_eq!(places(&entries), []);
    }

    /// A dead message, one that is set aside and a delivered change are sent again at once and out of order, with their
    /// failures forgotten; one that waits keeps its place. A delivered message without its body is not sent again.
    pub async fn messages_are_sent_again(driver: &dyn OutboxDriver) {
        let node = driver.node(1).await;
        node.bind("acme", 1, 1).await;
        for name in ["a", "b", "c", "d"] {
            node.store(&push(1, name)).await;
        }
        let lease = node.lease("acme", seconds(0)).await;
        node.done(&lease, 1, seconds(0)).await;
        assert!(node.settle(&lease, 2, dead(seconds(0))).await);
        assert!(node.settle(&lease, 3, set_aside(seconds(0), seconds(500))).await);
        node.done(&lease, 4, seconds(0)).await;
        assert!(node.settle(&lease, 5, retry_later(seconds(0), seconds(500))).await);
        node.release_lease(&lease, seconds(0)).await;
        node.no_lease(seconds(10)).await;
        let ids: Vec<_> = node.entries("acme").await.into_iter().map(|entry| entry.id).collect();
        let retry = async |index: usize| node.outbox.retry(&ids[index], seconds(10)).await.unwrap();
        for index in [0, 1, 2, 4] {
            assert_eq!(retry(index).await, RetryOutcome::Queued, "{index}");
        }
        let has_body = !node.outbox.find(&ids[3]).await.unwrap().unwrap().body.is_empty();
        let expected = if has_body { RetryOutcome::Queued } else { RetryOutcome::BodyDeleted };
        assert_eq!(retry(3).await, expected);
        let unknown = node.outbox.retry(&id(1, "nothing"), seconds(10)).await.unwrap();
        assert_eq!(unknown, RetryOutcome::Unknown);
        let lease = node.lease("acme", seconds(10)).await;
        let mut expected = vec![5, 1, 2, 3];
        expected.extend(has_body.then_some(4));
        assert_eq!(node.due(&lease, seconds(10)).await, expected);
        let entries = node.entries("acme").await;
        for entry in &entries[..3] {
            assert_eq!((entry.status, entry.failures.attempts), (EntryStatus::SetAside, 0));
            assert_eq!((entry.next_attempt_at, entry.done_at), (Some(seconds(10)), None));
        }
        assert_eq!((entries[4].status, entries[4].failures.attempts), (EntryStatus::Waiting, 1));
        let deliveries = if has_body { 4 } else { 3 };
        assert_eq!(node.outbox.backlog().await.unwrap().bytes, 12 * deliveries);
        for sequence in expected {
            node.done(&lease, sequence, seconds(11)).await;
        }
        assert_eq!(node.outbox.backlog().await.unwrap(), Backlog::default());
    }

    /// A message is sent again also if it is asked for while its queue is leased.
    pub async fn retry_during_a_lease_is_not_lost(driver: &dyn OutboxDriver) {
        let node = driver.node(1).await;
        node.bind("acme", 1, 1).await;
        let lease = node.lease("acme", seconds(0)).await;
        assert!(node.settle(&lease, 1, dead(seconds(0))).await);
        let change = node.entries("acme").await.remove(0).id;
        assert_eq!(node.outbox.retry(&change, seconds(1)).await.unwrap(), RetryOutcome::Queued);
        node.release_lease(&lease, seconds(2)).await;
        let lease = node.lease("acme", seconds(2)).await;
        assert_eq!(node.due(&lease, seconds(2)).await, [1]);
    }

    /// The backlog counts what is not delivered.
    pub async fn backlog_counts_what_is_not_delivered(driver: &dyn OutboxDriver) {
        let node = driver.node(1).await;
        assert_eq!(node.outbox.backlog().await.unwrap(), Backlog::default());
        node.bind("acme", 1, 1).await;
        for (name, at) in [("a", 10), ("b", 20), ("c", 30), ("d", 40)] {
            let mut delivery = push(1, name);
            delivery.at = seconds(at);
            node.store(&delivery).await;
        }
        let lease = node.lease("acme", seconds(50)).await;
        node.done(&lease, 1, seconds(50)).await;
        assert!(node.settle(&lease, 2, dead(seconds(50))).await);
        assert!(node.settle(&lease, 3, set_aside(seconds(50), seconds(90))).await);
        node.done(&lease, 4, seconds(50)).await;
        let expected = Backlog { waiting: 1, set_aside: 1, dead: 1, bytes: 36, oldest: Some(seconds(20)) };
        assert_eq!(node.outbox.backlog().await.unwrap(), expected);
    }
);
