//! More requests than the database or the node takes: some are refused at once, and none of a tenant with few requests.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use dockline::ports::ManualClock;
use dockline::{AppId, ClaimPolicy, Dockline, Ports, Tier};
use dockline_axum::RouterOptions;
use dockline_github::{GithubApp, GithubAppConfig, GithubHost};
use dockline_github_sim::{Fault, FaultRule};
use dockline_listener::{Listener, raise_open_file_limit};
use dockline_postgres::{
    AppNumber, Database, PgAdmission, PgBindingRepo, PgDirectory, PgStateStore, Schema, open_pool,
};
use dockline_testkit::fixtures::NOON;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::meter::Meter;
use crate::api::Backend;
use crate::http_client::loopback;
use crate::schema::TestSchema;
use crate::server::{Github, Server};

/// The calls that wait for a statement at a time.
const MOST_WAITING: usize = 512;

/// The calls of one key in a statement.
const MOST_OF_A_KEY: usize = 8;

/// The calls that may wait for GitHub, in all and of one organization.
const MOST_AT_GITHUB: usize = 512;
const MOST_AT_GITHUB_OF_ONE: usize = 128;

/// Only a failing test waits this long.
const LONG: Duration = Duration::from_secs(300);

const PATH: &str = "/v1/github/installation";

/// A node in this process with one connection to PostgreSQL and a clock that stands still.
struct Node {
    meter: Meter,
    schema: TestSchema,
    api: String,
    http: reqwest::Client,
    github: Github,
}

/// The relevant parts of a response.
#[derive(Debug)]
struct Outcome {
    status: u16,
    code: String,
    wait: Option<String>,
    remaining: Option<String>,
}

impl Node {
    async fn start() -> Self {
        assert!(raise_open_file_limit(4_096) >= 2_048, "ulimit -n is too low");
        let schema = TestSchema::migrated().await;
        let github = Github::start(&schema).await;
        let meter = Meter::before(&schema).await;
        let pool = open_pool(&meter.url.as_str().into(), 1).unwrap();
        let database =
            Database::new(pool).with_schema(Schema::new(&*schema.name).unwrap()).with_deadline(LONG);
        let app = &github.app;
        let config =
            GithubAppConfig::new(AppId::new(app.app_id).unwrap(), &*app.slug, app.private_key_pem.clone())
                .with_host(GithubHost::at(&github.sim.web, &github.sim.api).unwrap())
                .with_timeout(LONG);
        let database = database.with_app(AppNumber::FIRST);
        let clock = Arc::new(ManualClock::starting_at(NOON));
        let dockline = Dockline::builder(Ports {
            states: Arc::new(PgStateStore::new(&database)),
            bindings: Arc::new(PgBindingRepo::new(&database)),
            github: Arc::new(GithubApp::new(config).unwrap()),
        })
        .with_policy(ClaimPolicy::State)
        .with_admission(Arc::new(PgAdmission::new(&database)))
        .with_directory(Arc::new(PgDirectory::new(&database)))
        .with_clock(clock.clone())
        .build()
        .unwrap();
        let options = RouterOptions::default().with_clock(clock).with_deadline(LONG);
        let router = dockline_axum::router(dockline, options).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let api = format!("http://{}", listener.local_addr().unwrap());
        let service = router.into_make_service_with_connect_info::<SocketAddr>();
        tokio::spawn(Listener::new(listener).serve(service, std::future::pending()));
        Self { meter, schema, api, http: loopback(), github }
    }

    /// Reads the binding with this key.
    fn read(&self, key: &SecretString) -> impl Future<Output = Outcome> + Send + 'static {
        let request = self.http.get(format!("{}{PATH}", self.api)).bearer_auth(key.expose_secret());
        async move {
            let answer = request.send().await.unwrap();
            let header =
                |name: &str| answer.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
            let (wait, remaining) = (header("retry-after"), header("x-ratelimit-remaining"));
            let status = answer.status().as_u16();
            let body: Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
            let code = body["error"]["code"].as_str().unwrap().to_owned();
            Outcome { status, code, wait, remaining }
        }
    }

    /// Holds the database, fills the places of those that wait for it with reads of this key, and sends `further` ones.
    async fn flood(&self, key: &SecretString, further: usize) -> JoinSet<Outcome> {
        self.meter.take();
        self.meter.hold();
        let mut reads = JoinSet::new();
        reads.spawn(self.read(key));
        self.meter.until(1).await;
        for _ in 0..MOST_WAITING + further {
            reads.spawn(self.read(key));
        }
        reads
    }

    async fn assert_alive(&self) {
        let probed = self.http.get(format!("{}/healthz", self.api)).send().await.unwrap();
        assert_eq!(probed.status().as_u16(), 200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_beyond_those_that_may_wait_for_the_database_are_a_503_and_a_quiet_tenant_is_served() {
    let node = Node::start().await;
    let (loud, quiet) = (node.schema.key("org_loud").await, node.schema.key("org_quiet").await);
    assert_eq!(node.read(&quiet).await.status, 404);

    let mut reads = node.flood(&loud, 40).await;
    for _ in 0..40 {
        let refused = reads.join_next().await.unwrap().unwrap();
        assert_eq!((refused.status, &*refused.code), (503, "UNAVAILABLE"), "{refused:?}");
        assert_eq!((refused.wait.as_deref(), refused.remaining), (Some("1"), None));
    }
    assert!(reads.try_join_next().is_none(), "the others wait");
    node.assert_alive().await;
    let served = tokio::spawn(node.read(&quiet));
    // The quiet tenant takes the place of one of the loud one's.
    assert_eq!(reads.join_next().await.unwrap().unwrap().status, 503);
    assert!(!served.is_finished());
    assert_eq!(node.meter.take(), 1, "a refusal costs no statement");

    node.meter.release();
    assert_eq!(served.await.unwrap().status, 404);
    let reads = reads.join_all().await;
    assert_eq!(reads.len(), MOST_WAITING);
    assert!(reads.iter().all(|read| read.status == 404), "{reads:?}");
    assert_eq!(node.read(&loud).await.status, 404, "nothing remains of the overload");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_over_its_budget_is_a_429_without_statements_of_its_own_and_others_are_admitted_c_54() {
    let node = Node::start().await;
    let one = Tier { reads_per_minute: 1, ..Tier::standard() };
    let loud = node.schema.key_of_tier("org_loud", one).await;
    let quiet = node.schema.key("org_quiet").await;
    assert_eq!(node.read(&quiet).await.status, 404);
    assert_eq!(node.read(&loud).await.status, 404);
    // Remembered from here on, since the clock stands still.
    assert_eq!(node.read(&loud).await.status, 429);

    let assert_refused = |refused: &Outcome| {
        assert_eq!((refused.status, &*refused.code), (429, "RATE_LIMITED"), "{refused:?}");
        assert_eq!((refused.wait.as_deref(), refused.remaining.as_deref()), (Some("60"), Some("0")));
    };
    let mut reads = node.flood(&loud, 40).await;
    for _ in 0..40 {
        assert_refused(&reads.join_next().await.unwrap().unwrap());
    }
    assert!(reads.try_join_next().is_none(), "the others wait");
    let served = tokio::spawn(node.read(&quiet));
    assert_refused(&reads.join_next().await.unwrap().unwrap());
    assert_eq!(node.meter.take(), 1);

    node.meter.release();
    assert_eq!(served.await.unwrap().status, 404);
    let reads = reads.join_all().await;
    reads.iter().for_each(assert_refused);
    // The quiet tenant is in the first of them.
    assert_eq!(node.meter.take(), (MOST_WAITING - 1).div_ceil(MOST_OF_A_KEY));
}

/// As many as may wait for GitHub, with a pool of one connection.
#[tokio::test(flavor = "multi_thread")]
async fn registrations_that_wait_for_github_hold_no_connection_and_no_place_of_other_calls_c51() {
    let node = Node::start().await;
    let calm = Backend::new(node.schema.key("org_calm").await);
    let state = calm.state(&node.api).await;
    let installation = node.github.install("acme");
    assert_eq!(calm.register(&node.api, installation, &state).await.unwrap().status, 201);
    node.github.sim.sim().set_fault(FaultRule::new(Fault::Hang));

    let mut registrations = JoinSet::new();
    for organization in 0..MOST_AT_GITHUB / MOST_AT_GITHUB_OF_ONE {
        let eager = Backend::new(node.schema.key(&format!("org_{organization}")).await);
        let state = eager.state(&node.api).await;
        for number in 0..MOST_AT_GITHUB_OF_ONE + 5 {
            let (eager, api, state) = (eager.clone(), node.api.clone(), state.clone());
            let installation = 1_000_000 + number as u64;
            registrations.spawn(async move { eager.register(&api, installation, &state).await.unwrap() });
        }
        for _ in 0..5 {
            let refused = registrations.join_next().await.unwrap().unwrap();
            assert_eq!((refused.status, &refused.json()["error"]["code"]), (503, &"PLATFORM_ERROR".into()));
        }
    }
    let late = Backend::new(node.schema.key("org_late").await);
    let refused = late.register(&node.api, 4_242, &late.state(&node.api).await).await.unwrap();
    assert_eq!((refused.status, &refused.json()["error"]["code"]), (503, &"PLATFORM_ERROR".into()));

    assert_eq!(calm.register(&node.api, installation, &state).await.unwrap().status, 201);
    assert_eq!(calm.inspect(&node.api).await.unwrap().status, 200);
    node.assert_alive().await;
    assert!(registrations.try_join_next().is_none(), "the registrations wait for GitHub");
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_beyond_the_limits_of_the_listener_are_a_503_and_operations_are_answered() {
    let schema = TestSchema::migrated().await;
    let github = Github::start(&schema).await;
    let limits = ["--max-requests", "2", "--max-waiting-requests", "1"];
    let server = Server::spawn_with(&schema, &github, "127.0.0.1:0", &limits).listening();
    let backend = Backend::new(schema.key("org_1").await);
    let state = backend.state(&server.api).await;
    let sim = github.sim.sim();
    sim.set_fault(FaultRule::new(Fault::Hang).for_path("/api/v3/app/installations"));
    let mut registrations = JoinSet::new();
    for installation in [1, 2] {
        let (backend, api, state) = (backend.clone(), server.api.clone(), state.clone());
        registrations.spawn(async move { backend.register(&api, installation, &state).await.unwrap() });
    }
    while sim.count_requests("GET", "/api/v3/app/installations") < 2 {
        tokio::task::yield_now().await;
    }

    let mut reads = JoinSet::new();
    for _ in 0..5 {
        let (backend, api) = (backend.clone(), server.api.clone());
        reads.spawn(async move { backend.inspect(&api).await.unwrap() });
    }
    for _ in 0..4 {
        let refused = reads.join_next().await.unwrap().unwrap();
        assert_eq!((refused.status, &refused.json()["error"]["code"]), (503, &"UNAVAILABLE".into()));
    }
    let get = async |path: &str| loopback().get(format!("{}{path}", server.api)).send().await.unwrap();
    let refused = get("/v1/whoami").await;
    assert_eq!((refused.status().as_u16(), &refused.headers()["retry-after"]), (503, &"1".parse().unwrap()));
    for path in ["/healthz", "/metrics"] {
        assert_eq!(get(path).await.status().as_u16(), 200, "{path}");
    }
    // The node may not be ready yet, and says so itself.
    let ready = get("/readyz").await.text().await.unwrap();
    assert!(ready.contains("\"checks\""), "{ready}");
    let metrics = get("/metrics").await.text().await.unwrap();
    let counted = "dockline_listener_rejections_total{reason=\"overloaded\"} 5";
    assert!(metrics.lines().any(|line| line == counted), "{metrics}");
    assert!(reads.try_join_next().is_none() && registrations.try_join_next().is_none());
    // Once their clients have left, the read that waits gets its turn.
    registrations.shutdown().await;
    assert_eq!(reads.join_next().await.unwrap().unwrap().status, 404);
}
