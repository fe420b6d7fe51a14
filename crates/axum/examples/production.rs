//! A complete host: axum, PostgreSQL, API keys, background work, readiness and Prometheus metrics.
//!
//! ```toml
//! [dependencies]
//! axum = "0.8"
//! dockline = "0.1"
//! dockline-axum = "0.1"
//! dockline-github = "0.1"
//! dockline-postgres = "0.1"
//! dockline-telemetry = "0.1"
//! dockline-worker = "0.1"
//! metrics-exporter-prometheus = { version = "0.18", default-features = false }
//! tokio = { version = "1", features = ["full"] }
//! tracing-subscriber = { version = "0.3", features = ["env-filter", "json"] }
//! ```
//!
//! It reads `DATABASE_URL`, `GITHUB_APP_ID`, `GITHUB_APP_SLUG`, `GITHUB_PRIVATE_KEY_FILE`, `GITHUB_CLIENT_ID`,
//! `GITHUB_CLIENT_SECRET` and `GITHUB_WEBHOOK_SECRET`. With `--check` it needs only `DATABASE_URL`: it creates a schema of its
//! own, performs the flow with a simulated GitHub, and exits with 0 only if every response is right:
//! `cargo xtask postgres -- cargo run -p dockline-axum --example production -- --check`.

#[path = "support/api_key.rs"]
mod api_key;
#[path = "support/flow.rs"]
mod flow;
#[path = "support/simulation.rs"]
mod simulation;
#[path = "support/visitor.rs"]
mod visitor;

use std::env;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use dockline::ports::{Clock, Events, GithubGateway, KeyAdmin, SystemClock};
use dockline::{AppId, Dockline, Ports, SecretString, WebhookSecrets};
use dockline_axum::{Exposition, RouterOptions, TracingEvents};
use dockline_github::{CompletedCall, GithubApp, GithubAppConfig, Observer};
use dockline_github_sim::GithubSim;
use dockline_postgres::{
    DEFAULT_CONNECTIONS, Database, Migrator, PgAdmission, PgApps, PgBindingRepo, PgHousekeeping, PgKeyStore,
    PgKeyUsage, PgRedeliveryStore, PgStateStore, Schema, open_pool,
};
use dockline_telemetry::{
    DURATION_BUCKETS, EventCounters, FanOut, Metered, PoolState, record_github_call, record_jwt_signature,
    record_pool, record_process, record_rate_left, record_token_cache_hits,
};
use dockline_worker::{SweepOptions, Worker};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tracing_subscriber::EnvFilter;

use simulation::{Result, Simulation};
use visitor::Visitor;

// docs: host
/// Builds the routes and the background work.
async fn host(
    database: &Database,
    github: GithubAppConfig,
    webhook_secret: SecretString,
    recorder: PrometheusHandle,
) -> Result<(Router, Worker)> {
    let github = GithubApp::new(github.with_observer(Arc::new(GithubCalls)))?;
    // Fails if the schema has the bindings of another App.
    let app = PgApps::new(database).open(github.api_base(), &github, SystemClock.now()).await?;
    let delivery_log = Arc::new(github.clone());
    let github: Arc<dyn GithubGateway> = Arc::new(Metered::over(github));
    let usage = PgKeyUsage::new(database);
    let events = [Arc::new(TracingEvents) as Arc<dyn Events>, Arc::new(EventCounters)];
    let dockline = Dockline::builder(Ports {
        states: Arc::new(Metered::over(PgStateStore::new(&app))),
        bindings: Arc::new(Metered::over(PgBindingRepo::new(&app))),
        github: Arc::clone(&github),
    })
    .with_admission(Arc::new(Metered::over(PgAdmission::new(&app))))
    .with_key_usage(Arc::new(usage.clone()))
    .with_events(Arc::new(FanOut::to(events)))
    .with_webhook_secrets(WebhookSecrets::new([webhook_secret])?)
    .build()?;
    let probed = database.clone();
    let worker = Worker::builder(dockline.clone())
        .with_sweeper(SweepOptions::default())
        .with_redeliverer(delivery_log, Arc::new(PgRedeliveryStore::new(&app)), Duration::from_secs(180))
        .with_housekeeping(Arc::new(PgHousekeeping::new(database)))
        .with_key_usage(Arc::new(usage))
        .with_probe("database", move || probe(probed.clone()))
        .with_github_probe(Arc::clone(&github), Duration::from_secs(15 * 60))
        .build();
    let options = RouterOptions::default()
        .with_refresh_queue(worker.refresh_queue())
        .with_readiness(worker.readiness())
        .with_metrics(Arc::new(Metrics {
            recorder,
            dockline: dockline.clone(),
            github,
            database: database.clone(),
        }));
    Ok((dockline_axum::router(dockline, options)?, worker))
}

/// The cause is a static word, so that no address or secret gets into `/readyz`.
async fn probe(database: Database) -> Result<(), &'static str> {
    database.probe().await.map(drop).map_err(|_| "unreachable")
}
// docs: end

// docs: metrics
/// Installs the recorder of this process.
fn install_recorder() -> Result<PrometheusHandle> {
    let durations = Matcher::Suffix("_duration_seconds".to_owned());
    let recorder =
        PrometheusBuilder::new().set_buckets_for_metric(durations, DURATION_BUCKETS)?.install_recorder()?;
    dockline_telemetry::describe_metrics();
    dockline_axum::describe_metrics();
    dockline_worker::describe_metrics();
    record_process(env!("CARGO_PKG_VERSION"), SystemClock.now());
    Ok(recorder)
}

/// Counts requests to GitHub.
#[derive(Debug)]
struct GithubCalls;

impl Observer for GithubCalls {
    fn call_completed(&self, call: CompletedCall) {
        record_github_call(call.operation.as_str(), call.outcome.as_str(), call.duration);
    }

    fn jwt_signed(&self) {
        record_jwt_signature();
    }
}

/// The text of `/metrics`.
#[derive(Debug)]
struct Metrics {
    recorder: PrometheusHandle,
    dockline: Dockline,
    github: Arc<dyn GithubGateway>,
    database: Database,
}

impl Exposition for Metrics {
    fn render(&self) -> String {
        record_rate_left(self.github.rate_left());
        record_token_cache_hits(self.dockline.token_cache_hits());
        let pool = self.database.pool().status();
        let (max, open, idle, waiting) = (pool.max_size, pool.size, pool.available, pool.waiting);
        record_pool(PoolState { max, open, idle, waiting });
        self.recorder.run_upkeep();
        self.recorder.render()
    }
}
// docs: end

#[tokio::main]
async fn main() -> Result {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt().json().with_env_filter(filter).with_writer(std::io::stderr).init();
    let pool = open_pool(&env::var("DATABASE_URL")?.into(), DEFAULT_CONNECTIONS)?;
    let database = Database::new(pool);
    if env::args().any(|argument| argument == "--check") {
        return check(database.with_schema(Schema::new("dockline_example")?)).await;
    }
    // docs: main
    Migrator::new(database.pool().clone(), database.schema().clone()).run().await?;
    let private_key = std::fs::read_to_string(env::var("GITHUB_PRIVATE_KEY_FILE")?)?.into();
    let app = AppId::new(env::var("GITHUB_APP_ID")?.parse()?)?;
    let github = GithubAppConfig::new(app, env::var("GITHUB_APP_SLUG")?, private_key)
        .with_oauth_client(env::var("GITHUB_CLIENT_ID")?, env::var("GITHUB_CLIENT_SECRET")?.into());
    let webhook_secret = env::var("GITHUB_WEBHOOK_SECRET")?.into();
    let (router, worker) = host(&database, github, webhook_secret, install_recorder()?).await?;

    let readiness = worker.readiness();
    let (stop, stopped) = oneshot::channel::<()>();
    let worker = tokio::spawn(worker.run(async { drop(stopped.await) }));
    let listener = TcpListener::bind("127.0.0.1:3000").await?;
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    let shutdown = async move {
        drop(tokio::signal::ctrl_c().await);
        readiness.begin_shutdown();
    };
    axum::serve(listener, service).with_graceful_shutdown(shutdown).await?;
    // After the server, so that the worker processes the hints of the last webhooks and writes the last key usage.
    drop(stop);
    worker.await?;
    // docs: end
    Ok(())
}

async fn check(database: Database) -> Result {
    Migrator::new(database.pool().clone(), database.schema().clone()).run().await?;
    let simulation = Simulation::start(flow::CALLBACK, flow::WEBHOOKS).await?;
    let secret = simulation.app.webhook_secret.clone();
    let (router, worker) = host(&database, simulation.settings()?, secret, install_recorder()?).await?;
    let refreshes = worker.refresh_queue();
    let (stop, stopped) = oneshot::channel::<()>();
    let worker = tokio::spawn(worker.run(async { drop(stopped.await) }));
    // The schema keeps the bindings of earlier checks.
    let organization = format!("org_{}", SystemClock.now().unix_timestamp_nanos());
    let (record, bearer) = api_key::new(&organization, "Acme Coffee")?;
    PgKeyStore::new(&database).insert(&record, "example", SystemClock.now()).await?;
    let check = async |origin: &str, github: &GithubSim, app: u64| {
        let visitor = Visitor::new()?;
        let api = format!("{origin}/v1/github/installation");
        visitor.get(&api, &[]).await?.expect(401, "without a key")?;
        let credential = [("authorization", &*bearer)];
        flow::connect(origin, &visitor, &credential, github, app).await?;
        let id = github.installations().first().ok_or("no installation")?.id;
        github.suspend(id, None)?;
        github.settled().await;
        refreshes.idle().await;
        let bound = visitor.get(&api, &credential).await?.expect(200, "the binding")?;
        has(&bound.body, "\"suspended\"")?;
        has(
            &visitor.get(&format!("{origin}/readyz"), &[]).await?.expect(200, "readiness")?.body,
            "database",
        )?;
        let metrics = visitor.get(&format!("{origin}/metrics"), &[]).await?.expect(200, "metrics")?;
        for name in [
            "dockline_http_requests_total",
            "dockline_port_call_duration_seconds_bucket",
            "dockline_events_total",
            "dockline_refreshes_total",
            "dockline_github_",
        ] {
            has(&metrics.body, name)?;
        }
        visitor.post(&api, &[], "application/json", "{}").await?.expect(401, "a body without a key")?;
        Ok(())
    };
    simulation.serve(router, check).await?;
    drop(stop);
    worker.await?;
    Ok(())
}

fn has(body: &str, text: &str) -> Result {
    if body.contains(text) { Ok(()) } else { Err(format!("no {text:?} in {body}").into()) }
}
