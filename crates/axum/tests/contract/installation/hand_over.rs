//! Deliveries that are handed to the product (I38).

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use dockline::ports::DeliverySink;
use dockline::{ClaimPolicy, PortError, PortErrorKind, PortName, TenantDelivery};
use dockline_axum::RouterOptions;
use secrecy::ExposeSecret;
use serde_json::json;

use crate::fixture::{Fixture, Setup, WEBHOOKS};
use crate::in_process::InProcess;
use crate::response::Response;
use crate::signed_deliveries::signed;

/// Takes deliveries, fails or hangs.
#[derive(Debug, Default)]
struct Sink {
    taken: Mutex<Vec<String>>,
    fails: Mutex<bool>,
    hangs: bool,
}

#[async_trait]
impl DeliverySink for Sink {
    async fn deliver<'a>(&self, delivery: TenantDelivery<'a>) -> Result<(), PortError> {
        if self.hangs {
            std::future::pending::<()>().await;
        }
        if *self.fails.lock().unwrap() {
            return Err(PortError::new(PortName::DeliverySink, PortErrorKind::Unexpected, "of the test"));
        }
        let organization = delivery.organization.map(|organization| organization.to_string());
        let text = format!("{} {} {}", organization.unwrap_or_default(), delivery.event, delivery.guid);
        self.taken.lock().unwrap().push(text);
        Ok(())
    }
}

const GUID: &str = "72d3162e-cc78-11e3-81ab-4c9367dc0958";

async fn post(fixture: &Fixture, event: &str, id: Option<&str>, body: &serde_json::Value) -> Response {
    let body = body.to_string();
    let signature = signed(fixture.app.webhook_secret.expose_secret(), body.as_bytes());
    let request = fixture.http.post(format!("{}{WEBHOOKS}", fixture.api)).body(body);
    let request = request.header("x-github-event", event).header("x-hub-signature-256", signature);
    let request = request.header("content-type", "application/json");
    Response::of(id.into_iter().fold(request, |request, id| request.header("x-github-delivery", id))).await
}

async fn fixture_with(sink: &Arc<Sink>) -> Fixture {
    let sink: Arc<dyn DeliverySink> = sink.clone();
    let (policy, sink) = (ClaimPolicy::State, Some(sink));
    Fixture::with(Setup { policy, sink, webhooks: true, ..Setup::default() }).await
}

#[tokio::test]
async fn a_delivery_reaches_the_product_before_it_is_acknowledged() {
    let sink = Arc::new(Sink::default());
    let fixture = fixture_with(&sink).await;
    let installation = fixture.bound().await;
    fixture.settled().await;
    sink.taken.lock().unwrap().clear();
    let push = json!({ "installation": { "id": installation } });
    post(&fixture, "push", Some(GUID), &push).await.expect(202);
    assert_eq!(*sink.taken.lock().unwrap(), [format!("org_acme push {GUID}")]);
    let foreign = json!({ "installation": { "id": installation + 1 } });
    post(&fixture, "push", Some(GUID), &foreign).await.expect(202);
    assert_eq!(sink.taken.lock().unwrap().len(), 1);
    let answer = post(&fixture, "push", None, &push).await.expect_error(422, "VALIDATION");
    assert_eq!(answer.json["error"]["details"]["reason"], "no_delivery_id");
}

/// GitHub lists the delivery as failed, and the installation is refreshed nevertheless.
#[tokio::test]
async fn a_failing_sink_is_a_503_and_does_not_delay_a_suspension() {
    let sink = Arc::new(Sink::default());
    let fixture = fixture_with(&sink).await;
    let installation = fixture.bound().await;
    fixture.settled().await;
    *sink.fails.lock().unwrap() = true;
    fixture.github().suspend(installation, None).unwrap();
    fixture.settled().await;
    let delivery = fixture.github().deliveries().pop().unwrap();
    assert_eq!(delivery.outcome.as_ref().unwrap().status_code, 503);
    assert_eq!(fixture.binding_field("status").await, "suspended");
    let push = json!({ "installation": { "id": installation } });
    let trouble = post(&fixture, "push", Some(GUID), &push).await.expect_error(503, "UNAVAILABLE");
    assert_eq!(trouble.header("retry-after"), "1");
}

#[tokio::test(start_paused = true)]
async fn a_sink_that_hangs_is_given_five_seconds() {
    let sink = Arc::new(Sink { hangs: true, ..Sink::default() });
    let in_process = InProcess::with_sink(RouterOptions::default(), sink);
    let body = json!({ "zen": "x", "hook_id": 1 }).to_string();
    let signature = signed(in_process.app.webhook_secret.expose_secret(), body.as_bytes());
    let headers = [
        ("x-github-event", "ping"),
        ("x-github-delivery", GUID),
        ("x-hub-signature-256", &*signature),
        ("content-type", "application/json"),
    ];
    let began = tokio::time::Instant::now();
    let answer = in_process.send("", "POST", WEBHOOKS, &headers, &body).await;
    assert_eq!((answer.status, answer.code()), (503, "UNAVAILABLE"));
    let took = began.elapsed();
    assert!((Duration::from_secs(5)..Duration::from_millis(5_100)).contains(&took), "{took:?}");
}
