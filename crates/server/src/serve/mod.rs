//! `dockline serve`: the API on PostgreSQL or a SQLite file, and the real GitHub.

mod assembly;
mod auth_failures;
pub(crate) mod checks;
pub(crate) mod forward;
pub(crate) mod listener_args;
mod options;
mod shutdown;
mod sockets;

use std::error::Error;
use std::process::ExitCode;
use std::sync::Arc;

use dockline::ports::GithubGateway;
use dockline::{Builder, ClaimPolicy};
use dockline_axum::RouterOptions;
use dockline_github::AppSettings;
use dockline_worker::WorkerBuilder;
use tokio::sync::oneshot;
use tokio::task::JoinSet;

pub use auth_failures::AuthFailureArgs;
pub(crate) use options::check_public_url;
pub use options::{Migrations, PolicyArg, ServeArgs};

use forward::Forwarding;
use shutdown::{ShutdownSignals, StoppedAt};
use sockets::Sockets;

use crate::database::Statements;
use crate::http_server;
use crate::storage::Storage;
use crate::telemetry::{self, Metrics, Sources, Tracer};
use crate::{apps, github_app, logging};

/// Warns if the claim policy depends on memberships, which the App may not see.
fn warn_without_members(policy: PolicyArg, settings: &AppSettings) {
    let needed = matches!(policy, PolicyArg::Installer | PolicyArg::Controlled);
    if needed && !settings.permissions.contains_key("members") {
        let policy = ClaimPolicy::from(policy).as_str();
        tracing::warn!(
            policy,
            "the App lacks the organization permission \"Members: read\", so GitHub does not tell who administers an \
             organization: set it on the App's page, and have each organization accept it"
        );
    }
}

/// Serves until a signal arrives. Then it accepts no more connections, completes the running requests, processes the
/// hints of webhooks and returns. A second signal ends it at once.
///
/// # Errors
/// If it cannot start; each error says what to do.
pub async fn run(args: ServeArgs) -> Result<ExitCode, Box<dyn Error + Send + Sync>> {
    let tracer = Tracer::new(&args.telemetry)?;
    logging::start_with(args.telemetry.log_format, tracer.layer());
    let metrics = Metrics::install()?;
    let signals = ShutdownSignals::install(args.listener.drain_delay.0)?;
    let checks::Checked { storage, github, webhook_secrets, public_url, unsolicited_install_url, forward } =
        checks::all(&args).await?;
    if args.webhook_secret.is_empty() && args.webhook_secret_file.is_empty() {
        tracing::warn!("no --webhook-secret-file: every webhook delivery is rejected");
    }
    if let Err(error) = &github.settings {
        let cause = github_app::cause_and_help(error).0;
        tracing::warn!(%error, cause, "GitHub is unavailable; starting without it");
    }
    if let Ok(settings) = &github.settings {
        warn_without_members(args.claim_policy, settings);
    }
    let storage = storage.open_for_server(args.migrations).await?;
    if let Storage::Postgres(database) = &storage
        && args.database.database_statements == Statements::Prepared
        && database.probe().await.is_ok_and(|facts| facts.pooled)
    {
        tracing::warn!(
            "--database-statements prepared behind a pooler: unless the pooler supports prepared statements, calls return \
             the rows of other statements; auto is safe"
        );
    }
    let github = Arc::new(github.github);
    let app_storage = apps::open(&storage, &github, args.new_app).await?;
    let (forwarding, outbox_of_others) = match forward {
        Some(target) => {
            let pool = |connections| args.database.further_pool(connections);
            let forwarding = Forwarding::open(&app_storage, pool, github.registration().app, target).await?;
            (Some(forwarding), None)
        }
        None => (None, forward::outbox_of_others(&app_storage).await?),
    };
    let (usage, usage_writer) = storage.key_usage();
    let (admission, storage_metrics) = app_storage.admission();
    let policy = args.claim_policy.into();
    let interval = args.reconcile_unverified_for.0;
    let dockline =
        assembly::dockline(&app_storage, admission, github.clone(), webhook_secrets, usage, |builder| {
            let builder = builder.with_policy(policy).with_look_interval(interval);
            let builder = forwarding.iter().fold(builder, |builder, parts| parts.store_deliveries(builder));
            unsolicited_install_url.into_iter().fold(builder, Builder::with_unsolicited_install_url)
        })?;
    let sockets = Sockets::bind(&args).await?;
    sockets.announce(public_url.as_deref(), &storage, args.json)?;
    let worker =
        assembly::worker(&args, dockline.clone(), &app_storage, github.clone(), usage_writer, |worker| {
            let worker = outbox_of_others.into_iter().fold(worker, WorkerBuilder::with_backlog);
            forwarding.iter().fold(worker, |worker, parts| parts.add_to(worker))
        });
    let readiness = worker.readiness();
    let options =
        RouterOptions::default().with_refresh_queue(worker.refresh_queue()).with_readiness(readiness.clone());
    // Aborted when the server has stopped: each part may be cut off at any await.
    let mut background = JoinSet::new();
    let options = tracer.link(options);
    let sources = Sources { dockline: dockline.clone(), github, storage: storage_metrics };
    let exposition = metrics.exposition(sources);
    if let Some(socket) = sockets.metrics {
        background.spawn(telemetry::serve_metrics(socket, exposition.clone()));
    }
    background.spawn(telemetry::count_bindings(app_storage.binding_counter(), metrics));
    let options = if sockets.metrics_on_api { options.with_metrics(exposition) } else { options };
    let options = match args.auth_failures.limit() {
        Some(limit) => options.with_auth_failure_limit(limit),
        None => options,
    };
    let options = options.with_tenant_headers(args.tenant_header.clone());
    let options = public_url.into_iter().fold(options, RouterOptions::with_public_url);
    let router = dockline_axum::router(dockline, options)?;
    let limits = args.listener.limits();
    let stopped_at = StoppedAt::default();
    let (shutdown, abort) = signals.begin(move || readiness.begin_shutdown(), stopped_at.clone());
    let (stop, stopped) = oneshot::channel();
    let worker = tokio::spawn(worker.run_until(async { stopped.await.unwrap_or_default() }));
    let serving = async {
        http_server::serve(sockets.api, router, limits, shutdown).await;
        background.abort_all();
        let _ = stop.send(stopped_at.rest(limits.shutdown_grace));
        let _ = worker.await;
        storage.close().await;
        tracer.shutdown().await;
        ExitCode::SUCCESS
    };
    Ok(tokio::select! {
        code = serving => code,
        () = abort => ExitCode::FAILURE,
    })
}
