//! How deliveries travel: in order, held, shuffled, doubled, lost, late; and how a post ends.

use std::time::Duration;

use crate::receiver::{Arrived, Hooked, Receiver};
use crate::support::CALLBACK;
use dockline_github_sim::{Config, DeliveryMode, GithubSim, NewApp};

/// What is told of these changes, in this order.
const STORY: [&str; 7] = [
    "installation.created",
    "installation.suspend",
    "installation.unsuspend",
    "installation_target.renamed",
    "installation.deleted",
    "installation.created",
    "installation_target.renamed",
];

fn tell_story(hooked: &Hooked) {
    let sim = hooked.world.sim();
    let id = hooked.world.install("acme-coffee");
    sim.suspend(id, None).unwrap();
    sim.unsuspend(id).unwrap();
    sim.rename("acme-coffee", "acme-tea").unwrap();
    sim.uninstall(id).unwrap();
    hooked.world.install("acme-tea");
    sim.rename("acme-tea", "acme-coffee").unwrap();
}

async fn whats(hooked: &Hooked) -> Vec<String> {
    hooked.arrived().await.iter().map(Arrived::what).collect()
}

/// The story's events as they arrive. It can be told again then.
async fn story(hooked: &Hooked) -> Vec<String> {
    tell_story(hooked);
    let whats = whats(hooked).await;
    hooked.world.sim().uninstall(hooked.world.sim().installations()[0].id).unwrap();
    hooked.only().await;
    whats
}

#[tokio::test]
async fn automatically_they_come_in_order_and_their_answers_are_kept() {
    let hooked = Hooked::new().await;
    tell_story(&hooked);
    assert_eq!(whats(&hooked).await, STORY);
    for delivery in hooked.world.sim().deliveries() {
        let outcome = delivery.outcome.clone().unwrap();
        assert_eq!((outcome.status_code, outcome.status.as_str(), delivery.posts), (204, "No Content", 1));
        assert!(outcome.headers.contains(&("x-answered-by".into(), "receiver".into())));
    }
}

/// Nobody calls `settled`: the running simulator posts by itself.
#[tokio::test]
async fn the_running_simulator_posts_by_itself() {
    let (arrived, mut arrivals) = tokio::sync::mpsc::unbounded_channel();
    let take = axum::Router::new().fallback(async move |headers: axum::http::HeaderMap| {
        arrived.send(headers["x-github-event"].to_str().unwrap().to_owned()).unwrap();
    });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let server = tokio::spawn(async move { axum::serve(listener, take).await.unwrap() });
    let world =
        crate::support::World::with(NewApp::new("dockline-dev", CALLBACK).with_webhook_url(&url)).await;
    assert_eq!(arrivals.recv().await.unwrap(), "ping");
    world.install("acme-coffee");
    assert_eq!(arrivals.recv().await.unwrap(), "installation");
    world.sim().set_delivery_mode(DeliveryMode::Late { seconds: 3600 });
    world.install("olga");
    assert!(arrivals.try_recv().is_err());
    world.sim().advance_clock(3600);
    assert_eq!(arrivals.recv().await.unwrap(), "installation");
    server.abort();
}

#[tokio::test]
async fn held_they_go_only_by_hand_in_any_order_twice_or_never() {
    let hooked = Hooked::new().await;
    let sim = hooked.world.sim();
    sim.set_delivery_mode(DeliveryMode::Held);
    tell_story(&hooked);
    assert_eq!(hooked.arrived().await.len(), 0);
    let ids: Vec<u64> = sim.deliveries().iter().map(|delivery| delivery.id).collect();
    assert!(sim.deliveries().iter().all(|delivery| delivery.outcome.is_none() && delivery.posts == 0));
    for index in [4, 0, 0] {
        let sent = sim.deliver(ids[index]).await.unwrap();
        assert_eq!(sent.outcome.unwrap().status_code, 204);
    }
    let arrived = hooked.arrived().await;
    let whats: Vec<String> = arrived.iter().map(Arrived::what).collect();
    assert_eq!(whats, ["installation.deleted", "installation.created", "installation.created"]);
    assert_eq!(arrived[1].body, arrived[2].body);
    assert_eq!(arrived[1].header("x-github-delivery"), arrived[2].header("x-github-delivery"));
    assert_eq!(sim.delivery(ids[0]).unwrap().posts, 2);
    // What was held stays held, whatever comes after it.
    sim.set_delivery_mode(DeliveryMode::Automatic);
    sim.ping(hooked.world.app.app_id).unwrap();
    assert_eq!(hooked.only().await.what(), "ping");
    assert!(sim.deliver(1).await.is_err());
}

#[tokio::test]
async fn shuffled_the_order_follows_from_the_seed() {
    let hooked = Hooked::new().await;
    let sim = hooked.world.sim();
    let mut orders = Vec::new();
    for seed in [1, 2, 3, 4, 1] {
        sim.set_delivery_mode(DeliveryMode::Shuffled { seed });
        orders.push(story(&hooked).await);
    }
    for order in &orders {
        let (mut sorted, mut expected) = (order.clone(), orders[0].clone());
        sorted.sort();
        expected.sort();
        assert_eq!(sorted, expected, "all of them, each once");
    }
    assert_eq!(orders[0], orders[4]);
    assert!(orders[1..4].iter().any(|order| *order != orders[0]), "{orders:?}");
    assert!(orders.iter().any(|order| order[..] != STORY), "{orders:?}");
}

#[tokio::test]
async fn shuffled_they_are_collected_until_released() {
    let hooked = Hooked::new().await;
    let sim = hooked.world.sim();
    sim.set_delivery_mode(DeliveryMode::Shuffled { seed: 7 });
    tell_story(&hooked);
    assert!(sim.deliveries().iter().all(|delivery| delivery.posts == 0));
    sim.release_shuffled();
    assert_eq!(hooked.arrived().await.len(), 7);
    assert_eq!(hooked.arrived().await.len(), 0);
}

#[tokio::test]
async fn doubled_each_comes_twice_under_one_guid() {
    let hooked = Hooked::new().await;
    hooked.world.sim().set_delivery_mode(DeliveryMode::Doubled);
    tell_story(&hooked);
    let arrived = hooked.arrived().await;
    assert_eq!(arrived.len(), 14);
    for pair in arrived.chunks(2) {
        assert_eq!(pair[0].header("x-github-delivery"), pair[1].header("x-github-delivery"));
        assert_eq!(pair[0].body, pair[1].body);
    }
    let firsts: Vec<String> = arrived.chunks(2).map(|pair| pair[0].what()).collect();
    assert_eq!(firsts, STORY);
    assert!(hooked.world.sim().deliveries().iter().all(|delivery| delivery.posts == 2));
}

#[tokio::test]
async fn dropped_they_are_lost_and_recorded_as_failed() {
    let hooked = Hooked::new().await;
    let sim = hooked.world.sim();
    sim.set_delivery_mode(DeliveryMode::Dropped);
    hooked.world.install("acme-coffee");
    assert_eq!(hooked.arrived().await.len(), 0);
    let [lost] = &sim.deliveries()[..] else { panic!("one delivery") };
    let outcome = lost.outcome.clone().unwrap();
    assert_eq!(
        (outcome.status.as_str(), outcome.status_code, outcome.body, lost.posts),
        ("failed", 0, None, 0)
    );
    // A lost one comes after all when it is asked for again.
    sim.set_delivery_mode(DeliveryMode::Automatic);
    let again = sim.redeliver(lost.id).unwrap();
    assert_eq!(hooked.only().await.header("x-github-delivery"), lost.guid);
    let again = sim.delivery(again).unwrap();
    assert!(again.redelivery && again.id != lost.id && again.guid == lost.guid && again.body == lost.body);
}

#[tokio::test]
async fn late_they_wait_for_the_simulators_clock() {
    let hooked = Hooked::new().await;
    let sim = hooked.world.sim();
    sim.set_delivery_mode(DeliveryMode::Late { seconds: 600 });
    hooked.world.install("acme-coffee");
    assert_eq!(hooked.arrived().await.len(), 0);
    sim.advance_clock(300);
    assert_eq!(hooked.arrived().await.len(), 0);
    // What is made later in another mode overtakes.
    sim.set_delivery_mode(DeliveryMode::Automatic);
    sim.ping(hooked.world.app.app_id).unwrap();
    assert_eq!(hooked.only().await.what(), "ping");
    sim.advance_clock(300);
    assert_eq!(hooked.only().await.what(), "installation.created");
}

#[tokio::test]
async fn a_bad_answer_is_recorded_and_nothing_is_tried_again() {
    let hooked = Hooked::new().await;
    let sim = hooked.world.sim();
    for (status, words) in
        [(500, "Invalid HTTP Response: 500"), (302, "Invalid HTTP Response: 302"), (202, "Accepted")]
    {
        hooked.receiver.answer_with(status);
        sim.ping(hooked.world.app.app_id).unwrap();
        assert_eq!(hooked.arrived().await.len(), 1);
        let outcome = sim.deliveries().pop().unwrap().outcome.unwrap();
        assert_eq!(
            (outcome.status_code, outcome.status.as_str(), outcome.body.as_deref()),
            (status, words, Some("answered"))
        );
        assert_eq!(outcome.succeeded(), status == 202);
    }
}

#[tokio::test]
async fn nobody_there_and_nobody_answering() {
    let sim = GithubSim::new(Config::default().with_webhook_timeout(Duration::from_millis(50)));
    // Bound, so that the port is nobody else's; accepted by the system, and never answered.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", silent.local_addr().unwrap());
    sim.create_app(NewApp::new("dockline-dev", CALLBACK).with_webhook_url(&url)).unwrap();
    let last = |sim: &GithubSim| sim.deliveries().pop().unwrap().outcome.unwrap();
    // No server runs: whoever waits posts.
    sim.settled().await;
    assert_eq!((last(&sim).status.as_str(), last(&sim).status_code), ("timed out", 0));
    assert!(last(&sim).duration >= Duration::from_millis(50));

    // Another simulator, whose patience does not run out on a busy machine.
    let sim = GithubSim::default();
    drop(silent);
    let app = sim.create_app(NewApp::new("dockline-dev", CALLBACK)).unwrap();
    for unreachable in [url.as_str(), "https://127.0.0.1:1/"] {
        sim.set_webhook_url(app.app_id, Some(unreachable)).unwrap();
        sim.settled().await;
        assert_eq!((last(&sim).status.as_str(), last(&sim).body), ("failed to connect to host", None));
    }
    // Behind a failed one, the next goes out all the same.
    let receiver = Receiver::new().await;
    sim.ping(app.app_id).unwrap();
    sim.set_webhook_url(app.app_id, Some(&receiver.url)).unwrap();
    sim.settled().await;
    assert_eq!(receiver.whats(), ["ping"]);
}
