use std::convert::Infallible;
use std::future::pending;
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use dockline::Dockline;
use dockline::ports::{
    Clock, DeliveryLog, Entropy, GithubGateway, Housekeeping, KeyUsageWriter, MessageSender, OsEntropy,
    Outbox, RedeliveryStore, SystemClock,
};
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, join_all};
use tokio::time::timeout;

use crate::forwarder::{ForwardOptions, ForwardParts, Forwarder, measure_backlog};
use crate::github_probe::GithubProbe;
use crate::housekeeper::{purge_periodically, write_key_usage, write_key_usage_periodically};
use crate::probe::Probe;
use crate::readiness::WorkerReadiness;
use crate::redeliverer::{Redeliverer, Redelivery};
use crate::refresher::{RefreshOptions, Refresher};
use crate::supervise::supervise;
use crate::sweeper::{SweepOptions, Sweeper};

/// The background work of one host. Dropping it, or the future of [`run`](Self::run), ends all parts at once.
#[derive(Debug)]
#[must_use = "does nothing unless it runs"]
pub struct Worker {
    parts: Parts,
    refresher: Arc<Refresher>,
    forwarder: Option<Forwarder>,
    readiness: Arc<WorkerReadiness>,
    _end: EndOnDrop,
}

/// Configures a [`Worker`].
#[derive(Debug)]
#[must_use = "call build()"]
pub struct WorkerBuilder(Parts);

#[derive(Debug)]
struct Parts {
    dockline: Dockline,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    refresh: RefreshOptions,
    sweep: Option<SweepOptions>,
    redelivery: Option<Redelivery>,
    housekeeping: Option<Arc<dyn Housekeeping>>,
    key_usage: Option<Arc<dyn KeyUsageWriter>>,
    forward: Option<ForwardParts>,
    backlog: Option<Arc<dyn Outbox>>,
    probes: Vec<Probe>,
    github_probe: Option<GithubProbe>,
    drain_timeout: Duration,
}

impl Worker {
    /// A worker that only processes hints; each `with_…` method adds a part. The drain timeout is ten seconds.
    pub fn builder(dockline: Dockline) -> WorkerBuilder {
        WorkerBuilder(Parts {
            dockline,
            clock: Arc::new(SystemClock),
            entropy: Arc::new(OsEntropy),
            refresh: RefreshOptions::default(),
            sweep: None,
            redelivery: None,
            housekeeping: None,
            key_usage: None,
            forward: None,
            backlog: None,
            probes: Vec::new(),
            github_probe: None,
            drain_timeout: Duration::from_secs(10),
        })
    }

    /// Returns the queue for `dockline_axum::RouterOptions::with_refresh_queue`, or for the host's own webhook route.
    #[must_use]
    pub fn refresh_queue(&self) -> Arc<Refresher> {
        Arc::clone(&self.refresher)
    }

    /// Returns the readiness for `dockline_axum::RouterOptions::with_readiness`, or for the host's own route.
    #[must_use]
    pub fn readiness(&self) -> Arc<WorkerReadiness> {
        Arc::clone(&self.readiness)
    }

    /// Runs all parts until `shutdown` completes, then ends them within the drain timeout: processes the pending hints,
    /// writes key usage a last time, ends the attempts to send messages and releases their queues. Complete `shutdown` after the host's server has stopped, since webhooks that
    /// are still being answered may add hints.
    ///
    /// Returns the number of hints that were not processed and are left to the next sweep of any node.
    pub async fn run(self, shutdown: impl Future<Output = ()> + Send) -> usize {
        let drain_timeout = self.parts.drain_timeout;
        self.run_until(shutdown.map(|()| drain_timeout)).await
    }

    /// Like [`run`](Self::run), with the drain timeout that `shutdown` returns: for a host whose server and worker share
    /// one grace period.
    pub async fn run_until(self, shutdown: impl Future<Output = Duration> + Send) -> usize {
        let Self { parts, refresher, forwarder, readiness, _end } = self;
        let mut refreshing = pin!(supervise("refresher", || refresher.run(&parts.dockline)));
        let mut forwarding = pin!(async {
            match &forwarder {
                Some(forwarder) => supervise("forwarder", || forwarder.run()).await,
                None => pending().await,
            }
        });
        let periodic = async {
            join_all(parts.periodic(&readiness)).await;
            pending::<Infallible>().await
        };
        let drain_timeout = tokio::select! {
            drain_timeout = shutdown => drain_timeout,
            never = periodic => match never {},
            never = &mut refreshing => match never {},
            never = &mut forwarding => match never {},
        };
        readiness.begin_shutdown();
        let forwarded = async {
            if let Some(forwarder) = &forwarder {
                forwarder.drain(drain_timeout).await;
            }
        };
        let end = async {
            tokio::join!(refresher.drain(drain_timeout), parts.write_last(drain_timeout), forwarded).0
        };
        tokio::select! {
            left = end => left,
            never = refreshing => match never {},
            never = forwarding => match never {},
        }
    }
}

impl Parts {
    /// The parts that end with the shutdown. Each may be cut off at any await: a port's call is atomic, and the next run
    /// continues from there.
    fn periodic<'a>(&'a self, readiness: &'a WorkerReadiness) -> Vec<BoxFuture<'a, Infallible>> {
        let mut parts = Vec::new();
        if let Some(options) = self.sweep {
            let (dockline, clock, entropy) = (&self.dockline, &self.clock, &*self.entropy);
            let sweeper = Sweeper { dockline, options, clock, entropy };
            parts.push(async move { supervise("sweeper", || sweeper.run()).await }.boxed());
        }
        if let Some(redelivery) = &self.redelivery {
            let (dockline, clock, entropy) = (&self.dockline, &*self.clock, &*self.entropy);
            let redeliverer = Redeliverer { dockline, redelivery, clock, entropy };
            parts.push(async move { supervise("redeliverer", || redeliverer.run()).await }.boxed());
        }
        if let Some(housekeeping) = &self.housekeeping {
            let purge = || purge_periodically(&**housekeeping, &*self.clock);
            parts.push(supervise("housekeeper", purge).boxed());
        }
        if let Some(usage) = &self.key_usage {
            parts.push(supervise("key_usage", || write_key_usage_periodically(&**usage)).boxed());
        }
        if let Some(outbox) = &self.backlog {
            parts.push(supervise("backlog", || measure_backlog(&**outbox, &*self.clock)).boxed());
        }
        for probe in &self.probes {
            parts.push(supervise("probe", || probe.watch(readiness)).boxed());
        }
        if let Some(probe) = &self.github_probe {
            parts.push(supervise("probe", || probe.watch(readiness)).boxed());
        }
        parts
    }

    /// Writes key usage a last time.
    async fn write_last(&self, limit: Duration) {
        let Some(usage) = &self.key_usage else { return };
        match timeout(limit, AssertUnwindSafe(write_key_usage(&**usage)).catch_unwind()).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) => tracing::error!(part = "key_usage", "a background part panicked"),
            Err(_) => tracing::warn!("writing key usage timed out"),
        }
    }
}

impl WorkerBuilder {
    /// Sets how hints are processed.
    pub const fn with_refresh_options(mut self, options: RefreshOptions) -> Self {
        self.0.refresh = options;
        self
    }

    /// Adds periodic sweeps over stale bindings. Every host needs them, here or by its own timer: webhooks get lost, and
    /// GitHub sends none about a suspended installation.
    pub const fn with_sweeper(mut self, options: SweepOptions) -> Self {
        self.0.sweep = Some(options);
        self
    }

    /// Adds scans of GitHub's delivery log, which ask GitHub to send failed deliveries again: GitHub never does so by itself.
    /// Every host with webhooks needs them, on all nodes. `interval` is the time between two scans, such as three minutes, at
    /// least a second; each one is varied by up to 10 %.
    pub fn with_redeliverer(
        mut self,
        log: Arc<dyn DeliveryLog>,
        store: Arc<dyn RedeliveryStore>,
        interval: Duration,
    ) -> Self {
        let interval = interval.max(Duration::from_secs(1));
        self.0.redelivery = Some(Redelivery { log, store, interval });
        self
    }

    /// Adds a purge of expired rows, every ten minutes.
    pub fn with_housekeeping(mut self, housekeeping: Arc<dyn Housekeeping>) -> Self {
        self.0.housekeeping = Some(housekeeping);
        self
    }

    /// Adds the writing of key usage, once a minute and at the shutdown.
    pub fn with_key_usage(mut self, usage: Arc<dyn KeyUsageWriter>) -> Self {
        self.0.key_usage = Some(usage);
        self
    }

    /// Adds the forwarding of the outbox's messages to the product, and the gauges of its backlog. An outbox has one
    /// consumer: do not use a forwarder if the host consumes the outbox itself. Several nodes with this part share the
    /// queues.
    pub fn with_forwarder(
        mut self,
        outbox: Arc<dyn Outbox>,
        sender: Arc<dyn MessageSender>,
        options: ForwardOptions,
    ) -> Self {
        self.0.forward = Some(ForwardParts { outbox: Arc::clone(&outbox), sender, options });
        self.with_backlog(outbox)
    }

    /// Adds the gauges of an outbox's backlog, and a warning once an hour if a message has waited for a day: for a host that
    /// consumes the outbox itself. [`with_forwarder`](Self::with_forwarder) includes it.
    pub fn with_backlog(mut self, outbox: Arc<dyn Outbox>) -> Self {
        self.0.backlog = Some(outbox);
        self
    }

    /// Adds a readiness check that runs every five seconds, at most for five seconds. `Err` is the cause that `/readyz`
    /// shows: a stable, lower-case word such as `unreachable`. The check fails with `not_checked_yet` before its first
    /// result, with `timed_out` or `panicked`, and with `outdated` if there has been no result for 30 seconds.
    pub fn with_probe<F>(mut self, name: &'static str, probe: impl Fn() -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<(), &'static str>> + Send + 'static,
    {
        self.0.probes.push(Probe::new(name, probe));
        self
    }

    /// Adds the readiness check `github`: GitHub must have accepted the App's credential during the last `within`. It is
    /// asked once a minute. The check fails with `not_accepted_yet`, `refused` or `unreachable`.
    pub fn with_github_probe(mut self, github: Arc<dyn GithubGateway>, within: Duration) -> Self {
        self.0.github_probe = Some(GithubProbe { github, within });
        self
    }

    /// Sets how long [`Worker::run`] takes to end after the shutdown.
    pub const fn with_drain_timeout(mut self, timeout: Duration) -> Self {
        self.0.drain_timeout = timeout;
        self
    }

    /// Sets the clock; it must be the clock of the [`Dockline`].
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.0.clock = clock;
        self
    }

    /// Sets the source of randomness, which spreads the sweeps, scans and retries of several nodes.
    pub fn with_entropy(mut self, entropy: Arc<dyn Entropy>) -> Self {
        self.0.entropy = entropy;
        self
    }

    /// Builds the worker. Nothing runs before [`Worker::run`].
    pub fn build(self) -> Worker {
        let Self(parts) = self;
        let refresher = Arc::new(Refresher::new(parts.refresh));
        let probes = parts.probes.iter().map(|probe| (probe.name, Probe::INITIAL));
        let github = parts.github_probe.iter().map(|_| (GithubProbe::NAME, GithubProbe::INITIAL));
        let readiness = Arc::new(WorkerReadiness::new(Arc::clone(&parts.clock), probes.chain(github)));
        let forwarder = parts
            .forward
            .clone()
            .map(|forward| Forwarder::new(forward, Arc::clone(&parts.clock), Arc::clone(&parts.entropy)));
        let end = EndOnDrop { refresher: Arc::clone(&refresher), readiness: Arc::clone(&readiness) };
        Worker { parts, refresher, forwarder, readiness, _end: end }
    }
}

/// Marks the end for all holders of handles, whichever way the worker ends.
#[derive(Debug)]
struct EndOnDrop {
    refresher: Arc<Refresher>,
    readiness: Arc<WorkerReadiness>,
}

impl Drop for EndOnDrop {
    fn drop(&mut self) {
        self.refresher.end();
        self.readiness.begin_shutdown();
    }
}
