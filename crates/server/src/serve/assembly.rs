//! The parts of `dockline serve`, on its storage and the real GitHub.

use std::sync::Arc;

use dockline::error::BuildError;
use dockline::ports::{Admission, Events, KeyUsage, KeyUsageWriter};
use dockline::{Builder, Dockline, Ports, WebhookSecrets};
use dockline_axum::TracingEvents;
use dockline_github::GithubApp;
use dockline_telemetry::{EventCounters, FanOut, Metered};
use dockline_worker::{SweepOptions, Worker, WorkerBuilder};

use super::options::ServeArgs;
use crate::storage::{AppStorage, Storage};

/// Builds `Dockline` with metrics around every port, and counters and log lines for every event.
///
/// # Errors
/// If the policy needs an OAuth client and none is configured.
pub(super) fn dockline(
    storage: &AppStorage,
    admission: Arc<dyn Admission>,
    github: Arc<GithubApp>,
    webhook_secrets: WebhookSecrets,
    usage: Arc<dyn KeyUsage>,
    with_options: impl FnOnce(Builder) -> Builder,
) -> Result<Dockline, BuildError> {
    let events = [Arc::new(TracingEvents) as Arc<dyn Events>, Arc::new(EventCounters)];
    let builder = Dockline::builder(Ports {
        states: storage.states(),
        bindings: storage.bindings(),
        github: Arc::new(Metered::over(github)),
    })
    .with_admission(admission)
    .with_directory(storage.directory())
    .with_events(Arc::new(FanOut::to(events)))
    .with_key_usage(usage)
    .with_webhook_secrets(webhook_secrets);
    with_options(builder).build()
}

/// Builds the background work that the options ask for.
pub(super) fn worker(
    args: &ServeArgs,
    dockline: Dockline,
    app_storage: &AppStorage,
    github: Arc<GithubApp>,
    usage: Arc<dyn KeyUsageWriter>,
    with_messages: impl FnOnce(WorkerBuilder) -> WorkerBuilder,
) -> Worker {
    let storage = app_storage.all_apps();
    let mut worker =
        Worker::builder(dockline).with_housekeeping(storage.housekeeping()).with_key_usage(usage);
    let probed = storage.clone();
    worker = worker.with_probe("database", move || database(probed.clone()));
    worker = worker.with_probe("schema", move || schema(storage.clone()));
    if let Some(interval) = args.reconcile_every.non_zero() {
        worker = worker.with_sweeper(SweepOptions::default().with_interval(interval));
    }
    if let Some(interval) = args.redeliver_every.non_zero() {
        worker = worker.with_redeliverer(github.clone(), app_storage.redeliveries(), interval);
    }
    if let Some(within) = args.ready_github_within.non_zero() {
        worker = worker.with_github_probe(github, within);
    }
    with_messages(worker).build()
}

/// Checks that the database answers.
async fn database(storage: Storage) -> Result<(), &'static str> {
    storage.health().await.database.map_or(Ok(()), Err)
}

/// Checks that the schema is up to date.
async fn schema(storage: Storage) -> Result<(), &'static str> {
    storage.health().await.schema.map_or(Ok(()), Err)
}
