//! The shutdown of `dockline serve`: graceful at the first signal, immediate at the second.

use std::io;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use dockline_listener::count_signals;
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

/// Minimum time to follow up webhooks, even if requests took all of the grace.
const MIN_DRAIN: Duration = Duration::from_secs(1);

/// The number of signals received, and the time between the first one and the end of accepting connections.
#[derive(Debug)]
pub(super) struct ShutdownSignals {
    signals: watch::Receiver<u32>,
    delay: Duration,
}

/// When the node stopped accepting connections.
#[derive(Debug, Clone, Default)]
pub(super) struct StoppedAt(Arc<OnceLock<Instant>>);

impl ShutdownSignals {
    /// Installs the signal handlers.
    ///
    /// # Errors
    /// If the operating system refuses them.
    pub(super) fn install(delay: Duration) -> io::Result<Self> {
        Ok(Self { signals: count_signals()?, delay })
    }

    /// Returns two futures. The first completes when the node has to stop accepting connections: it calls `report_unready` at
    /// the first signal, then waits for the delay. The second completes at the second signal.
    pub(super) fn begin(
        self,
        report_unready: impl FnOnce() + Send,
        stopped_at: StoppedAt,
    ) -> (impl Future<Output = ()> + Send, impl Future<Output = ()> + Send) {
        let Self { signals, delay } = self;
        let (mut first, mut second) = (signals.clone(), signals);
        let shutdown = async move {
            received(&mut first, 1).await;
            report_unready();
            tracing::info!(?delay, "shutdown began");
            sleep(delay).await;
            let _ = stopped_at.0.set(Instant::now());
        };
        let abort = async move {
            received(&mut second, 2).await;
            tracing::warn!("second signal: open requests are dropped");
        };
        (shutdown, abort)
    }
}

/// Completes once `number` signals were received.
async fn received(signals: &mut watch::Receiver<u32>, number: u32) {
    // Fails only if the runtime is shutting down.
    let _ = signals.wait_for(|count| *count >= number).await;
}

impl StoppedAt {
    /// Returns the rest of the grace, but at least [`MIN_DRAIN`]: the time to follow up webhooks.
    pub(super) fn rest(&self, grace: Duration) -> Duration {
        let spent = self.0.get().map_or(Duration::ZERO, Instant::elapsed);
        grace.saturating_sub(spent).max(MIN_DRAIN)
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use futures_util::FutureExt;
    use tokio::time::advance;

    use super::*;

    const DELAY: Duration = Duration::from_secs(15);

    #[tokio::test(start_paused = true)]
    async fn first_signal_reports_unready_and_stops_accepting_after_the_delay() {
        let (signals, received) = watch::channel(0);
        let (unready, stopped_at) = (OnceLock::new(), StoppedAt::default());
        let handler = ShutdownSignals { signals: received, delay: DELAY };
        let (shutdown, abort) = handler.begin(|| unready.set(()).unwrap(), stopped_at.clone());
        let (mut shutdown, mut abort) = (pin!(shutdown), pin!(abort));
        assert!(shutdown.as_mut().now_or_never().is_none());
        advance(DELAY).await;
        assert!(shutdown.as_mut().now_or_never().is_none() && unready.get().is_none());
        signals.send_replace(1);
        assert!(shutdown.as_mut().now_or_never().is_none() && unready.get().is_some());
        advance(DELAY - Duration::from_millis(1)).await;
        assert!(shutdown.as_mut().now_or_never().is_none());
        assert_eq!(stopped_at.0.get(), None);
        advance(Duration::from_millis(1)).await;
        assert!(shutdown.as_mut().now_or_never().is_some());
        assert_eq!(stopped_at.0.get(), Some(&Instant::now()));
        assert!(abort.as_mut().now_or_never().is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn second_signal_aborts_at_once() {
        let (signals, received) = watch::channel(0);
        let handler = ShutdownSignals { signals: received, delay: DELAY };
        let (shutdown, abort) = handler.begin(|| {}, StoppedAt::default());
        let (mut shutdown, mut abort) = (pin!(shutdown), pin!(abort));
        signals.send_replace(1);
        assert!(shutdown.as_mut().now_or_never().is_none());
        assert!(abort.as_mut().now_or_never().is_none());
        signals.send_replace(2);
        assert!(abort.as_mut().now_or_never().is_some());
        assert!(shutdown.as_mut().now_or_never().is_none(), "the delay is not over");
    }

    #[tokio::test(start_paused = true)]
    async fn drain_gets_the_rest_of_the_grace_and_at_least_a_second() {
        let (grace, stopped_at) = (Duration::from_secs(20), StoppedAt::default());
        assert_eq!(stopped_at.rest(grace), grace);
        stopped_at.0.set(Instant::now()).unwrap();
        advance(Duration::from_secs(8)).await;
        assert_eq!(stopped_at.rest(grace), Duration::from_secs(12));
        advance(Duration::from_secs(60)).await;
        assert_eq!(stopped_at.rest(grace), MIN_DRAIN);
    }
}
