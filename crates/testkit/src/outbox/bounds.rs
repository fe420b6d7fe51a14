//! The bytes of undelivered bodies are bounded.

use dockline::ports::DeliveryOutcome;

use super::{BOUNDS, Node, OutboxDriver, Push, dead, push};
use crate::fixtures::{organization, seconds};
use crate::runner::cases;

/// A quarter of an organization's bound.
fn large(installation: impl Into<Option<u64>>, name: &str) -> Push {
    let size = usize::try_from(BOUNDS.per_organization / 4).unwrap();
    Push { body: format!("{{\"name\":\"{name:0>width$}\"}}", width = size - 11), ..push(installation, name) }
}

impl Node {
    async fn store_all(&self, number: impl Into<Option<u64>> + Copy, names: &[&str]) -> Vec<DeliveryOutcome> {
        let mut outcomes = Vec::new();
        for name in names {
            outcomes.push(self.store(&large(number, name)).await);
        }
        outcomes
    }
}

cases!(
    use __outbox_bounds as list;

    /// A full queue refuses deliveries of its organization, and of no other. Delivered ones make room; failed ones, also dead
    /// ones, do not. Changes are never refused.
    pub async fn full_queue_refuses_its_organization_only(driver: &dyn OutboxDriver) {
        let node = driver.node(1).await;
        node.bind("acme", 1, 1).await;
        node.bind("other", 2, 2).await;
        let full = DeliveryOutcome::Full { organization: Some(organization("acme")) };
        let stored = DeliveryOutcome::Stored;
        let outcomes = node.store_all(1, &["1", "2", "3", "4", "5"]).await;
        assert_eq!(outcomes, [stored.clone(), stored.clone(), stored.clone(), stored.clone(), full.clone()]);
        assert_eq!(node.store(&push(1, "small")).await, full);
        assert_eq!(node.store(&large(2, "6")).await, stored);
        assert_eq!(node.store(&large(1, "1")).await, DeliveryOutcome::Duplicate);
        node.release("acme", 1).await;
        assert_eq!(node.types("acme").await.last().unwrap(), "installation.detached");
        node.bind("acme", 1, 3).await;
        let lease = node.lease("acme", seconds(9)).await;
        node.done(&lease, 1, seconds(9)).await;
        assert!(node.settle(&lease, 2, dead(seconds(9))).await);
        assert_eq!(node.store(&push(1, "small")).await, full);
        node.done(&lease, 3, seconds(9)).await;
        assert_eq!(node.store(&large(1, "7")).await, stored);
        assert_eq!(node.store(&push(1, "small")).await, full);
    }

    /// All queues together have a bound, too, the App's own included.
    pub async fn all_queues_together_are_bounded(driver: &dyn OutboxDriver) {
        let node = driver.node(1).await;
        node.bind("acme", 1, 1).await;
        node.bind("other", 2, 2).await;
        let names = ["1", "2", "3", "4"];
        assert_eq!(node.store_all(1, &names).await, vec![DeliveryOutcome::Stored; 4]);
        assert_eq!(node.store_all(2, &["5", "6", "7", "8"]).await, vec![DeliveryOutcome::Stored; 4]);
        let own = node.store_all(None, &["9", "10", "11"]).await;
        let full = DeliveryOutcome::Full { organization: None };
        assert_eq!(own, [DeliveryOutcome::Stored, DeliveryOutcome::Stored, full]);
        assert_eq!(node.store(&push(9, "x")).await, DeliveryOutcome::Unbound);
        assert_eq!(node.store(&large(2, "5")).await, DeliveryOutcome::Duplicate);
        assert_eq!(node.outbox.backlog().await.unwrap().bytes, BOUNDS.in_all);
        let second = driver.node(2).await;
        assert_eq!(second.store(&large(None, "1")).await, DeliveryOutcome::Stored);
    }
);
