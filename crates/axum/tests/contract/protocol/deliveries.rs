//! The form of deliveries to `POST /v1/github/webhooks`: signature, headers, media type, size, time.

use dockline::ClaimPolicy;
use dockline_github_sim::NewApp;
use secrecy::ExposeSecret;
use serde_json::json;

use crate::fixture::{Fixture, Setup, WEBHOOKS};
use crate::response::Response;
use crate::signed_deliveries::signed;
use crate::sockets::raw;

const MOST: usize = 25 * 1024 * 1024;

#[tokio::test]
async fn only_the_signature_of_githubs_example_is_valid_and_all_causes_have_one_body() {
    let app = |app: NewApp| app.with_webhook_secret("It's a Secret to Everybody");
    let fixture = Fixture::with(Setup { app, ..Setup::default() }).await;
    let body = "Hello, World!";
    let good = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
    let json = ("content-type", "application/json");
    // The signature is valid, but there is no event.
    let answer = fixture.post_hook(&[("x-hub-signature-256", good), json], body).await;
    let answer = answer.expect_error(422, "VALIDATION");
    assert_eq!(answer.json["error"]["details"]["reason"], "no_event");

    let wrong = good.replace('7', "8");
    let upper = good.to_uppercase();
    let sha1 = "sha1=0e9b1c9b3a7e3fcb6dd5d3d4a4d8cd1a8dfb3d64";
    let mut bodies = Vec::new();
    for headers in [
        vec![],
        vec![("x-hub-signature-256", "")],
        vec![("x-hub-signature-256", "sha256=")],
        vec![("x-hub-signature-256", wrong.as_str())],
        vec![("x-hub-signature-256", upper.as_str())],
        vec![("x-hub-signature-256", sha1)],
        vec![("x-hub-signature", sha1)],
        vec![("x-hub-signature-256", good), ("x-hub-signature-256", good)],
        vec![("x-hub-signature-256", good), ("x-hub-signature-256", wrong.as_str())],
        vec![("authorization", fixture.acme.key.expose_secret())],
    ] {
        let mut headers = headers;
        headers.extend([json, ("x-github-event", "ping")]);
        let answer = fixture.post_hook(&headers, body).await.expect_error(401, "UNAUTHENTICATED");
        assert_eq!(answer.header("www-authenticate"), "X-Hub-Signature-256");
        assert!(answer.headers.get("x-ratelimit-limit").is_none());
        bodies.push(answer.without_request_id());
    }
    // A body that differs by one byte, and an App without a secret.
    let headers = [("x-hub-signature-256", good), json, ("x-github-event", "ping")];
    bodies.push(fixture.post_hook(&headers, "Hello, World?").await.expect(401).without_request_id());
    let app = |app: NewApp| app.with_webhook_secret("");
    let secretless = Fixture::with(Setup { app, ..Setup::default() }).await;
    bodies.push(secretless.post_hook(&headers, body).await.expect(401).without_request_id());
    let empty = signed("", body.as_bytes());
    let headers = [("x-hub-signature-256", empty.as_str()), json, ("x-github-event", "ping")];
    bodies.push(secretless.post_hook(&headers, body).await.expect(401).without_request_id());
    assert!(bodies.windows(2).all(|pair| pair[0] == pair[1]), "{bodies:#?}");
}

#[tokio::test]
async fn unknown_events_are_ignored_and_invalid_ones_get_a_reason() {
    let fixture = Fixture::with_webhooks(ClaimPolicy::State).await;
    let installation = fixture.bound().await;
    fixture.settled().await;
    let about = |action| fixture.payload(installation, action);
    for (event, payload) in [
        ("ping", json!({ "zen": "Design for failure.", "hook_id": 1 })),
        ("issues", json!({ "action": "opened" })),
        ("installation", about("an_action_of_next_year")),
        ("github_app_authorization", json!({ "action": "revoked", "sender": { "id": 1 } })),
    ] {
        let answer = fixture.post_event(event, &payload).await.expect(202);
        assert_eq!((answer.text.as_str(), answer.header("content-length")), ("", "0"), "{event}");
    }
    let mut foreign = about("deleted");
    foreign["installation"]["app_id"] = json!(fixture.app.app_id + 1);
    let mut numberless = about("deleted");
    numberless["installation"]["id"] = json!("1");
    for (event, payload, reason) in [
        ("installation", foreign, "foreign_app"),
        ("installation", numberless, "another_shape"),
        ("installation_repositories", about("deleted"), "another_shape"),
        ("installation_target", about("deleted"), "another_shape"),
        ("installation", json!([]), "not_an_object"),
        ("issues", json!("text"), "not_an_object"),
    ] {
        let answer = fixture.post_event(event, &payload).await.expect_error(422, "VALIDATION");
        assert_eq!(answer.json["error"]["details"], json!({ "reason": reason }), "{event}");
    }
    fixture.settled().await;
    assert_eq!(fixture.binding_field("status").await, "active");
}

#[tokio::test]
async fn a_repeated_or_empty_event_header_is_no_event() {
    let fixture = Fixture::start().await;
    let body = fixture.payload(1, "created").to_string();
    let signature = signed(fixture.app.webhook_secret.expose_secret(), body.as_bytes());
    for events in [&["installation", "ping"][..], &["installation", "installation"], &[""], &[]] {
        let mut headers =
            vec![("x-hub-signature-256", signature.as_str()), ("content-type", "application/json")];
        headers.extend(events.iter().map(|event| ("x-github-event", *event)));
        let answer = fixture.post_hook(&headers, body.clone()).await.expect_error(422, "VALIDATION");
        assert_eq!(answer.json["error"]["details"]["reason"], "no_event", "{events:?}");
    }
}

#[tokio::test]
async fn only_json_and_forms_and_nothing_encoded() {
    let fixture = Fixture::start().await;
    let body = "{}";
    let signature = signed(fixture.app.webhook_secret.expose_secret(), body.as_bytes());
    let signature = ("x-hub-signature-256", signature.as_str());
    for headers in [
        vec![],
        vec![("content-type", "text/plain")],
        vec![("content-type", "application/json; charset=utf-16")],
        vec![("content-type", "application/json"), ("content-type", "application/json")],
        vec![("content-type", "application/json"), ("content-encoding", "gzip")],
    ] {
        let headers = [headers, vec![signature, ("x-github-event", "ping")]].concat();
        fixture.post_hook(&headers, body).await.expect_error(415, "UNSUPPORTED_MEDIA_TYPE");
    }
}

#[tokio::test]
async fn deliveries_above_25_mib_are_rejected_and_unsigned_ones_are_not_read() {
    let fixture = Fixture::start().await;
    let secret = fixture.app.webhook_secret.expose_secret();
    let mut body = json!({ "zen": "Keep it logically awesome.", "hook_id": 1 }).to_string().into_bytes();
    body.resize(MOST, b' ');
    let signature = signed(secret, &body);
    let headers = |signature| {
        [("x-github-event", "ping"), ("content-type", "application/json"), ("x-hub-signature-256", signature)]
    };
    fixture.post_hook(&headers(&signature), body.clone()).await.expect(202);

    // One byte more: rejected by Content-Length, or by counting.
    let announced = |signature: &str, length: usize| {
        format!(
            "POST {WEBHOOKS} HTTP/1.1\r\nHost: a\r\nX-GitHub-Event: ping\r\nContent-Type: application/json\r\n\
             {signature}Content-Length: {length}\r\n\r\n"
        )
    };
    let well_formed = format!("X-Hub-Signature-256: sha256={}\r\n", "0".repeat(64));
    let answer = raw(&fixture, &announced(&well_formed, MOST + 1)).await;
    assert!(answer.starts_with("HTTP/1.1 413 ") && answer.contains("PAYLOAD_TOO_LARGE"), "{answer}");
    let mebibyte = format!("100000\r\n{}\r\n", " ".repeat(1 << 20));
    let chunked = announced(&well_formed, 0).replace("Content-Length: 0", "Transfer-Encoding: chunked");
    let chunked = format!("{chunked}{}1\r\n \r\n0\r\n\r\n", mebibyte.repeat(25));
    let answer = raw(&fixture, &chunked).await;
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");

    // A malformed signature is rejected before any byte of the body arrives.
    for signature in ["", "X-Hub-Signature-256: sha256=00\r\n"] {
        let answer = raw(&fixture, &announced(signature, 1_000_000)).await;
        assert!(answer.starts_with("HTTP/1.1 401 "), "{answer}");
    }
}

#[tokio::test]
async fn other_methods_are_405() {
    let fixture = Fixture::start().await;
    let get = fixture.http.get(format!("{}{WEBHOOKS}", fixture.api));
    let answer = Response::of(get).await.expect_error(405, "METHOD_NOT_ALLOWED");
    assert_eq!(answer.header("allow"), "POST");
}
