//! The lease and the position that it protects.

use std::sync::Arc;

use dockline::ports::ScanPosition;
use time::Duration;

use super::{LEASE, NOON, RedeliveryStore, interrupted, lease, read_to};
use crate::fixtures::{in_the_east, in_the_west};
use crate::race::{ROUNDS, race};
use crate::runner::cases;

cases!(
    use __redelivery_store_lease as list;

    /// The first lease has no position, and a position is returned by the next lease as it was stored.
    pub async fn position_is_returned_by_the_next_lease(store: &Arc<dyn RedeliveryStore>) {
        assert_eq!(lease(&**store, 1, NOON).await, Some(ScanPosition::default()));
        for (holder, position) in [(2, interrupted()), (3, read_to(5)), (4, ScanPosition::default())] {
            assert!(store.release(holder - 1, &position).await.unwrap());
            assert_eq!(lease(&**store, holder, NOON).await, Some(position));
        }
    }

    /// While a lease has not expired, no other is granted, not to the same holder either.
    pub async fn one_lease_is_granted_at_a_time(store: &Arc<dyn RedeliveryStore>) {
        assert!(lease(&**store, 1, NOON).await.is_some());
        let before_end = NOON + LEASE - Duration::MICROSECOND;
        for holder in [1, 2] {
            assert_eq!(lease(&**store, holder, before_end).await, None);
        }
        assert!(store.release(1, &read_to(1)).await.unwrap());
        assert_eq!(lease(&**store, 2, NOON).await, Some(read_to(1)));
    }

    /// A holder that lost its lease stores nothing, before and after the new holder's release.
    pub async fn lost_lease_stores_nothing(store: &Arc<dyn RedeliveryStore>) {
        assert!(!store.release(1, &read_to(9)).await.unwrap());
        assert!(lease(&**store, 1, NOON).await.is_some());
        let end = NOON + LEASE;
        assert_eq!(lease(&**store, 2, end).await, Some(ScanPosition::default()));
        assert!(!store.release(1, &read_to(9)).await.unwrap());
        assert!(store.release(2, &read_to(2)).await.unwrap());
        for holder in [1, 2] {
            assert!(!store.release(holder, &read_to(9)).await.unwrap());
        }
        assert_eq!(lease(&**store, 3, end).await, Some(read_to(2)));
    }

    /// Of concurrent nodes, exactly one gets the lease.
    pub async fn racing_nodes_get_one_lease(store: &Arc<dyn RedeliveryStore>) {
        for round in ROUNDS {
            let now = NOON + LEASE * i32::try_from(round).unwrap();
            let leases =
                race(store, |store, number| async move { lease(&*store, u128::from(number), now).await })
                    .await;
            assert_eq!(leases.iter().flatten().count(), 1);
        }
    }

    /// A lease ends at its instant, whatever the offsets of the times, and a position keeps its instants.
    pub async fn offsets_of_times_change_nothing(store: &Arc<dyn RedeliveryStore>) {
        let until = in_the_west(NOON + LEASE);
        assert!(store.lease(1, in_the_east(NOON), until).await.unwrap().is_some());
        // Its clock shows the next day.
        let before_end = in_the_east(NOON + LEASE - Duration::MICROSECOND);
        assert_eq!(lease(&**store, 2, before_end).await, None);
        let position = read_to(5);
        let shifted = ScanPosition { read_to: position.read_to.map(in_the_west), ..position.clone() };
        assert!(store.release(1, &shifted).await.unwrap());
        assert_eq!(lease(&**store, 2, in_the_west(NOON)).await, Some(position));
        // Its clock shows a time before the lease.
        assert!(lease(&**store, 3, in_the_west(NOON + LEASE)).await.is_some());
    }

    /// A lease whose time has passed still counts until another holder takes it: a scan that takes longer keeps its position.
    pub async fn expired_lease_that_nobody_took_stores_the_position(store: &Arc<dyn RedeliveryStore>) {
        assert!(lease(&**store, 1, NOON).await.is_some());
        assert!(store.release(1, &read_to(60)).await.unwrap());
        let later = NOON + Duration::HOUR;
        assert_eq!(lease(&**store, 2, later).await, Some(read_to(60)));
    }
);
