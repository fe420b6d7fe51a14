//! Order, failures and leases.

use dockline::EntryStatus;
use dockline::ports::Clock;
use dockline_worker::ForwardOptions;
use tokio::time::sleep;

use super::product::Answer;
use super::{Scene, seconds};

#[tokio::test(start_paused = true)]
async fn messages_of_a_queue_are_sent_one_at_a_time_in_order_and_queues_in_parallel_i37() {
    let scene = Scene::new();
    for organization in ["a", "b"] {
        scene.add(organization, 50);
        scene.product.answer(organization, Answer::After(seconds(1)));
    }
    let _nodes = [scene.start(), scene.start()];
    sleep(seconds(70)).await;
    for organization in ["a", "b"] {
        let attempts = scene.product.attempts(organization);
        let order: Vec<u64> = attempts.iter().map(|(sequence, _)| *sequence).collect();
        assert_eq!(order, (1..=50).collect::<Vec<_>>());
        assert!(attempts.windows(2).all(|pair| pair[0].1 < pair[1].1), "{attempts:?}");
    }
    assert_eq!(scene.outbox.count(EntryStatus::Done), 100);
}

#[tokio::test(start_paused = true)]
async fn message_that_always_fails_is_set_aside_after_ten_minutes_and_later_ones_flow_c_82() {
    let scene = Scene::new();
    scene.add("bad", 3);
    scene.product.answer("bad", Answer::Status(500));
    let _node = scene.start();
    sleep(seconds(590)).await;
    let attempts = scene.product.attempts("bad");
    assert!(attempts.iter().all(|(sequence, _)| *sequence == 1), "later ones waited: {attempts:?}");
    // Pauses of 1, 2, 4, 8, 16, 32, 60, 60, … seconds.
    assert!((14..=20).contains(&attempts.len()), "{attempts:?}");
    let entry = scene.outbox.entry("bad", 1);
    assert_eq!(entry.status, EntryStatus::Waiting);
    assert_eq!(entry.failures.last_cause.as_deref(), Some("answered 500"));
    sleep(seconds(75)).await;
    assert_eq!(scene.outbox.entry("bad", 1).status, EntryStatus::SetAside);
    assert!(scene.product.attempts("bad").iter().any(|(sequence, _)| *sequence == 2));
    scene.product.answer("bad", Answer::Status(204));
    sleep(seconds(600)).await;
    assert_eq!(scene.outbox.count(EntryStatus::Done), 3);
}

#[tokio::test(start_paused = true)]
async fn refused_message_is_set_aside_after_five_attempts() {
    let scene = Scene::new();
    scene.add("bad", 2);
    scene.product.answer("bad", Answer::Status(422));
    let _node = scene.start();
    sleep(seconds(60)).await;
    assert_eq!(scene.outbox.count(EntryStatus::SetAside), 2);
    assert_eq!(scene.product.attempts("bad").len(), 10);
}

#[tokio::test(start_paused = true)]
async fn lease_is_renewed_while_a_queue_is_forwarded_and_lost_queue_is_left() {
    let scene = Scene::new();
    scene.add("slow", 30);
    scene.product.answer("slow", Answer::After(seconds(9)));
    let _nodes = [scene.start(), scene.start(), scene.start()];
    sleep(seconds(300)).await;
    let order: Vec<u64> = scene.product.attempts("slow").iter().map(|(sequence, _)| *sequence).collect();
    assert_eq!(order, (1..=30).collect::<Vec<_>>(), "no message was sent twice");

    let scene = Scene::new();
    scene.add("stolen", 5);
    scene.product.answer("stolen", Answer::After(seconds(9)));
    let _node = scene.start();
    scene.product.until_received(1).await;
    scene.outbox.steal("stolen", scene.clock.now());
    sleep(seconds(600)).await;
    // Its result does not count, and no other is sent.
    assert_eq!(scene.product.received().len(), 1);
    assert_eq!(scene.outbox.count(EntryStatus::Waiting), 5);
}

#[tokio::test(start_paused = true)]
async fn queue_that_waits_long_for_its_place_is_released_and_sent_once_later() {
    let scene = Scene::new();
    for number in 0..8 {
        let name = format!("org-{number}");
        scene.add(&name, 1);
        scene.product.answer(&name, Answer::After(seconds(19)));
    }
    let _node = scene.start_with(ForwardOptions::default().with_concurrency(2));
    sleep(seconds(100)).await;
    assert_eq!(scene.outbox.count(EntryStatus::Done), 8);
    assert_eq!(scene.product.received().len(), 8);
    assert!(scene.outbox.calls("release") > 8, "queues that waited were released");
}

#[tokio::test(start_paused = true)]
async fn unsettled_message_is_sent_again_after_the_lease() {
    let scene = Scene::new();
    scene.add("a", 2);
    scene.product.answer("a", Answer::After(seconds(5)));
    let _node = scene.start();
    scene.product.until_received(1).await;
    scene.outbox.fail(true);
    sleep(seconds(70)).await;
    scene.outbox.fail(false);
    sleep(seconds(120)).await;
    let order: Vec<u64> = scene.product.attempts("a").iter().map(|(sequence, _)| *sequence).collect();
    assert_eq!(order, [1, 1, 2]);
    assert_eq!(scene.outbox.count(EntryStatus::Done), 2);
}

#[tokio::test(start_paused = true)]
async fn outage_of_the_outbox_that_is_shorter_than_the_lease_repeats_no_message_and_delays_none_by_the_lease()
{
    let scene = Scene::new();
    scene.add("a", 2);
    scene.product.answer("a", Answer::After(seconds(5)));
    let _node = scene.start();
    scene.product.until_received(1).await;
    scene.outbox.fail(true);
    sleep(seconds(12)).await;
    scene.outbox.fail(false);
    sleep(seconds(15)).await;
    let order: Vec<u64> = scene.product.attempts("a").iter().map(|(sequence, _)| *sequence).collect();
    assert_eq!(order, [1, 2]);
    assert_eq!(scene.outbox.count(EntryStatus::Done), 2);
    assert!(!scene.outbox.is_leased("a", scene.clock.now()));
}

#[tokio::test(start_paused = true)]
async fn lease_that_cannot_be_renewed_for_a_while_is_not_used_after_its_end() {
    let scene = Scene::new();
    scene.add("a", 12);
    scene.product.answer("a", Answer::After(seconds(9)));
    let node = scene.start();
    // The lease is renewed when it ends within 30 seconds.
    scene.product.until_received(4).await;
    scene.outbox.fail(true);
    sleep(seconds(65)).await;
    let attempts = scene.product.received().len();
    assert!((4..=5).contains(&attempts), "{attempts}");
    scene.outbox.fail(false);
    sleep(seconds(200)).await;
    assert_eq!(scene.outbox.count(EntryStatus::Done), 12);
    let order: Vec<u64> = scene.product.attempts("a").iter().map(|(sequence, _)| *sequence).collect();
    assert!(order.is_sorted(), "{order:?}");
    node.shut_down(seconds(20)).await;
}
