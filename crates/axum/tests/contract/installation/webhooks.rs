//! `POST /v1/github/webhooks` (I21, I22; L-24 to L-34).

use std::sync::Arc;
use std::time::{Duration, Instant};

use dockline::ports::ReconcileScope;
use dockline::{ClaimPolicy, Ports, ReconcileBatch};
use dockline_axum::RouterOptions;
use dockline_github_sim::{ContentType, DeliveryMode, Fault, FaultRule};
use dockline_testkit::faults::{Fault as PortFault, Faulty};
use secrecy::ExposeSecret;
use serde_json::json;

use crate::fixture::{Fixture, INSTALLATION, Setup, WEBHOOKS};
use crate::in_process::InProcess;
use crate::signed_deliveries::signed;

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
