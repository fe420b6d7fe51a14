//! Delivery modes, and the outcomes of deliveries.

use std::time::Duration;

use crate::support::CALLBACK;
use crate::webhooks::receiver::{Received, Receiver, WebhookFixture};
use dockline_github_sim::{Config, DeliveryMode, GithubSim, NewApp};

/// The events of [`make_changes`], in order.
const EVENTS: [&str; 7] = [
    "installation.created",
    "installation.suspend",
    "installation.unsuspend",
    "installation_target.renamed",
    "installation.deleted",
    "installation.created",
    "installation_target.renamed",
];

fn make_changes(webhooks: &WebhookFixture) {
    let sim = webhooks.fixture.sim();
    let id = webhooks.fixture.install("acme-coffee");
    sim.suspend(id, None).unwrap();
    sim.unsuspend(id).unwrap();
    sim.rename("acme-coffee", "acme-tea").unwrap();
    sim.uninstall(id).unwrap();
    webhooks.fixture.install("acme-tea");
    sim.rename("acme-tea", "acme-coffee").unwrap();
}

async fn events(webhooks: &WebhookFixture) -> Vec<String> {
    webhooks.received().await.iter().map(Received::event).collect()
}

/// Makes the changes and returns the events in the order of arrival. Can be called repeatedly.
async fn received_events(webhooks: &WebhookFixture) -> Vec<String> {
    make_changes(webhooks);
    let events = events(webhooks).await;
    webhooks.fixture.sim().uninstall(webhooks.fixture.sim().installations()[0].id).unwrap();
    webhooks.single().await;
    events
}

#[tokio::test]
async fn automatic_deliveries_arrive_in_order_and_record_responses() {
    let webhooks = WebhookFixture::new().await;
    make_changes(&webhooks);
    assert_eq!(events(&webhooks).await, EVENTS);
    for delivery in webhooks.fixture.sim().deliveries() {
        let outcome = delivery.outcome.clone().unwrap();
        assert_eq!((outcome.status_code, outcome.status.as_str(), delivery.posts), (204, "No Content", 1));
        assert!(outcome.headers.contains(&("x-answered-by".into(), "receiver".into())));
    }
}

#[tokio::test]
async fn served_simulator_sends_deliveries_by_itself() {
    let (received, mut arrivals) = tokio::sync::mpsc::unbounded_channel();
    let take = axum::Router::new().fallback(async move |headers: axum::http::HeaderMap| {
        received.send(headers["x-github-event"].to_str().unwrap().to_owned()).unwrap();
    });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let server = tokio::spawn(async move { axum::serve(listener, take).await.unwrap() });
    let fixture =
        crate::support::Fixture::with(NewApp::new("dockline-dev", CALLBACK).with_webhook_url(&url)).await;
    assert_eq!(arrivals.recv().await.unwrap(), "ping");
    // After this nothing is being sent, so the next delivery has to wake the sender.
    fixture.sim().settled().await;
    fixture.install("acme-coffee");
    assert_eq!(arrivals.recv().await.unwrap(), "installation");
    fixture.sim().settled().await;
    fixture.sim().set_delivery_mode(DeliveryMode::Late { seconds: 3600 });
    fixture.install("olga");
    assert!(arrivals.try_recv().is_err());
    fixture.sim().advance_clock(3600);
    assert_eq!(arrivals.recv().await.unwrap(), "installation");
    server.abort();
}

#[tokio::test]
async fn held_deliveries_are_sent_only_by_deliver() {
    let webhooks = WebhookFixture::new().await;
    let sim = webhooks.fixture.sim();
    sim.set_delivery_mode(DeliveryMode::Held);
    make_changes(&webhooks);
    assert_eq!(webhooks.received().await.len(), 0);
    let ids: Vec<u64> = sim.deliveries().iter().map(|delivery| delivery.id).collect();
    assert!(sim.deliveries().iter().all(|delivery| delivery.outcome.is_none() && delivery.posts == 0));
    for index in [4, 0, 0] {
        let sent = sim.deliver(ids[index]).await.unwrap();
        assert_eq!(sent.outcome.unwrap().status_code, 204);
    }
    let received = webhooks.received().await;
    let events: Vec<String> = received.iter().map(Received::event).collect();
    assert_eq!(events, ["installation.deleted", "installation.created", "installation.created"]);
    assert_eq!(received[1].body, received[2].body);
    assert_eq!(received[1].header("x-github-delivery"), received[2].header("x-github-delivery"));
    assert_eq!(sim.deliveries()[0].posts, 2);
    // Held deliveries stay held after a change of the mode.
    sim.set_delivery_mode(DeliveryMode::Automatic);
    sim.ping(webhooks.fixture.app.app_id).unwrap();
    assert_eq!(webhooks.single().await.event(), "ping");
    assert!(sim.deliver(1).await.is_err());
}

#[tokio::test]
async fn shuffled_order_depends_on_the_seed() {
    let webhooks = WebhookFixture::new().await;
    let sim = webhooks.fixture.sim();
    let mut orders = Vec::new();
    for seed in [1, 2, 3, 4, 1] {
        sim.set_delivery_mode(DeliveryMode::Shuffled { seed });
        orders.push(received_events(&webhooks).await);
    }
    for order in &orders {
        let (mut sorted, mut expected) = (order.clone(), orders[0].clone());
        sorted.sort();
        expected.sort();
        assert_eq!(sorted, expected, "each event arrives once");
    }
    assert_eq!(orders[0], orders[4]);
    assert!(orders[1..4].iter().any(|order| *order != orders[0]), "{orders:?}");
    assert!(orders.iter().any(|order| order[..] != EVENTS), "{orders:?}");
}

#[tokio::test]
async fn shuffled_deliveries_are_collected_until_settled() {
    let webhooks = WebhookFixture::new().await;
    let sim = webhooks.fixture.sim();
    sim.set_delivery_mode(DeliveryMode::Shuffled { seed: 7 });
    make_changes(&webhooks);
    assert!(sim.deliveries().iter().all(|delivery| delivery.posts == 0));
    assert_eq!(webhooks.received().await.len(), 7);
    assert_eq!(webhooks.received().await.len(), 0);
}

#[tokio::test]
async fn doubled_deliveries_arrive_twice_with_the_same_guid() {
    let webhooks = WebhookFixture::new().await;
    webhooks.fixture.sim().set_delivery_mode(DeliveryMode::Doubled);
    make_changes(&webhooks);
    let received = webhooks.received().await;
    assert_eq!(received.len(), 14);
    for pair in received.chunks(2) {
        assert_eq!(pair[0].header("x-github-delivery"), pair[1].header("x-github-delivery"));
        assert_eq!(pair[0].body, pair[1].body);
    }
    let firsts: Vec<String> = received.chunks(2).map(|pair| pair[0].event()).collect();
    assert_eq!(firsts, EVENTS);
    assert!(webhooks.fixture.sim().deliveries().iter().all(|delivery| delivery.posts == 2));
}

#[tokio::test]
async fn dropped_deliveries_are_recorded_as_failed() {
    let webhooks = WebhookFixture::new().await;
    let sim = webhooks.fixture.sim();
    sim.set_delivery_mode(DeliveryMode::Dropped);
    webhooks.fixture.install("acme-coffee");
    assert_eq!(webhooks.received().await.len(), 0);
    let [dropped] = &sim.deliveries()[..] else { panic!("one delivery") };
    let outcome = dropped.outcome.clone().unwrap();
    assert_eq!(
        (outcome.status.as_str(), outcome.status_code, outcome.body, dropped.posts),
        ("failed", 0, None, 0)
    );
    // It can be redelivered.
    sim.set_delivery_mode(DeliveryMode::Automatic);
    let attempt = format!("/app/hook/deliveries/{}/attempts", dropped.id);
    webhooks.fixture.send(reqwest::Method::POST, &attempt, &webhooks.fixture.jwt()).await;
    assert_eq!(webhooks.single().await.header("x-github-delivery"), dropped.guid);
    let again = sim.deliveries().pop().unwrap();
    assert!(
        again.redelivery
            && again.id != dropped.id
            && again.guid == dropped.guid
            && again.body == dropped.body
    );
}

#[tokio::test]
async fn late_deliveries_wait_for_the_simulators_clock() {
    let webhooks = WebhookFixture::new().await;
    let sim = webhooks.fixture.sim();
    sim.set_delivery_mode(DeliveryMode::Late { seconds: 600 });
    webhooks.fixture.install("acme-coffee");
    assert_eq!(webhooks.received().await.len(), 0);
    sim.advance_clock(300);
    assert_eq!(webhooks.received().await.len(), 0);
    // `deliver` sends it at once and removes it from the queue.
    let id = sim.deliveries().pop().unwrap().id;
    webhooks.fixture.install("olga");
    sim.deliver(id).await.unwrap();
    assert_eq!(webhooks.single().await.payload()["installation"]["account"]["login"], "acme-coffee");
    // A later delivery in another mode is sent first.
    sim.set_delivery_mode(DeliveryMode::Automatic);
    sim.ping(webhooks.fixture.app.app_id).unwrap();
    assert_eq!(webhooks.single().await.event(), "ping");
    sim.advance_clock(600);
    assert_eq!(webhooks.single().await.payload()["installation"]["account"]["login"], "olga");
}

#[tokio::test]
async fn failed_delivery_is_recorded_and_not_retried() {
    let webhooks = WebhookFixture::new().await;
    let sim = webhooks.fixture.sim();
    for (status, description) in
        [(500, "Invalid HTTP Response: 500"), (302, "Invalid HTTP Response: 302"), (202, "Accepted")]
    {
        webhooks.receiver.respond_with(status);
        sim.ping(webhooks.fixture.app.app_id).unwrap();
        assert_eq!(webhooks.received().await.len(), 1);
        let outcome = sim.deliveries().pop().unwrap().outcome.unwrap();
        assert_eq!(
            (outcome.status_code, outcome.status.as_str(), outcome.body.as_deref()),
            (status, description, Some("answered"))
        );
        assert_eq!(outcome.succeeded(), status == 202);
    }
}

#[tokio::test]
async fn timeouts_and_connection_failures_are_recorded() {
    let sim = GithubSim::new(Config::default().with_webhook_timeout(Duration::from_millis(50)));
    // The listener reserves the port. The system accepts connections, and nothing answers.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", silent.local_addr().unwrap());
    sim.create_app(NewApp::new("dockline-dev", CALLBACK).with_webhook_url(&url)).unwrap();
    let last = |sim: &GithubSim| sim.deliveries().pop().unwrap().outcome.unwrap();
    // The simulator is not served, so `settled` sends.
    sim.settled().await;
    assert_eq!((last(&sim).status.as_str(), last(&sim).status_code), ("timed out", 0));
    assert!(last(&sim).duration >= Duration::from_millis(50));

    // Another simulator with the default time limit, for a busy machine.
    let sim = GithubSim::default();
    drop(silent);
    let app = sim.create_app(NewApp::new("dockline-dev", CALLBACK)).unwrap();
    for unreachable in [url.as_str(), "https://127.0.0.1:1/"] {
        sim.set_webhook_url(app.app_id, Some(unreachable)).unwrap();
        sim.settled().await;
        assert_eq!((last(&sim).status.as_str(), last(&sim).body), ("failed to connect to host", None));
    }
    // A failed delivery does not stop the next one.
    let receiver = Receiver::new().await;
    sim.ping(app.app_id).unwrap();
    sim.set_webhook_url(app.app_id, Some(&receiver.url)).unwrap();
    sim.settled().await;
    assert_eq!(receiver.events(), ["ping"]);
}
