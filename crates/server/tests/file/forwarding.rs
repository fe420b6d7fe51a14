//! `--forward-to` on a file: messages are stored, survive a kill, and reach the product once it is there.

use std::future::pending;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::routing::post;
use dockline_listener::Listener;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::scene::Scene;

const SECRET: &str = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

type Received = Arc<Mutex<Vec<Value>>>;

/// Starts a product that accepts every message.
async fn product(listener: TcpListener) -> Received {
    let received = Received::default();
    let accept = |State(received): State<Received>, body: Bytes| async move {
        received.lock().unwrap().push(serde_json::from_slice(&body).unwrap());
    };
    let router = Router::new().route("/", post(accept)).with_state(Arc::clone(&received));
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    tokio::spawn(Listener::new(listener).serve(service, pending()));
    received
}

#[tokio::test(flavor = "multi_thread")]
async fn stored_messages_survive_a_kill_and_are_sent_in_order() {
    let scene = Scene::start().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    // Nothing listens until the product starts.
    drop(listener);
    std::fs::write(scene.path("forward-secret"), SECRET).unwrap();
    let secret = scene.text("forward-secret");
    let options = ["--forward-to", &url, "--forward-secret-file", &secret];
    let server = scene.serve(&options);
    scene.set_webhook(&server);
    let bound = scene.bind(&server, "org_1").await;
    for number in 0..3 {
        let payload = json!({ "ref": "refs/heads/main", "number": number });
        scene.sim.sim().send_event(bound.installation, "push", payload.as_object().unwrap().clone()).unwrap();
    }
    scene.sim.sim().settled().await;
    let waiting = scene.json(&["deliveries", "list"]);
    assert!(waiting["deliveries"].as_array().unwrap().len() >= 2, "{waiting}");
    server.kill();

    let address = url.trim_start_matches("http://").trim_end_matches('/').to_owned();
    let received = product(TcpListener::bind(address).await.unwrap()).await;
    let server = scene.serve(&options);
    let expected = waiting["deliveries"].as_array().unwrap().len();
    // The lease of the killed server ends after a minute at most.
    while received.lock().unwrap().len() < expected {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    // The App's own queue has GitHub's ping.
    let all = received.lock().unwrap().clone();
    let ours: Vec<_> = all.iter().filter(|message| message["organization"] == "org_1").collect();
    let sequences: Vec<_> = ours.iter().map(|message| message["sequence"].as_u64().unwrap()).collect();
    assert!(sequences.is_sorted() && sequences.len() >= 4, "{all:?}");
    assert_eq!(ours[0]["type"], "installation.registered");
    assert_eq!(server.end(), Some(0));
}
