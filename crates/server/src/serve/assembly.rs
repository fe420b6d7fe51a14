//! The parts of `dockline serve`, on PostgreSQL and the real GitHub.

use std::sync::Arc;

use dockline::error::BuildError;
use dockline::ports::Events;
use dockline::{Builder, Dockline, Ports, WebhookSecrets};
use dockline_axum::TracingEvents;
use dockline_github::GithubApp;
use dockline_postgres::{
    AppDatabase, PgAdmission, PgBindingRepo, PgDirectory, PgHousekeeping, PgKeyUsage, PgRedeliveryStore,
    PgStateStore,
};
use dockline_telemetry::{EventCounters, FanOut, Metered};
use dockline_worker::{SweepOptions, Worker, WorkerBuilder};

use super::options::ServeArgs;
use super::probes;
use crate::database::migrator;

/// Builds `Dockline` with metrics around every port, and counters and log lines for every event.
///
/// # Errors
/// If the policy needs an OAuth client and none is configured.
pub(super) fn dockline(
    database: &AppDatabase,
    admission: PgAdmission,
    github: Arc<GithubApp>,
    webhook_secrets: WebhookSecrets,
    usage: PgKeyUsage,
    with_options: impl FnOnce(Builder) -> Builder,
) -> Result<Dockline, BuildError> {
    let events = [Arc::new(TracingEvents) as Arc<dyn Events>, Arc::new(EventCounters)];
    let builder = Dockline::builder(Ports {
        states: Arc::new(Metered::over(PgStateStore::new(database))),
        bindings: Arc::new(Metered::over(PgBindingRepo::new(database))),
        github: Arc::new(Metered::over(github)),
    })
    .with_admission(Arc::new(Metered::over(admission)))
    .with_directory(Arc::new(Metered::over(PgDirectory::new(database))))
    .with_events(Arc::new(FanOut::to(events)))
    .with_key_usage(Arc::new(usage))
    .with_webhook_secrets(webhook_secrets);
    with_options(builder).build()
}

/// Builds the background work that the options ask for.
pub(super) fn worker(
    args: &ServeArgs,
    dockline: Dockline,
    app_database: &AppDatabase,
    github: Arc<GithubApp>,
    usage: PgKeyUsage,
    with_messages: impl FnOnce(WorkerBuilder) -> WorkerBuilder,
) -> Worker {
    let database = app_database.database();
    let mut worker = Worker::builder(dockline)
        .with_housekeeping(Arc::new(PgHousekeeping::new(database)))
        .with_key_usage(Arc::new(usage));
    for (name, probe) in [("database", probes::database as probes::Probe), ("schema", probes::schema)] {
        let migrator = migrator(database);
        worker = worker.with_probe(name, move || probe(migrator.clone()));
    }
    if let Some(interval) = args.reconcile_every.non_zero() {
        worker = worker.with_sweeper(SweepOptions::default().with_interval(interval));
    }
    if let Some(interval) = args.redeliver_every.non_zero() {
        let store = Arc::new(PgRedeliveryStore::new(app_database));
        worker = worker.with_redeliverer(github.clone(), store, interval);
    }
    if let Some(within) = args.ready_github_within.non_zero() {
        worker = worker.with_github_probe(github, within);
    }
    with_messages(worker).build()
}
