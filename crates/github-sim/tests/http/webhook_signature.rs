//! The headers of a delivery, and its signatures over the raw body.

use crate::receiver::{Hooked, Receiver, hmac};
use crate::support::{CALLBACK, World};
use dockline_github_sim::{ContentType, NewApp};
use ring::digest::{SHA1_FOR_LEGACY_USE_ONLY, SHA256};
use serde_json::Value;

const SECRET: &str = "It's a Secret to Everybody";

#[test]
fn the_tests_own_hmac_agrees_with_githubs_vector() {
    let expected = "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
    assert_eq!(hmac(&SHA256, SECRET.as_bytes(), b"Hello, World!"), expected);
    assert_ne!(hmac(&SHA256, SECRET.as_bytes(), b"Hello, World?"), expected);
}

#[tokio::test]
async fn a_delivery_carries_githubs_headers_and_its_body_is_signed() {
    let hooked = Hooked::new().await;
    let id = hooked.world.install("acme-coffee");
    let arrived = hooked.only().await;
    assert_eq!(arrived.header("x-github-event"), "installation");
    assert_eq!(arrived.header("content-type"), "application/json");
    assert!(arrived.header("user-agent").starts_with("GitHub-Hookshot/"));
    assert_eq!(arrived.header("accept"), "*/*");
    assert_eq!(arrived.header("x-github-hook-installation-target-id"), hooked.world.app.app_id.to_string());
    assert_eq!(arrived.header("x-github-hook-installation-target-type"), "integration");
    assert!(arrived.header("x-github-hook-id").parse::<u64>().is_ok());
    let guid = arrived.header("x-github-delivery");
    let parts: Vec<usize> = guid.split('-').map(str::len).collect();
    assert_eq!(parts, [8, 4, 4, 4, 12], "{guid}");
    let secret = hooked.secret();
    let signature = format!("sha256={}", hmac(&SHA256, secret.as_bytes(), &arrived.body));
    assert_eq!(arrived.header("x-hub-signature-256"), signature);
    let legacy = format!("sha1={}", hmac(&SHA1_FOR_LEGACY_USE_ONLY, secret.as_bytes(), &arrived.body));
    assert_eq!(arrived.header("x-hub-signature"), legacy);
    assert_eq!(arrived.payload()["installation"]["id"], id);

    // What the library tells is what went over the wire, for hosts that want no HTTP.
    let [told] = &hooked.world.sim().deliveries()[..] else { panic!("one delivery") };
    assert_eq!((told.guid.as_str(), &told.body[..]), (guid, &arrived.body[..]));
    for (name, value) in &told.headers {
        assert_eq!(arrived.header(name), value, "{name}");
    }
    assert_eq!(told.header("X-HUB-SIGNATURE-256"), Some(signature.as_str()));
    let described: Value = serde_json::from_str(include_str!("../github-webhooks.json")).unwrap();
    let required = described["headers"].as_array().unwrap();
    assert!(required.len() >= 6 && required.iter().all(|name| told.header(name.as_str().unwrap()).is_some()));
}

#[tokio::test]
async fn a_form_carries_the_payload_and_is_signed_as_it_is_sent() {
    let hooked = Hooked::new().await;
    let app_id = hooked.world.app.app_id;
    hooked.world.sim().set_webhook_content_type(app_id, ContentType::Form).unwrap();
    let id = hooked.world.install("acme-coffee");
    let arrived = hooked.only().await;
    assert_eq!(arrived.header("content-type"), "application/x-www-form-urlencoded");
    assert!(arrived.body.starts_with(b"payload=%7B%22action%22"));
    let signature = format!("sha256={}", hmac(&SHA256, hooked.secret().as_bytes(), &arrived.body));
    assert_eq!(arrived.header("x-hub-signature-256"), signature);
    let pairs: Vec<_> = form_urlencoded::parse(&arrived.body).collect();
    let [(_, payload)] = &pairs[..] else { panic!("{pairs:?}") };
    let payload: Value = serde_json::from_str(payload).unwrap();
    assert_eq!(payload["installation"]["id"], id);
    assert_eq!(hooked.world.sim().deliveries()[0].payload, payload);
}

#[tokio::test]
async fn the_secret_can_be_chosen_changed_and_left_out() {
    let receiver = Receiver::new().await;
    let app =
        NewApp::new("dockline-dev", CALLBACK).with_webhook_url(&receiver.url).with_webhook_secret(SECRET);
    let world = World::with(app).await;
    let (sim, app_id) = (world.sim(), world.app.app_id);
    let signed_with = |secret: &str| {
        let arrived = receiver.arrived().pop().unwrap();
        arrived.header("x-hub-signature-256")
            == format!("sha256={}", hmac(&SHA256, secret.as_bytes(), &arrived.body))
    };
    sim.settled().await;
    assert!(signed_with(SECRET) && !signed_with("another"));
    let long = "x".repeat(200);
    sim.set_webhook_secret(app_id, &long).unwrap();
    sim.ping(app_id).unwrap();
    sim.settled().await;
    assert!(signed_with(&long) && !signed_with(SECRET));
    assert_eq!(secrecy::ExposeSecret::expose_secret(&sim.credentials(app_id).unwrap().webhook_secret), &long);
    sim.set_webhook_secret(app_id, "").unwrap();
    sim.ping(app_id).unwrap();
    sim.settled().await;
    let unsigned = receiver.arrived().pop().unwrap();
    assert!(!unsigned.headers.contains_key("x-hub-signature-256"));
    assert!(!unsigned.headers.contains_key("x-hub-signature"));
}
