//! The number of SQL statements per request, counted on the wire.

use std::sync::Arc;
use std::time::Duration;

use dockline::{AppId, ClaimPolicy, Dockline, Ports};
use dockline_axum::RouterOptions;
use dockline_github::{GithubApp, GithubAppConfig, GithubHost};
use dockline_github_sim::{Fault, FaultRule};
use dockline_listener::Listener;
use dockline_postgres::{
    AppNumber, Database, PgAdmission, PgBindingRepo, PgDirectory, PgKeyStore, PgRateLimiter, PgStateStore,
    Schema, open_pool,
};
use tokio::net::TcpListener;

use super::meter::Meter;
use crate::api::Backend;
use crate::schema::TestSchema;
use crate::server::Github;

/// How requests are authenticated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Access {
    /// By the key store, without budgets.
    Keys,
    /// By the key store and the rate limiter.
    KeysAndBudgets,
    /// In one statement, with budgets, as `serve` does.
    AtOnce,
}

struct Metered {
    meter: Meter,
    github: Github,
    schema: TestSchema,
    api: String,
}

impl Metered {
    async fn start(connections: usize, access: Access) -> Self {
        let schema = TestSchema::migrated().await;
        let github = Github::start(&schema).await;
        let meter = Meter::before(&schema).await;
        let pool = open_pool(&meter.url.as_str().into(), connections).unwrap();
        let database = Database::new(pool).with_schema(Schema::new(&*schema.name).unwrap());
        let app = &github.app;
        let config =
            GithubAppConfig::new(AppId::new(app.app_id).unwrap(), &*app.slug, app.private_key_pem.clone())
                .with_host(GithubHost::at(&github.sim.web, &github.sim.api).unwrap())
                .with_timeout(Duration::from_secs(2));
        let app_database = database.with_app(AppNumber::FIRST);
        let builder = Dockline::builder(Ports {
            states: Arc::new(PgStateStore::new(&app_database)),
            bindings: Arc::new(PgBindingRepo::new(&app_database)),
            github: Arc::new(GithubApp::new(config).unwrap()),
        })
        .with_policy(ClaimPolicy::State);
        let keys = Arc::new(PgKeyStore::new(&database));
        let builder = match access {
            Access::Keys => builder.with_api_keys(keys),
            Access::KeysAndBudgets => {
                builder.with_api_keys(keys).with_rate_limiter(Arc::new(PgRateLimiter::new(&database)))
            }
            Access::AtOnce => builder
                .with_admission(Arc::new(PgAdmission::new(&app_database)))
                .with_directory(Arc::new(PgDirectory::new(&app_database))),
        };
        let router = dockline_axum::router(builder.build().unwrap(), RouterOptions::default()).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let api = format!("http://{}", listener.local_addr().unwrap());
        let service = router.into_make_service_with_connect_info::<std::net::SocketAddr>();
        tokio::spawn(Listener::new(listener).serve(service, std::future::pending()));
        Self { meter, github, schema, api }
    }

    /// Returns the statements of install-url, first registration, repeated registration, GET and DELETE.
    async fn flow(&self, name: &str) -> [usize; 5] {
        let backend = Backend::new(self.schema.key(&format!("org_{name}")).await);
        let installation = self.github.install(&format!("account-{name}"));
        self.meter.take();
        let state = backend.state(&self.api).await;
        let begun = self.meter.take();
        let status = backend.register(&self.api, installation, &state).await.unwrap().status;
        let first = (status, self.meter.take());
        let status = backend.register(&self.api, installation, &state).await.unwrap().status;
        let again = (status, self.meter.take());
        let status = backend.inspect(&self.api).await.unwrap().status;
        let inspected = (status, self.meter.take());
        let status = backend.detach(&self.api).await.unwrap().status;
        let detached = (status, self.meter.take());
        assert_eq!([first.0, again.0, inspected.0, detached.0], [201, 201, 200, 204]);
        [begun, first.1, again.1, inspected.1, detached.1]
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn in_steps_and_without_budgets_a_repeated_registration_takes_two_statements() {
    let metered = Metered::start(1, Access::Keys).await;
    // The first use prepares the statements.
    metered.flow("warm").await;
    metered.github.sim.sim().clear_requests();
    assert_eq!(metered.flow("measured").await, [2, 4, 2, 2, 3]);
    let asked = metered.github.sim.sim().count_requests("GET", "/api/v3/app/installations");
    assert_eq!(asked, 1, "one call to GitHub");
}

#[tokio::test(flavor = "multi_thread")]
async fn in_steps_counting_requests_takes_one_statement_more() {
    let metered = Metered::start(1, Access::KeysAndBudgets).await;
    metered.flow("warm").await;
    assert_eq!(metered.flow("measured").await, [3, 5, 3, 3, 4]);
}

/// Budgets and facts included, as in `serve`.
#[tokio::test(flavor = "multi_thread")]
async fn at_once_a_repeated_registration_and_a_get_take_one_statement_and_a_first_registration_three() {
    let metered = Metered::start(1, Access::AtOnce).await;
    metered.flow("warm").await;
    metered.github.sim.sim().clear_requests();
    assert_eq!(metered.flow("measured").await, [2, 3, 1, 1, 2]);
    assert_eq!(metered.github.sim.sim().count_requests("GET", "/api/v3/app/installations"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_state_takes_two_statements_and_no_call_to_github() {
    let metered = Metered::start(1, Access::AtOnce).await;
    metered.flow("warm").await;
    let backend = Backend::new(metered.schema.key("org_other").await);
    let installation = metered.github.install("account-other");
    metered.github.sim.sim().clear_requests();
    metered.meter.take();
    let refused =
        backend.register(&metered.api, installation, "a-state-that-was-never-issued").await.unwrap();
    assert_eq!((refused.status, metered.meter.take()), (422, 2));
    assert_eq!(metered.github.sim.sim().count_requests("GET", "/api/v3/app/installations"), 0);
}

/// 64 callers with a key each.
#[tokio::test(flavor = "multi_thread")]
async fn at_a_concurrency_of_64_there_are_fewer_statements_than_requests() {
    let metered = Arc::new(Metered::start(8, Access::AtOnce).await);
    let mut backends = Vec::new();
    for number in 0..64 {
        backends.push(Backend::new(metered.schema.key(&format!("org_{number}")).await));
    }
    metered.flow("warm").await;
    metered.meter.take();
    let mut callers = tokio::task::JoinSet::new();
    for backend in backends {
        let metered = metered.clone();
        callers.spawn(async move {
            for _ in 0..10 {
                assert_eq!(backend.inspect(&metered.api).await.unwrap().status, 404);
            }
        });
    }
    callers.join_all().await;
    let statements = metered.meter.take();
    assert!(statements < 640, "{statements} statements for 640 requests");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_connection_is_held_while_github_is_asked() {
    // A pool of one connection.
    let metered = Arc::new(Metered::start(1, Access::AtOnce).await);
    let waiting = Backend::new(metered.schema.key("org_waiting").await);
    let other = Backend::new(metered.schema.key("org_other").await);
    let installation = metered.github.install("account");
    let state = waiting.state(&metered.api).await;
    let github = metered.github.sim.sim();
    github.set_fault(FaultRule::new(Fault::Hang).for_path("/api/v3/app/installations"));
    let api = metered.api.clone();
    let registration =
        tokio::spawn(async move { waiting.register(&api, installation, &state).await.unwrap() });
    while github.count_requests("GET", "/api/v3/app/installations") == 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(other.inspect(&metered.api).await.unwrap().status, 404);
    assert!(!registration.is_finished(), "GitHub has not answered yet");
    assert_eq!(registration.await.unwrap().status, 502);
}
