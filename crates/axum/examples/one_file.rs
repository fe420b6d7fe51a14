//! A host that stores everything in one SQLite file: axum, API keys and background work, without a database server.
//!
//! ```toml
//! [dependencies]
//! axum = "0.8"
//! dockline = "0.1"
//! dockline-axum = "0.1"
//! dockline-github = "0.1"
//! dockline-sqlite = "0.1"
//! dockline-worker = "0.1"
//! tokio = { version = "1", features = ["full"] }
//! ```
//!
//! It reads `GITHUB_APP_ID`, `GITHUB_APP_SLUG`, `GITHUB_PRIVATE_KEY_FILE`, `GITHUB_CLIENT_ID`, `GITHUB_CLIENT_SECRET` and
//! `GITHUB_WEBHOOK_SECRET`, and creates `dockline.db` in the working directory. `one_file keys ORGANIZATION NAME` prints a new
//! API key, also while the host runs. With `--check` it performs the flow with a simulated GitHub and a temporary file, and exits with
//! 0 only if every response is right.

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
use dockline::ports::{Clock, GithubGateway, KeyAdmin, SystemClock};
use dockline::{AppId, Dockline, Ports, SecretString, WebhookSecrets};
use dockline_axum::{RouterOptions, TracingEvents};
use dockline_github::{GithubApp, GithubAppConfig};
use dockline_sqlite::{
    SqliteAdmission, SqliteApps, SqliteBindingRepo, SqliteDatabase, SqliteHousekeeping, SqliteKeyStore,
    SqliteKeyUsage, SqliteOptions, SqliteRedeliveryStore, SqliteStateStore,
};
use dockline_worker::{SweepOptions, Worker};
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use simulation::{Result, Simulation};
use visitor::Visitor;

const FILE: &str = "dockline.db";

// docs: host
/// Builds the routes and the background work.
async fn host(
    database: &SqliteDatabase,
    github: GithubAppConfig,
    webhook_secret: SecretString,
) -> Result<(Router, Worker)> {
    let github = Arc::new(GithubApp::new(github)?);
    // Fails if the file has the bindings of another App.
    let app = SqliteApps::new(database)
        .open(github.api_base(), github.registration().app, SystemClock.now())
        .await?;
    let usage = SqliteKeyUsage::new(database);
    let dockline = Dockline::builder(Ports {
        states: Arc::new(SqliteStateStore::new(&app)),
        bindings: Arc::new(SqliteBindingRepo::new(&app)),
        github: github.clone(),
    })
    .with_admission(Arc::new(SqliteAdmission::new(&app)))
    .with_key_usage(Arc::new(usage.clone()))
    .with_events(Arc::new(TracingEvents))
    .with_webhook_secrets(WebhookSecrets::new([webhook_secret])?)
    .build()?;
    let worker = Worker::builder(dockline.clone())
        .with_sweeper(SweepOptions::default())
        .with_redeliverer(github, Arc::new(SqliteRedeliveryStore::new(&app)), Duration::from_secs(180))
        .with_housekeeping(Arc::new(SqliteHousekeeping::new(database)))
        .with_key_usage(Arc::new(usage))
        .build();
    let options = RouterOptions::default()
        .with_refresh_queue(worker.refresh_queue())
        .with_readiness(worker.readiness());
    Ok((dockline_axum::router(dockline, options)?, worker))
}
// docs: end

#[tokio::main]
async fn main() -> Result {
    let arguments: Vec<String> = env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => serve().await,
        ["keys", organization, name] => keys(organization, name).await,
        ["--check"] => check().await,
        _ => Err("usage: one_file [keys ORGANIZATION NAME | --check]".into()),
    }
}

async fn serve() -> Result {
    // docs: main
    // Takes the lock of the only server.
    let database = SqliteOptions::new(FILE).as_server().open().await?;
    let private_key = std::fs::read_to_string(env::var("GITHUB_PRIVATE_KEY_FILE")?)?.into();
    let app = AppId::new(env::var("GITHUB_APP_ID")?.parse()?)?;
    let github = GithubAppConfig::new(app, env::var("GITHUB_APP_SLUG")?, private_key)
        .with_oauth_client(env::var("GITHUB_CLIENT_ID")?, env::var("GITHUB_CLIENT_SECRET")?.into());
    let webhook_secret = env::var("GITHUB_WEBHOOK_SECRET")?.into();
    let (router, worker) = host(&database, github, webhook_secret).await?;

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

/// Creates an API key, and prints it.
async fn keys(organization: &str, name: &str) -> Result {
    let database = SqliteOptions::new(FILE).open().await?;
    let (record, authorization) = api_key::new(organization, name)?;
    if !SqliteKeyStore::new(&database).insert(&record, "example", SystemClock.now()).await? {
        return Err("the key exists".into());
    }
    println!("Authorization: {authorization}");
    Ok(())
}

async fn check() -> Result {
    let folder = tempfile::tempdir()?;
    let database = SqliteOptions::new(folder.path().join(FILE)).as_server().open().await?;
    let simulation = Simulation::start(flow::CALLBACK, flow::WEBHOOKS).await?;
    let secret = simulation.app.webhook_secret.clone();
    let (router, worker) = host(&database, simulation.settings()?, secret).await?;
    let refreshes = worker.refresh_queue();
    let (stop, stopped) = oneshot::channel::<()>();
    let worker = tokio::spawn(worker.run(async { drop(stopped.await) }));
    let (record, authorization) = api_key::new("org_acme", "Acme Coffee")?;
    SqliteKeyStore::new(&database).insert(&record, "example", SystemClock.now()).await?;
    let credential = [("authorization", &*authorization)];
    simulation
        .serve(router, async |origin, github, app| {
            let visitor = Visitor::new()?;
            let api = format!("{origin}/v1/github/installation");
            visitor.get(&api, &[]).await?.expect(401, "without a key")?;
            flow::connect(origin, &visitor, &credential, github, app).await?;
            let id = github.installations().first().ok_or("no installation")?.id;
            github.suspend(id, None)?;
            github.settled().await;
            refreshes.idle().await;
            let bound = visitor.get(&api, &credential).await?.expect(200, "the binding")?;
            if bound.body.contains("\"suspended\"") { Ok(()) } else { Err(bound.body.into()) }
        })
        .await?;
    drop(stop);
    worker.await?;
    Ok(())
}
