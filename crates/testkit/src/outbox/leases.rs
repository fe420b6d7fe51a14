//! A queue belongs to one consumer at a time, and a consumer that crashes loses it with the time.

use dockline::ports::DeliveryOutcome;
use time::Duration;

use super::{LEASE, OutboxDriver, push, retry_later, set_aside};
use crate::fixtures::{in_the_east, in_the_west, seconds};
use crate::runner::cases;

cases!(
    use __outbox_leases as list;

    /// A leased queue is given to no other consumer until the lease ends; another queue is.
    pub async fn leased_queue_is_given_to_one_consumer(driver: &dyn OutboxDriver) {
        let (node, other) = (driver.node(1).await, driver.node(1).await);
        node.bind("acme", 1, 1).await;
        let lease = node.lease("acme", seconds(0)).await;
        assert_eq!(lease.until, seconds(0) + LEASE);
        other.no_lease(seconds(59)).await;
        other.bind("other", 2, 2).await;
        let second = other.lease("other", seconds(59)).await;
        node.release_lease(&lease, seconds(59)).await;
        let again = other.lease("acme", seconds(59)).await;
        assert!(again.token > lease.token);
        assert_eq!(other.due(&second, seconds(59)).await, [1]);
    }

    /// The queue of a consumer that crashed is leased again after its time, and the same messages are read. The first
    /// consumer, should it live on, reads and settles nothing any more (I37).
    pub async fn crashed_consumer_loses_the_queue(driver: &dyn OutboxDriver) {
        let node = driver.node(1).await;
        node.bind("acme", 1, 1).await;
        node.store(&push(1, "a")).await;
        let lost = {
            let crashed = driver.node(1).await;
            let lease = crashed.lease("acme", seconds(0)).await;
            assert_eq!(crashed.due(&lease, seconds(0)).await, [1, 2]);
            crashed.done(&lease, 1, seconds(0)).await;
            lease
        };
        node.no_lease(seconds(59)).await;
        let lease = node.lease("acme", seconds(60)).await;
        assert!(lease.token > lost.token);
        assert_eq!(node.due(&lost, seconds(60)).await, [0_u64; 0]);
        for verdict in [
            dockline::Verdict::Done { at: seconds(60) },
            retry_later(seconds(60), seconds(90)),
            set_aside(seconds(60), seconds(90)),
            super::dead(seconds(60)),
        ] {
            assert!(!node.settle(&lost, 2, verdict).await);
        }
        assert!(!node.outbox.renew(&lost, seconds(300)).await.unwrap());
        node.release_lease(&lost, seconds(60)).await;
        driver.node(1).await.no_lease(seconds(61)).await;
        assert_eq!(node.due(&lease, seconds(60)).await, [2]);
        node.done(&lease, 2, seconds(60)).await;
        node.release_lease(&lease, seconds(60)).await;
        node.no_lease(seconds(600)).await;
    }

    /// A renewed lease lasts longer, and a released one cannot be renewed or used.
    pub async fn lease_can_be_renewed_until_it_is_released(driver: &dyn OutboxDriver) {
        let node = driver.node(1).await;
        node.bind("acme", 1, 1).await;
        let lease = node.lease("acme", seconds(0)).await;
        assert!(node.outbox.renew(&lease, seconds(200)).await.unwrap());
        node.no_lease(seconds(199)).await;
        node.release_lease(&lease, seconds(199)).await;
        assert!(!node.outbox.renew(&lease, seconds(900)).await.unwrap());
        assert!(!node.settle(&lease, 1, dockline::Verdict::Done { at: seconds(199) }).await);
        let again = node.lease("acme", seconds(199)).await;
        assert!(node.outbox.renew(&again, seconds(400)).await.unwrap());
        assert_eq!(node.lease("acme", seconds(400)).await.token, again.token + 1);
    }

    /// What arrives while a queue is leased is sent after the release, whatever the consumer had read.
    pub async fn arrival_during_a_lease_is_not_lost(driver: &dyn OutboxDriver) {
        let node = driver.node(1).await;
        node.bind("acme", 1, 1).await;
        let lease = node.lease("acme", seconds(0)).await;
        node.done(&lease, 1, seconds(1)).await;
        assert_eq!(node.store(&push(1, "a")).await, DeliveryOutcome::Stored);
        node.release_lease(&lease, seconds(2)).await;
        let lease = node.lease("acme", seconds(2)).await;
        assert_eq!(node.due(&lease, seconds(2)).await, [2]);
        node.done(&lease, 2, seconds(2)).await;
        node.release_lease(&lease, seconds(2)).await;
        node.release("acme", 1).await;
        let lease = node.lease("acme", seconds(2)).await;
        assert_eq!(node.due(&lease, seconds(2)).await, [3]);
        // After the end of the lease, but before another consumer takes the queue.
        node.done(&lease, 3, seconds(2)).await;
        node.bind("acme", 1, 2).await;
        let mut late = push(1, "late");
        late.at = seconds(90);
        node.store(&late).await;
        node.release_lease(&lease, seconds(91)).await;
        let lease = node.lease("acme", seconds(91)).await;
        assert_eq!(node.due(&lease, seconds(91)).await, [4, 5]);
    }

    /// A queue that is released with messages left comes after the queues that wait already.
    pub async fn released_queue_comes_after_the_others(driver: &dyn OutboxDriver) {
        let node = driver.node(1).await;
        for number in 1..=3 {
            node.bind(&format!("org-{number}"), number, number).await;
        }
        let mut order = Vec::new();
        for turn in 0..6 {
            let now = seconds(100 + turn);
            let lease = node.outbox.lease(now, now + LEASE).await.unwrap().unwrap();
            order.push(super::name(lease.organization.as_ref()).to_owned());
            node.release_lease(&lease, now).await;
        }
        let (first, second) = order.split_at(3);
        assert_eq!(first, second);
        let mut all = first.to_vec();
        all.sort_unstable();
        assert_eq!(all, ["org-1", "org-2", "org-3"]);
    }

    /// A lease whose time has passed stays valid until another consumer takes the queue: it reads, settles, is renewed and
    /// released. So a consumer that was slow loses nothing if no other one was there.
    pub async fn expired_lease_that_nobody_took_stays_valid(driver: &dyn OutboxDriver) {
        let node = driver.node(1).await;
        node.bind("acme", 1, 1).await;
        node.store(&push(1, "a")).await;
        let lease = node.lease("acme", seconds(0)).await;
        let late = seconds(0) + LEASE * 10;
        assert_eq!(node.due(&lease, late).await, [1, 2]);
        node.done(&lease, 1, late).await;
        assert!(node.outbox.renew(&lease, late + LEASE).await.unwrap());
        node.no_lease(late + LEASE - Duration::MICROSECOND).await;
        node.done(&lease, 2, late).await;
        node.release_lease(&lease, late + LEASE * 2).await;
        node.no_lease(late + LEASE * 3).await;
    }

    /// A delivery whose time of receipt is later than the consumer's clock shows, by the clock of another node, makes its queue
    /// due at that time, not before. In a queue that is leased for another message, it is read in its turn like any other.
    pub async fn delivery_from_the_future_waits_for_its_time(driver: &dyn OutboxDriver) {
        let node = driver.node(1).await;
        node.bind("acme", 1, 1).await;
        let lease = node.lease("acme", seconds(0)).await;
        node.done(&lease, 1, seconds(0)).await;
        node.release_lease(&lease, seconds(0)).await;
        let ahead = |name| super::Push { at: seconds(100), ..push(1, name) };
        assert_eq!(node.store(&ahead("a")).await, DeliveryOutcome::Stored);
        node.no_lease(seconds(99)).await;
        let lease = node.lease("acme", seconds(100)).await;
        assert_eq!(node.due(&lease, seconds(100)).await, [2]);
        node.done(&lease, 2, seconds(100)).await;
        node.release_lease(&lease, seconds(100)).await;
        let later = super::Push { at: seconds(300), ..push(1, "b") };
        assert_eq!(node.store(&later).await, DeliveryOutcome::Stored);
        assert_eq!(
            node.store(&super::Push { at: seconds(150), ..push(1, "c") }).await,
            DeliveryOutcome::Stored
        );
        node.no_lease(seconds(149)).await;
        let lease = node.lease("acme", seconds(150)).await;
        assert_eq!(node.due(&lease, seconds(150)).await, [3, 4]);
    }

    /// Times are instants, whatever their offsets: of receipts, of leases and of attempts.
    pub async fn offsets_of_times_change_nothing(driver: &dyn OutboxDriver) {
        let node = driver.node(1).await;
        node.store(&super::Push { at: in_the_east(seconds(10)), ..push(None, "a") }).await;
        node.no_lease(in_the_east(seconds(9))).await;
        let lease = node.outbox.lease(in_the_west(seconds(10)), in_the_east(seconds(70))).await.unwrap();
        let lease = lease.unwrap();
        assert_eq!(lease.until, seconds(70));
        assert_eq!(node.entries("").await[0].received_at, seconds(10));
        let retry = retry_later(in_the_east(seconds(11)), in_the_west(seconds(20)));
        assert!(node.settle(&lease, 1, retry).await);
        assert_eq!(node.due(&lease, in_the_east(seconds(19))).await, [0_u64; 0]);
        assert_eq!(node.due(&lease, in_the_west(seconds(20))).await, [1]);
        node.no_lease(in_the_east(seconds(69))).await;
        assert!(node.lease("", in_the_west(seconds(70))).await.token > lease.token);
    }
);
