//! Guessing is limited per client address, and nobody else suffers from it.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use dockline::ports::{KeyStore, OsEntropy};
use dockline::{ApiKey, KeyEnvironment, KeyId, KeyRecord, PortError};
use dockline_axum::{AuthFailureLimit, RouterOptions};
use dockline_memory::MemoryKeyStore;
use dockline_testkit::fastrand::Rng;
use dockline_testkit::random::{SeedOnFailure, seeds};
use secrecy::ExposeSecret;
use tokio::time::advance;

use crate::inside::{Inside, Told, bearer};
use crate::webhooks::signed;
use crate::world::{INSTALL_URL, INSTALLATION, WEBHOOKS, tenant};

const GUESSER: &str = "192.0.2.1:4000";
const OTHER: &str = "192.0.2.2:4000";

fn limit(per_minute: u32) -> AuthFailureLimit {
    AuthFailureLimit::per_minute(NonZeroU32::new(per_minute).unwrap())
}

fn inside(per_minute: u32) -> Inside {
    Inside::with(RouterOptions::default().with_auth_failure_limit(limit(per_minute)))
}

/// A well-formed key that nobody was given.
fn guess() -> String {
    let key = ApiKey::mint(KeyEnvironment::Live, &OsEntropy).unwrap();
    format!("Bearer {}", key.expose().expose_secret())
}

async fn guessed(inside: &Inside, peer: &str) -> Told {
    inside.get(peer, INSTALLATION, &guess()).await
}

/// Guesses until it is told to stop; gives how many were told that they were wrong.
async fn exhaust(inside: &Inside, peer: &str) -> u32 {
    for guesses in 0..1_000 {
        if guessed(inside, peer).await.status == 429 {
            return guesses;
        }
    }
    panic!("never limited")
}

#[tokio::test(start_paused = true)]
async fn above_its_allowance_an_address_is_told_when_to_come_back() {
    let inside = inside(5);
    assert_eq!(exhaust(&inside, GUESSER).await, 5);
    for authorization in ["", "Bearer x", "Basic eA==", &guess()] {
        let told = inside.get(GUESSER, INSTALLATION, authorization).await;
        assert_eq!((told.status, told.code()), (429, "RATE_LIMITED"), "{told:?}");
        assert_eq!(told.wait(), 12);
        assert_eq!(told.header("x-ratelimit-limit"), "", "no key, no budget");
        assert_eq!(told.header("www-authenticate"), "");
        assert!(told.header("x-request-id").starts_with("req_"));
        assert_eq!(told.json["error"]["requestId"], *told.header("x-request-id"));
    }
    // From another port it is the same; another address is another.
    assert_eq!(guessed(&inside, "192.0.2.1:5000").await.status, 429);
    assert_eq!(guessed(&inside, OTHER).await.status, 401);
}

#[tokio::test(start_paused = true)]
async fn a_valid_key_behind_the_same_address_does_not_notice() {
    let inside = inside(3);
    exhaust(&inside, GUESSER).await;
    for _ in 0..20 {
        let told = inside.get(GUESSER, INSTALLATION, &bearer(&inside.acme)).await;
        assert_eq!((told.status, told.header("x-ratelimit-limit")), (404, "6000"));
        assert_eq!(guessed(&inside, GUESSER).await.status, 429);
    }
    // One that this router never saw before, and one that may nothing.
    let powerless = tenant(&inside.keys, "org_new", "New", |record| record.scopes.clear());
    assert_eq!(inside.get(GUESSER, INSTALLATION, &bearer(&powerless)).await.status, 403);
}

/// `Retry-After` is true, and nobody gets through a second earlier; whatever the number, whenever it is asked.
#[tokio::test(start_paused = true)]
async fn whoever_waits_as_long_as_told_is_told_again_whether_a_key_is_right() {
    for seed in seeds() {
        let _seed = SeedOnFailure(seed);
        let mut random = Rng::with_seed(seed);
        let per_minute = random.u32(1..=100);
        let inside = inside(per_minute);
        let mut waits = 0;
        while waits < 10 {
            let told = guessed(&inside, GUESSER).await;
            if told.status == 401 {
                continue;
            }
            waits += 1;
            let wait = told.wait();
            advance(Duration::from_secs(u64::from(wait - 1))).await;
            if wait > 1 {
                assert_eq!(guessed(&inside, GUESSER).await.status, 429, "{per_minute} a minute, {wait} s");
            }
            advance(Duration::from_secs(1)).await;
            assert_eq!(guessed(&inside, GUESSER).await.status, 401, "{per_minute} a minute, {wait} s");
            advance(Duration::from_nanos(random.u64(..u64::from(u32::MAX)))).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn deliveries_are_charged_for_a_wrong_signature_and_never_limited_with_a_good_one() {
    let inside = inside(4);
    let body = r#"{"zen":"Keep it logically awesome.","hook_id":1,"hook":{"type":"App","app_id":1}}"#;
    let good = signed(inside.app.webhook_secret.expose_secret(), body.as_bytes());
    let wrong = signed("another secret of 16", body.as_bytes());
    let deliver = async |signature: &str| {
        let headers = [
            ("x-hub-signature-256", signature),
            ("content-type", "application/json"),
            ("x-github-event", "star"),
        ];
        inside.ask(GUESSER, "POST", WEBHOOKS, &headers, body).await
    };
    for signature in ["", "sha256=x", &wrong] {
        assert_eq!(deliver(signature).await.status, 401);
    }
    assert_eq!(deliver(&good).await.status, 202);
    // Keys and deliveries have one allowance.
    assert_eq!(guessed(&inside, GUESSER).await.status, 401);
    for signature in ["", "sha256=x", &wrong] {
        let told = deliver(signature).await;
        assert_eq!((told.status, told.code()), (429, "RATE_LIMITED"));
    }
    for _ in 0..20 {
        assert_eq!(deliver(&good).await.status, 202);
    }
}

#[tokio::test(start_paused = true)]
async fn only_refused_credentials_are_charged() {
    let inside = inside(3);
    let key = bearer(&inside.acme);
    for _ in 0..10 {
        let statuses = [
            inside.get(GUESSER, INSTALLATION, &key).await.status,
            inside.get(GUESSER, "/nowhere", "").await.status,
            inside.ask(GUESSER, "PUT", INSTALLATION, &[], "").await.status,
            inside.get(GUESSER, INSTALL_URL, &key).await.status,
            inside.get(GUESSER, "/v1/github/installation/callback", "").await.status,
            inside.get(GUESSER, "/healthz", "").await.status,
        ];
        assert_eq!(statuses, [404, 404, 405, 422, 422, 200]);
    }
    assert_eq!(exhaust(&inside, GUESSER).await, 3);
    // And used up it hinders nothing that needs no key.
    assert_eq!(inside.get(GUESSER, "/healthz", "").await.status, 200);
    assert_eq!(inside.get(GUESSER, "/nowhere", "").await.status, 404);
}

#[tokio::test(start_paused = true)]
async fn without_a_limit_nobody_is_limited_nor_where_nobody_is_known() {
    let unlimited = Inside::with(RouterOptions::default());
    for _ in 0..500 {
        assert_eq!(guessed(&unlimited, GUESSER).await.status, 401);
    }
    // A host that does not say where requests come from.
    let blind = inside(3);
    for _ in 0..50 {
        assert_eq!(guessed(&blind, "").await.status, 401);
    }
    assert_eq!(exhaust(&blind, GUESSER).await, 3);
}

#[tokio::test(start_paused = true)]
async fn behind_a_trusted_proxy_clients_are_told_apart_and_a_client_cannot_choose_who_it_is() {
    let proxies = ["10.0.0.0/8".parse().unwrap()];
    let options = RouterOptions::default().with_auth_failure_limit(limit(2).with_trusted_proxies(proxies));
    let inside = Inside::with(options);
    let ask = async |peer: &str, forwarded: &str| {
        let headers = [("authorization", "Bearer x"), ("x-forwarded-for", forwarded)];
        inside.ask(peer, "GET", INSTALLATION, &headers, "").await.status
    };
    // Through the proxy, with another invention in front each time.
    let statuses = [
        ask("10.0.0.1:1", "198.51.100.1").await,
        ask("10.0.0.1:1", "1.1.1.1, 198.51.100.1").await,
        ask("10.0.0.2:1", "2.2.2.2, 198.51.100.1, 10.9.9.9").await,
    ];
    assert_eq!(statuses, [401, 401, 429]);
    assert_eq!(ask("10.0.0.1:1", "198.51.100.2").await, 401);
    // Not through it, pretending to be somebody else each time.
    let statuses =
        [ask(GUESSER, "3.3.3.3").await, ask(GUESSER, "4.4.4.4").await, ask(GUESSER, "10.0.0.1").await];
    assert_eq!(statuses, [401, 401, 429]);
}

#[tokio::test(start_paused = true)]
async fn an_ipv6_customer_has_one_allowance_however_many_addresses() {
    let inside = inside(3);
    for (address, status) in
        [("1::1", 401), ("1:0:0:0:ffff::2", 401), ("1::3", 401), ("1::4", 429), ("1:0:0:1::1", 401)]
    {
        assert_eq!(guessed(&inside, &format!("[{address}]:1")).await.status, status, "{address}");
    }
    // A listener on both may see IPv4 addresses as mapped ones.
    assert_eq!(exhaust(&inside, "[::ffff:192.0.2.1]:1").await, 3);
    assert_eq!(guessed(&inside, GUESSER).await.status, 429);
}

/// Tells how many look-ups there were, and how many at one time.
#[derive(Debug)]
struct Watched {
    keys: Arc<dyn KeyStore>,
    gauge: Arc<Gauge>,
}

#[derive(Debug, Default)]
struct Gauge {
    now: AtomicUsize,
    most: AtomicUsize,
    all: AtomicUsize,
}

impl Gauge {
    fn take(&self) -> (usize, usize) {
        (self.most.swap(0, Ordering::SeqCst), self.all.swap(0, Ordering::SeqCst))
    }
}

#[async_trait]
impl KeyStore for Watched {
    async fn find(&self, id: &KeyId) -> Result<Option<KeyRecord>, PortError> {
        self.gauge.all.fetch_add(1, Ordering::SeqCst);
        let now = self.gauge.now.fetch_add(1, Ordering::SeqCst) + 1;
        self.gauge.most.fetch_max(now, Ordering::SeqCst);
        // A database's time, in which the others come.
        tokio::time::sleep(Duration::from_millis(1)).await;
        self.gauge.now.fetch_sub(1, Ordering::SeqCst);
        self.keys.find(id).await
    }
}

#[tokio::test(start_paused = true)]
async fn the_key_store_is_protected_from_those_who_used_up_their_allowance() {
    let gauge = Arc::new(Gauge::default());
    let watched = Arc::clone(&gauge);
    let inside = Inside::over_keys(RouterOptions::default().with_auth_failure_limit(limit(3)), move |keys| {
        Arc::new(Watched { keys, gauge: watched })
    });
    let guessers = ["192.0.2.1:1", "192.0.2.2:1", "192.0.2.3:1"];
    for guesser in guessers {
        exhaust(&inside, guesser).await;
    }
    gauge.take();
    // What is no key costs no look-up.
    for _ in 0..50 {
        assert_eq!(inside.get(GUESSER, INSTALLATION, "Bearer lp_live_x_y").await.status, 429);
    }
    assert_eq!(gauge.take(), (0, 0));
    // A hundred at once from three addresses, and a valid key among them: all answered, two look-ups at a time.
    let guesses = (0..100).map(|number| guessed(&inside, guessers[number % 3]));
    let key = bearer(&inside.acme);
    let (guesses, valid) =
        tokio::join!(futures_util::future::join_all(guesses), inside.get(GUESSER, INSTALLATION, &key));
    assert!(guesses.iter().all(|told| told.status == 429));
    assert_eq!(valid.status, 404);
    assert_eq!(gauge.take(), (2, 101));
    // Others do not wait in that line.
    let others = (0..20).map(|number| {
        let (inside, key) = (&inside, &key);
        async move { inside.get(&format!("198.51.100.{number}:1"), INSTALLATION, key).await.status }
    });
    assert_eq!(futures_util::future::join_all(others).await, vec![404; 20]);
    assert_eq!(gauge.take(), (20, 20));
}

/// A store that hangs: whoever waits behind suspects is told to come back, and never that a valid key is wrong.
#[tokio::test(start_paused = true)]
async fn whoever_waits_too_long_for_a_look_up_is_told_to_come_back() {
    #[derive(Debug)]
    struct Slow(MemoryKeyStore);

    #[async_trait]
    impl KeyStore for Slow {
        async fn find(&self, id: &KeyId) -> Result<Option<KeyRecord>, PortError> {
            tokio::time::sleep(Duration::from_secs(4)).await;
            self.0.find(id).await
        }
    }

    let inside = Inside::over_keys(RouterOptions::default().with_auth_failure_limit(limit(2)), |_| {
        Arc::new(Slow(MemoryKeyStore::new()))
    });
    for _ in 0..3 {
        inside.get(GUESSER, INSTALLATION, "").await;
    }
    let asked = (0..5).map(|_| guessed(&inside, GUESSER));
    let mut statuses: Vec<_> =
        futures_util::future::join_all(asked).await.iter().map(|told| told.status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [429, 429, 503, 503, 503]);
}
