//! `dockline serve`: the API on PostgreSQL and the real GitHub.

mod assembly;
pub(crate) mod checks;
mod ending;
mod guessing;
mod health;
mod housekeeping;
mod key_usage;
pub(crate) mod listener_args;
mod listening;
mod options;
mod sweeping;

use std::error::Error;
use std::process::ExitCode;
use std::sync::Arc;

use dockline_axum::{RefreshOptions, Refresher, RouterOptions};
use dockline_postgres::{PgBindingCounts, PgHousekeeping, PgKeyUsage};
use tokio::task::JoinSet;

pub use guessing::GuessArgs;
pub use options::{Migrations, ServeArgs};

use ending::{Ending, StoppedAt};
use health::Health;
use listening::Listening;

use crate::database::migrator;
use crate::http_server;
use crate::telemetry::{self, Metrics, Sources, Tracer};
use crate::{github_app, logging};

/// Serves until a signal comes; then takes no more connections and ends when what runs is answered, and what webhooks hinted
/// at was asked about. At a second signal it ends at once.
///
/// # Errors
/// Where it cannot start: each error names its mend.
pub async fn run(args: ServeArgs) -> Result<ExitCode, Box<dyn Error + Send + Sync>> {
    let tracer = Tracer::of(&args.telemetry)?;
    logging::start_with(logging::Verbosity::Running, args.telemetry.log_format, tracer.layer());
    let metrics = Metrics::install()?;
    let ending = Ending::prepared(args.listener.drain_delay.0)?;
    let checks::Checked { database, github, webhook_secrets, public_url } = checks::all(&args).await?;
    if args.webhook_secret.is_empty() && args.webhook_secret_file.is_empty() {
        tracing::warn!("no --webhook-secret-file: GitHub's deliveries are refused");
    }
    if let Err(error) = &github.settings {
        let cause = github_app::about(error).0;
        tracing::warn!(%error, cause, "GitHub does not answer at present; serving begins nevertheless");
    }
    let github = Arc::new(github.github);
    let migrator = migrator(&database);
    // Otherwise the checks have refused what is pending.
    if args.migrations == Migrations::Apply {
        let applied = migrator.run().await?;
        if applied.from != applied.to {
            tracing::info!(from = applied.from, to = applied.to, "the schema was migrated");
        }
    }
    let usage = PgKeyUsage::new(&database);
    let policy = args.claim_policy.into();
    let dockline = assembly::dockline(&database, github.clone(), policy, webhook_secrets, usage.clone())?;
    let listening = Listening::bind(&args).await?;
    listening.announce(public_url.as_deref(), args.json)?;
    let (refresher, refreshing) = Refresher::new(dockline.clone(), RefreshOptions::default());
    let refreshing = tokio::spawn(refreshing);
    // Each can be cut off anywhere: it leaves nothing half done, and the next one goes on from there.
    let mut background = JoinSet::new();
    if let Some(every) = args.reconcile_every.some() {
        background.spawn(sweeping::keep(dockline.clone(), every, args.reconcile_unverified_for.0));
    }
    let health = Health::new(migrator, github.clone(), args.ready_github_within.some());
    background.spawn(health.clone().watch());
    background.spawn(housekeeping::keep(PgHousekeeping::new(&database)));
    background.spawn(key_usage::keep(usage.clone()));
    let options = RouterOptions::default().with_refresher(refresher.clone()).with_readiness(health.clone());
    let options = tracer.link(options);
    let sources = Sources { dockline: dockline.clone(), github, pool: database.pool().clone() };
    let exposition = metrics.exposition(sources);
    if let Some(listener) = listening.metrics {
        background.spawn(telemetry::listener::serve(listener, exposition.clone()));
    }
    background.spawn(telemetry::count_bindings(PgBindingCounts::new(&database), metrics));
    let options = if listening.metrics_on_api { options.with_metrics(exposition) } else { options };
    let options = match args.guessing.limit() {
        Some(limit) => options.with_auth_failure_limit(limit),
        None => options,
    };
    let options = public_url.into_iter().fold(options, RouterOptions::with_server_url);
    let router = dockline_axum::router(dockline, options);
    let limits = args.listener.limits();
    let stopped_at = StoppedAt::default();
    let (shutdown, abort) = ending.begin(move || health.end(), stopped_at.clone());
    let serving = async {
        http_server::serve(listening.api, router, limits, shutdown).await;
        background.abort_all();
        key_usage::write(&usage).await;
        stopped_at.drain(&refresher, limits.shutdown_grace).await;
        // Ended by the drain.
        let _ = refreshing.await;
        tracer.end().await;
        ExitCode::SUCCESS
    };
    Ok(tokio::select! {
        code = serving => code,
        () = abort => ExitCode::FAILURE,
    })
}
