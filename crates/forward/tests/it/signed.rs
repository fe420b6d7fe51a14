//! What is sent, and that a receiver notices every change of it.

use dockline::ports::{Clock, MessageSender, SystemClock};
use dockline::rules::events;
use dockline::rules::outbox::AttemptOutcome;
use dockline::{
    AppId, Change, EntryContent, InstallationSnapshot, MessageId, OutboxMessage, PresenceKind, Status,
};
use dockline_forward::HttpSender;
use http::HeaderValue;
use standardwebhooks::Webhook;
use time::OffsetDateTime;

use crate::receiver::{APP, OK, OTHER_SECRET, Received, Receiver, SECRET, message, secrets, sender};

const ACCEPTED: AttemptOutcome = AttemptOutcome::Answered { status: 200, retry_after: None };

/// Sends one message and returns the request.
async fn sent(message: OutboxMessage) -> Received {
    let receiver = Receiver::start(OK).await;
    assert_eq!(sender(&receiver.url).send(message).await, ACCEPTED);
    receiver.received().remove(0)
}

fn verifies(request: &Received, secret: &str) -> bool {
    Webhook::new(secret).unwrap().verify(&request.body, &request.headers).is_ok()
}

#[tokio::test]
async fn body_is_the_envelope_with_the_payload_byte_by_byte() {
    let payload =
        "{\"zen\": \"Ünï\\u0041\",  \"n\": 1.10e2, \"zen\": null,\n\"big\":12345678901234567890123}";
    let request = sent(message(payload)).await;
    let expected = format!(
        "{{\"id\":\"gh_1234_72d3162e-cc78-11e3-81ab-4c9367dc0958\",\"type\":\"pull_request\",\"app\":1234,\
         \"organization\":\"org_acme\",\"installation\":50291845,\"action\":\"opened\",\
         \"receivedAt\":\"2026-04-18T19:14:09.123456+00:00\",\"sequence\":42,\"payload\":{payload}}}"
    );
    assert_eq!(String::from_utf8(request.body).unwrap(), expected);
}

#[tokio::test]
async fn headers_are_those_of_standard_webhooks_and_repeat_the_envelope() {
    let request = sent(message("{}")).await;
    assert_eq!(request.line, "POST /hook HTTP/1.1");
    let text = |name: &str| request.headers[name].to_str().unwrap().to_owned();
    for (name, value) in [
        ("content-type", "application/json"),
        ("user-agent", concat!("dockline/", env!("CARGO_PKG_VERSION"))),
        ("webhook-id", "gh_1234_72d3162e-cc78-11e3-81ab-4c9367dc0958"),
        ("dockline-app", "1234"),
        ("dockline-organization", "org_acme"),
        ("dockline-installation", "50291845"),
        ("dockline-event", "pull_request"),
    ] {
        assert_eq!(text(name), value, "{name}");
    }
    assert!(text("webhook-signature").starts_with("v1,"));
    let timestamp: i64 = text("webhook-timestamp").parse().unwrap();
    assert!(timestamp.abs_diff(SystemClock.now().unix_timestamp()) < 60);
    let names: Vec<_> = request.headers.keys().map(|name| name.as_str()).collect();
    assert!(!names.iter().any(|name| name.starts_with("x-")), "nothing of GitHub's: {names:?}");
}

#[tokio::test]
async fn every_change_of_what_is_signed_is_noticed_and_routing_headers_decide_nothing_i38_c_83() {
    let payload = br#"{"repository":{"id":1}}"#;
    let request = sent(message(*payload)).await;
    assert!(verifies(&request, SECRET));
    assert!(!verifies(&request, OTHER_SECRET));
    for name in ["webhook-id", "webhook-timestamp", "webhook-signature"] {
        let mut changed = request.clone();
        let mut value = request.headers[name].as_bytes().to_vec();
        let last = value.last_mut().unwrap();
        // Another character that the header and base64 allow.
        *last = if *last == b'1' { b'2' } else { b'1' };
        changed.headers.insert(name, HeaderValue::from_bytes(&value).unwrap());
        assert!(!verifies(&changed, SECRET), "{name}");
        changed.headers.remove(name);
        assert!(!verifies(&changed, SECRET), "without {name}");
    }
    for at in 0..request.body.len() {
        let mut changed = request.clone();
        changed.body[at] ^= 1;
        assert!(!verifies(&changed, SECRET), "byte {at}");
    }
    // Someone between us and the product redirects the message to another tenant: the signed body still names the right one.
    let mut changed = request.clone();
    changed.headers.insert("dockline-organization", HeaderValue::from_static("org_mallory"));
    assert!(verifies(&changed, SECRET));
    let envelope: serde_json::Value = serde_json::from_slice(&changed.body).unwrap();
    assert_eq!(envelope["organization"], "org_acme");
}

#[tokio::test]
async fn with_two_secrets_the_message_verifies_with_either() {
    let receiver = Receiver::start(OK).await;
    let app = AppId::new(APP).unwrap();
    let sender =
        HttpSender::new(app, receiver.url.parse().unwrap(), secrets(&[SECRET, OTHER_SECRET])).unwrap();
    assert_eq!(sender.send(message("{}")).await, ACCEPTED);
    let request = receiver.received().remove(0);
    assert!(verifies(&request, SECRET) && verifies(&request, OTHER_SECRET));
    assert!(!verifies(&request, "whsec_AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcY"));
}

#[tokio::test]
async fn payload_of_25_mib_is_sent_whole() {
    let payload = format!("{{\"data\":\"{}\"}}", "x".repeat(25 << 20));
    let request = sent(message(payload.clone())).await;
    assert!(verifies(&request, SECRET));
    assert!(request.body.ends_with(format!("{payload}}}").as_bytes()));
}

#[tokio::test]
async fn payload_that_is_not_json_is_not_sent() {
    let receiver = Receiver::start(OK).await;
    let sender = sender(&receiver.url);
    for payload in [&b""[..], b"{", b"{}{}", b"\xff", br#"{"a":1},"organization":"org_mallory"#] {
        let outcome = sender.send(message(payload)).await;
        assert_eq!(outcome, AttemptOutcome::Failed { cause: "the payload is not JSON".to_owned() });
    }
    assert!(receiver.received().is_empty());
}

#[tokio::test]
async fn events_are_sent_like_deliveries_and_app_messages_without_organization() {
    let snapshot = |status| InstallationSnapshot {
        organization: Some("org_acme".parse().unwrap()),
        account: None,
        status,
        presence: PresenceKind::Shown,
        generation: 1,
    };
    let change = Change {
        installation: 5_u64.try_into().unwrap(),
        before: Some(snapshot(Status::Active)),
        after: snapshot(Status::Suspended),
        actor: None,
    };
    let mut event = message(events::payload(&change));
    event.entry.id = MessageId::of_event(OffsetDateTime::UNIX_EPOCH, [1; 10]);
    event.entry.content = EntryContent::Change(change);
    let request = sent(event).await;
    let envelope: serde_json::Value = serde_json::from_slice(&request.body).unwrap();
    assert_eq!(envelope["type"], "installation.suspended");
    assert_eq!(envelope["action"], serde_json::Value::Null);
    assert_eq!(envelope["payload"]["events"][0], "installation.suspended");
    assert_eq!(request.headers["dockline-event"], "installation.suspended");
    assert!(verifies(&request, SECRET));

    let mut ping = message("{}");
    (ping.entry.organization, ping.entry.installation) = (None, None);
    let request = sent(ping).await;
    let envelope: serde_json::Value = serde_json::from_slice(&request.body).unwrap();
    assert!(envelope["organization"].is_null() && envelope["installation"].is_null());
    for name in ["dockline-organization", "dockline-installation"] {
        assert!(!request.headers.contains_key(name), "{name}");
    }
}
