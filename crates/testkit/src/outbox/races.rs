//! Several nodes at the same time.

use std::collections::BTreeSet;
use std::sync::Arc;

use dockline::Backlog;
use dockline::ports::{DeliveryOutcome, EntryFilter, InsertOutcome, Observation};

use super::{LEASE, OutboxDriver, push};
use crate::fixtures::{actor, binding_of, digest, installation, organization, seconds};
use crate::race::{TASKS, count, race};
use crate::runner::cases;

/// The rounds of each race.
const ROUNDS: std::ops::RangeInclusive<u64> = 1..=10;

cases!(
    use __outbox_races as list;

    /// Deliveries and changes of one organization that are stored at the same time by several nodes get positions without
    /// gaps, and none is lost.
    pub async fn racing_arrivals_get_positions_without_gaps(driver: &Arc<dyn OutboxDriver>) {
        let node = driver.node(1).await;
        node.bind("acme", 1, 1).await;
        for round in ROUNDS {
            let outcomes = race(driver, |driver, number| async move {
                let node = driver.node(1).await;
                if number.is_multiple_of(4) {
                    let at = seconds(i64::try_from(number).unwrap());
                    let changed = Observation::PermissionsChanged { at };
                    node.bindings.observe(installation(1), changed).await.unwrap();
                    DeliveryOutcome::Stored
                } else {
                    node.store(&push(1, &format!("{round}-{number}"))).await
                }
            })
            .await;
            assert_eq!(count(&outcomes, &DeliveryOutcome::Stored), TASKS);
        }
        let sequences: Vec<_> = node.entries("acme").await.iter().map(|entry| entry.sequence).collect();
        assert_eq!(sequences, (1..=10 * TASKS + 1).collect::<Vec<_>>());
    }

    /// Of the same delivery, received by several nodes at the same time, one is stored.
    pub async fn racing_copies_of_a_delivery_are_stored_once_c_80(driver: &Arc<dyn OutboxDriver>) {
        let node = driver.node(1).await;
        node.bind("acme", 1, 1).await;
        for round in ROUNDS {
            let outcomes = race(driver, |driver, _| async move {
                driver.node(1).await.store(&push(1, &format!("{round}"))).await
            })
            .await;
            assert_eq!(count(&outcomes, &DeliveryOutcome::Stored), 1, "{outcomes:?}");
            assert_eq!(count(&outcomes, &DeliveryOutcome::Duplicate), TASKS - 1, "{outcomes:?}");
        }
        assert_eq!(node.entries("acme").await.len(), 11);
    }

    /// Of several consumers, one gets a queue.
    pub async fn racing_consumers_share_no_queue(driver: &Arc<dyn OutboxDriver>) {
        let node = driver.node(1).await;
        for number in 1..=4 {
            node.bind(&format!("org-{number}"), number, number).await;
        }
        for round in ROUNDS {
            let now = seconds(1_000 * i64::try_from(round).unwrap());
            let leases = race(driver, move |driver, _| async move {
                driver.node(1).await.outbox.lease(now, now + LEASE).await.unwrap()
            })
            .await;
            let leased: Vec<_> = leases.into_iter().flatten().collect();
            let queues: BTreeSet<_> = leased.iter().map(|lease| lease.organization.clone()).collect();
            assert_eq!(leased.len(), queues.len(), "{leased:?}");
            assert!(!leased.is_empty());
        }
    }

    /// A delivery or a change that races with the closing of the outbox is deleted with the other messages or not stored: the
    /// closed outbox is empty, and opened again it starts empty. Adapters whose outbox cannot be closed have no such case.
    pub async fn racing_close_leaves_nothing(driver: &Arc<dyn OutboxDriver>) {
        let closed = driver.node(1).await;
        if !driver.close(1).await {
            return;
        }
        for round in ROUNDS {
            let nodes = [driver.node(1).await, driver.node(1).await];
            nodes[0].bind(&format!("org-{round}"), round, round).await;
            race(driver, move |driver, number| {
                let node = nodes[usize::from(number.is_multiple_of(2))].clone();
                async move {
                    if number == 1 {
                        assert!(driver.close(1).await);
                        return;
                    }
                    for call in 0..4 {
                        let name = format!("{round}-{number}-{call}");
                        let at = seconds(i64::try_from(4 * number + call).unwrap());
                        if number.is_multiple_of(3) {
                            let changed = Observation::PermissionsChanged { at };
                            node.bindings.observe(installation(round), changed).await.unwrap();
                        } else {
                            // Of the organization, or of the App itself.
                            let of = if number % 3 == 1 { Some(round) } else { None };
                            node.store(&push(of, &name)).await;
                        }
                    }
                }
            })
            .await;
            let left = closed.outbox.list(&EntryFilter::default(), None, u32::MAX).await.unwrap();
            assert_eq!(left, [], "stored in a closed outbox");
            closed.no_lease(seconds(600)).await;
            let opened = driver.node(1).await;
            assert_eq!(opened.outbox.backlog().await.unwrap(), Backlog::default());
        }
    }

    /// A delivery that races with the move of its installation to another organization goes to one of the two, and after the
    /// move to the new one only; the earlier organization's last message is its detach (I38).
    pub async fn racing_move_attributes_each_delivery_to_one_organization(driver: &Arc<dyn OutboxDriver>) {
        let node = driver.node(1).await;
        for round in ROUNDS {
            let (old, new) = (format!("old-{round}"), format!("new-{round}"));
            node.bind(&old, round, round * 2).await;
            let (from, to) = (&old, &new);
            let outcomes = race(driver, move |driver, number| {
                let (from, to) = (from.clone(), to.clone());
                async move {
                    let node = driver.node(1).await;
                    if number != 1 {
                        return node.store(&push(round, &format!("{round}-{number}"))).await;
                    }
                    let (id, organization_id) = (installation(round), organization(&from));
                    node.bindings.release(&organization_id, id, &actor(), seconds(1)).await.unwrap();
                    let binding = binding_of(&to, round, digest(&format!("moved {round}")));
                    let inserted = node.bindings.insert(binding).await.unwrap();
                    assert!(matches!(inserted, InsertOutcome::Inserted(_)), "{inserted:?}");
                    node.store(&push(round, &format!("{round}-after"))).await
                }
            })
            .await;
            let stored = count(&outcomes, &DeliveryOutcome::Stored);
            assert_eq!(stored + count(&outcomes, &DeliveryOutcome::Unbound), TASKS, "{outcomes:?}");
            let (before, after) = (node.entries(&old).await, node.entries(&new).await);
            // Registered and detached, and registered.
            assert_eq!(before.len() + after.len(), usize::try_from(stored).unwrap() + 3);
            assert_eq!(node.types(&old).await.last().unwrap(), "installation.detached");
            assert_eq!(node.types(&new).await.first().unwrap(), "installation.registered");
            let last = super::id(1, &format!("guid-{round}-after"));
            assert!(after.iter().any(|entry| entry.id == last));
        }
    }
);
