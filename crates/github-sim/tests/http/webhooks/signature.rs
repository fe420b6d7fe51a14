//! Headers and signatures of deliveries.

use crate::support::{CALLBACK, Fixture};
use crate::webhooks::receiver::{Receiver, WebhookFixture, hmac};
use dockline_github_sim::{ContentType, NewApp};
use ring::digest::{SHA1_FOR_LEGACY_USE_ONLY, SHA256};
use serde_json::Value;

const SECRET: &str = "It's a Secret to Everybody";

#[test]
fn test_hmac_matches_githubs_documentation() {
    let expected = "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
    assert_eq!(hmac(&SHA256, SECRET.as_bytes(), b"Hello, World!"), expected);
    assert_ne!(hmac(&SHA256, SECRET.as_bytes(), b"Hello, World?"), expected);
}

#[tokio::test]
async fn delivery_has_githubs_headers_and_signatures() {
    let webhooks = WebhookFixture::new().await;
    let id = webhooks.fixture.install("acme-coffee");
    let received = webhooks.single().await;
    assert_eq!(received.header("x-github-event"), "installation");
    assert_eq!(received.header("content-type"), "application/json");
    assert!(received.header("user-agent").starts_with("GitHub-Hookshot/"));
    assert_eq!(received.header("accept"), "*/*");
    assert_eq!(
        received.header("x-github-hook-installation-target-id"),
        webhooks.fixture.app.app_id.to_string()
    );
    assert_eq!(received.header("x-github-hook-installation-target-type"), "integration");
    assert!(received.header("x-github-hook-id").parse::<u64>().is_ok());
    let guid = received.header("x-github-delivery");
    let parts: Vec<usize> = guid.split('-').map(str::len).collect();
    assert_eq!(parts, [8, 4, 4, 4, 12], "{guid}");
    let secret = webhooks.secret();
    let signature = format!("sha256={}", hmac(&SHA256, secret.as_bytes(), &received.body));
    assert_eq!(received.header("x-hub-signature-256"), signature);
    let legacy = format!("sha1={}", hmac(&SHA1_FOR_LEGACY_USE_ONLY, secret.as_bytes(), &received.body));
    assert_eq!(received.header("x-hub-signature"), legacy);
    assert_eq!(received.payload()["installation"]["id"], id);

    // `deliveries` returns what was sent.
    let [sent] = &webhooks.fixture.sim().deliveries()[..] else { panic!("one delivery") };
    assert_eq!((sent.guid.as_str(), &sent.body[..]), (guid, &received.body[..]));
    for (name, value) in &sent.headers {
        assert_eq!(received.header(name), value, "{name}");
    }
    assert_eq!(sent.header("X-HUB-SIGNATURE-256"), Some(signature.as_str()));
    let described: Value = serde_json::from_str(include_str!("../../github-webhooks.json")).unwrap();
    let required = described["headers"].as_array().unwrap();
    assert!(required.len() >= 6 && required.iter().all(|name| sent.header(name.as_str().unwrap()).is_some()));
}

#[tokio::test]
async fn form_encoded_delivery_is_signed_as_sent() {
    let webhooks = WebhookFixture::new().await;
    let app_id = webhooks.fixture.app.app_id;
    webhooks.fixture.sim().set_webhook_content_type(app_id, ContentType::Form).unwrap();
    let id = webhooks.fixture.install("acme-coffee");
    let received = webhooks.single().await;
    assert_eq!(received.header("content-type"), "application/x-www-form-urlencoded");
    assert!(received.body.starts_with(b"payload=%7B%22action%22"));
    let signature = format!("sha256={}", hmac(&SHA256, webhooks.secret().as_bytes(), &received.body));
    assert_eq!(received.header("x-hub-signature-256"), signature);
    let pairs: Vec<_> = form_urlencoded::parse(&received.body).collect();
    let [(_, payload)] = &pairs[..] else { panic!("{pairs:?}") };
    let payload: Value = serde_json::from_str(payload).unwrap();
    assert_eq!(payload["installation"]["id"], id);
    assert_eq!(webhooks.fixture.sim().deliveries()[0].payload, payload);
}

#[tokio::test]
async fn webhook_secret_can_be_set_changed_and_empty() {
    let receiver = Receiver::new().await;
    let app =
        NewApp::new("dockline-dev", CALLBACK).with_webhook_url(&receiver.url).with_webhook_secret(SECRET);
    let fixture = Fixture::with(app).await;
    let (sim, app_id) = (fixture.sim(), fixture.app.app_id);
    let signed_with = |secret: &str| {
        let received = receiver.received().pop().unwrap();
        received.header("x-hub-signature-256")
            == format!("sha256={}", hmac(&SHA256, secret.as_bytes(), &received.body))
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
    let unsigned = receiver.received().pop().unwrap();
    assert!(!unsigned.headers.contains_key("x-hub-signature-256"));
    assert!(!unsigned.headers.contains_key("x-hub-signature"));
}
