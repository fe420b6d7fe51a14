//! Failed authentications are limited per client address; valid callers behind the same address are not affected.

use std::num::NonZeroU32;
use std::time::Duration;

use dockline::ports::OsEntropy;
use dockline::{ApiKey, KeyEnvironment};
use dockline_axum::{AuthFailureLimit, RouterOptions};
use dockline_testkit::fastrand::Rng;
use dockline_testkit::random::{SeedOnFailure, seeds};
use secrecy::ExposeSecret;
use tokio::time::advance;

use crate::fixture::{INSTALL_URL, INSTALLATION, WEBHOOKS, tenant};
use crate::in_process::{InProcess, RouterResponse, bearer};
use crate::signed_deliveries::signed;

pub(super) const ATTACKER: &str = "192.0.2.1:4000";
const OTHER: &str = "192.0.2.2:4000";

pub(super) fn limit(per_minute: u32) -> AuthFailureLimit {
    AuthFailureLimit::per_minute(NonZeroU32::new(per_minute).unwrap())
}

pub(super) fn in_process(per_minute: u32) -> InProcess {
    InProcess::with(RouterOptions::default().with_auth_failure_limit(limit(per_minute)))
}

/// Returns the header of a well-formed, unknown key.
fn unknown_key() -> String {
    let key = ApiKey::mint(KeyEnvironment::Live, &OsEntropy).unwrap();
    format!("Bearer {}", key.expose().expose_secret())
}

pub(super) async fn fail(in_process: &InProcess, peer: &str) -> RouterResponse {
    in_process.get(peer, INSTALLATION, &unknown_key()).await
}

/// Sends unknown keys until 429; returns the number of 401s before it.
pub(super) async fn exhaust(in_process: &InProcess, peer: &str) -> u32 {
    for failures in 0..1_000 {
        if fail(in_process, peer).await.status == 429 {
            return failures;
        }
    }
    panic!("never limited")
}

#[tokio::test(start_paused = true)]
async fn above_its_limit_an_address_gets_429_with_retry_after() {
    let in_process = in_process(5);
    assert_eq!(exhaust(&in_process, ATTACKER).await, 5);
    for authorization in ["", "Bearer x", "Basic eA==", &unknown_key()] {
        let response = in_process.get(ATTACKER, INSTALLATION, authorization).await;
        assert_eq!((response.status, response.code()), (429, "RATE_LIMITED"), "{response:?}");
        assert_eq!(response.wait(), 12);
        assert_eq!(response.header("x-ratelimit-limit"), "", "no key, no budget");
        assert_eq!(response.header("www-authenticate"), "");
        assert!(response.header("x-request-id").starts_with("req_"));
        assert_eq!(response.json["error"]["requestId"], *response.header("x-request-id"));
    }
    // The port does not matter; another address has its own limit.
    assert_eq!(fail(&in_process, "192.0.2.1:5000").await.status, 429);
    assert_eq!(fail(&in_process, OTHER).await.status, 401);
}

#[tokio::test(start_paused = true)]
async fn a_valid_key_behind_a_limited_address_is_not_limited() {
    let in_process = in_process(3);
    exhaust(&in_process, ATTACKER).await;
    for _ in 0..20 {
        let response = in_process.get(ATTACKER, INSTALLATION, &bearer(&in_process.acme)).await;
        assert_eq!((response.status, response.header("x-ratelimit-limit")), (404, "6000"));
        assert_eq!(fail(&in_process, ATTACKER).await.status, 429);
    }
    // Neither is a new key without scopes.
    let powerless = tenant(&in_process.keys, "org_new", "New", |record| record.scopes.clear());
    assert_eq!(in_process.get(ATTACKER, INSTALLATION, &bearer(&powerless)).await.status, 403);
}

/// Retries succeed after `Retry-After` and not a second earlier, for random limits and times.
#[tokio::test(start_paused = true)]
async fn retry_after_is_exact() {
    for seed in seeds() {
        let _seed = SeedOnFailure(seed);
        let mut random = Rng::with_seed(seed);
        let per_minute = random.u32(1..=100);
        let in_process = in_process(per_minute);
        let mut waits = 0;
        while waits < 10 {
            let response = fail(&in_process, ATTACKER).await;
            if response.status == 401 {
                continue;
            }
            waits += 1;
            let wait = response.wait();
            advance(Duration::from_secs(u64::from(wait - 1))).await;
            if wait > 1 {
                assert_eq!(fail(&in_process, ATTACKER).await.status, 429, "{per_minute} a minute, {wait} s");
            }
            advance(Duration::from_secs(1)).await;
            assert_eq!(fail(&in_process, ATTACKER).await.status, 401, "{per_minute} a minute, {wait} s");
            advance(Duration::from_nanos(random.u64(..u64::from(u32::MAX)))).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn deliveries_are_charged_for_a_wrong_signature_and_never_limited_with_a_good_one() {
    let in_process = in_process(4);
    let body = r#"{"zen":"Keep it logically awesome.","hook_id":1,"hook":{"type":"App","app_id":1}}"#;
    let good = signed(in_process.app.webhook_secret.expose_secret(), body.as_bytes());
    let wrong = signed("another secret of 16", body.as_bytes());
    let deliver = async |signature: &str| {
        let headers = [
            ("x-hub-signature-256", signature),
            ("content-type", "application/json"),
            ("x-github-event", "star"),
        ];
        in_process.send(ATTACKER, "POST", WEBHOOKS, &headers, body).await
    };
    for signature in ["", "sha256=x", &wrong] {
        assert_eq!(deliver(signature).await.status, 401);
    }
    assert_eq!(deliver(&good).await.status, 202);
    // Keys and deliveries share one allowance.
    assert_eq!(fail(&in_process, ATTACKER).await.status, 401);
    for signature in ["", "sha256=x", &wrong] {
        let response = deliver(signature).await;
        assert_eq!((response.status, response.code()), (429, "RATE_LIMITED"));
    }
    for _ in 0..20 {
        assert_eq!(deliver(&good).await.status, 202);
    }
}

#[tokio::test(start_paused = true)]
async fn only_refused_credentials_are_charged() {
    let in_process = in_process(3);
    let key = bearer(&in_process.acme);
    for _ in 0..10 {
        let statuses = [
            in_process.get(ATTACKER, INSTALLATION, &key).await.status,
            in_process.get(ATTACKER, "/nowhere", "").await.status,
            in_process.send(ATTACKER, "PUT", INSTALLATION, &[], "").await.status,
            in_process.get(ATTACKER, INSTALL_URL, &key).await.status,
            in_process.get(ATTACKER, "/v1/github/installation/callback", "").await.status,
            in_process.get(ATTACKER, "/healthz", "").await.status,
        ];
        assert_eq!(statuses, [404, 404, 405, 422, 422, 200]);
    }
    assert_eq!(exhaust(&in_process, ATTACKER).await, 3);
    // A used-up allowance affects only authentication.
    assert_eq!(in_process.get(ATTACKER, "/healthz", "").await.status, 200);
    assert_eq!(in_process.get(ATTACKER, "/nowhere", "").await.status, 404);
}

#[tokio::test(start_paused = true)]
async fn without_a_limit_or_client_address_no_request_is_limited() {
    let unlimited = InProcess::with(RouterOptions::default());
    for _ in 0..500 {
        assert_eq!(fail(&unlimited, ATTACKER).await.status, 401);
    }
    // A host without ConnectInfo.
    let without_address = in_process(3);
    for _ in 0..50 {
        assert_eq!(fail(&without_address, "").await.status, 401);
    }
    assert_eq!(exhaust(&without_address, ATTACKER).await, 3);
}

#[tokio::test(start_paused = true)]
async fn behind_a_trusted_proxy_clients_are_distinguished_and_cannot_choose_their_address() {
    let proxies = ["10.0.0.0/8".parse().unwrap()];
    let options = RouterOptions::default().with_auth_failure_limit(limit(2).with_trusted_proxies(proxies));
    let in_process = InProcess::with(options);
    let ask = async |peer: &str, forwarded: &str| {
        let headers = [("authorization", "Bearer x"), ("x-forwarded-for", forwarded)];
        in_process.send(peer, "GET", INSTALLATION, &headers, "").await.status
    };
    // Through the proxy, with a forged entry in front.
    let statuses = [
        ask("10.0.0.1:1", "198.51.100.1").await,
        ask("10.0.0.1:1", "1.1.1.1, 198.51.100.1").await,
        ask("10.0.0.2:1", "2.2.2.2, 198.51.100.1, 10.9.9.9").await,
    ];
    assert_eq!(statuses, [401, 401, 429]);
    assert_eq!(ask("10.0.0.1:1", "198.51.100.2").await, 401);
    // Not through it, with a forged header each time.
    let statuses =
        [ask(ATTACKER, "3.3.3.3").await, ask(ATTACKER, "4.4.4.4").await, ask(ATTACKER, "10.0.0.1").await];
    assert_eq!(statuses, [401, 401, 429]);
}

#[tokio::test(start_paused = true)]
async fn an_ipv6_prefix_of_64_bits_has_one_allowance() {
    let in_process = in_process(3);
    for (address, status) in
        [("1::1", 401), ("1:0:0:0:ffff::2", 401), ("1::3", 401), ("1::4", 429), ("1:0:0:1::1", 401)]
    {
        assert_eq!(fail(&in_process, &format!("[{address}]:1")).await.status, status, "{address}");
    }
    // A dual-stack listener sees IPv4 addresses as mapped ones.
    assert_eq!(exhaust(&in_process, "[::ffff:192.0.2.1]:1").await, 3);
    assert_eq!(fail(&in_process, ATTACKER).await.status, 429);
}

/// Refused visits to the callback count like refused keys, and visits that succeed are never limited.
#[tokio::test(start_paused = true)]
async fn refused_visits_are_charged_to_their_address_c_14() {
    let in_process = in_process(5);
    let visit = async |peer: &str, number: u32| {
        let path = format!("/v1/github/installation/callback?state=made-up-state-{number}");
        in_process.get(peer, &path, "").await
    };
    let mut statuses = Vec::new();
    for number in 0..400 {
        statuses.push(visit(ATTACKER, number).await.status);
    }
    assert_eq!(statuses.iter().filter(|status| **status == 422).count(), 5);
    assert_eq!(statuses.iter().filter(|status| **status == 429).count(), 395);
    let limited = visit(ATTACKER, 400).await;
    assert_eq!((limited.code(), limited.wait()), ("RATE_LIMITED", 12));
    // The allowance is that of refused keys, and another address has its own.
    assert_eq!(fail(&in_process, ATTACKER).await.status, 429);
    assert_eq!(visit(OTHER, 0).await.status, 422);
}
