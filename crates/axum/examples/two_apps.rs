//! One process for github.com and a GitHub Enterprise Server: an App at each, both in one PostgreSQL schema, behind one
//! axum server.
//!
//! ```toml
//! [dependencies]
//! axum = "0.8"
//! dockline = "0.1"
//! dockline-axum = "0.1"
//! dockline-github = "0.1"
//! dockline-postgres = "0.1"
//! dockline-worker = "0.1"
//! tokio = { version = "1", features = ["full"] }
//! ```
//!
//! It reads `DATABASE_URL`, `PUBLIC_URL`, `GHES_HOST`, and for each App, with the prefix `GITHUB_` or `GHES_`: `APP_ID`,
//! `APP_SLUG`, `PRIVATE_KEY_FILE`, `CLIENT_ID`, `CLIENT_SECRET` and `WEBHOOK_SECRET`. With `--check` it needs only
//! `DATABASE_URL`: it creates a schema of its own, and connects an organization to an App of each of two simulated GitHubs:
//! `cargo xtask postgres -- cargo run -p dockline-axum --example two_apps -- --check`.

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

use axum::Router;
use dockline::ports::{Clock, GithubGateway, KeyAdmin, SystemClock};
use dockline::{AppId, Dockline, Ports, SecretString, WebhookSecrets};
use dockline_axum::{RouterOptions, TracingEvents};
use dockline_github::{GithubApp, GithubAppConfig, GithubHost};
use dockline_postgres::{
    DEFAULT_CONNECTIONS, Database, Migrator, PgApps, PgBindingRepo, PgHousekeeping, PgKeyStore,
    PgRateLimiter, PgStateStore, Schema, open_pool,
};
use dockline_worker::{SweepOptions, Worker};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use simulation::{Result, Simulation};
use visitor::Visitor;

// docs: apps
/// An App at a GitHub host, and where its routes are.
struct App {
    /// The prefix of its routes, such as `/ghes`.
    prefix: &'static str,
    github: GithubAppConfig,
    /// Differs from that of every other App, since it identifies the App of a delivery.
    webhook_secret: SecretString,
}

/// Builds the routes and the background work of all Apps.
async fn host(database: &Database, public_url: &str, apps: [App; 2]) -> Result<(Router, Vec<Worker>)> {
    let (mut routes, mut workers) = (Router::new(), Vec::new());
    for App { prefix, github, webhook_secret } in apps {
        let github = GithubApp::new(github)?;
        // The App's own rows: its bindings, states and installations. Its adapters do not see the rows of other Apps.
        let app = PgApps::new(database)
            .add(github.api_base(), github.registration().app, SystemClock.now())
            .await?;
        let dockline = Dockline::builder(Ports {
            states: Arc::new(PgStateStore::new(&app)),
            bindings: Arc::new(PgBindingRepo::new(&app)),
            github: Arc::new(github),
        })
        // Keys and their budgets belong to the schema: one key works for each App, and has one budget.
        .with_api_keys(Arc::new(PgKeyStore::new(database)))
        .with_rate_limiter(Arc::new(PgRateLimiter::new(database)))
        .with_events(Arc::new(TracingEvents))
        .with_webhook_secrets(WebhookSecrets::new([webhook_secret])?)
        .build()?;
        let worker = Worker::builder(dockline.clone())
            .with_sweeper(SweepOptions::default())
            .with_housekeeping(Arc::new(PgHousekeeping::new(database)))
            .build();
        let options = RouterOptions::default()
            .with_public_url(format!("{public_url}{prefix}"))
            .with_refresh_queue(worker.refresh_queue());
        routes = routes.nest(prefix, dockline_axum::router(dockline, options)?);
        workers.push(worker);
    }
    Ok((routes, workers))
}
// docs: end

/// Runs the background work of all Apps until `stopped` changes.
fn work(workers: Vec<Worker>, stopped: &watch::Receiver<()>) -> Vec<JoinHandle<usize>> {
    let run = |worker: Worker| {
        let mut stopped = stopped.clone();
        tokio::spawn(worker.run(async move { drop(stopped.changed().await) }))
    };
    workers.into_iter().map(run).collect()
}

/// Reads an App's settings from the environment.
fn app(prefix: &'static str, variables: &str, host: GithubHost) -> Result<App> {
    let read = |name: &str| env::var(format!("{variables}_{name}"));
    let private_key = std::fs::read_to_string(read("PRIVATE_KEY_FILE")?)?.into();
    let github = GithubAppConfig::new(AppId::new(read("APP_ID")?.parse()?)?, read("APP_SLUG")?, private_key)
        .with_oauth_client(read("CLIENT_ID")?, read("CLIENT_SECRET")?.into())
        .with_host(host);
    Ok(App { prefix, github, webhook_secret: read("WEBHOOK_SECRET")?.into() })
}

#[tokio::main]
async fn main() -> Result {
    let pool = open_pool(&env::var("DATABASE_URL")?.into(), DEFAULT_CONNECTIONS)?;
    let database = Database::new(pool);
    if env::args().any(|argument| argument == "--check") {
        return check(database.with_schema(Schema::new("dockline_two_apps")?)).await;
    }
    Migrator::new(database.pool().clone(), database.schema().clone()).run().await?;
    let ghes = GithubHost::enterprise_server(&env::var("GHES_HOST")?)?;
    let apps = [app("/github", "GITHUB", GithubHost::github_com())?, app("/ghes", "GHES", ghes)?];
    let (router, workers) = host(&database, &env::var("PUBLIC_URL")?, apps).await?;
    let (stop, stopped) = watch::channel(());
    let workers = work(workers, &stopped);
    let listener = TcpListener::bind("127.0.0.1:3000").await?;
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    let shutdown = async { drop(tokio::signal::ctrl_c().await) };
    axum::serve(listener, service).with_graceful_shutdown(shutdown).await?;
    drop(stop);
    for worker in workers {
        worker.await?;
    }
    Ok(())
}

async fn check(database: Database) -> Result {
    Migrator::new(database.pool().clone(), database.schema().clone()).run().await?;
    let route = |prefix: &str, path: &str| format!("{prefix}{path}");
    let simulation =
        Simulation::start(&route("/github", flow::CALLBACK), &route("/github", flow::WEBHOOKS)).await?;
    // Numbers its installations by itself, from 1 like the other one.
    let (ghes_app, ghes) = simulation::github(
        &simulation.origin,
        &route("/ghes", flow::CALLBACK),
        &route("/ghes", flow::WEBHOOKS),
        "the enterprise server's secret",
    )
    .await?;
    let apps = [
        App {
            prefix: "/github",
            github: simulation.settings()?,
            webhook_secret: simulation.app.webhook_secret.clone(),
        },
        App {
            prefix: "/ghes",
            github: simulation::settings(&ghes_app, &ghes)?,
            webhook_secret: ghes_app.webhook_secret.clone(),
        },
    ];
    let (router, workers) = host(&database, &simulation.origin.clone(), apps).await?;
    let (stop, stopped) = watch::channel(());
    let workers = work(workers, &stopped);
    // The schema keeps the bindings of earlier checks.
    let organization = format!("org_{}", SystemClock.now().unix_timestamp_nanos());
    let (record, bearer) = api_key::new(&organization, "Acme Coffee")?;
    PgKeyStore::new(&database).insert(&record, "example", SystemClock.now()).await?;
    simulation
        .serve(router, async |origin, github, app| {
            let credential = [("authorization", &*bearer)];
            let binding = |prefix: &str| format!("{origin}{prefix}/v1/github/installation");
            let visitor = Visitor::new()?;
            flow::connect(&format!("{origin}/github"), &visitor, &credential, github, app).await?;
            // The same organization, and an installation of the same number: bound at each host by itself.
            visitor.get(&binding("/ghes"), &credential).await?.expect(404, "nothing is bound at GHES")?;
            flow::connect(&format!("{origin}/ghes"), &visitor, &credential, ghes.sim(), ghes_app.app_id)
                .await?;
            for prefix in ["/github", "/ghes"] {
                visitor.get(&binding(prefix), &credential).await?.expect(200, prefix)?;
            }
            if github.installations().first().map(|one| one.id)
                != ghes.sim().installations().first().map(|one| one.id)
            {
                return Err("the two hosts do not give the same number".into());
            }
            // A delivery that one GitHub signed is not accepted as the other's.
            github.set_webhook_url(app, Some(&format!("{origin}/ghes{}", flow::WEBHOOKS)))?;
            github.ping(app)?;
            github.settled().await;
            let outcome = github.deliveries().pop().and_then(|last| last.outcome);
            match outcome.map(|outcome| outcome.status_code) {
                Some(401) => Ok(()),
                status => Err(format!("a foreign delivery: {status:?}").into()),
            }
        })
        .await?;
    drop(stop);
    for worker in workers {
        worker.await?;
    }
    Ok(())
}
