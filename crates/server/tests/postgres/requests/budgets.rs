//! Budgets through the router with a manual clock: `Retry-After` is exact, and the daily budget lasts a day. In memory and on
//! PostgreSQL.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use dockline::ports::{ManualClock, OsEntropy, RateLimiter};
use dockline::{
    ApiKey, AppId, ClaimPolicy, Dockline, KeyEnvironment, KeyRecord, OrganizationId, Ports, Scope, Tier,
};
use dockline_axum::RouterOptions;
use dockline_github::{GithubApp, GithubAppConfig, GithubHost};
use dockline_github_sim::{Config, GithubSim, NewApp};
use dockline_memory::{MemoryBindingRepo, MemoryKeyStore, MemoryRateLimiter, MemoryStateStore};
use dockline_postgres::PgRateLimiter;
use dockline_testkit::fastrand::Rng;
use dockline_testkit::fixtures::NOON;
use dockline_testkit::random::{SeedOnFailure, seeds};
use http::Request;
use secrecy::{ExposeSecret, SecretString};
use time::{Duration, OffsetDateTime};
use tower::ServiceExt;

use crate::schema::TestSchema;

struct Api {
    router: Router,
    keys: MemoryKeyStore,
    clock: Arc<ManualClock>,
}

/// The relevant parts of a response.
#[derive(Debug)]
struct Outcome {
    status: u16,
    remaining: u32,
    reset: u32,
    wait: Option<u32>,
}

impl Api {
    fn over(limiter: Arc<dyn RateLimiter>, start: OffsetDateTime) -> Self {
        let app = NewApp::new("dockline-test", "https://api.example.com/callback");
        let app = GithubSim::new(Config::default()).create_app(app).unwrap();
        let nowhere = GithubHost::at("http://127.0.0.1:9", "http://127.0.0.1:9/api/v3").unwrap();
        let config =
            GithubAppConfig::new(AppId::new(app.app_id).unwrap(), &*app.slug, app.private_key_pem.clone())
                .with_host(nowhere);
        let (keys, clock) = (MemoryKeyStore::new(), Arc::new(ManualClock::starting_at(start)));
        let dockline = Dockline::builder(Ports {
            states: Arc::new(MemoryStateStore::new()),
            bindings: Arc::new(MemoryBindingRepo::new()),
            github: Arc::new(GithubApp::new(config).unwrap()),
        })
        .with_api_keys(Arc::new(keys.clone()))
        .with_policy(ClaimPolicy::State)
        .with_rate_limiter(limiter)
        .with_clock(clock.clone())
        .build()
        .unwrap();
        let router =
            dockline_axum::router(dockline, RouterOptions::default().with_clock(clock.clone())).unwrap();
        Self { router, keys, clock }
    }

    fn key(&self, tier: Tier) -> SecretString {
        let key = ApiKey::mint(KeyEnvironment::Live, &OsEntropy).unwrap();
        self.keys.put(KeyRecord {
            id: key.id().clone(),
            environment: KeyEnvironment::Live,
            secret_hash: key.secret_hash(),
            organization: OrganizationId::new("org_1").unwrap(),
            organization_name: "One".parse().unwrap(),
            scopes: vec![Scope::GithubAdmin],
            tier,
            return_hosts: vec![],
            revoked_at: None,
            expires_at: None,
        });
        key.expose()
    }

    async fn ask(&self, key: &SecretString, method: &str) -> Outcome {
        let request = Request::builder()
            .method(method)
            .uri("/v1/github/installation")
            .header("host", "api.example.com")
            .header("content-type", "application/json")
            .header("authorization", format!("Bearer {}", key.expose_secret()))
            .body(Body::from("{}"));
        let answer = self.router.clone().oneshot(request.unwrap()).await.unwrap();
        let number =
            |name: &str| answer.headers().get(name).map(|value| value.to_str().unwrap().parse().unwrap());
        Outcome {
            status: answer.status().as_u16(),
            remaining: number("x-ratelimit-remaining").unwrap(),
            reset: number("x-ratelimit-reset").unwrap(),
            wait: number("retry-after"),
        }
    }

    fn wait(&self, seconds: u32) {
        self.clock.advance(Duration::seconds(seconds.into()));
    }
}

fn memory() -> Arc<dyn RateLimiter> {
    Arc::new(MemoryRateLimiter::new())
}

/// With random tiers and pauses: a call succeeds after `Retry-After`, and fails one second earlier.
async fn every_retry_after_is_true(limiter: Arc<dyn RateLimiter>, steps: u32) {
    let (mut of_the_minute, mut of_the_day) = (0, 0);
    for seed in seeds() {
        let _seed = SeedOnFailure(seed);
        let mut random = Rng::with_seed(seed);
        let api =
            Api::over(limiter.clone(), NOON + Duration::nanoseconds(random.i64(0..i64::from(u32::MAX))));
        let key = api.key(Tier {
            name: "fixture".into(),
            reads_per_minute: random.u32(1..=20),
            writes_per_minute: random.u32(1..=20),
            writes_per_day: random.u32(1..=60),
        });
        for _ in 0..steps {
            // Microseconds are the resolution of the core.
            api.clock.advance(Duration::microseconds(random.i64(0..4_000_000)));
            let (method, through) = random.choice([("GET", 404), ("POST", 422)]).unwrap();
            let outcome = api.ask(&key, method).await;
            let Some(wait) = outcome.wait else {
                assert_eq!(outcome.status, through);
                continue;
            };
            assert_eq!((outcome.status, outcome.remaining), (429, 0));
            assert!((1..=86_400).contains(&wait) && outcome.reset >= wait, "{outcome:?}");
            *(if wait > 60 { &mut of_the_day } else { &mut of_the_minute }) += 1;
            api.wait(wait - 1);
            if wait > 1 {
                assert_eq!(api.ask(&key, method).await.status, 429, "{wait} s were too long");
            }
            api.wait(1);
            let outcome = api.ask(&key, method).await;
            assert_eq!(outcome.status, through, "{wait} s were not enough: {outcome:?}");
        }
    }
    println!("{of_the_minute} waits for the minute, {of_the_day} for the day");
    assert!(of_the_minute > 50 && of_the_day > 10);
}

#[tokio::test]
async fn call_after_retry_after_succeeds_in_memory_i_19() {
    every_retry_after_is_true(memory(), 100).await;
}

#[tokio::test]
async fn call_after_retry_after_succeeds_on_postgresql_i_19() {
    let schema = TestSchema::migrated().await;
    every_retry_after_is_true(Arc::new(PgRateLimiter::new(&schema.database())), 60).await;
}

/// Uses the tier `standard` at the maximum rate for two days, from midnight.
async fn a_day_has_ten_thousand_writes(limiter: Arc<dyn RateLimiter>) {
    let midnight = NOON - Duration::hours(12);
    let api = Api::over(limiter, midnight);
    let key = api.key(Tier::standard());
    for day in 0..2 {
        let begun = midnight + Duration::days(day);
        let (mut passed, mut limited) = (0, 0);
        let wait = loop {
            let outcome = api.ask(&key, "POST").await;
            match outcome.wait {
                None => {
                    assert_eq!(outcome.status, 422);
                    passed += 1;
                    assert!(passed <= 10_000, "more than a day has");
                    assert!(outcome.remaining <= 10_000 - passed);
                }
                Some(1) => {
                    limited += 1;
                    api.wait(1);
                }
                Some(wait) => break wait,
            }
        };
        // 60 at once, then one per second, until the daily budget is used up.
        let elapsed = now(&api) - begun;
        assert_eq!((passed, limited, elapsed), (10_000, 9_940, Duration::seconds(9_940)), "day {day}");
        assert_eq!(i64::from(wait), 86_400 - elapsed.whole_seconds(), "until midnight");
        // Reads do not count towards the daily budget.
        assert_eq!(api.ask(&key, "GET").await.status, 404);
        api.wait(wait - 1);
        assert_eq!(api.ask(&key, "POST").await.wait, Some(1), "a second before midnight");
        api.wait(1);
    }
    assert_eq!(api.ask(&key, "POST").await.status, 422);
}

fn now(api: &Api) -> OffsetDateTime {
    dockline::ports::Clock::now(&*api.clock)
}

#[tokio::test]
async fn daily_budget_is_ten_thousand_writes_and_resets_at_midnight_in_memory() {
    a_day_has_ten_thousand_writes(memory()).await;
}

#[tokio::test]
async fn daily_budget_is_ten_thousand_writes_and_resets_at_midnight_on_postgresql() {
    let schema = TestSchema::migrated().await;
    a_day_has_ten_thousand_writes(Arc::new(PgRateLimiter::new(&schema.database()))).await;
}
