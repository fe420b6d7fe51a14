//! `POST /v1/github/webhooks` (I21, I22; L-24 to L-34).

use std::sync::Arc;
use std::time::{Duration, Instant};

use dockline::ports::ReconcileScope;
use dockline::{ClaimPolicy, Ports, ReconcileBatch};
use dockline_axum::RouterOptions;
use dockline_github_sim::{ContentType, DeliveryMode, Fault, FaultRule, NewApp};
use dockline_testkit::faults::{Fault as PortFault, Faulty};
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use crate::fixture::{Fixture, INSTALLATION, Setup, WEBHOOKS, signed};
use crate::in_process::InProcess;
use crate::response::Response;
use crate::sockets::raw;

const MOST: usize = 25 * 1024 * 1024;

impl Fixture {
    /// Posts raw headers and a raw body.
    async fn post_hook(&self, headers: &[(&str, &str)], body: impl Into<reqwest::Body>) -> Response {
        let mut request = self.http.post(format!("{}{WEBHOOKS}", self.api)).body(body);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        Response::of(request).await
    }

    /// Posts a signed event.
    async fn post_event(&self, event: &str, payload: &Value) -> Response {
        let body = payload.to_string();
        let signature = signed(self.app.webhook_secret.expose_secret(), body.as_bytes());
        let headers = [
            ("x-github-event", event),
            ("x-hub-signature-256", &signature),
            ("content-type", "application/json"),
            ("x-github-delivery", "72d3162e-cc78-11e3-81ab-4c9367dc0958"),
        ];
        self.post_hook(&headers, body).await
    }

    /// Returns the parts of an `installation` payload that are read.
    fn payload(&self, installation: u64, action: &str) -> Value {
        json!({
            "action": action,
            "installation": {
                "id": installation, "app_id": self.app.app_id, "account": { "id": 4_242, "login": "acme-coffee" },
                "permissions": {},
            },
            "sender": { "id": 4_343 },
        })
    }
}

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
async fn changes_at_github_reach_the_binding() {
    for content_type in [ContentType::Json, ContentType::Form] {
        let fixture = Fixture::with_webhooks(ClaimPolicy::State).await;
        fixture.github().set_webhook_content_type(fixture.app.app_id, content_type).unwrap();
        let installation = fixture.bound().await;
        fixture.settled().await;
        fixture.github().suspend(installation, Some("olga")).unwrap();
        fixture.settled().await;
        assert_eq!(fixture.binding_field("status").await, "suspended");
        fixture.github().unsuspend(installation).unwrap();
        fixture.settled().await;
        assert_eq!(fixture.binding_field("status").await, "active");
        fixture.github().rename("acme-coffee", "acme-roasters").unwrap();
        fixture.settled().await;
        assert_eq!(fixture.binding_field("orgLogin").await, "acme-roasters");
        fixture.github().uninstall(installation).unwrap();
        fixture.settled().await;
        assert_eq!(fixture.binding_field("status").await, "uninstalled");
        let outcomes = fixture.github().deliveries().into_iter().map(|delivery| delivery.outcome.unwrap());
        let answers: Vec<_> = outcomes.map(|outcome| (outcome.status_code, outcome.body)).collect();
        assert!(answers.len() >= 6, "{answers:?}");
        assert!(answers.iter().all(|answer| *answer == (202, Some(String::new()))), "{answers:?}");
    }
}

/// Measured at the sender: the response arrives while the call to GitHub hangs (L-34).
#[tokio::test]
async fn a_hanging_github_does_not_delay_the_answer() {
    let fixture = Fixture::with_webhooks(ClaimPolicy::State).await;
    let installation = fixture.bound().await;
    fixture.settled().await;
    fixture.github().set_fault(FaultRule::new(Fault::Hang).for_path("/api/v3/app/installations"));
    fixture.github().suspend(installation, Some("olga")).unwrap();
    let started = Instant::now();
    fixture.github().settled().await;
    let delivery = fixture.github().deliveries().pop().unwrap();
    let outcome = delivery.outcome.unwrap();
    assert_eq!((delivery.action.as_deref(), outcome.status_code), (Some("suspend"), 202));
    assert_eq!(fixture.refresher.pending(), 1, "the call to GitHub hangs");
    assert!(started.elapsed() < Duration::from_secs(9), "the gateway gives up after ten seconds");
    println!("202 after {:?}, while GitHub hangs", outcome.duration);
    assert_eq!(fixture.binding_field("status").await, "active");
}

#[tokio::test]
async fn without_a_refresh_queue_the_sweep_finds_it() {
    let fixture = Fixture::with_policy(ClaimPolicy::State).await;
    let installation = fixture.bound().await;
    fixture.github().suspend(installation, Some("olga")).unwrap();
    fixture.post_event("installation", &fixture.payload(installation, "suspend")).await.expect(202);
    assert_eq!(fixture.binding_field("status").await, "active");
    let before = dockline::ports::Clock::now(&*fixture.clock) + time::Duration::SECOND;
    let scope = ReconcileScope::ObservedBefore(before);
    let sweep = ReconcileBatch { scope, after: None, limit: 10, reserve_percent: 0 };
    let swept = fixture.dockline.reconcile(sweep).await.unwrap();
    assert_eq!((swept.suspended, swept.asked(), swept.next), (1, 1, None));
    assert_eq!(fixture.binding_field("status").await, "suspended");
}

/// `created` neither creates nor moves a binding (L-29).
#[tokio::test]
async fn no_delivery_binds_or_moves_anything() {
    let fixture = Fixture::with_webhooks(ClaimPolicy::State).await;
    let installation = fixture.bound().await;
    fixture.settled().await;
    for action in ["created", "suspend", "unsuspend", "new_permissions_accepted"] {
        fixture.post_event("installation", &fixture.payload(installation, action)).await.expect(202);
        fixture.settled().await;
        fixture.get(&fixture.rival, INSTALLATION).await.expect(404);
        assert_eq!(fixture.binding_field("status").await, "active", "as GitHub answers");
        assert_eq!(fixture.binding_field("orgLogin").await, "acme-coffee");
    }
}

/// `deleted` applies at once, to exactly its installation (L-31, L-32).
#[tokio::test]
async fn deleted_is_final_for_its_installation_only() {
    let fixture = Fixture::with_webhooks(ClaimPolicy::State).await;
    let first = fixture.bound().await;
    fixture.github().set_delivery_mode(DeliveryMode::Held);
    fixture.github().uninstall(first).unwrap();
    let held = fixture.github().deliveries().pop().unwrap();
    assert_eq!(held.action.as_deref(), Some("deleted"));
    fixture.delete(&fixture.acme, INSTALLATION).await.expect(204);
    let second = fixture.bound().await;
    for _ in 0..2 {
        assert_eq!(fixture.github().deliver(held.id).await.unwrap().outcome.unwrap().status_code, 202);
        fixture.settled().await;
        assert_eq!(fixture.binding_field("status").await, "active");
    }
    fixture.post_event("installation", &fixture.payload(second, "deleted")).await.expect(202);
    assert_eq!(fixture.binding_field("status").await, "uninstalled");
    // An unknown installation.
    fixture.post_event("installation", &fixture.payload(9_999_999, "deleted")).await.expect(202);
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

fn faulty(ports: Ports, method: &'static str, fault: PortFault) -> Ports {
    let bindings = Faulty::over(Arc::clone(&ports.bindings)).with(fault.once().of(method));
    Ports { bindings: Arc::new(bindings), ..ports }
}

/// GitHub shows the delivery as failed; a redelivery has its effect (L-33).
#[tokio::test]
async fn a_store_failure_is_a_503_and_the_redelivery_is_processed() {
    let before: fn(Ports) -> Ports = |ports| faulty(ports, "observe", PortFault::FailsBefore);
    let after: fn(Ports) -> Ports = |ports| faulty(ports, "observe", PortFault::LosesAnswer);
    for ports in [before, after] {
        let fixture = Fixture::with(Setup { policy: ClaimPolicy::State, ports, ..Setup::default() }).await;
        let installation = fixture.bound().await;
        let deleted = fixture.payload(installation, "deleted");
        let trouble = fixture.post_event("installation", &deleted).await.expect_error(503, "UNAVAILABLE");
        assert_eq!(trouble.header("retry-after"), "1");
        fixture.post_event("installation", &deleted).await.expect(202);
        assert_eq!(fixture.binding_field("status").await, "uninstalled");
    }
}

/// GitHub waits ten seconds for the response to a delivery, and counts a later one as failed.
#[tokio::test(start_paused = true)]
async fn a_delivery_that_takes_ten_seconds_is_a_503() {
    // The fault waits before and after the call.
    for (delay, status, seconds) in [(4_900, 202, 9.8), (5_100, 503, 10.0)] {
        let slow = PortFault::Slow(Duration::from_millis(delay));
        let in_process =
            InProcess::over_ports(RouterOptions::default(), |ports| faulty(ports, "observe", slow));
        let body = json!({
            "action": "deleted",
            "installation": {
                "id": 4_711, "app_id": in_process.app.app_id, "account": { "id": 4_242, "login": "acme-coffee" },
                "permissions": {},
            },
            "sender": { "id": 4_343 },
        });
        let body = body.to_string();
        let signature = signed(in_process.app.webhook_secret.expose_secret(), body.as_bytes());
        let headers = [
            ("x-github-event", "installation"),
            ("x-hub-signature-256", &signature),
            ("content-type", "application/json"),
        ];
        let began = tokio::time::Instant::now();
        let answer = in_process.send("", "POST", WEBHOOKS, &headers, &body).await;
        assert_eq!(answer.status, status, "{answer:?}");
        let took = began.elapsed().as_secs_f64();
        assert!((seconds..seconds + 0.1).contains(&took), "{took} s");
    }
}

#[tokio::test]
async fn other_methods_are_405() {
    let fixture = Fixture::start().await;
    let get = fixture.http.get(format!("{}{WEBHOOKS}", fixture.api));
    let answer = Response::of(get).await.expect_error(405, "METHOD_NOT_ALLOWED");
    assert_eq!(answer.header("allow"), "POST");
}
