//! Budgets through the router, by a clock that the test moves: what `Retry-After` promises is true, and a day is a day. In
//! memory and on PostgreSQL, by the same tests.

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

/// What is looked at of an answer.
#[derive(Debug)]
struct Told {
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
        self.keys.insert(KeyRecord {
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

    async fn ask(&self, key: &SecretString, method: &str) -> Told {
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
        Told {
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

/// Random tiers, among them some whose day is short; random pauses; nobody waits longer than told, and nobody gets
/// through a whole second before.
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
            // In microseconds, which is what the core counts in.
            api.clock.advance(Duration::microseconds(random.i64(0..4_000_000)));
            let (method, through) = random.choice([("GET", 404), ("POST", 422)]).unwrap();
            let told = api.ask(&key, method).await;
            let Some(wait) = told.wait else {
                assert_eq!(told.status, through);
                continue;
            };
            assert_eq!((told.status, told.remaining), (429, 0));
            assert!((1..=86_400).contains(&wait) && told.reset >= wait, "{told:?}");
            *(if wait > 60 { &mut of_the_day } else { &mut of_the_minute }) += 1;
            api.wait(wait - 1);
            if wait > 1 {
                assert_eq!(api.ask(&key, method).await.status, 429, "{wait} s were too long");
            }
            api.wait(1);
            let told = api.ask(&key, method).await;
            assert_eq!(told.status, through, "{wait} s were not enough: {told:?}");
        }
    }
    println!("{of_the_minute} waits for the minute, {of_the_day} for the day");
    assert!(of_the_minute > 50 && of_the_day > 10);
}

#[tokio::test]
async fn whoever_waits_as_long_as_told_gets_through_in_memory_i_19() {
    every_retry_after_is_true(memory(), 100).await;
}

#[tokio::test]
async fn whoever_waits_as_long_as_told_gets_through_on_postgresql_i_19() {
    let schema = TestSchema::migrated().await;
    every_retry_after_is_true(Arc::new(PgRateLimiter::new(&schema.database())), 60).await;
}

/// A day of `standard`, from midnight on at the fastest rate that is allowed; then the next one.
async fn a_day_has_ten_thousand_writes(limiter: Arc<dyn RateLimiter>) {
    let midnight = NOON - Duration::hours(12);
    let api = Api::over(limiter, midnight);
    let key = api.key(Tier::standard());
    for day in 0..2 {
        let begun = midnight + Duration::days(day);
        let (mut passed, mut limited) = (0, 0);
        let wait = loop {
            let told = api.ask(&key, "POST").await;
            match told.wait {
                None => {
                    assert_eq!(told.status, 422);
                    passed += 1;
                    assert!(passed <= 10_000, "more than a day has");
                    assert!(told.remaining <= 10_000 - passed);
                }
                Some(1) => {
                    limited += 1;
                    api.wait(1);
                }
                Some(wait) => break wait,
            }
        };
        // The first minute's 60 at once, then one a second, until the day's last.
        let elapsed = now(&api) - begun;
        assert_eq!((passed, limited, elapsed), (10_000, 9_940, Duration::seconds(9_940)), "day {day}");
        assert_eq!(i64::from(wait), 86_400 - elapsed.whole_seconds(), "until midnight");
        // Reads go on; the day's count is not the reads'.
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
async fn a_day_has_ten_thousand_writes_and_the_next_begins_anew_in_memory() {
    a_day_has_ten_thousand_writes(memory()).await;
}

#[tokio::test]
async fn a_day_has_ten_thousand_writes_and_the_next_begins_anew_on_postgresql() {
    let schema = TestSchema::migrated().await;
    a_day_has_ten_thousand_writes(Arc::new(PgRateLimiter::new(&schema.database()))).await;
}
