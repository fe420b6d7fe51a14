//! A worker on memory stores and a scripted GitHub.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use dockline::ports::{BindingRepo, ManualClock, RefreshQueue};
use dockline::{Dockline, InstallationId, PortErrorKind};
use dockline_memory::MemoryBindingRepo;
use dockline_testkit::fixtures::NOON;
use dockline_worker::{Refresher, Worker, WorkerBuilder, WorkerReadiness};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::github::Scripted;

pub(crate) struct Scene {
    pub(crate) github: Arc<Scripted>,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) refresher: Arc<Refresher>,
    pub(crate) readiness: Arc<WorkerReadiness>,
    pub(crate) worker: JoinHandle<usize>,
    shutdown: Option<oneshot::Sender<Duration>>,
}

/// A `Dockline` on these ports, whose clock shows two hours after noon.
pub(crate) fn dockline(
    github: Arc<Scripted>,
    bindings: Arc<dyn BindingRepo>,
) -> (Dockline, Arc<ManualClock>) {
    let clock = Arc::new(ManualClock::starting_at(NOON + time::Duration::hours(2)));
    let builder = Dockline::for_jobs(bindings, github).with_clock(clock.clone());
    (builder.build().unwrap(), clock)
}

impl Scene {
    /// Starts a worker with the parts that `configure` adds.
    pub(crate) fn start(
        errors: &[(u64, &[PortErrorKind])],
        configure: impl FnOnce(WorkerBuilder, Arc<Scripted>) -> WorkerBuilder,
    ) -> Self {
        Self::on(Arc::new(MemoryBindingRepo::new()), errors, configure)
    }

    /// Starts a worker on these bindings.
    pub(crate) fn on(
        bindings: Arc<dyn BindingRepo>,
        errors: &[(u64, &[PortErrorKind])],
        configure: impl FnOnce(WorkerBuilder, Arc<Scripted>) -> WorkerBuilder,
    ) -> Self {
        let github = Arc::new(Scripted::new(errors));
        let (dockline, clock) = dockline(github.clone(), bindings);
        let builder = Worker::builder(dockline).with_clock(clock.clone());
        let worker = configure(builder, github.clone()).build();
        let (refresher, readiness) = (worker.refresh_queue(), worker.readiness());
        let (shutdown, stopped) = oneshot::channel();
        let worker = tokio::spawn(worker.run_until(async { stopped.await.unwrap() }));
        Self { github, clock, refresher, readiness, worker, shutdown: Some(shutdown) }
    }

    pub(crate) fn hint(&self, installation: u64) {
        self.refresher.enqueue(InstallationId::new(installation).unwrap());
    }

    pub(crate) async fn until_looked_up(&self, times: usize) {
        while self.github.lookups().len() < times {
            tokio::task::yield_now().await;
        }
    }

    pub(crate) fn begin_shutdown(&mut self, drain_timeout: Duration) {
        self.shutdown.take().unwrap().send(drain_timeout).unwrap();
    }

    /// Shuts down; returns the number of lost hints and the duration.
    pub(crate) async fn shut_down(mut self, drain_timeout: Duration) -> (usize, Duration) {
        let started = Instant::now();
        self.begin_shutdown(drain_timeout);
        let left = self.worker.await.unwrap();
        (left, started.elapsed())
    }
}

/// The times of calls, in whole seconds since the start.
#[derive(Debug)]
pub(crate) struct Times(Instant, Mutex<Vec<u64>>);

impl Times {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self(Instant::now(), Mutex::default()))
    }

    /// Records a call and returns the number of calls before it.
    pub(crate) fn record(&self) -> usize {
        let mut times = self.1.lock().unwrap();
        times.push(self.0.elapsed().as_secs());
        times.len() - 1
    }

    pub(crate) fn get(&self) -> Vec<u64> {
        self.1.lock().unwrap().clone()
    }
}
