//! What one tenant, or one part, may cost the others.

use dockline::EntryStatus;
use dockline::ports::Clock;
use dockline_worker::ForwardOptions;
use tokio::time::sleep;

use super::product::Answer;
use super::{SMALL, Scene, seconds};

/// Of a hundred tenants 25 never answer, 16 answer 500, and one is slow: fewer first attempts than places.
#[tokio::test(start_paused = true)]
async fn failing_and_slow_tenants_do_not_delay_the_others() {
    let scene = Scene::new();
    let names: Vec<String> = (0..100).map(|number| format!("org-{number}")).collect();
    for (number, name) in names.iter().enumerate() {
        match number {
            0..25 => scene.product.answer(name, Answer::Never),
            25..41 => scene.product.answer(name, Answer::Status(500)),
            41 => scene.product.answer(name, Answer::After(seconds(15))),
            _ => {}
        }
    }
    let _node = scene.start();
    for _ in 0..60 {
        for name in &names {
            scene.add(name, 1);
        }
        sleep(seconds(1)).await;
    }
    sleep(seconds(3)).await;
    let mut delays = Vec::new();
    for name in &names[42..] {
        for sequence in 1..=60 {
            let entry = scene.outbox.entry(name, sequence);
            delays.push(entry.done_at.unwrap() - entry.received_at);
        }
    }
    delays.sort();
    // Time passes only while every part waits: the delay is that of the look for new messages.
    let worst = delays.last().unwrap();
    assert!(*worst <= time::Duration::milliseconds(1_500), "{worst}");
    let slow = scene.product.attempts("org-41");
    assert!(slow.iter().enumerate().all(|(at, (sequence, _))| *sequence == at as u64 + 1), "{slow:?}");
}

/// Twelve tenants never answer, whose attempts alone would take all four places most of the time.
#[tokio::test(start_paused = true)]
async fn retries_leave_the_places_of_first_attempts_to_others() {
    let scene = Scene::new();
    let _node = scene.start_with(ForwardOptions::default().with_concurrency(4));
    for number in 0..12 {
        let name = format!("hanging-{number}");
        scene.product.answer(&name, Answer::Never);
        scene.add(&name, 1);
        sleep(seconds(25)).await;
    }
    for sequence in 1..=200 {
        scene.add("good", 1);
        sleep(seconds(1)).await;
        // The one before was added two seconds ago, and a look takes at most a second and a quarter.
        let before = scene.outbox.entry("good", (sequence - 1).max(1));
        assert!(sequence == 1 || before.status == EntryStatus::Done, "{sequence}");
    }
}

#[tokio::test(start_paused = true)]
async fn panic_of_the_sender_is_a_failed_attempt_of_one_message() {
    let scene = Scene::new();
    scene.add("bug", 1);
    scene.add("good", 3);
    scene.product.answer("bug", Answer::Panic);
    let _node = scene.start();
    sleep(seconds(2)).await;
    assert_eq!(scene.outbox.count(EntryStatus::Done), 3);
    let entry = scene.outbox.entry("bug", 1);
    assert_eq!(entry.failures.last_cause.as_deref(), Some("the sender panicked"));
}

#[tokio::test(start_paused = true)]
async fn attempt_without_an_answer_ends_after_twenty_seconds() {
    let scene = Scene::new();
    scene.add("never", 1);
    scene.product.answer("never", Answer::Never);
    let _node = scene.start();
    sleep(seconds(21)).await;
    let entry = scene.outbox.entry("never", 1);
    assert_eq!(entry.failures.last_cause.as_deref(), Some("no answer within 20 s"));
}

#[tokio::test(start_paused = true)]
async fn failing_outbox_is_asked_with_backoff_and_messages_follow_when_it_works_again() {
    let scene = Scene::new();
    scene.add("a", 1);
    scene.outbox.fail(true);
    let _node = scene.start();
    sleep(seconds(120)).await;
    let looks = scene.outbox.calls("lease");
    assert!((6..=10).contains(&looks), "{looks}");
    scene.outbox.fail(false);
    sleep(seconds(38)).await;
    assert_eq!(scene.outbox.count(EntryStatus::Done), 1);
}

#[tokio::test(start_paused = true)]
async fn large_bodies_are_held_a_few_at_a_time_and_do_not_delay_small_ones() {
    const LARGE: usize = 25 << 20;
    let scene = Scene::new();
    for number in 0..12 {
        let name = format!("large-{number}");
        scene.outbox.add(&name, LARGE, scene.clock.now());
        scene.product.answer(&name, Answer::After(seconds(10)));
    }
    let _node = scene.start();
    sleep(seconds(5)).await;
    for number in 0..20 {
        scene.add(&format!("small-{number}"), 3);
    }
    sleep(seconds(2)).await;
    assert_eq!(scene.outbox.count(EntryStatus::Done), 60);
    sleep(seconds(60)).await;
    assert_eq!(scene.outbox.count(EntryStatus::Done), 72);
    assert!(scene.product.most_held() <= 3 * LARGE + 60 * SMALL, "{}", scene.product.most_held());
}
