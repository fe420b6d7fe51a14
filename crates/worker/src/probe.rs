use std::convert::Infallible;
use std::fmt;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use metrics::counter;
use tokio::time::{Instant, sleep, timeout};

use crate::metric_names::PANICS;
use crate::readiness::{Verdict, WorkerReadiness};

/// Time between two runs of a probe.
const INTERVAL: Duration = Duration::from_secs(5);

/// Longest run of a probe.
const DEADLINE: Duration = Duration::from_secs(5);

/// How long a result counts: several probes, so that one delayed run does not make the node unready.
const MAX_AGE: Duration = Duration::from_secs(30);

type Run = dyn Fn() -> BoxFuture<'static, Result<(), &'static str>> + Send + Sync;

/// A check of the host's own, run every five seconds.
#[derive(Clone)]
pub(crate) struct Probe {
    pub(crate) name: &'static str,
    run: Arc<Run>,
}

impl Probe {
    /// The verdict before the first run.
    pub(crate) const INITIAL: Verdict = Verdict::Failing("not_checked_yet");

    pub(crate) fn new<F>(name: &'static str, run: impl Fn() -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<(), &'static str>> + Send + 'static,
    {
        Self { name, run: Arc::new(move || run().boxed()) }
    }

    pub(crate) async fn watch(&self, readiness: &WorkerReadiness) -> Infallible {
        loop {
            readiness.set(self.name, self.verdict().await);
            sleep(INTERVAL).await;
        }
    }

    async fn verdict(&self) -> Verdict {
        let run = AssertUnwindSafe(async { timeout(DEADLINE, (self.run)()).await });
        match run.catch_unwind().await {
            Ok(Ok(Ok(()))) => Verdict::PassingUntil(Instant::now() + MAX_AGE, "outdated"),
            Ok(Ok(Err(cause))) => Verdict::Failing(cause),
            Ok(Err(_)) => Verdict::Failing("timed_out"),
            Err(_) => {
                tracing::error!(check = self.name, "a readiness probe panicked");
                counter!(PANICS, "part" => "probe").increment(1);
                Verdict::Failing("panicked")
            }
        }
    }
}

impl fmt::Debug for Probe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Probe").field(&self.name).finish()
    }
}
