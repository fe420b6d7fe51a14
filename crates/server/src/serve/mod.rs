//! `dockline serve`: the API on PostgreSQL and the real GitHub.

mod housekeeping;
mod metered;
mod options;
mod sweeping;

use std::error::Error;
use std::io::{self, Write};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use dockline::ports::GithubGateway;
use dockline::{Dockline, Ports};
use dockline_axum::{RefreshOptions, Refresher, RouterOptions};
use dockline_postgres::{PgBindingRepo, PgCensus, PgHousekeeping, PgKeyStore, PgRateLimiter, PgStateStore};
use serde_json::json;
use tokio::net::TcpListener;

pub use options::{Migrations, ServeArgs};

use crate::address::base_url;
use crate::database::migrator;
use crate::listener::{self, Limits};
use crate::telemetry::{self, Metrics, MetricsAt, Sources, Tracer};
use crate::{github_app, logging, signals};

/// How long webhooks' hints are followed up after the last request was answered.
const DRAIN: Duration = Duration::from_secs(10);

/// Serves until a signal comes; then takes no more connections and ends when what runs is answered, and what webhooks hinted
/// at was asked about.
///
/// # Errors
/// Where it cannot start: each error names its mend.
pub async fn run(args: ServeArgs) -> Result<ExitCode, Box<dyn Error + Send + Sync>> {
    let tracer = Tracer::of(&args.telemetry)?;
    logging::start_with(logging::Verbosity::Running, args.telemetry.log_format, tracer.layer());
    let metrics = Metrics::install()?;
    let ended = signals::ended()?;
    let database = args.database.open()?;
    let webhook_secrets = options::webhook_secrets(&args.webhook_secret_file)?;
    if args.webhook_secret_file.is_empty() {
        tracing::warn!("no --webhook-secret-file: GitHub's deliveries are refused");
    }
    let public_url = options::check_public_url(args.public_url.as_deref())?;
    let github = github_app::open(&args.github).await?;
    let github: Arc<dyn GithubGateway> = Arc::new(github);
    let migrator = migrator(&database);
    match args.migrations {
        Migrations::Apply => {
            let applied = migrator.run().await?;
            if applied.from != applied.to {
                tracing::info!(from = applied.from, to = applied.to, "the schema was migrated");
            }
        }
        Migrations::Check => migrator.check().await?,
    }
    let dockline = Dockline::builder(metered::ports(Ports {
        keys: Arc::new(PgKeyStore::new(&database)),
        states: Arc::new(PgStateStore::new(&database)),
        bindings: Arc::new(PgBindingRepo::new(&database)),
        github: Arc::clone(&github),
    }))
    .with_policy(args.claim_policy.into())
    .with_rate_limiter(metered::limiter(Arc::new(PgRateLimiter::new(&database))))
    .with_events(metered::events())
    .with_webhook_secrets(webhook_secrets)
    .build()
    .map_err(|error| format!("{error}: give --github-client-id and --github-client-secret-file"))?;

    let listener = listener::bind(args.listen.0, "--listen").await?;
    let on_api = telemetry::is_on_api(args.telemetry.metrics_listen, listener.local_addr()?);
    let metrics_listener = match args.telemetry.metrics_listen {
        Some(MetricsAt::Address(address)) => Some(listener::bind(address.0, "--metrics-listen").await?),
        Some(MetricsAt::Api | MetricsAt::Off) | None => None,
    };
    let metrics_url = metrics_listener.as_ref().map(TcpListener::local_addr).transpose()?.map(base_url);
    let api = base_url(listener.local_addr()?);
    let public = public_url.unwrap_or_else(|| api.clone());
    let metrics_url = metrics_url.or_else(|| on_api.then(|| api.clone())).map(|url| format!("{url}/metrics"));
    announce(&api, &public, metrics_url.as_deref(), args.json)?;
    let (refresher, refreshing) = Refresher::new(dockline.clone(), RefreshOptions::default());
    let refreshing = tokio::spawn(refreshing);
    let sweeping = args
        .reconcile_every
        .some()
        .map(|every| tokio::spawn(sweeping::keep(dockline.clone(), every, args.reconcile_unverified_for.0)));
    let options = RouterOptions::default().with_refresher(refresher.clone());
    let options = tracer.link(options);
    let sources = Sources { dockline: dockline.clone(), github, pool: database.pool().clone() };
    let exposition = metrics.exposition(sources);
    let options = if on_api { options.with_metrics(Arc::clone(&exposition)) } else { options };
    let scraping =
        metrics_listener.map(|listener| tokio::spawn(telemetry::listener::serve(listener, exposition)));
    let counting = tokio::spawn(telemetry::count_bindings(PgCensus::new(&database), metrics));
    let router = dockline_axum::router(dockline, options);
    let purging = tokio::spawn(housekeeping::keep(PgHousekeeping::new(&database)));
    listener::serve(listener, router, Limits::default(), ended).await;
    purging.abort();
    counting.abort();
    if let Some(sweeping) = sweeping {
        // Cut off anywhere it leaves nothing half done, and the next one goes on from there.
        sweeping.abort();
    }
    refresher.drain(DRAIN).await;
    // Ended by the drain.
    let _ = refreshing.await;
    if let Some(scraping) = scraping {
        scraping.abort();
    }
    tracer.end().await;
    Ok(ExitCode::SUCCESS)
}

fn announce(api: &str, public: &str, metrics: Option<&str>, json: bool) -> io::Result<()> {
    let callback = format!("{public}/v1/github/installation/callback");
    let webhook = format!("{public}/v1/github/webhooks");
    let mut stdout = io::stdout().lock();
    if json {
        writeln!(
            stdout,
            "{}",
            json!({ "api": api, "callbackUrl": callback, "webhookUrl": webhook, "metrics": metrics })
        )?;
    } else {
        writeln!(
            stdout,
            "listening on {api}\nthe App's callback URL at GitHub: {callback}\nthe App's webhook URL at GitHub:  {webhook}"
        )?;
        writeln!(stdout, "metrics: {}", metrics.unwrap_or("nowhere; --metrics-listen says where"))?;
    }
    stdout.flush()
}
