//! How `dockline serve` ends: at the first signal in good order, at the second at once.

use std::io;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use dockline_worker::WorkerReadiness;
use tokio::time::{Instant, sleep};

use crate::signals::Signals;

/// What webhooks hinted at is followed up for so long at the least, also where requests took all of the grace.
const LEAST_DRAIN: Duration = Duration::from_secs(1);

/// The signals and what they lead to.
#[derive(Debug)]
pub(super) struct Ending {
    first: Signals,
    second: Signals,
    delay: Duration,
}

/// When connections stopped being accepted.
#[derive(Debug, Clone, Default)]
pub(super) struct StoppedAt(Arc<OnceLock<Instant>>);

impl Ending {
    /// Catches signals from now on.
    ///
    /// # Errors
    /// Where the operating system refuses.
    pub(super) fn prepared(delay: Duration) -> io::Result<Self> {
        Ok(Self { first: Signals::caught()?, second: Signals::caught()?, delay })
    }

    /// Done when no more connections are to be accepted; `readiness` says so from the signal on. Then, what is done when
    /// somebody insists by a second one.
    pub(super) fn begin(
        self,
        readiness: Arc<WorkerReadiness>,
        stopped_at: StoppedAt,
    ) -> (impl Future<Output = ()> + Send, impl Future<Output = ()> + Send) {
        let Self { mut first, mut second, delay } = self;
        let told = async move {
            first.next().await;
            readiness.begin_shutdown();
            tracing::info!(?delay, "told to end");
            sleep(delay).await;
            let _ = stopped_at.0.set(Instant::now());
        };
        let insisted = async move {
            second.next().await;
            second.next().await;
            tracing::warn!("told to end at once: what runs is dropped");
        };
        (told, insisted)
    }
}

impl StoppedAt {
    /// Returns the rest of the grace, but at least a second: the time for hints of webhooks.
    pub(super) fn rest(&self, grace: Duration) -> Duration {
        let spent = self.0.get().map_or(Duration::ZERO, Instant::elapsed);
        grace.saturating_sub(spent).max(LEAST_DRAIN)
    }
}
