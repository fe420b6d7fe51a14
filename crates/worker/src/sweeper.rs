use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use dockline::ports::{Clock, Entropy};
use dockline::{Dockline, PortError};
use metrics::{counter, gauge};
use tokio::time::{Instant, sleep, sleep_until, timeout_at};

use crate::jitter::fraction;
use crate::metric_names::{SWEEP_BINDINGS, SWEEP_LAST_SUCCESS, SWEEP_PAUSE, SWEEPS};
use crate::sweep::{Sweep, SweepOutcome, SweepTotals};

/// Options of the periodic sweeps.
#[derive(Debug, Clone, Copy)]
pub struct SweepOptions {
    interval: Duration,
    limit: u64,
}

impl Default for SweepOptions {
    /// Every 15 minutes, the bindings whose next look is due, at most 5,000 of them.
    fn default() -> Self {
        Self { interval: Duration::from_secs(15 * 60), limit: 5_000 }
    }
}

impl SweepOptions {
    /// Sets the time between the starts of two sweeps; at least a second. Each one is varied by up to 10 %, so that nodes
    /// do not sweep in step.
    #[must_use]
    pub const fn with_interval(mut self, interval: Duration) -> Self {
        self.interval = if interval.as_secs() == 0 { Duration::from_secs(1) } else { interval };
        self
    }

    /// Sets the largest number of bindings per sweep.
    #[must_use]
    pub const fn with_limit(mut self, limit: u64) -> Self {
        self.limit = limit;
        self
    }
}

/// Sweeps periodically. Every node sweeps: bindings that one node has refreshed are not due for the others, and if two
/// sweeps overlap, some bindings are checked twice.
#[derive(Debug)]
pub(crate) struct Sweeper<'a> {
    pub(crate) dockline: &'a Dockline,
    pub(crate) options: SweepOptions,
    pub(crate) clock: &'a Arc<dyn Clock>,
    pub(crate) entropy: &'a dyn Entropy,
}

impl Sweeper<'_> {
    pub(crate) async fn run(&self) -> Infallible {
        let interval = self.options.interval;
        // Nodes that start together must not sweep together.
        sleep(interval.mul_f64(fraction(self.entropy))).await;
        loop {
            let next = Instant::now() + interval.mul_f64(0.9 + 0.2 * fraction(self.entropy));
            // If a sweep waits for GitHub's rate limit, it ends when the next one is due, which continues where this
            // one stopped.
            let outcome = timeout_at(next, self.sweep()).await.unwrap_or_else(|_| {
                tracing::warn!("a sweep was cut off by the next one");
                "cut_off"
            });
            counter!(SWEEPS, "outcome" => outcome).increment(1);
            if outcome == "through" {
                #[expect(clippy::cast_precision_loss, reason = "exact for two hundred million years")]
                gauge!(SWEEP_LAST_SUCCESS).set(self.clock.now().unix_timestamp() as f64);
            }
            sleep_until(next).await;
        }
    }

    /// Runs one sweep and returns its outcome as a label.
    async fn sweep(&self) -> &'static str {
        let mut sweep = Sweep::due(Arc::clone(self.clock), Some(self.options.limit));
        let mut counted = SweepTotals::default();
        let outcome = sweep.run::<PortError>(self.dockline, |progress| {
            count(progress.totals, counted);
            counted = progress.totals;
            for (installation, error) in progress.failed {
                tracing::warn!(%installation, error, "the sweep could not refresh an installation");
            }
            let pause = progress.pause.unwrap_or_default();
            gauge!(SWEEP_PAUSE).set(pause.as_secs_f64());
            if pause >= self.options.interval {
                // The next sweep is due first: bindings go stale faster than GitHub's limit allows to check them.
                tracing::warn!(?pause, totals = ?progress.totals, "the sweep waits for GitHub longer than its interval");
            } else if !pause.is_zero() {
                tracing::info!(?pause, totals = ?progress.totals, "the sweep waits for GitHub");
            }
            Ok(())
        });
        let outcome = outcome.await;
        let totals = sweep.totals();
        match outcome {
            Ok(outcome @ (SweepOutcome::Complete | SweepOutcome::LimitReached)) => {
                if totals.asked() > 0 {
                    tracing::info!(?totals, "sweep finished");
                }
                if outcome == SweepOutcome::Complete { "through" } else { "enough" }
            }
            Ok(SweepOutcome::GivenUp(error)) => {
                tracing::warn!(?totals, error, "the sweep was given up; the next one continues");
                "given_up"
            }
            Err(error) => {
                tracing::warn!(%error, cause = error.causes(), "sweeping failed; will be retried later");
                "failed"
            }
        }
    }
}

/// Adds the difference of two totals to the counters.
fn count(now: SweepTotals, before: SweepTotals) {
    for (outcome, bindings) in [
        ("active", now.active - before.active),
        ("suspended", now.suspended - before.suspended),
        ("missing", now.missing - before.missing),
        ("held", now.held - before.held),
        ("uninstalled", now.uninstalled - before.uninstalled),
        ("account_changed", now.account_changed - before.account_changed),
        ("failed", now.failed - before.failed),
    ] {
        counter!(SWEEP_BINDINGS, "outcome" => outcome).increment(bindings);
    }
}
